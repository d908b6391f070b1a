import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Page } from '@playwright/test';
import type { EncryptedStorage, StorageOptions } from '../../web/src/index.ts';
import { expect, openApp, serveSite, test } from './app.ts';
import { openWithQuota } from './quota.ts';

const secret = 'correct horse battery';

declare global {
  // Names of the records that a storage has, ascending.
  var namesIn: (storage: EncryptedStorage) => Promise<string[]>;
  var storage: EncryptedStorage;
  // What its listener, and that of the record a, heard.
  var events: string[];
  var ofA: string[];
}

test.beforeEach(({ page }) =>
  page.evaluate(() => {
    globalThis.namesIn = async (storage) => (await storage.keys()).sort();
  }),
);

const split = (texts: number, value: number) => 56 + 17 + texts + 16 + value + 16; // bytes of a record, as in space.spec.ts

test('evict keeps a store within maxBytes', async ({ page }) => {
  const found = await page.evaluate(async (secret) => {
    // A second each, so that the order is one.
    let now = Date.now();
    Date.now = () => now;
    const next = () => {
      now += 1000;
    };
    const value = (size: number) => new Uint8Array(size);
    const results = [];
    for (const policy of ['lru', 'oldest'] as const) {
      const storage = await idbvault.createEncryptedStorage('db', policy, {
        secret,
        evict: { maxBytes: 350_000, policy, protect: ['phi'] },
      });
      await storage.setEncrypted('phi', value(100_000), 'phi');
      for (const name of ['a', 'b']) {
        next();
        await storage.setEncrypted(name, value(100_000), 'internal');
      }
      next();
      const read = (await storage.getDecryptedBytes('a'))?.length;
      next();
      await storage.setEncrypted('c', value(100_000), 'internal');
      const after = await namesIn(storage);
      const { bytes } = await storage.estimate();
      // What is protected stays, and where that leaves no room, so does all else.
      const code = await codeOf(() => storage.setEncrypted('d', value(300_000), 'internal'));
      results.push({ policy, read, after, bytes, code, last: await namesIn(storage) });
    }
    // Exactly what fits, and a byte more.
    const small = await idbvault.createEncryptedStorage('db', 'exact', {
      secret,
      evict: { maxBytes: 1024, policy: 'oldest' },
    });
    await small.setEncrypted('a', 'v'.repeat(512 - 70), 'public');
    next();
    await small.setEncrypted('b', 'v'.repeat(512 - 70), 'public');
    const exact = await namesIn(small);
    next();
    await small.setEncrypted('b', 'v'.repeat(513 - 70), 'public');
    // More than a MiB, and not a whole number of them.
    const evict = { maxBytes: (1 << 20) + 300_000, policy: 'lru' } as const;
    const larger = await idbvault.createEncryptedStorage('db', 'larger', { secret, evict });
    const three = ['a', 'b', 'c'].map((key) => ({ key, value: value(400_000) }));
    await larger.setManyEncrypted(three);
    const fit = await namesIn(larger);
    next();
    await larger.setEncrypted('d', value(400_000));
    const { records } = await larger.estimate();
    return { results, exact, more: await namesIn(small), fit, records };
  }, secret);
  const common = { read: 100_000, bytes: 2 * split(1, 100_000) + split(3, 100_000), code: 'ERR_QUOTA' };
  expect(found).toEqual({
    results: [
      { policy: 'lru', ...common, after: ['a', 'c', 'phi'], last: ['a', 'c', 'phi'] },
      { policy: 'oldest', ...common, after: ['b', 'c', 'phi'], last: ['b', 'c', 'phi'] },
    ],
    exact: ['a', 'b'],
    more: ['b'],
    fit: ['a', 'b', 'c'],
    records: 3,
  });
});

