import type { Page } from '@playwright/test';
import { expect, loadLibraries, onDisk, reload, test } from '../persist/site.ts';
import { openApp, type Site } from './app.ts';

// localForage, unstorage and the calls of idb-keyval, with the code of docs/PERSISTERS.md. What idb-keyval itself does, on a plain
// IndexedDB beside the vault, says what is right.

const canary = 'CANARY-4711';

const onlyInChromium = () =>
  test.skip(({ browserName }) => browserName !== 'chromium', 'what differs between browsers is in the first test');

async function secondTab(page: Page, site: Site): Promise<Page> {
  const other = await page.context().newPage();
  await openApp(other, site.url);
  await loadLibraries(other);
  return other;
}

test('values come back as IndexedDB gives them back, or are refused', async ({ page }) => {
  const told = await page.evaluate(async () => {
    const vault = await idbvault.createEncryptedStorage('db', 'values', { secret: new Uint8Array(32).fill(7) });
    const ours = await library.keyval();
    const theirs = await library.idbKeyval();
    const store = ours.createStore(vault);

    /** Says all of a value: types, contents, and which objects are the same. */
    const said = async (v: unknown, seen = new Map<unknown, number>()): Promise<unknown> => {
      if (typeof v !== 'object' || v === null)
        return typeof v === 'string' ? ['string', JSON.stringify(v)] : [typeof v, Object.is(v, -0) ? '-0' : String(v)];
      const known = seen.get(v);
      if (known !== undefined) return ['same as', known];
      seen.set(v, seen.size);
      const type = Object.prototype.toString.call(v);
      const each = async (list: Iterable<unknown>) => {
        const all: unknown[] = [];
        for (const one of list) all.push(await said(one, seen));
        return all;
      };
      if (v instanceof Date) return [type, v.getTime()];
      if (v instanceof RegExp) return [type, String(v)];
      if (v instanceof Map || v instanceof Set) return [type, await each([...v].flat())];
      if (v instanceof Error) return [type, v.constructor.name, v.name, v.message, v.stack, await said(v.cause, seen)];
      if (v instanceof Blob) return [type, v.type, (v as File).name, (v as File).lastModified, await v.text()];
      if (v instanceof ArrayBuffer) return [type, [...new Uint8Array(v)]];
      if (ArrayBuffer.isView(v)) return [type, [...new Uint8Array(v.buffer, v.byteOffset, v.byteLength)]];
      return [
        type,
        Array.isArray(v) && v.length,
        Object.getPrototypeOf(v) === null,
        await each(Object.entries(v).flat()),
      ];
    };

    const shared = { shared: true };
    const cycle: Record<string, unknown> = { shared, again: shared };
    cycle.self = cycle;
    const looped = new Map<unknown, unknown>([[shared, cycle]]);
    looped.set('self', looped);
    const bytes = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 255, 0, 0, 128, 1, 2, 3, 4]);
    const views = [
      Int8Array,
      Uint8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
      BigInt64Array,
      BigUint64Array,
    ];
    let deep: unknown = 'the end';
    for (let i = 0; i < 20_000; i++) deep = [deep];
    const beside: unknown[] & { name?: string } = [1, 2];
    beside.name = 'beside';
    const holes = new Array(5);
    holes[3] = 'three';
    const bare = Object.assign(Object.create(null), { a: 1 });
    const blob = new Blob(['<b>', Uint8Array.of(9)], { type: 'text/html' });
    const values: unknown[] = [
      undefined, null, true, false, 0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 70,
      0n, -(2n ** 200n), '', 'text', '\u0000\ud800 lone', '[[1]]', [], {}, [[]], [[[]]], [undefined, null, [undefined]], [['Date', 1]], [['number', '1']],
      { '': 0, 1: 'one', a: { b: [{ c: undefined }] } }, JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2}'),
      new Date(1e12), new Date(Number.NaN), /a\/b[c]/giu, new Map<unknown, unknown>([[1, 'a'], [{ k: 1 }, new Map([[Number.NaN, -0]])]]), new Set([1, 'a', new Set([[]])]),
      cycle, looped, [shared, shared], holes, beside, bare, bytes.buffer, new ArrayBuffer(0), bytes.subarray(3, 9), new DataView(bytes.buffer, 2, 4),
      ...views.map((View) => new View(bytes.buffer)), new Uint8Array(0), { bytes, list: [bytes, bytes.buffer] },
      blob, new File([blob], 'näme.html', { type: 'text/html', lastModified: 1e12 }), { deep: [blob, blob, { bytes, blob }] }, new Blob([]),
      new Error('message'), new RangeError('range', { cause: new TypeError('cause', { cause: 1 }) }), [new SyntaxError()],
    ]; // biome-ignore format: a list
    const differ: unknown[] = [];
    for (const [i, value] of values.entries()) {
      await ours.set(i, value, store);
      await theirs.set(i, value);
      const [a, b] = [await ours.get(i, store), await theirs.get(i)].map((v) => said(v));
      const [got, want] = [JSON.stringify(await a), JSON.stringify(await b)];
      if (got !== want) differ.push({ i, got, want });
    }
    // Deeper than IndexedDB goes.
    await ours.set('deep', deep, store);
    let depth = 0;
    for (let v = await ours.get('deep', store); Array.isArray(v); v = v[0]) depth++;

    class Patient {
      name = 'Ada';
    }
    class OwnError extends Error {}
    const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']);
    const gone = new Uint8Array(8);
    structuredClone(gone, { transfer: [gone.buffer] });
    const refused: Record<string, unknown> = {
      function: () => {},
      method: { nested: [{ f() {} }] },
      symbol: Symbol('s'),
      instance: new Patient(),
      'nested instance': new Map([['p', new Patient()]]),
      promise: Promise.resolve(),
      weakMap: new WeakMap(),
      node: document.body,
      window,
      key,
      number: Object(1),
      error: new OwnError('x'),
      'error with a member': Object.assign(new Error('x'), { code: 1 }),
      aggregate: new AggregateError([new Error('x')]),
      detached: gone,
      rect: new DOMRect(),
    };
    await ours.set('kept', 'kept', store);
    const codes: Record<string, string> = {};
    for (const [name, value] of Object.entries(refused))
      codes[name] = await codeOf(() => ours.set('kept', value, store));
    codes.many = await codeOf(() =>
      ours.setMany(
        [
          ['kept', 'new'],
          ['bad', () => {}],
        ],
        store,
      ),
    );
    const kept = await ours.get('kept', store);

    await vault.setEncrypted('keyval:sforeign', 'plain text');
    await vault.setEncrypted('keyval:scut', Uint8Array.of(1, 0, 0, 0, 2, 91, 49, 44));
    await vault.setEncrypted('keyval:snewer', '[2,"value"]');
    const short = new TextEncoder().encode('\x01\0\0\0\x1d[1,[0],[["ArrayBuffer",0,9]]]8 bytes.');
    await vault.setEncrypted('keyval:sshort', short);
    const foreign = await Promise.all(
      ['foreign', 'cut', 'newer', 'short'].map((name) => codeOf(() => ours.get(name, store))),
    );
    return {
      differ,
      count: values.length,
      depth,
      codes: [...new Set(Object.values(codes))],
      refused: Object.keys(codes).length,
      kept,
      foreign,
    };
  });
  expect(told).toEqual({
    differ: [],
    count: 61,
    depth: 20_000,
    codes: ['ERR_INVALID'],
    refused: 17,
    kept: 'kept',
    foreign: ['ERR_INVALID', 'ERR_INVALID', 'ERR_INVALID', 'ERR_INVALID'],
  });
});

