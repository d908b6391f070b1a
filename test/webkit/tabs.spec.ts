import type { Page } from '@playwright/test';
import { openApp } from '../e2e/app.ts';
import { expect, openVault, test } from './test.ts';

declare global {
  // What a window heard.
  var heard: string[];
}

for (const runIn of ['main', 'worker'] as const)
  test(`a window hears what another writes, and a lock locks both, in ${runIn}`, async ({ page, webkit, site }) => {
    await openVault(page, site, { runIn });
    await page.evaluate(() => {
      globalThis.heard = [];
      storage.subscribe(null, ({ type, key, remote }) => heard.push(`${type} ${key} ${remote ? 'there' : 'here'}`));
    });
    const other = await webkit.newPage();
    await openVault(other, site, { runIn });
    await other.evaluate(async () => {
      await storage.setEncrypted('a', 'of the other window', 'phi');
      await storage.delete('a');
      await storage.setEncrypted('b', 'stays', 'phi');
    });
    await expect.poll(() => page.evaluate(() => heard)).toEqual(['set a there', 'delete a there', 'set b there']);
    expect(await page.evaluate(() => storage.getDecrypted('b'))).toBe('stays');
    await page.evaluate(() => storage.lock());
    await expect.poll(() => other.evaluate(() => storage.locked)).toBe(true);
    expect(await other.evaluate(() => codeOf(() => storage.getDecrypted('b')))).toBe('ERR_LOCKED');
    await other.evaluate(() => storage.unlock(new Uint8Array(32).fill(7)));
    expect(await other.evaluate(() => storage.getDecrypted('b'))).toBe('stays');
    expect(await page.evaluate(() => storage.locked)).toBe(true);
  });

// A SharedWorker of WebKitGTK 2.50 cannot take a key, so that it has nothing to give.
test('with a session of the origin every window is asked, and none waits for it', async ({ page, webkit, site }) => {
  const open = (tab: Page) =>
    tab.evaluate(async () => {
      let asked = 0;
      const secret = () => {
        asked++;
        return new Uint8Array(32).fill(7);
      };
      const began = performance.now();
      const options = { secret, iterations: 250_000, session: 'origin' } as const;
      globalThis.storage = await idbvault.createEncryptedStorage('db', 'store', options);
      return [asked, performance.now() - began];
    });
  await openApp(page, site.url);
  console.log(await open(page));
  await page.evaluate(() => storage.setEncrypted('a', 'A', 'phi'));
  const other = await webkit.newPage();
  await openApp(other, site.url);
  console.log(await open(other));
  expect(await other.evaluate(() => storage.getDecrypted('a'))).toBe('A');
  await page.evaluate(() => storage.lock());
  await expect.poll(() => other.evaluate(() => storage.locked)).toBe(true);
});

test('a vault locks by itself when its page was not used, and when it is left', async ({ page, site }) => {
  await openVault(page, site, { autoLock: { idleMs: 1000, onPageHide: true } });
  await expect.poll(() => page.evaluate(() => storage.locked)).toBe(true);
});
