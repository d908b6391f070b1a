import fs from 'node:fs';
import { test as base, expect, type Page } from '@playwright/test';
import type { EncryptedStorage, StorageOptions } from '../../web/src/index.ts';
import { openApp, type Site, serveSite } from '../e2e/app.ts';
import { missing, startDisplay, WebKit } from './webkit.ts';

// Where scripts/install.sh installs WebKitGTK, it must be there.
const lacks = missing();
const isInstalledHere = process.getuid?.() === 0 && /debian/i.test(read('/etc/os-release'));

function read(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
}

interface Each {
  /** Those of WebKit that are off by default, and on in a test. */
  features: string[];
  webkit: WebKit;
  page: Page;
}

interface All {
  display: string;
  site: Site;
}

/** Tests with an empty window of a WebKitGTK of their own in `page`, which fail when a page logged an error or broke its policy. */
export const test = base.extend<Each, All>({
  features: [[], { option: true }],
  display: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern
    async ({}, use) => {
      if (lacks && !isInstalledHere) {
        console.log(`WebKitGTK is not tested. Missing: ${lacks}. On Debian, root has scripts/install.sh install it.`);
        return use('');
      }
      const { name, end } = await startDisplay();
      await use(name);
      await end();
    },
    { scope: 'worker' },
  ],
  site: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern
    async ({}, use) => {
      const site = await serveSite({ '/some/folder/': 'web/dist' });
      await use({ ...site, url: site.url.replace('127.0.0.1', 'localhost') });
      await site.close();
    },
    { scope: 'worker' },
  ],
  webkit: async ({ display, features }, use, info) => {
    info.skip(!display, `Missing: ${lacks}`);
    const webkit = new WebKit(display, features);
    await use(webkit);
    const { complaints } = webkit;
    await webkit.end();
    expect(complaints).toEqual([]);
  },
  page: async ({ webkit }, use) => use(await webkit.newPage()),
});

declare global {
  var storage: EncryptedStorage;
}

/** Opens the application and, under a key and not a passphrase, its vault, as `storage`. */
export async function openVault(page: Page, site: Site, options: StorageOptions = {}): Promise<void> {
  await openApp(page, site.url);
  await page.evaluate(async (options) => {
    const secret = new Uint8Array(32).fill(7);
    globalThis.storage = await idbvault.createEncryptedStorage('db', 'store', {
      secret,
      iterations: 250_000,
      ...options,
    });
  }, options);
}

export { expect };