onlyInChromium();

test('the calls of idb-keyval do what they do there', async ({ page, site }) => {
  const told = await page.evaluate(async (canary) => {
    const { countVisit, vault } = await snippet.keyval();
    const storage = await vault;
    const ours = await library.keyval();
    const theirs = await library.idbKeyval();
    await countVisit();
    const visits = await countVisit();
    await storage.setEncrypted('not of the store', canary);
    await ours.del('visits');

    type Calls = Pick<
      typeof theirs,
      'get' | 'set' | 'del' | 'update' | 'entries' | 'getMany' | 'setMany' | 'delMany' | 'clear' | 'keys' | 'values'
    >;
    const script = async (calls: Calls) => {
      const log: unknown[] = [];
      const keys: IDBValidKey[] = [
        'b',
        'a',
        '',
        10,
        9,
        -1.5,
        0,
        '10',
        new Date(5),
        [1, 'x'],
        [1],
        ['1'],
        [[2], new Date(1)],
        'ä',
        '\u{1F600}',
        Number.NEGATIVE_INFINITY,
      ];
      await calls.setMany(keys.map((key, i) => [key, { i }]));
      log.push(await calls.keys(), await calls.values(), await calls.entries());
      log.push(
        await calls.getMany(['a', 10, '9', [1, 'x'], new Date(5), 'absent']),
        await calls.get('absent'),
        await calls.get(10),
      );
      await calls.set(-0, 'zero');
      log.push(await calls.get(0));
      await calls.del([1]);
      await calls.del('absent');
      await calls.delMany(['b', 9, 'absent']);
      log.push(await calls.keys());
      await Promise.all([1, 2, 3].map(() => calls.update<number>('count', (n) => (n || 0) + 1)));
      await calls.update('list', (list: unknown) => [list, new Date(1), undefined]);
      await calls.update('list', (list: unknown) => [list]);
      log.push(await calls.get('count'), await calls.get('list'));
      await calls.setMany([]);
      await calls.delMany([]);
      // Not awaited, they take effect in the order in which they are made.
      calls.set('order', 1);
      calls.clear();
      calls.set('order', new Blob(['2']));
      calls.set('order', 3);
      log.push(await calls.entries(), await calls.get('order'), await calls.getMany([]));
      calls.set('cleared', new Blob(['x']));
      await calls.clear();
      log.push(await calls.keys());
      for (const bad of [{}, null, undefined, Number.NaN, new Date(Number.NaN), [{}]] as unknown as string[])
        log.push(
          await calls.set(bad, 1).then(
            () => 'kept',
            () => 'refused',
          ),
          await calls.get(bad).then(
            () => 'read',
            () => 'refused',
          ),
        );
      const thrown = new Error('of the updater');
      log.push(
        await calls
          .update('count', () => {
            throw thrown;
          })
          .catch((error: unknown) => error === thrown),
      );
      return JSON.stringify(log);
    };
    const same = [await script(ours as unknown as Calls), await script(theirs)];

    await ours.setMany([
      ['binary', Uint8Array.of(255)],
      ['text', canary],
    ]);
    const own = ours.createStore(vault, { prefix: 'own:', classification: 'phi' });
    await ours.set('text', 'of another store', own);
    await ours.clear(own);
    const codes = [
      await codeOf(() => ours.update('binary', () => 1)),
      await codeOf(() => ours.get(new ArrayBuffer(1))),
      await codeOf(() => ours.get('text', {} as never)),
    ];
    await storage.lock();
    codes.push(
      await codeOf(() => ours.get('text')),
      await codeOf(() => ours.set('text', 'x')),
      await codeOf(() => ours.clear()),
    );
    return { visits, equal: same[0] === same[1], log: same, codes };
  }, canary);
  expect(told.log[0]).toBe(told.log[1]);
  expect(told.visits).toBe(2);
  expect(told.codes).toEqual(['ERR_INVALID', 'ERR_INVALID', 'ERR_INVALID', 'ERR_LOCKED', 'ERR_LOCKED', 'ERR_LOCKED']);
  expect(await onDisk(page, 'my-application', canary)).toEqual({ records: 3, inClear: false });

  await reload(page, site);
  const other = await secondTab(page, site);
  const count = () => snippet.keyval().then(({ countVisit }) => Promise.all([1, 2, 3, 4, 5].map(countVisit)));
  await Promise.all([page.evaluate(count), other.evaluate(count)]);
  const after = await page.evaluate(async () => {
    const { get, keys } = await library.keyval();
    return [await get('visits'), await get('text'), await keys()];
  });
  expect(after).toEqual([10, canary, ['binary', 'text', 'visits']]);
});

