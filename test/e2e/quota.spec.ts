import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium, firefox, type Page, test } from '@playwright/test';
import { launchOptions } from '../atrest/launch.ts';
import { expect, openApp, serveSite } from './app.ts';

/** Opens the application in a browser that gives its origin little room. */
async function openWithQuota(profile: string, url: string): Promise<[BrowserContext, Page]> {
  if (test.info().project.name === 'chromium') {
    const { launchOptions: launch, ...use } = launchOptions('chromium');
    const context = await chromium.launchPersistentContext(profile, { ...use, ...launch });
    const page = await context.newPage();
    await openApp(page, url);
    const devtools = await context.newCDPSession(page);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: new URL(url).origin, quotaSize: 8 << 20 });
    return [context, page];
  }
  const { launchOptions: launch, ...use } = launchOptions('firefox');
  const prefs = 'firefoxUserPrefs' in launch ? launch.firefoxUserPrefs : {};
  const firefoxUserPrefs = { ...prefs, 'dom.quotaManager.temporaryStorage.fixedLimit': 20 << 10 }; // KB
  const context = await firefox.launchPersistentContext(profile, { ...use, ...launch, firefoxUserPrefs });
  const page = await context.newPage();
  await openApp(page, url);
  return [context, page];
}

test('a full disk is ERR_QUOTA, and nothing is lost or half written', async () => {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'idbvault-quota-'));
  const site = await serveSite({ '/some/folder/': 'web/dist' });
  const [context, page] = await openWithQuota(profile, site.url);
  const result = await page.evaluate(async () => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret: 'correct horse battery' });
    const random = (size: number) => {
      const bytes = new Uint8Array(size);
      for (let i = 0; i < size; i += 65_536) crypto.getRandomValues(bytes.subarray(i, i + 65_536));
      return bytes;
    };
    await storage.setEncrypted('old', 'kept', 'phi');
    const single = await codeOf(() => storage.setEncrypted('old', random(32 << 20), 'phi'));
    const batch = await codeOf(() =>
      storage.setManyEncrypted([
        { key: 'new', value: 'of a batch that does not fit' },
        { key: 'old', value: random(32 << 20) },
      ]),
    );
    return {
      single,
      batch,
      read: await storage.getManyDecrypted(['old', 'new']),
      count: await storage.count(),
      // Room is made by a small value, and by a delete.
      small: await codeOf(() => storage.setEncrypted('old', 'small', 'phi')),
      deleted: await codeOf(() => storage.delete('old')),
    };
  });
  expect(result).toEqual({
    single: 'ERR_QUOTA',
    batch: 'ERR_QUOTA',
    read: ['kept', null],
    count: 1,
    small: 'no error',
    deleted: 'no error',
  });
  await context.close();
  await site.close();
  fs.rmSync(profile, { recursive: true, force: true });
});
