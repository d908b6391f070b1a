import { test as base, expect, loadLibraries } from '../persist/site.ts';
import { localForageSuite } from '../persist/suite.ts';
import { openApp, type Site, serveSite } from './app.ts';

// localForage's own tests, unchanged but for the list of drivers that they hard-code: test/persist/suite.ts.

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

const test = base.extend<object, { suite: Site }>({
  suite: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern
    async ({}, use, { project }) => {
      const folders = {
        '/some/folder/': 'web/dist',
        '/persist/': `build/persist-${project.name}`,
        ...localForageSuite(),
      };
      const site = await serveSite(folders, "script-src 'self' 'wasm-unsafe-eval'"); // mocha writes HTML
      await use(site);
      await site.close();
    },
    { scope: 'worker' },
  ],
});
test.skip(({ browserName }) => browserName !== 'chromium', 'nothing of it depends on the browser');
test.use({ watched: false }); // callbacks that throw are among what is tested

test("localForage's own tests pass with our driver", async ({ page, suite }) => {
  await openApp(page, suite.url);
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
});
