import { expect, loadLibraries, onDisk, reload, test } from '../persist/site.ts';
import { localForageSuite } from '../persist/suite.ts';
import { openApp, serveSite } from './app.ts';

test.skip(({ browserName }) => browserName !== 'chromium', 'nothing of it depends on the browser');

declare global {
  var expectNoneOf: (instance: { name: string; storeName?: string }) => Promise<void>;
  var mocha: {
    setup(ui: string): void;
    grep(pattern: RegExp): void;
    run(): Runner;
  };
}
interface Runner {
  stats: { passes: number; failures: number; pending: number };
  on(event: 'fail', listener: (test: { fullTitle(): string }, error: Error) => void): void;
  on(event: 'end', listener: () => void): void;
}

const canary = 'CANARY-4711';

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

// Unchanged but for what they hard-code by driver: test/persist/suite.ts.
test("localForage's own tests pass with our driver", async ({ browser, folders }) => {
  const site = await serveSite({ ...folders, ...localForageSuite() }, "script-src 'self' 'wasm-unsafe-eval'"); // mocha writes HTML
  const page = await browser.newPage(); // callbacks that throw are among what is tested
  await openApp(page, site.url);
  await loadLibraries(page);
  for (const url of ['mocha/mocha.js', 'expect/index.js', 'localforage/localforage.js'])
    await page.addScriptTag({ url: `/suite/${url}` });
  await page.evaluate(async () => {
    document.body.innerHTML = '<div id="mocha"></div>';
    const vault = await idbvault.createEncryptedStorage('db', 'forage', { secret: new Uint8Array(32).fill(7) });
    const { localForageDriver } = await library.localforage();
    const { localforage } = globalThis as unknown as { localforage: LocalForage };
    await localforage.defineDriver(localForageDriver(vault));
    globalThis.expectNoneOf = async ({ name, storeName }) => {
      const start = storeName ? `["${name}","${storeName}"]` : `["${name}",`;
      const names = await vault.keys({ prefix: `localforage:${start}` });
      if (names.length > 0) throw new Error(`There still is ${names}`);
    };
    mocha.setup('bdd');
  });
  for (const file of ['test.api.js', 'test.datatypes.js']) await page.addScriptTag({ url: `/suite/patched/${file}` });
  const results = await page.evaluate(
    () =>
      new Promise<{ stats: Runner['stats']; failed: string[] }>((resolve) => {
        mocha.grep(/idbvault/);
        const failed: string[] = [];
        const runner = mocha.run();
        runner.on('fail', (of, error) => failed.push(`${of.fullTitle()}: ${error.message}`));
        runner.on('end', () => resolve({ stats: runner.stats, failed }));
      }),
  );
  expect(results.failed).toEqual([]);
  expect(results.stats).toMatchObject({ passes: 102, pending: 0 });
  await page.close();
  await site.close();
});
