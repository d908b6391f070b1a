import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { EncryptedStorage } from '../../web/src/index.ts';
import { expect, openApp, serveSite, test } from './app.ts';
import { openWithQuota } from './quota.ts';

const secret = 'correct horse battery';

declare global {
  // Names of the records that a storage has, ascending.
  var namesIn: (storage: EncryptedStorage) => Promise<string[]>;
}

test.beforeEach(({ page }) =>
  page.evaluate(() => {
    globalThis.namesIn = async (storage) => (await storage.keys()).sort();
  }),
);

// A record is a header, a head of 17 bytes with name, type and context, the value, and a tag.
const whole = (texts: number) => 36 + 17 + texts + 16;
const split = (texts: number, value: number) => 56 + 17 + texts + 16 + value + 16;

for (const names of ['hidden', 'clear'] as const)
  for (const runIn of ['main', 'worker'] as const)
    test(`estimate tells what was written, by class and prefix: ${names} names, ${runIn}`, async ({ page }) => {
      const found = await page.evaluate(
        async ([secret, names, runIn]) => {
          const options = { secret, names, runIn } as const;
          const storage = await idbvault.createEncryptedStorage('db', 'store', options);
          const beside = await idbvault.createEncryptedStorage('db', 'store2', options);
          const empty = await storage.estimate();
          await beside.setEncrypted('a/other', 'not counted', 'phi');
          await storage.setEncrypted('a/1', '', 'public');
          await storage.setEncrypted('a/2', 'twelve bytes', 'phi', { a: 1 });
          await storage.setEncrypted('a/ü', new Blob(['1234'], { type: 'x/y' }), 'phi');
          await storage.setEncrypted('b/large', new Uint8Array(100_000), 'pii');
          const { quota, usage, persisted, ...all } = await storage.estimate();
          const { records, bytes } = await storage.estimate({ prefix: 'a/' });
          const { classes } = await storage.estimate({ prefix: 'b' });
          await storage.setEncrypted('b/large', 'small now', 'pii');
          await storage.deleteMany(['a/1', 'a/2']);
          const later = await storage.estimate();
          return {
            empty: [empty.records, empty.bytes],
            all,
            prefix: { records, bytes },
            b: classes,
            none: (await storage.estimate({ prefix: 'c' })).records,
            later: [later.records, later.bytes],
            quota: typeof quota,
            usage: (usage as number) >= all.bytes / 2,
            persisted: typeof persisted,
            codes: [
              await codeOf(() => storage.estimate({ prefix: 'x'.repeat(1025) })),
              await codeOf(() => storage.estimate({ prefix: 1 as never })),
            ],
          };
        },
        [secret, names, runIn] as const,
      );
      const none = { records: 0, bytes: 0 };
      const a = [whole(3), whole(3 + 12 + 7), whole(4 + 3 + 4)] as const;
      const large = split(7, 100_000);
      expect(found).toEqual({
        empty: [0, 0],
        all: {
          records: 4,
          bytes: a[0] + a[1] + a[2] + large,
          classes: {
            public: { records: 1, bytes: a[0] },
            internal: none,
            confidential: none,
            pii: { records: 1, bytes: large },
            phi: { records: 2, bytes: a[1] + a[2] },
          },
        },
        prefix: { records: 3, bytes: a[0] + a[1] + a[2] },
        b: { public: none, internal: none, confidential: none, pii: { records: 1, bytes: large }, phi: none },
        none: 0,
        later: [2, whole(7 + 9) + a[2]],
        quota: 'number',
        usage: true,
        persisted: 'boolean',
        codes: ['ERR_INVALID', 'ERR_INVALID'],
      });
    });

test('estimate of many records, and without a StorageManager', async ({ page }) => {
  const found = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    const entries = Array.from({ length: 1300 }, (_, i) => ({ key: `k${1000 + i}`, value: 'v' }));
    await storage.setManyEncrypted(entries);
    const { records, bytes } = await storage.estimate();
    const some = (await storage.estimate({ prefix: 'k1' })).records;
    const persistence = typeof (await storage.requestPersistence());
    const { key } = (await raw.entries('db', 'records').then(([first]) => ({ key: first?.[0] }))) as {
      key: ArrayBuffer;
    };
    await raw.put('db', 'records', key, new Uint8Array([9, 9, 9]).buffer);
    const damaged = await storage.estimate();
    Object.defineProperty(navigator, 'storage', { value: undefined });
    const { quota, usage, persisted } = await storage.estimate();
    return {
      sums: [records, bytes, some],
      damaged: [damaged.records, damaged.bytes, damaged.classes.confidential.records],
      code: await codeOf(() => storage.estimate({ prefix: 'k' })),
      without: [quota, usage, persisted, await storage.requestPersistence()],
      persistence,
    };
  }, secret);
  expect(found).toEqual({
    sums: [1300, 1300 * whole(6), 1000],
    damaged: [1300, 1299 * whole(6) + 3, 1299],
    code: 'ERR_VERSION',
    without: [undefined, undefined, undefined, false],
    persistence: 'boolean',
  });
});

