import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test as base, type Page } from '@playwright/test';

// The built package, served as an application would serve it: static files in some folder, under a production CSP.

export const CSP =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'";

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
  '.css': 'text/css; charset=utf-8',
};

const blank = '<!doctype html><title>application</title><link rel="icon" href="data:,"><div id="root"></div>';

export interface Site {
  url: string;
  close: () => Promise<void>;
}

/** Serves folders at their prefixes, and an empty page at `/`. `csp` is the page's policy; `posted` hears what it posts. */
export async function serveSite(
  folders: Record<string, string>,
  csp = CSP,
  posted?: http.RequestListener,
): Promise<Site> {
  const server = http.createServer((request, response) => {
    if (posted && request.method === 'POST') return posted(request, response);
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    response.setHeader('content-security-policy', csp);
    response.setHeader('cache-control', 'no-store');
    if (pathname === '/') {
      response.setHeader('content-type', types['.html'] as string);
      return response.end(blank);
    }
    const prefix = Object.keys(folders).find((p) => pathname.startsWith(p));
    const file = prefix && path.join(folders[prefix] as string, path.normalize(`/${pathname.slice(prefix.length)}`));
    if (!file || !fs.existsSync(file) || !fs.statSync(file).isFile()) {
      response.statusCode = 404;
      return response.end('not found');
    }
    response.setHeader('content-type', types[path.extname(file)] ?? 'application/octet-stream');
    response.end(fs.readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Package = typeof import('../../web/src/index.ts');

declare global {
  // The package's exports, for what tests run in the page.
  var idbvault: Package;
  // Raw access to IndexedDB, for what tests change behind the library's back.
  var raw: {
    entries(database: string, table: string): Promise<[ArrayBuffer, ArrayBuffer][]>;
    put(database: string, table: string, key: IDBValidKey, value: unknown): Promise<void>;
    remove(database: string, table: string, key: IDBValidKey): Promise<void>;
  };
  // The code of the error that a promise rejects with, or 'no error'.
  var codeOf: (attempt: () => unknown) => Promise<string>;
}

/** Keeps the exports of each instance of the Go program in `cores`, which the shim does not give out. */
export async function keepCores(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const instantiate = WebAssembly.instantiate as (
      m: WebAssembly.Module,
      i?: WebAssembly.Imports,
    ) => Promise<WebAssembly.Instance>;
    Object.assign(WebAssembly, {
      instantiate: async (module: WebAssembly.Module, imports?: WebAssembly.Imports) => {
        const instance = await instantiate(module, imports);
        const started = globalThis as unknown as { cores?: unknown[] };
        started.cores = [...(started.cores ?? []), instance.exports];
        return instance;
      },
    });
  });
}

/** Opens the blank page and loads the package from a folder that is not the root, without a bundler. */
export async function openApp(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.evaluate(async () => {
    globalThis.idbvault = (await import(`${location.origin}/some/folder/index.js`)) as Package;
    const tables = ['keyring', 'records', 'chunks', 'journal', 'audit'];
    async function inStore<T>(database: string, table: string, work: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open(database);
        request.onupgradeneeded = () => tables.map((name) => request.result.createObjectStore(name));
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      const transaction = db.transaction(table, 'readwrite');
      const request = work(transaction.objectStore(table));
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
      });
      db.close();
      return request.result;
    }
    globalThis.raw = {
      async entries(database, table) {
        const keys = await inStore(database, table, (s) => s.getAllKeys());
        const values = await inStore(database, table, (s) => s.getAll());
        return keys.map((key, i) => [key as ArrayBuffer, values[i] as ArrayBuffer]);
      },
      put: async (database, table, key, value) => {
        await inStore(database, table, (s) => s.put(value, key));
      },
      remove: (database, table, key) => inStore(database, table, (s) => s.delete(key)),
    };
    globalThis.codeOf = async (attempt) => {
      try {
        await attempt();
        return 'no error';
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        // The sentence is a promise too: it is there, and it ends.
        if (!(error instanceof globalThis.idbvault.VaultError)) return `not a VaultError: ${error}`;
        return /^[A-Z].{20,}[.)]$/s.test(message) ? String(code) : `${code} with a poor message: ${message}`;
      }
    };
  });
}

/** Tests with the application open in `page`, which fail when the page logged an error or broke its CSP. */
export const test = base.extend<{ watched: boolean; complaints: string[] }, { site: Site }>({
  watched: [true, { option: true }],
  site: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern
    async ({}, use) => {
      const site = await serveSite({ '/some/folder/': 'web/dist' });
      await use(site);
      await site.close();
    },
    { scope: 'worker' },
  ],
  complaints: [
    async ({ page, watched }, use) => {
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      await use(complaints);
      if (watched) base.expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
  page: async ({ page, site }, use) => {
    await openApp(page, site.url);
    await use(page);
  },
});

export { expect } from '@playwright/test';