/** Opens a storage in a page that writes down what it hears: of each event its type and key, and whether another tab did it. */
const listen = (page: Page, options: StorageOptions) =>
  page.evaluate(async (options) => {
    globalThis.storage = await idbvault.createEncryptedStorage('db', 'store', {
      ...options,
      secret: 'correct horse battery',
    });
    globalThis.events = [];
    globalThis.ofA = [];
    storage.subscribe(null, ({ type, key, remote }) => events.push(`${type} ${key} ${remote}`));
    storage.subscribe('a', ({ type }) => ofA.push(type));
  }, options);

for (const runIn of ['main', 'worker'] as const)
  test(`who listens hears what was evicted, in every tab, and no cache has it: ${runIn}`, async ({
    page,
    context,
    site,
  }) => {
    const other = await context.newPage();
    await openApp(other, site.url);
    await listen(other, { runIn, cache: { maxBytes: 100_000 } });
    await listen(page, {
      runIn,
      cache: { maxBytes: 100_000 },
      evict: { maxBytes: 2000, policy: 'oldest', protect: ['phi'] },
    });
    await other.evaluate(async () => {
      await storage.setEncrypted('a', 'v'.repeat(500), 'internal');
      await storage.setEncrypted('phi', 'stays', 'phi');
    });
    const values = (tab: Page) => tab.evaluate(() => storage.getManyDecrypted(['a', 'phi']));
    for (const tab of [page, other]) expect(await values(tab)).toEqual(['v'.repeat(500), 'stays']);
    await page.evaluate(() => storage.setEncrypted('b', 'v'.repeat(1500), 'internal'));
    await expect
      .poll(() => page.evaluate(() => events.sort()))
      .toEqual(['evict a false', 'set a true', 'set b false', 'set phi true']);
    await expect
      .poll(() => other.evaluate(() => events.sort()))
      .toEqual(['evict a true', 'set a false', 'set b true', 'set phi false']);
    for (const tab of [page, other]) {
      expect(await values(tab)).toEqual([null, 'stays']);
      expect(await tab.evaluate(() => ofA)).toEqual(['set', 'evict']);
    }

    // One that does not open has no name to tell: everyone looks again.
    await other.evaluate(() => storage.getDecrypted('b'));
    await other.evaluate(async () => {
      for (const [key, value] of await raw.entries('db', 'records')) {
        if (value.byteLength < 1000) continue;
        const bytes = new Uint8Array(value);
        bytes[100] = (bytes[100] as number) ^ 1;
        await raw.put('db', 'records', key, value);
      }
      events.length = 0;
    });
    await page.evaluate(() => storage.setEncrypted('c', 'v'.repeat(1500), 'internal'));
    await expect.poll(() => other.evaluate(() => events.sort())).toEqual(['evict null true', 'set c true']);
    for (const tab of [page, other]) {
      expect(await tab.evaluate(() => storage.getManyDecrypted(['b', 'phi']))).toEqual([null, 'stays']);
      expect(await tab.evaluate(() => ofA)).toEqual(['set', 'evict', 'evict']);
    }
  });