for (const runIn of ['main', 'worker'] as const)
  test(`evict keeps a store within maxBytes: ${runIn}`, async ({ page }) => {
    const found = await page.evaluate(
      async ([secret, runIn]) => {
        // A second each, so that the order is one.
        const next = () => new Promise((resolve) => setTimeout(resolve, 1010 - (Date.now() % 1000)));
        const value = (size: number) => new Uint8Array(size);
        const results = [];
        for (const policy of ['lru', 'oldest'] as const) {
          const storage = await idbvault.createEncryptedStorage('db', policy, {
            secret,
            runIn,
            evict: { maxBytes: 350_000, policy, protect: ['phi'] },
          });
          await storage.setEncrypted('phi', value(100_000), 'phi');
          for (const name of ['a', 'b']) {
            await next();
            await storage.setEncrypted(name, value(100_000), 'internal');
          }
          await next();
          const read = (await storage.getDecryptedBytes('a'))?.length;
          await next();
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
          runIn,
          evict: { maxBytes: 1024, policy: 'oldest' },
        });
        await small.setEncrypted('a', 'v'.repeat(512 - 70), 'public');
        await next();
        await small.setEncrypted('b', 'v'.repeat(512 - 70), 'public');
        const exact = await namesIn(small);
        await next();
        await small.setEncrypted('b', 'v'.repeat(513 - 70), 'public');
        // More than a MiB, and not a whole number of them.
        const evict = { maxBytes: (1 << 20) + 300_000, policy: 'lru' } as const;
        const larger = await idbvault.createEncryptedStorage('db', 'larger', { secret, runIn, evict });
        const three = ['a', 'b', 'c'].map((key) => ({ key, value: value(400_000) }));
        await larger.setManyEncrypted(three);
        const fit = await namesIn(larger);
        await next();
        await larger.setEncrypted('d', value(400_000));
        const { records } = await larger.estimate();
        return { results, exact, more: await namesIn(small), fit, records };
      },
      [secret, runIn] as const,
    );
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
      codes.push(await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret, evict: evict as never })));
    const databases = (await indexedDB.databases()).length;
    for (const evict of [{ policy: 'lru' }, { policy: 'oldest', maxBytes: 2 ** 50, protect: ['phi', 'pii'] }])
      codes.push(await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret, evict: evict as never })));
    return { codes, databases };
  }, secret);
  expect(codes).toEqual({ codes: [...Array(12).fill('ERR_INVALID'), 'no error', 'no error'], databases: 0 });
});

test('a cookie remembers that there was a vault', async ({ page, site }) => {
  const open = () =>
    page.evaluate(async (secret) => {
      // As README.md has it.
      const expectVault = /(^|; )vault=1/.test(document.cookie);
      try {
        await idbvault.createEncryptedStorage('my-application', 'records', { secret, expectVault });
      } catch (error) {
        return (error as { code?: string }).code;
      }
      // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser
      document.cookie = 'vault=1; max-age=34560000; samesite=strict; path=/';
      return expectVault ? 'was there' : 'new';
    }, secret);
  expect(await open()).toBe('new');
  await openApp(page, site.url);
  expect(await open()).toBe('was there');
  await openApp(page, site.url);
  await page.evaluate(() => idbvault.destroyVault('my-application')); // as a browser that needs room deletes it
  expect(await open()).toBe('ERR_EVICTED');
});

test('where the browser has no room, records are evicted and the write is tried again', async () => {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'idbvault-evict-'));
  const site = await serveSite({ '/some/folder/': 'web/dist' });
  const [context, page] = await openWithQuota(profile, site.url);
  const result = await page.evaluate(async (secret) => {
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
    await storage.setEncrypted('kept', random(1 << 20), 'phi');
    const codes = [];
    for (let i = 0; i < 40; i++)
      codes.push(await codeOf(() => storage.setEncrypted(`k${10 + i}`, random(1 << 20), 'internal')));
    const before = (await storage.keys()).sort();
    // More than may be evicted: nothing is.
    const over = await codeOf(() => storage.setEncrypted('over', random(64 << 20), 'internal'));
    return {
      codes,
      before,
      over,
      same: `${(await storage.keys()).sort()}` === `${before}`,
      kept: (await storage.getDecryptedBytes('kept'))?.length,
      last: (await storage.getDecryptedBytes('k49'))?.length,
      events,
    };
  }, secret);
  expect(new Set(result.codes)).toEqual(new Set(['no error']));
  expect(result).toMatchObject({ over: 'ERR_QUOTA', same: true, kept: 1 << 20, last: 1 << 20 });
  expect(result.before.length).toBeLessThan(30);
  expect(result.before).toContain('k49');
  expect(result.events).toContain('quota');
  await context.close();
  await site.close();
  fs.rmSync(profile, { recursive: true, force: true });
});
