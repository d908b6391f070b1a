import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type BrowserContext, expect, type Page } from '@playwright/test';
import { test as base, openApp, type Site } from './app.ts';

// A server with data to be cached, which can be down, and an application with a service worker on it.

/** What the server has under a path. */
export interface Data {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Whether the connection ends in the midst of the body. */
  broken?: boolean;
}

export interface DataSite extends Site {
  data: Map<string, Data>;
  /** A server that is down ends every connection. */
  down: boolean;
  /** The paths that were asked for, while it was up. */
  asked: string[];
  /** The ranges that were asked for. */
  ranges: string[];
}

const policy = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self'; media-src 'self'; connect-src *; require-trusted-types-for 'script'`;

/** The service worker; its options are in its URL. */
const worker = `import { installEncryptedCache } from '/some/folder/service-worker.js';
for (const { pattern, accept, ...options } of JSON.parse(new URL(location).searchParams.get('caches'))) {
  if (pattern) options.match = new RegExp(pattern, 'g');
  if (accept) options.match = ({ headers }) => headers.get('accept') === accept;
  installEncryptedCache(options);
}
// A page that does not answer is waited for a second, and not three, or until a test says so.
const begin = setTimeout;
const end = clearTimeout;
const waiting = new Map();
globalThis.setTimeout = (f, ms) => {
  const id = begin(f, ms === 3000 ? 1000 : ms);
  if (ms === 3000) waiting.set(id, f);
  return id;
};
globalThis.clearTimeout = (id) => {
  waiting.delete(id);
  end(id);
};
// For tests, encryption and decryption wait while they are held, the clock can be set, and what pages say is echoed once it was heard.
const channel = new BroadcastChannel('test');
let held;
let go;
let ahead = 0;
Date.now = () => Math.floor(performance.timeOrigin + performance.now() + ahead);
channel.onmessage = ({ data }) => {
  if (data === 'hold') held = new Promise((resolve) => { go = resolve; });
  if (data === 'lose patience') for (const f of waiting.values()) f();
  if (data === 'go') go(held = undefined);
  if (typeof data === 'number') ahead = data;
  channel.postMessage(data + ' heard');
};
for (const name of ['encrypt', 'decrypt']) {
  const work = SubtleCrypto.prototype[name];
  SubtleCrypto.prototype[name] = async function (...all) {
    if (held) channel.postMessage(name);
    await held;
    return work.apply(this, all);
  };
}
addEventListener('message', ({ data }) => channel.postMessage(data.idbvault + ' heard'));`;

/** A service worker that asks every page of the origin for keys, and tells who asks it what came. */
const thief = `addEventListener('message', async ({ ports: [answer] }) => {
  const pages = await clients.matchAll({ includeUncontrolled: true });
  const got = pages.map((page) => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data.length);
    page.postMessage({ idbvault: 'keys', database: 'db' }, [port2]);
    setTimeout(resolve, 300, 'nothing');
  }));
  answer.postMessage(await Promise.all(got));
});`;

const scripts: Record<string, string> = { '/sw.js': worker, '/other/thief.js': thief };

export async function serveData(): Promise<DataSite> {
  const server = http.createServer((request, response) => {
    if (site.down) return void request.socket.destroy();
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    site.asked.push(pathname);
    if (request.headers.range) site.ranges.push(`${pathname} ${request.headers.range}`);
    const data = site.data.get(pathname);
    if (data) {
      response.writeHead(data.status ?? 200, data.headers);
      if (data.broken) return void response.write(data.body, () => request.socket.destroy());
      return response.end(data.body ?? '');
    }
    response.setHeader('content-security-policy', policy);
    response.setHeader('cache-control', 'no-store');
    const script = scripts[pathname];
    response.setHeader('content-type', /\.js$/.test(pathname) ? 'text/javascript' : 'text/html');
    if (script) return response.end(script);
    if (pathname === '/' || pathname === '/other/')
      return response.end('<!doctype html><link rel="icon" href="data:,">');
    const file = path.join('web/dist', path.basename(pathname));
    if (!pathname.startsWith('/some/folder/') || !fs.existsSync(file)) {
      response.statusCode = 404;
      return response.end('not found');
    }
    if (file.endsWith('.wasm')) response.setHeader('content-type', 'application/wasm');
    response.end(fs.readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const site: DataSite = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    data: new Map(),
    down: false,
    asked: [],
    ranges: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return site;
}

/** Those of the package, and for `match` the source of a RegExp, or the Accept header of the requests that a function takes. */
type Options = Partial<import('../../web/src/service-worker.ts').EncryptedCacheOptions> & {
  pattern?: string;
  accept?: string;
};
type Offline = typeof import('../../web/src/offline.ts');
type StorageOptions = import('../../web/src/index.ts').StorageOptions;

declare global {
  var cached: Awaited<ReturnType<typeof import('../../web/src/index.ts').createEncryptedStorage>>;
  // Ends what shareWithServiceWorker began.
  var endSharing: () => void;
  // Waits until the service worker says something.
  var heard: (what: string) => Promise<void>;
  // Tells the service worker something, and waits until it has heard it.
  var tellWorker: (what: string | number) => Promise<void>;
}

/** The files that the application needs to start, the WebAssembly among them. */
export const appFiles = [
  '/',
  ...['index', 'offline', 'later', 'extras', 'wasm_exec'].map((name) => `/some/folder/${name}.js`),
  '/some/folder/idbvault.wasm',
];

/** Has a page registered a service worker with these caches, and waits until it controls the page. */
export const register = (page: Page, ...caches: Options[]) =>
  page.evaluate(
    async (caches) => {
      const { trustedTypes } = globalThis as unknown as {
        trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } };
      };
      const url = `/sw.js?caches=${encodeURIComponent(JSON.stringify(caches))}`;
      const trusted = trustedTypes?.createPolicy('test', { createScriptURL: (own: string) => own });
      await navigator.serviceWorker.register(trusted?.createScriptURL(url) ?? url, { type: 'module' });
      while (!navigator.serviceWorker.controller)
        await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve));
    },
    caches.map((options) => ({ database: 'db', match: '/data/', ...options })),
  );