test.describe(() => {
  test.skip(({ browserName }) => browserName !== 'chromium', 'no engine has a part in it');

  test('what was used is known to the next page', async ({ page, site }) => {
    await page.clock.install();
    const open = () =>
      page.evaluate(async (secret) => {
        const evict = { maxBytes: 350_000, policy: 'lru' } as const;
        const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, evict });
        Object.assign(globalThis, { storage });
      }, secret);
    const set = (...names: string[]) =>
      page.evaluate(async (names) => {
        const { storage } = globalThis as unknown as { storage: EncryptedStorage };
        for (const name of names) await storage.setEncrypted(name, new Uint8Array(100_000), 'internal');
      }, names);
    const get = (name: string) =>
      page.evaluate(async (name) => {
        const { storage } = globalThis as unknown as { storage: EncryptedStorage };
        return (await storage.getDecryptedBytes(name))?.length;
      }, name);
    await open();
    await set('a');
    await page.clock.fastForward('02:00:00');
    await set('b');
    await page.clock.fastForward('02:00:00');
    expect(await get('a')).toBe(100_000);
    await page.clock.fastForward('00:02:00');
    await set('c');
    await openApp(page, site.url);
    const journal = () => raw.entries('db', 'journal').then((all) => all.map(([key]) => new TextDecoder().decode(key)));
    expect(await page.evaluate(journal)).toEqual(['clock', 'used:store']);
    await open();
    await page.clock.fastForward('00:02:00');
    await set('d');
    const names = await page.evaluate(() =>
      (globalThis as unknown as { storage: EncryptedStorage }).storage.keys().then((names) => names.sort()),
    );
    expect(names).toEqual(['a', 'c', 'd']);
  });

  test('evict that does not fit is ERR_INVALID', async ({ page }) => {
    const codes = await page.evaluate(async (secret) => {
      const evicts: unknown[] = [
        null,
        'lru',
        {},
        { policy: 'newest' },
        { maxBytes: 4096 },
        { policy: 'lru', maxBytes: 1023 },
        { policy: 'lru', maxBytes: 1e6 + 0.5 },
        { policy: 'lru', maxBytes: '4096' },
        { policy: 'lru', maxBytes: 2 ** 51 },
        { policy: 'lru', protect: ['secret'] },
        { policy: 'lru', protect: 'phi' },
        { policy: 'lru', maxbytes: 4096 },
      ];
      const codes = [];
      for (const evict of evicts)
        codes.push(
          await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret, evict: evict as never })),
        );
      const databases = (await indexedDB.databases()).length;
      for (const evict of [{ policy: 'lru' }, { policy: 'oldest', maxBytes: 2 ** 50, protect: ['phi', 'pii'] }])
        codes.push(
          await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret, evict: evict as never })),
        );
      return { codes, databases };
    }, secret);
    expect(codes).toEqual({ codes: [...Array(12).fill('ERR_INVALID'), 'no error', 'no error'], databases: 0 });
  });
});

test('where the browser has no room, records are evicted and the write is tried again', async ({ browserName }) => {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'idbvault-evict-'));
  const site = await serveSite({ '/some/folder/': 'web/dist' });
  const [context, page] = await openWithQuota(profile, site.url);
  const size = browserName === 'chromium' ? 1 << 20 : 2 << 20; // a sixteenth of more than all that it has room for
  const result = await page.evaluate(
    async ([secret, size]) => {
      const storage = await idbvault.createEncryptedStorage('db', 'store', {
        secret,
        evict: { policy: 'oldest', protect: ['phi'] },
      });
      const events: string[] = [];
      storage.addEventListener('security', ({ detail }: CustomEventInit) => events.push(`${detail.type}`));
      const random = (size: number) => {
        const bytes = new Uint8Array(size);
        for (let i = 0; i < size; i += 65_536) crypto.getRandomValues(bytes.subarray(i, i + 65_536));
        return bytes;
      };
      await storage.setEncrypted('kept', random(size), 'phi');
      const codes = [];
      for (let i = 0; i < 16; i++)
        codes.push(await codeOf(() => storage.setEncrypted(`k${10 + i}`, random(size), 'internal')));
      const before = (await storage.keys()).sort();
      // More than may be evicted: nothing is.
      const over = await codeOf(() => storage.setEncrypted('over', random(32 << 20), 'internal'));
      return {
        codes,
        before,
        over,
        same: `${(await storage.keys()).sort()}` === `${before}`,
        kept: (await storage.getDecryptedBytes('kept'))?.length,
        last: (await storage.getDecryptedBytes('k25'))?.length,
        events,
      };
    },
    [secret, size] as const,
  );
  expect(new Set(result.codes)).toEqual(new Set(['no error']));
  expect(result).toMatchObject({ over: 'ERR_QUOTA', same: true, kept: size, last: size });
  expect(result.before.length).toBeLessThan(16);
  expect(result.before).toContain('k25');
  expect(result.events).toContain('quota');
  await context.close();
  await site.close();
  fs.rmSync(profile, { recursive: true, force: true });
});
