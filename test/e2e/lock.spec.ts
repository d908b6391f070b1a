import type { Page } from '@playwright/test';
import { expect, openApp, test } from './app.ts';

type Storage = Awaited<ReturnType<typeof import('../../web/src/index.ts').createEncryptedStorage>>;

declare global {
  // What a test opened in an earlier evaluate.
  var vault: { storage: Storage; second: Storage; heard: string[] };
}

const secret = 'correct horse battery';

async function openVault(page: Page): Promise<void> {
  await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, cache: { maxBytes: 100_000 } });
    const second = await idbvault.createEncryptedStorage('db', 'another');
    const heard: string[] = [];
    storage.subscribe(null, ({ type, key, remote }) => heard.push(`${type} ${key} ${remote}`));
    globalThis.vault = { storage, second, heard };
  }, secret);
}

/** What every call on a storage comes to. */
const codes = () => {
  const { storage } = vault;
  const calls = [
    () => storage.setEncrypted('a', 'x'),
    () => storage.setEncrypted('a', new Uint8Array(100_000)),
    () => storage.setManyEncrypted([{ key: 'a', value: 'x' }]),
    () => storage.getDecrypted('a'),
    () => storage.getManyDecrypted(['a', 'b']),
    () => storage.getMetadata('a'),
    () => storage.update('a', () => 'x'),
    () => storage.exists('a'),
    () => storage.delete('a'),
    () => storage.keys(),
    () => storage.count(),
    () => storage.clear(),
    () => Promise.all([storage.getDecrypted('a'), storage.getDecrypted('b')]),
    () => Promise.all([storage.setEncrypted('a', 'x'), storage.setEncrypted('b', 'x')]),
  ];
  return Promise.all(calls.map((call) => codeOf(call)));
};

test('after lock every call is ERR_LOCKED, in every tab, and unlock brings the storages back', async ({
  page,
  site,
}) => {
  const other = await page.context().newPage();
  await openApp(other, site.url);
  await openVault(page);
  await page.evaluate(async () => {
    await vault.storage.setEncrypted('a', 'kept', 'phi');
    await vault.second.setEncrypted('b', 'kept, too', 'phi');
    await vault.storage.getDecrypted('a'); // in the cache
  });
  await openVault(other);
  await page.evaluate(async () => {
    const { storage } = vault;
    if (storage.locked) throw new Error('locked from the start');
    await storage.lock();
    if (!storage.locked) throw new Error('not locked');
  });
  expect(new Set(await page.evaluate(codes))).toEqual(new Set(['ERR_LOCKED']));
  await other.waitForFunction(() => vault.storage.locked);
  expect(new Set(await other.evaluate(codes))).toEqual(new Set(['ERR_LOCKED']));
  expect(await other.evaluate(() => vault.heard.at(-1))).toBe('lock null true');

  const back = await page.evaluate(async (secret) => {
    const { storage, second, heard } = vault;
    const wrong = await codeOf(() => storage.unlock('wrong horse battery'));
    const still = [storage.locked, await codeOf(() => storage.getDecrypted('a'))];
    await storage.unlock(secret);
    const read = [await storage.getDecrypted('a'), await second.getDecrypted('b'), storage.locked];
    await storage.setEncrypted('a', 'new', 'phi');
    return { wrong, still, read, again: await storage.getDecrypted('a'), heard };
  }, secret);
  expect(back).toEqual({
    wrong: 'ERR_WRONG_SECRET',
    still: [true, 'ERR_LOCKED'],
    read: ['kept', 'kept, too', false],
    again: 'new',
    heard: ['set a false', 'lock null false', 'set a false'],
  });
  // The other tab is asked for itself; any of its storages, or a new one, unlocks the vault for all of them.
  expect(await other.evaluate(() => codeOf(() => vault.second.getDecrypted('b')))).toBe('ERR_LOCKED');
  const opened = await other.evaluate(async (secret) => {
    await idbvault.createEncryptedStorage('db', 'a third', { secret });
    return [await vault.storage.getDecrypted('a'), await vault.second.getDecrypted('b')];
  }, secret);
  expect(opened).toEqual(['new', 'kept, too']);
});

test('a lock reaches a tab whose storages are all closed', async ({ page, site }) => {
  const other = await page.context().newPage();
  await openApp(other, site.url);
  await openVault(page);
  await openVault(other);
  await other.evaluate(() => {
    vault.storage.close();
    vault.second.close();
  });
  await page.evaluate(() => vault.storage.lock());
  const opened = () => other.evaluate(async () => codeOf(() => idbvault.createEncryptedStorage('db', 'store')));
  await expect.poll(opened).toBe('ERR_NO_SECRET');
});

