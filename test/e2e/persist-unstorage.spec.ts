import { expect, onDisk, secondTab, test } from '../persist/site.ts';

test.skip(({ browserName }) => browserName !== 'chromium', 'nothing of it depends on the browser');

const canary = 'CANARY-4711';

// What unstorage asserts of its drivers, in test/drivers/utils.ts as of its commit 000441c0616e, case by case, with the library itself.
test('unstorage finds in the vault what its drivers must keep', async ({ page }) => {
  const told = await page.evaluate(async () => {
    const { storage: typed, vault } = await snippet.unstorage();
    const storage = typed as import('unstorage').Storage;
    const { restoreSnapshot } = await library.unstorage();
    const log: Record<string, unknown> = {};
    const keys = async (...asked: Parameters<typeof storage.getKeys>) => (await storage.getKeys(...asked)).sort();

    log.initial = [await storage.hasItem('a:b'), await storage.getItem('a:b'), await keys()];
    await restoreSnapshot(storage, { restored: 'yes' });
    log.snapshot = await storage.getItem('restored');
    await storage.clear();

    for (const key of ['one:a', 'two:a', 'three:a?query']) await storage.setItem(key, `of ${key}`);
    log.items = [
      await storage.hasItem('one:a'),
      await storage.getItem('one:a'),
      await storage.getItem('three:a?other'),
    ];
    log.keys = [await keys(), await keys('one')];
    await storage.clear();
    for (const key of ['top', 'd:e:f', 'd:e:g', 'd:h', 'd:i']) await storage.setItem(key, 'x');
    log.depths = [
      await keys('', { maxDepth: 0 }),
      await keys('', { maxDepth: 1 }),
      (await keys('', { maxDepth: 2 })).length,
    ];

    class Known {
      toJSON = () => ({ known: true });
    }
    class Unknown {}
    await storage.setItems<object | number | boolean>([
      { key: 'object', value: { a: [1] } },
      { key: 'true', value: true },
      { key: 'zero', value: 0 },
      { key: 'false', value: false },
      { key: 'json', value: new Known() },
    ]);
    log.values = await storage.getItems(['object', { key: 'true' }, 'zero', 'false', 'json', 'absent?query']);
    log.unknown = await storage.setItem('unknown', new Unknown()).catch((error: Error) => error.message);

    const bytes = Uint8Array.of(1, 2, 255);
    const writing = storage.setItemRaw('raw', bytes);
    bytes.fill(0);
    await writing;
    await storage.setItemRaw('raw:blob', new Blob(['blob']));
    const text = async (key: string) =>
      new TextDecoder().decode((await storage.getItemRaw<Uint8Array<ArrayBuffer>>(key)) ?? undefined);
    log.raw = [
      [...((await storage.getItemRaw<Uint8Array>('raw')) ?? [])],
      await text('raw:blob'),
      await storage.getItemRaw('none'),
    ];
    log.badRaw = await codeOf(() => storage.setItemRaw('raw', { no: 'bytes' }));

    await storage.removeItem('true');
    log.removed = [await storage.hasItem('true'), await storage.getItem('true')];
    await (await vault).setEncrypted('not of unstorage', 'x');
    await storage.getMount().driver.clear?.('d:', {}); // what it asks of a driver that is mounted below
    log.cleared = await keys();
    await storage.clear();
    await storage.clear();
    log.empty = [await keys(), await (await vault).keys()];
    return log;
  });
  expect(told).toEqual({
    initial: [false, null, []],
    snapshot: 'yes',
    items: [true, 'of one:a', 'of three:a?query'],
    keys: [['one:a', 'three:a', 'two:a'], ['one:a']],
    depths: [['top'], ['d:h', 'd:i', 'top'], 5],
    values: [
      { key: 'object', value: { a: [1] } },
      { key: 'true', value: true },
      { key: 'zero', value: 0 },
      { key: 'false', value: false },
      { key: 'json', value: { known: true } },
      { key: 'absent', value: null },
    ],
    unknown: '[unstorage] Cannot stringify value!',
    raw: [[1, 2, 255], 'blob', null],
    badRaw: 'ERR_INVALID',
    removed: [false, null],
    cleared: ['false', 'json', 'object', 'raw', 'raw:blob', 'top', 'zero'],
    empty: [[], ['not of unstorage']],
  });
});

test('unstorage tells of writes in two tabs, of ages, and of a vault that is locked', async ({ page, site }) => {
  const other = await secondTab(page, site);
  await other.evaluate(() => snippet.unstorage().then(({ storage }) => storage.setItem('other', 'tab')));
  await page.evaluate(async () => {
    const { storage, vault } = await snippet.unstorage();
    const { createStorage, unstorageDriver } = await library.unstorage();
    const heard: string[] = [];
    const unwatch = await storage.watch((event, key) => heard.push(`${event} ${key}`));
    const mounted = createStorage();
    mounted.mount('vault', unstorageDriver(vault, { prefix: 'mounted:', classification: 'phi' }));
    await mounted.watch((event, key) => heard.push(`mounted ${event} ${key}`));
    Object.assign(globalThis, { heard, unwatch, mounted });
  });
  await other.evaluate(async (canary) => {
    const { storage } = await snippet.unstorage();
    await storage.setItem('a:b', canary);
    await storage.removeItem('a:b');
  }, canary);
  await page.waitForFunction(() => (globalThis as unknown as { heard: string[] }).heard.length === 2);
  const told = await page.evaluate(async (canary) => {
    const { heard, unwatch, mounted } = globalThis as unknown as {
      heard: string[];
      unwatch: () => Promise<void>;
      mounted: Awaited<ReturnType<typeof snippet.unstorage>>['storage'];
    };
    const { storage, vault } = await snippet.unstorage();
    await storage.setItem('mine', canary, { ttl: 3600 });
    await mounted.setItem('vault:k', canary);
    await storage.setMeta('mine', { note: 'of the application' });
    const meta = await storage.getMeta('mine');
    const native = await storage.getMeta('mine', { nativeOnly: true });
    await unwatch();
    await mounted.dispose();
    await storage.setItem('unheard', 'x');
    await mounted.setItem('vault:unheard', 'x');
    const phi = (await (await vault).keys({ classification: 'phi' })).sort();
    await (await vault).lock();
    const codes = [
      await codeOf(() => storage.getItem('mine')),
      await codeOf(() => storage.setItem('mine', 'x')),
      await codeOf(() => storage.getKeys()),
      await codeOf(() => storage.clear()),
      await codeOf(async () => (await library.unstorage()).unstorageDriver(1 as never)),
    ];
    return {
      heard,
      phi,
      codes,
      meta: [meta.note, meta.size, meta.mtime instanceof Date],
      ttl: native.ttl,
    };
  }, canary);
  expect(told).toEqual({
    heard: ['update a:b', 'remove a:b', 'update mine', 'mounted update vault:k', 'update mine$'],
    phi: ['mounted:k', 'mounted:unheard'],
    codes: ['ERR_LOCKED', 'ERR_LOCKED', 'ERR_LOCKED', 'ERR_LOCKED', 'ERR_INVALID'],
    meta: ['of the application', canary.length, true],
    ttl: expect.any(Number),
  });
  expect(Math.abs((told.ttl as number) - 3600)).toBeLessThan(60);
  expect(await onDisk(page, 'my-application', canary)).toEqual({ records: 6, inClear: false });
});
