import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from '@playwright/test';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { expect, openApp, serveSite, test } from './app.ts';

// Pages with React 18 or 19 and the built hook beside the package. Components are written in the tests, which run in the page.

type Version = '18' | '19';
export const versions: Version[] = ['18', '19'];

const packages: Record<Version, Record<string, string>> = {
  18: { react: 'react18', 'react-dom': 'react-dom18', scheduler: 'react-dom18/node_modules/scheduler' },
  19: { react: 'react', 'react-dom': 'react-dom', scheduler: 'scheduler' },
};

/** Has a bundle take React from the packages of a version, and the package's own files from beside it. */
const versioned = (version: Version, packageAt: string): Plugin => ({
  name: `React ${version}`,
  setup(b) {
    b.onResolve({ filter: /^(react|react-dom|scheduler)(\/|$)/ }, ({ path: name, kind, pluginData }) => {
      if (pluginData === 'resolved') return undefined;
      const [head = '', ...rest] = name.split('/');
      const moved = [packages[version][head], ...rest].join('/');
      return b.resolve(`./node_modules/${moved}`, { kind, resolveDir: path.resolve('.'), pluginData: 'resolved' });
    });
    b.onResolve({ filter: /\/src\/react\.ts$/ }, () => ({ path: path.resolve('web/dist/react.js') }));
    b.onResolve({ filter: /^\.\/(index|keys)\.js$/ }, ({ path: name }) => ({
      path: packageAt + name.slice(2),
      external: true,
    }));
  },
});

/** Bundles with React of a version. The package's files are taken from `packageAt`. React's warnings are what is looked for. */
async function bundle(version: Version, entry: string, outfile: string, packageAt: string, more: BuildOptions = {}) {
  const define = { 'process.env.NODE_ENV': '"development"' };
  const plugins = [versioned(version, packageAt)];
  await build({ entryPoints: [entry], outfile, bundle: true, format: 'esm', define, plugins, ...more });
}

/** Builds test/e2e/react/server.ts for Node, and loads it. */
export async function loadServer(version: Version, folder: string): Promise<typeof import('./react/server.ts')> {
  const file = path.join(folder, `server-${version}.mjs`);
  // React is CommonJS.
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  const dist = `${pathToFileURL(path.resolve('web/dist')).href}/`;
  await bundle(version, 'test/e2e/react/server.ts', file, dist, { platform: 'node', banner });
  return import(pathToFileURL(file).href);
}

/** Tests whose pages have React, and fail when anything was said on the console, or a rejection was nobody's. */
export const reactTest = test.extend<object, { built: string }>({
  built: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern
    async ({}, use, { project }) => {
      const folder = path.resolve('build', `react-${project.name}-${process.pid}`);
      for (const version of versions)
        await bundle(version, 'test/e2e/react/entry.ts', `${folder}/${version}.js`, '/some/folder/');
      await use(folder);
    },
    { scope: 'worker' },
  ],
  site: [
    async ({ built }, use) => {
      const site = await serveSite({ '/some/folder/': 'web/dist', '/react/': built });
      await use(site);
      await site.close();
    },
    { scope: 'worker' },
  ],
  complaints: async ({ page }, use) => {
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error))); // unhandled rejections among them
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    await use(complaints);
    expect(complaints).toEqual([]);
  },
});

export const secret = 'correct horse battery';

/** Makes calls of SubtleCrypto and IndexedDB wait, or fail, when a test says so in `gates` and `failing`. */
async function holdable(page: Page): Promise<void> {
  await page.addInitScript(() => {
    globalThis.gates = {};
    globalThis.failing = '';
    globalThis.waiting = 0;
    for (const name of ['encrypt', 'decrypt'] as const) {
      const call = SubtleCrypto.prototype[name];
      // The call is made at once, since its bytes are only lent, and its result waits.
      SubtleCrypto.prototype[name] = function (...all: Parameters<typeof call>) {
        const gate = globalThis.gates[name];
        const result = call.apply(this, all);
        result.catch(() => {}); // whoever waits for it behind the gate hears of it
        if (!gate) return result;
        globalThis.waiting++;
        return gate.then(() => result);
      };
    }
    for (const name of ['put', 'delete'] as const) {
      const write = IDBObjectStore.prototype[name] as (...all: never[]) => never;
      IDBObjectStore.prototype[name] = function (this: IDBObjectStore, ...all: never[]) {
        if (globalThis.failing) throw new DOMException('made to fail', globalThis.failing);
        return write.apply(this, all);
      };
    }
  });
}

declare global {
  var react: typeof import('react');
  var hooks: typeof import('../../web/src/react.ts');
  var createRoot: typeof import('react-dom/client').createRoot;
  var hydrateRoot: typeof import('react-dom/client').hydrateRoot;
  var flushSync: typeof import('react-dom').flushSync;
  /** What calls of SubtleCrypto wait for. */
  var gates: { encrypt?: Promise<void> | undefined; decrypt?: Promise<void> | undefined };
  /** How many calls have met a closed gate. */
  var waiting: number;
  /** The name of the DOMException that writes fail with, or none. */
  var failing: string;
  /** Holds calls until the function that it returns is called. */
  var hold: (what: 'encrypt' | 'decrypt') => () => void;
  /** Waits until something is so. */
  var until: (is: () => unknown) => Promise<void>;
  /** Renders into the page under StrictMode, and returns the root. */
  var mount: (node: import('react').ReactNode) => import('react-dom/client').Root;
  /** The text of the page. */
  var text: () => string;
}

/** Opens the application with React in a page. */
export async function openReact(page: Page, url: string, version: Version): Promise<void> {
  await holdable(page);
  await reopen(page, url, version);
}

/** Loads the page anew. */
export async function reopen(page: Page, url: string, version: Version): Promise<void> {
  await openApp(page, url);
  await page.evaluate(async (version) => {
    await import(`${location.origin}/react/${version}.js`);
    globalThis.hold = (what) => {
      let release = () => {};
      globalThis.gates[what] = new Promise((resolve) => {
        release = () => {
          delete globalThis.gates[what];
          resolve();
        };
      });
      return () => release();
    };
    globalThis.until = async (is) => {
      const end = performance.now() + 20_000;
      while (!(await is())) {
        if (performance.now() > end) throw new Error(`waited in vain for ${is}; the page says ${text()}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    globalThis.mount = (node) => {
      const root = createRoot(document.body.appendChild(document.createElement('div')));
      root.render(react.createElement(react.StrictMode, null, node));
      return root;
    };
    // biome-ignore lint/performance/useDomNodeTextContent: what is hidden, as by Suspense, does not count
    globalThis.text = () => document.body.innerText.trim();
  }, version);
}

export { expect };