/** Has a page share its vault, which may still be locked. */
export const share = (page: Page) =>
  page.evaluate(async () => {
    const channel = new BroadcastChannel('test');
    globalThis.heard = (what) =>
      new Promise((resolve) => {
        channel.addEventListener('message', ({ data }) => data === what && resolve());
      });
    globalThis.tellWorker = (what) => {
      const done = heard(`${what} heard`);
      channel.postMessage(what);
      return done;
    };
    const file = `${location.origin}/some/folder/offline.js`;
    const { shareWithServiceWorker } = (await import(file)) as Offline;
    globalThis.endSharing = shareWithServiceWorker('db');
  });

/** Unlocks the vault in a page, with one of two random keys: they need fewer iterations than a passphrase. */
export const unlock = (page: Page, options: StorageOptions = {}, byte = 7) =>
  page.evaluate(
    async ([options, byte]) => {
      const all = { secret: new Uint8Array(32).fill(byte), iterations: 250_000, ...options };
      globalThis.cached = await idbvault.createEncryptedStorage('db', 'encrypted-data', all);
    },
    [options, byte] as const,
  );

/** Sets the clocks of the service worker and of a page so many milliseconds ahead. */
export const setClocks = (page: Page, ms: number) =>
  page.evaluate(async (ms) => {
    Date.now = () => Math.floor(performance.timeOrigin + performance.now() + ms);
    await tellWorker(ms);
  }, ms);

/** Opens the application in a new tab, where the vault is locked. */
export async function openTab(context: BrowserContext, site: Site): Promise<Page> {
  const tab = await context.newPage();
  await openApp(tab, site.url);
  await share(tab);
  return tab;
}

/** Registers a service worker with these caches, and unlocks and shares the vault. */
export async function start(page: Page, ...caches: Options[]): Promise<void> {
  await register(page, ...(caches.length > 0 ? caches : [{}]));
  await share(page);
  await unlock(page);
}

/** Fetches from the server, and waits until the vault has it. */
export async function fill(page: Page, site: DataSite, path: string, data: Data = {}): Promise<void> {
  site.data.set(path, { body: 'kept', ...data });
  expect(await get(page, path)).toMatchObject({ status: data.status ?? 200 });
  await expect.poll(() => isKept(page, path)).toBe(true);
}

export interface Answered {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Fetches in a page; the name of the error where that fails. */
export const get = (page: Page, url: string, init: RequestInit = {}): Promise<Answered | string> =>
  page.evaluate(
    async ([url, init]) => {
      try {
        const response = await fetch(url, init);
        const headers = Object.fromEntries(response.headers);
        const bytes = new Uint8Array(await response.arrayBuffer());
        return { status: response.status, headers, body: String.fromCharCode(...bytes) };
      } catch (error) {
        return (error as Error).name;
      }
    },
    [url, init] as const,
  );

/** The outcome of a fetch that only a vault could answer, which no page lends. */
export const locked = '503 ERR_LOCKED';

/** The status of a fetch, with the code where the vault could not answer, or the name of the error. */
export async function outcome(page: Page, url: string, init: RequestInit = {}): Promise<string> {
  const answer = await get(page, url, init);
  return typeof answer === 'string' ? answer : `${answer.status} ${answer.headers['idbvault-code'] ?? answer.body}`;
}

/** Whether the vault of the page has what a path was answered with. */
export const isKept = (page: Page, url: string) =>
  page.evaluate((url) => cached.exists(`fetch:${new URL(url, location.origin).href}`), url);

export const test = base.extend<{ afresh: undefined }, { site: DataSite; keeper: Page }>({
  watched: false, // a fetch that fails is an error in the console
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern
  complaints: async ({}, use) => use([]), // opens no page where a test uses none
  site: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern
    async ({}, use) => {
      const site = await serveData();
      await use(site);
      await site.close();
    },
    { scope: 'worker' },
  ],
  afresh: [
    async ({ site }, use) => {
      await use(undefined);
      Object.assign(site, { data: new Map(), down: false, asked: [], ranges: [] });
    },
    { auto: true },
  ],
  // A page for all tests that leave its vault unlocked. Each has paths of its own.
  keeper: [
    async ({ browser, site }, use) => {
      const page = await browser.newPage();
      await openApp(page, site.url);
      await start(
        page,
        {},
        { match: '/forced/', noStore: 'ignore' },
        { match: '/phi/', classification: 'phi' },
        { match: '/small/', maxBytes: 1000 },
        { pattern: ':\\d+/any-origin/' },
        { accept: 'x/own', store: 'second' },
      );
      await use(page);
      await page.close();
    },
    { scope: 'worker' },
  ],
});