test('localForage keeps its values in the vault', async ({ page, site }) => {
  await page.evaluate(async (canary) => {
    const { images, vault } = await snippet.localforage();
    await images.setItem('ct', new Blob([canary], { type: 'application/dicom' }));
    await images.setItem('notes', { by: canary, at: new Date(1), pixels: Uint16Array.of(1, 65535) });
    await (await vault).setEncrypted('not of localForage', 'x');
  }, canary);
  expect(await onDisk(page, 'my-application', canary)).toEqual({ records: 3, inClear: false });

  await reload(page, site);
  const told = await page.evaluate(async () => {
    const { images, vault } = await snippet.localforage();
    const storage = await vault;
    const { localforage, localForageDriver } = await library.localforage();
    const ct = await images.getItem<Blob>('ct');
    const notes = await images.getItem<{ by: string; at: Date; pixels: Uint16Array }>('notes');
    const phi = (await storage.keys({ classification: 'phi' })).sort();

    // Names with slashes and quotes are no other store's.
    const stores = ['a', 'a"],["b', 'a/b'].map((name) =>
      localforage.createInstance({ name, storeName: 's', driver: 'idbvault' }),
    );
    await Promise.all(stores.map((store, i) => store.setItem('k', i)));
    await stores[1]?.dropInstance({ name: 'a"],["b' });
    const drop = await Promise.all(stores.map((store) => store.getItem('k')));

    // Not awaited, they take effect in the order in which they are made.
    const [store] = stores as [typeof images];
    store.setItem('early', new Blob(['x']));
    store.clear();
    store.setItem('late', 1);
    const keys = await store.keys();

    await localforage.defineDriver(
      localForageDriver(vault, { driver: 'second', prefix: 'second:', classification: 'pii' }),
    );
    const second = localforage.createInstance({ name: 'a', storeName: 's', driver: 'second' });
    await second.setItem('late', 2);
    const apart = [
      await store.getItem('late'),
      await second.getItem('late'),
      await storage.keys({ prefix: 'second:' }),
    ];
    const codes = [
      await codeOf(() => store.setItem('f', () => {})),
      await codeOf(() => localForageDriver(null as never)),
    ];

    // A vault that does not open is no reason to go over to another driver, which would write in clear.
    await storage.lock();
    const fresh = localforage.createInstance({ name: 'fresh', driver: ['idbvault', localforage.INDEXEDDB] });
    codes.push(await codeOf(() => fresh.setItem('k', 'v')), await codeOf(() => store.getItem('late')));
    const databases = (await indexedDB.databases()).map(({ name }) => name);
    return {
      ct: [ct?.type, await ct?.text()],
      notes: [notes?.by, notes?.at.getTime(), notes?.pixels],
      phi,
      drop,
      keys,
      apart,
      codes,
      driver: fresh.driver(),
      fresh: databases.includes('fresh'),
    };
  });
  expect(told).toEqual({
    ct: ['application/dicom', canary],
    notes: [canary, 1, Uint16Array.of(1, 65535)],
    phi: ['localforage:["viewer","images"]ct', 'localforage:["viewer","images"]notes'],
    drop: [0, null, 2],
    keys: ['late'],
    apart: [1, 2, ['second:["a","s"]late']],
    codes: ['ERR_INVALID', 'ERR_INVALID', 'ERR_LOCKED', 'ERR_LOCKED'],
    driver: 'idbvault',
    fresh: false,
  });
});

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
