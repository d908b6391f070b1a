import fs from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { build, type Plugin } from 'esbuild';
import { test as base, openApp, type Site, serveSite } from '../e2e/app.ts';

const dist = path.resolve('web/dist');

/** Finds the persisters where they are built. They share the index.js that the page has. */
const asPublished: Plugin = {
  name: 'as it is published',
  setup(b) {
    b.onResolve({ filter: /^idbvault\// }, ({ path: name }) => ({ path: path.join(dist, `${name.slice(9)}.js`) }));
    b.onResolve({ filter: /^(idbvault|\.\.\/index\.js)$/ }, ({ importer, path: name }) =>
      name === 'idbvault' || importer.startsWith(dist) ? { path: '/some/folder/index.js', external: true } : undefined,
    );
  },
};

/** Tests with the persisters and their libraries at hand, as page.ts has them. */
export const test = base.extend<{ page: Page }, { site: Site; folders: Record<string, string> }>({
  folders: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern
    async ({}, use, { workerIndex }) => {
      const outdir = path.resolve('build', 'persist', String(workerIndex));
      await build({
        entryPoints: [path.join(import.meta.dirname, 'page.ts')],
        outdir,
        bundle: true,
        splitting: true,
        format: 'esm',
        target: 'es2022',
        logLevel: 'error',
        define: { 'process.env.NODE_ENV': '"production"' },
        plugins: [asPublished],
      });
      await use({ '/some/folder/': 'web/dist', '/persist/': outdir });
      fs.rmSync(outdir, { recursive: true });
    },
    { scope: 'worker' },
  ],
  site: [
    async ({ folders }, use) => {
      const site = await serveSite(folders);
      await use(site);
      await site.close();
    },
    { scope: 'worker' },
  ],
  page: async ({ page }, use) => {
    await loadLibraries(page);
    await use(page);
  },
});

export async function loadLibraries(page: Page): Promise<void> {
  await page.evaluate(() => import(`${location.origin}/persist/page.js`));
}

/** Loads the page anew: its vaults are locked, and what it had in memory is gone. */
export async function reload(page: Page, site: Site): Promise<void> {
  await openApp(page, site.url);
  await loadLibraries(page);
}

/** Opens another tab, with the libraries at hand. */
export async function secondTab(page: Page, site: Site): Promise<Page> {
  const other = await page.context().newPage();
  await openApp(other, site.url);
  await loadLibraries(other);
  return other;
}

/** Tells how many records a vault has on the disk, and whether a text is found in its database. */
export function onDisk(page: Page, database: string, text: string): Promise<{ records: number; inClear: boolean }> {
  return page.evaluate(
    async ([database, text]) => {
      const tables = await Promise.all(
        ['keyring', 'records', 'chunks', 'journal', 'audit'].map((table) => raw.entries(database, table)),
      );
      const decoder = new TextDecoder('latin1');
      const stored = tables.flat(2).map((bytes) => decoder.decode(bytes));
      return { records: tables[1]?.length ?? 0, inClear: stored.some((s) => s.includes(text)) };
    },
    [database, text] as const,
  );
}

export { expect } from '@playwright/test';
