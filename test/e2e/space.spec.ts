import { expect, openApp, test } from './app.ts';

const secret = 'correct horse battery';

// A record is a header, a head of 17 bytes with name, type and context, the value, and a tag.
const whole = (texts: number) => 36 + 17 + texts + 16;
const split = (texts: number, value: number) => 56 + 17 + texts + 16 + value + 16;

for (const [names, runIn] of [
  ['hidden', 'main'],
  ['clear', 'worker'],
] as const)
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

test.describe(() => {
  test.skip(({ browserName }) => browserName !== 'chromium', 'no engine has a part in it');

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
});