test('a call in flight ends whole or fails whole', async ({ page }) => {
  await openVault(page);
  const result = await page.evaluate(async (secret) => {
    const { storage } = vault;
    const outcomes: string[] = [];
    const wrong: string[] = [];
    for (let round = 0; round < 40; round++) {
      const entries = Array.from({ length: 20 }, (_, i) => ({ key: `${i}`, value: `${round}` }));
      const writing = codeOf(() => storage.setManyEncrypted(entries));
      const reading = codeOf(() => storage.getManyDecrypted(['0', '19']));
      if (round % 4 === 3)
        await reading; // and so the write before it, too
      else if (round % 2) await new Promise((resolve) => setTimeout(resolve, round % 5));
      await storage.lock();
      outcomes.push(await writing, await reading);
      await storage.unlock(secret);
      const read = await storage.getManyDecrypted(entries.map(({ key }) => key));
      const values = new Set(read);
      if (values.size > 1 || ((await writing) === 'no error' && read[0] !== `${round}`)) wrong.push([...values].join());
    }
    return { outcomes: [...new Set(outcomes)].sort(), wrong };
  }, secret);
  expect(result.wrong).toEqual([]);
  expect(result.outcomes).toEqual(['ERR_LOCKED', 'no error']);
});

test('lock while the vault is being unlocked, or opened, leaves it locked', async ({ page }) => {
  await openVault(page);
  const result = await page.evaluate(async (secret) => {
    const { storage } = vault;
    const states: unknown[] = [];
    const unlocks = [
      () => storage.unlock(secret),
      () => idbvault.createEncryptedStorage('db', 'store', { secret }).then(() => {}),
    ];
    for (const unlock of unlocks) {
      for (const ms of [0, 5, 20, 40]) {
        await storage.lock();
        const unlocking = codeOf(unlock);
        if (ms) await new Promise((resolve) => setTimeout(resolve, ms));
        await storage.lock();
        const code = await unlocking; // of a page that is slow, the lock comes when all is done
        if (code !== 'ERR_LOCKED' && code !== 'no error') states.push(`${ms} ms: ${code}`);
        states.push(storage.locked, await codeOf(() => storage.getDecrypted('a')));
      }
    }
    return states;
  }, secret);
  expect(result).toEqual(Array(8).fill([true, 'ERR_LOCKED']).flat());
});

test('another vault of the page is not locked with the first, and lock is no error on one that is', async ({
  page,
}) => {
  await openVault(page);
  const result = await page.evaluate(async (secret) => {
    const other = await idbvault.createEncryptedStorage('db2', 'store', { secret });
    await other.setEncrypted('k', 'v');
    const reading = Promise.all(Array.from({ length: 50 }, () => other.getDecrypted('k')));
    await vault.storage.lock();
    await vault.storage.lock();
    const read = new Set([...(await reading), await other.getDecrypted('k')]);
    await other.lock();
    return [[...read], await codeOf(() => other.getDecrypted('k'))];
  }, secret);
  expect(result).toEqual([['v'], 'ERR_LOCKED']);
});

test('once the last vault is locked, the memory of the WebAssembly is let go of', async ({ page, browserName }) => {
  test.skip(browserName !== 'chromium', 'no other inspector counts objects');
  await openVault(page);
  await page.evaluate(() => vault.storage.setEncrypted('a', 'x'));
  const inspector = await page.context().newCDPSession(page);
  const memories = async () => {
    await inspector.send('HeapProfiler.collectGarbage');
    const { result } = await inspector.send('Runtime.evaluate', { expression: 'WebAssembly.Memory.prototype' });
    const { objects } = await inspector.send('Runtime.queryObjects', { prototypeObjectId: result.objectId as string });
    const { result: count } = await inspector.send('Runtime.callFunctionOn', {
      objectId: objects.objectId as string,
      functionDeclaration: 'function () { return this.length; }',
      returnByValue: true,
    });
    await inspector.send('Runtime.releaseObject', { objectId: objects.objectId as string }); // or it holds what it lists
    return count.value;
  };
  expect(await memories()).toBe(1);
  await page.evaluate(() => vault.storage.lock());
  await expect.poll(memories).toBe(0);
  await page.evaluate((secret) => vault.storage.unlock(secret), secret);
  expect(await memories()).toBe(1);
});
