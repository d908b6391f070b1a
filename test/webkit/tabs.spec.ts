import { openApp } from '../e2e/app.ts';
import { expect, openVault, test } from './test.ts';

declare global {
  // What a window heard.
  var heardHere: string[];
}

for (const runIn of ['main', 'worker'] as const)
  test(`a window hears what another writes, and a lock locks both, in ${runIn}`, async ({ page, webkit, site }) => {
    await openVault(page, site, { runIn });
    await page.evaluate(() => {
      globalThis.heardHere = [];
      storage.subscribe(null, ({ type, key, remote }) => heardHere.push(`${type} ${key} ${remote ? 'there' : 'here'}`));
    });
    const other = await webkit.newPage();
    await openVault(other, site, { runIn });
    await other.evaluate(async () => {
      await storage.setEncrypted('a', 'of the other window', 'phi');
      await storage.delete('a');
      await storage.setEncrypted('b', 'stays', 'phi');
    });
    await expect.poll(() => page.evaluate(() => heardHere)).toEqual(['set a there', 'delete a there', 'set b there']);
    expect(await page.evaluate(() => storage.getDecrypted('b'))).toBe('stays');
    await page.evaluate(() => storage.lock());
    await expect.poll(() => other.evaluate(() => storage.locked)).toBe(true);
    expect(await other.evaluate(() => codeOf(() => storage.getDecrypted('b')))).toBe('ERR_LOCKED');
    await other.evaluate(() => storage.unlock(new Uint8Array(32).fill(7)));
    expect(await other.evaluate(() => storage.getDecrypted('b'))).toBe('stays');
    expect(await page.evaluate(() => storage.locked)).toBe(true);
  });

// A SharedWorker of WebKitGTK 2.50 cannot read a key. It says so, or whoever unlocks a vault would wait for its answer.
test('with a session of the origin every window is asked, since its worker cannot take a key', async ({
  page,
  webkit,
  site,
}) => {
  await openVault(page, site, { session: 'origin' });
  await page.evaluate(() => storage.setEncrypted('a', 'A', 'phi'));
  const other = await webkit.newPage();
  await openApp(other, site.url);
  const found = await other.evaluate(async () => {
    let asked = 0;
    const secret = () => {
      asked++;
      return new Uint8Array(32).fill(7);
    };
    const options = { secret, iterations: 250_000, session: 'origin' } as const;
    const storage = await idbvault.createEncryptedStorage('db', 'store', options);
    const { trustedTypes } = globalThis as unknown as {
      trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } };
    };
    const url = `${location.origin}/some/folder/session-worker.js`;
    const trusted = trustedTypes?.createPolicy('test', { createScriptURL: (own: string) => own });
    const { port } = new SharedWorker(trusted?.createScriptURL(url) ?? url, { name: 'test', type: 'module' });
    const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt']);
    const answer = await new Promise((resolve) => {
      port.onmessage = ({ data }) => resolve(data);
      port.postMessage({ database: 'db', type: 'give', generation: 0, keys: [{ group: 'db', name: 'a', key }] });
    });
    return [asked, answer, await storage.getDecrypted('a')];
  });
  expect(found).toEqual([1, { generation: 0, keys: [] }, 'A']);
});

test('a vault that no one uses is locked', async ({ page, site }) => {
  await openVault(page, site, { autoLock: { idleMs: 1000 } });
  await expect.poll(() => page.evaluate(() => storage.locked)).toBe(true);
});
