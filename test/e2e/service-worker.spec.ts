import fs from 'node:fs';
import { expect, openApp } from './app.ts';
import {
  type Answered,
  fill,
  get,
  isKept,
  openTab,
  outcome,
  register,
  serveData,
  share,
  start,
  test,
  unlock,
} from './service-worker-site.ts';

const canary = 'finding CANARY-7 of patient P12345';

const locked = '503 ERR_LOCKED';

test('what came online is answered offline, headers and bytes, and nothing else is', async ({ page, site }) => {
  const body = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const headers = { 'content-type': 'image/x-own', etag: '"one"', 'x-study': 'CT-7', 'set-cookie': 'a=b' };
  await start(page);
  site.data.set('/data/image', { headers, body });
  expect(await get(page, '/data/image?a=1#part')).toMatchObject({ status: 200, body: body.toString('latin1') });
  await expect.poll(() => isKept(page, '/data/image?a=1')).toBe(true);
  site.down = true;
  const offline = (await get(page, '/data/image?a=1#other')) as Answered;
  expect(offline).toMatchObject({ status: 200, body: body.toString('latin1') });
  const { 'idbvault-kept': kept = '', date, connection, 'keep-alive': alive, ...rest } = offline.headers;
  expect(new Date(kept).toISOString()).toBe(kept);
  const { 'set-cookie': cookie, ...own } = headers;
  expect(rest).toMatchObject({ ...own, 'accept-ranges': 'bytes', 'content-length': '256' });
  expect(await outcome(page, '/data/image')).toBe('TypeError');
  expect(await outcome(page, '/data/image?a=1', { method: 'POST' })).toBe('TypeError');
  expect(await outcome(page, '/elsewhere')).toBe('TypeError');
  const metadata = await page.evaluate(() => cached.getMetadata(`fetch:${location.origin}/data/image?a=1`));
  expect(metadata).toMatchObject({ classification: 'confidential', context: { status: 200, expiresAt: null } });
  expect(JSON.stringify(metadata)).not.toContain('a=b');
});

test('a body that came compressed is kept as it reads', async ({ page, site }) => {
  await start(page, { classification: 'phi' });
  const { gzipSync } = await import('node:zlib');
  await fill(page, site, '/data/a', { headers: { 'content-encoding': 'gzip' }, body: gzipSync('kept') });
  site.down = true;
  expect(await get(page, '/data/a')).toMatchObject({ status: 200, body: 'kept', headers: { 'content-length': '4' } });
  expect(((await get(page, '/data/a')) as Answered).headers).not.toHaveProperty('content-encoding');
  expect(await page.evaluate(() => cached.keys({ classification: 'phi' }))).toEqual([`fetch:${site.url}data/a`]);
});

test('the application starts offline, WebAssembly and all, and reads once it is unlocked', async ({ page, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  site.down = true;
  await openApp(page, site.url);
  await share(page);
  expect(await outcome(page, '/data/a')).toBe(locked);
  await unlock(page);
  expect(await outcome(page, '/data/a')).toBe('200 kept');
  await page.reload();
  expect(await outcome(page, '/data/a')).toBe(locked);
});

test('after a lock it drops the keys: 503, with a sentence and a code', async ({ page, site }) => {
  await start(page);
  await fill(page, site, '/data/a', { body: canary });
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe(`200 ${canary}`);
  await page.evaluate(() => cached.lock());
  const answer = (await get(page, '/data/a')) as Answered;
  expect(answer.status).toBe(503);
  expect(answer.body).toMatch(/^No open page has this vault unlocked .*\.\n$/);
  expect(answer.headers).toEqual({
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'idbvault-code': 'ERR_LOCKED',
  });
  expect(await outcome(page, '/data/a', { headers: { range: 'bytes=0-3' } })).toBe(locked);
  await unlock(page);
  expect(await outcome(page, '/data/a')).toBe(`200 ${canary}`);
});

test('while it is locked, what the network answers passes, and is not kept', async ({ page, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  await page.evaluate(() => cached.lock());
  site.data.set('/data/a', { body: 'newer' });
  site.data.set('/data/b', { body: 'new' });
  expect(await outcome(page, '/data/a')).toBe('200 newer');
  expect(await outcome(page, '/data/b')).toBe('200 new');
  await unlock(page);
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe('200 kept');
  expect(await outcome(page, '/data/b')).toBe('TypeError');
});

test('a lock in another tab reaches it', async ({ page, context, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  const tab = await openTab(context, site);
  await unlock(tab);
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe('200 kept');
  await page.evaluate(() => endSharing()); // the one that locks need not be one that lends
  expect(await outcome(page, '/data/a')).toBe('200 kept');
  await page.evaluate(() => cached.lock());
  await expect.poll(() => tab.evaluate(() => cached.locked)).toBe(true);
  expect(await outcome(page, '/data/a')).toBe(locked);
  expect(await outcome(tab, '/data/a')).toBe(locked);
});

test('what was being read when the lock came is not given', async ({ page, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  site.down = true;
  const seen = await page.evaluate(async () => {
    const channel = new BroadcastChannel('test');
    const heard = (what: string) =>
      new Promise<void>((resolve) => {
        channel.addEventListener('message', ({ data }) => data === what && resolve());
      });
    const tell = async (what: string) => {
      const done = heard(`${what} heard`);
      channel.postMessage(what);
      await done;
    };
    await tell('hold');
    const decrypting = heard('decrypting');
    const fetching = fetch('/data/a');
    await decrypting;
    const locked = heard('locked heard');
    await cached.lock();
    await locked;
    await tell('go');
    const response = await fetching;
    return [response.status, response.headers.get('idbvault-code'), (await response.text()).includes('kept')];
  });
  expect(seen).toEqual([503, 'ERR_LOCKED', false]);
});

test('keys that were on their way when the lock came are not taken', async ({ page, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  site.down = true;
  const seen = await page.evaluate(async () => {
    // The service worker has them already: let it ask again.
    endSharing();
    const file = `${location.origin}/some/folder/offline.js`;
    const { shareWithServiceWorker } = (await import(file)) as typeof import('../../web/src/offline.ts');
    globalThis.endSharing = shareWithServiceWorker('db');
    const post = MessagePort.prototype.postMessage as (message: unknown) => void;
    let send: () => void = () => {};
    const held = new Promise<unknown[]>((resolve) => {
      MessagePort.prototype.postMessage = function (this: MessagePort, message: unknown[]) {
        send = () => post.call(this, message);
        resolve(message);
      };
    });
    const channel = new BroadcastChannel('test');
    const locked = new Promise<void>((resolve) => {
      channel.onmessage = ({ data }) => data === 'locked heard' && resolve();
    });
    const fetching = fetch('/data/a');
    const handles = await held;
    await cached.lock();
    await locked;
    send();
    MessagePort.prototype.postMessage = post;
    return [handles.length > 0, (await fetching).status];
  });
  expect(seen).toEqual([true, 503]);
  expect(await outcome(page, '/data/a')).toBe(locked);
});

test('with the last page that is unlocked its keys go, whoever else is open', async ({ page, context, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  const second = await openTab(context, site);
  const third = await openTab(context, site);
  await unlock(second);
  site.down = true;
  expect(await outcome(third, '/data/a')).toBe('200 kept');
  await page.close();
  expect(await outcome(third, '/data/a')).toBe('200 kept');
  await second.close();
  expect(await outcome(third, '/data/a')).toBe(locked);
});

test('it looks at its pages itself: one that is gone without a word lends nothing any more', async ({
  page,
  context,
  site,
}) => {
  await start(page);
  await fill(page, site, '/data/a');
  await page.evaluate(() => {
    ServiceWorker.prototype.postMessage = () => {};
  });
  const second = await openTab(context, site);
  site.down = true;
  expect(await outcome(second, '/data/a')).toBe('200 kept');
  await page.close();
  expect(await outcome(second, '/data/a')).toBe(locked);
});

test('a page that does not share, or no longer, lends nothing', async ({ page, site }) => {
  await register(page, {});
  await unlock(page);
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe(locked);
  await share(page);
  expect(await outcome(page, '/data/a')).toBe('TypeError'); // it is open, and has nothing
  await page.evaluate(() => endSharing());
  expect(await outcome(page, '/data/a')).toBe(locked);
});

test('one that was stopped asks again', async ({ page, context, site, browserName }) => {
  test.skip(browserName !== 'chromium', 'Playwright has no way to stop a service worker of Firefox');
  await start(page);
  await fill(page, site, '/data/a');
  site.down = true;
  const cdp = await context.newCDPSession(page);
  await cdp.send('ServiceWorker.enable');
  const asked = () =>
    page.evaluate(() => {
      const state = globalThis as { asks?: number };
      if (state.asks === undefined) {
        state.asks = 0;
        navigator.serviceWorker.addEventListener('message', () => {
          state.asks = (state.asks ?? 0) + 1;
        });
      }
      return state.asks;
    });
  expect(await asked()).toBe(0);
  expect(await outcome(page, '/data/a')).toBe('200 kept');
  expect(await asked()).toBe(0);
  await cdp.send('ServiceWorker.stopAllWorkers');
  expect(await outcome(page, '/data/a')).toBe('200 kept');
  expect(await asked()).toBe(1);
  await page.evaluate(() => cached.lock());
  await cdp.send('ServiceWorker.stopAllWorkers');
  expect(await outcome(page, '/data/a')).toBe(locked);
});

test('a page gives its keys to the service worker that controls it, and to no other', async ({
  page,
  context,
  site,
}) => {
  await start(page);
  const other = await context.newPage();
  await other.goto(`${site.url}other/`);
  // A service worker of this origin that controls another page asks all of them.
  const stolen = await other.evaluate(async () => {
    const { trustedTypes } = globalThis as unknown as {
      trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } };
    };
    const trusted = trustedTypes?.createPolicy('test', { createScriptURL: (own: string) => own });
    const url = '/other/thief.js';
    const { installing } = await navigator.serviceWorker.register(trusted?.createScriptURL(url) ?? url);
    const { port1, port2 } = new MessageChannel();
    const answered = new Promise((resolve) => {
      port1.onmessage = ({ data }) => resolve(data);
    });
    installing?.postMessage('steal', [port2]);
    return answered;
  });
  expect(stolen).toEqual(['nothing', 'nothing']);
  // Nor does a page that is opened by it, or an event that a script made.
  const forged = await page.evaluate(async () => {
    const ask = { idbvault: 'keys', database: 'db' };
    const answers: unknown[] = [];
    const port = () => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => answers.push(data);
      return port2;
    };
    window.postMessage(ask, location.origin, [port()]);
    const source = navigator.serviceWorker.controller;
    navigator.serviceWorker.dispatchEvent(new MessageEvent('message', { data: ask, source, ports: [port()] }));
    navigator.serviceWorker.controller?.postMessage(ask, [port()]);
    await fetch('/data/none'); // the service worker asks, and is answered
    await new Promise((resolve) => setTimeout(resolve, 300));
    return answers;
  });
  expect(forged).toEqual([]);
});

test('what a page says to it gets nothing and opens nothing', async ({ page, context, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  await page.evaluate(() => cached.lock());
  site.down = true;
  const said = await page.evaluate(() => {
    const heard: unknown[] = [];
    navigator.serviceWorker.addEventListener('message', ({ data }) => heard.push(data));
    const worker = navigator.serviceWorker.controller;
    for (const message of [null, 7, {}, { idbvault: 'keys', database: 'db', keys: [] }, { idbvault: 'leaves' }])
      worker?.postMessage(message);
    return heard;
  });
  expect(said).toEqual([]);
  const second = await openTab(context, site);
  expect(await outcome(second, '/data/a')).toBe(locked);
});

test('no key and nothing of the data lies in clear in any store', async ({ page, site }) => {
  await start(page, { noStore: 'ignore' });
  await fill(page, site, '/data/CANARY-7', {
    body: canary,
    headers: { 'x-note': canary, 'cache-control': 'max-age=9999' },
  });
  site.down = true;
  expect(await outcome(page, '/data/CANARY-7')).toBe(`200 ${canary}`);
  const stores = await page.evaluate(async () => {
    const read = async <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const kinds = new Set<string>();
    let text = '';
    for (const { name = '' } of await indexedDB.databases()) {
      const db = await read(indexedDB.open(name));
      for (const store of db.objectStoreNames) {
        const from = db.transaction(store).objectStore(store);
        const [keys, values] = await Promise.all([read(from.getAllKeys()), read(from.getAll())]);
        for (const part of [...keys, ...values]) {
          kinds.add((part as object).constructor.name);
          text += new TextDecoder('latin1').decode(part as ArrayBuffer);
        }
      }
      text += name;
      db.close();
    }
    const urls: string[] = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        urls.push(new URL(request.url).pathname);
        text += request.url + (await ((await cache.match(request)) as Response).text());
      }
    }
    text += JSON.stringify([localStorage, sessionStorage, document.cookie]);
    return { kinds: [...kinds], urls: urls.sort(), canary: text.includes('CANARY-7'), size: text.length };
  });
  expect(stores.size).toBeGreaterThan(1_000_000); // it has read the WebAssembly
  expect(stores).toMatchObject({ kinds: ['ArrayBuffer'], canary: false });
  expect(stores.urls).toEqual([
    '/',
    '/some/folder/extras.js',
    '/some/folder/idbvault.wasm',
    '/some/folder/index.js',
    '/some/folder/later.js',
    '/some/folder/offline.js',
    '/some/folder/wasm_exec.js',
  ]);
  // Nor in the browser's own cache of what it fetched.
  site.down = false;
  await page.evaluate(async () => (await navigator.serviceWorker.ready).unregister());
  await page.goto(site.url);
  site.data.set('/cacheable', { body: 'control', headers: { 'cache-control': 'max-age=9999' } });
  expect(await outcome(page, '/cacheable')).toBe('200 control');
  const fromCache = { cache: 'only-if-cached', mode: 'same-origin' } as const;
  expect(await outcome(page, '/cacheable', fromCache)).toBe('200 control');
  expect(await outcome(page, '/data/CANARY-7', fromCache)).toBe('TypeError');
});

test('ranges of what is kept', async ({ page, site }) => {
  await start(page);
  const headers = { etag: '"one"', 'last-modified': 'Wed, 21 Oct 2015 07:28:00 GMT', 'content-type': 'text/x-own' };
  await fill(page, site, '/data/a', { body: '0123456789', headers });
  site.down = true;
  const ranged = async (range: string, more: Record<string, string> = {}) => {
    const { status, body, headers } = (await get(page, '/data/a', { headers: { range, ...more } })) as Answered;
    return [status, body, headers['content-range'] ?? null, headers['content-length'] ?? null];
  };
  const whole = [200, '0123456789', null, '10'];
  expect(await ranged('bytes=2-4')).toEqual([206, '234', 'bytes 2-4/10', '3']);
  expect(await ranged('bytes=0-0')).toEqual([206, '0', 'bytes 0-0/10', '1']);
  expect(await ranged('bytes=7-')).toEqual([206, '789', 'bytes 7-9/10', '3']);
  expect(await ranged('bytes=7-100')).toEqual([206, '789', 'bytes 7-9/10', '3']);
  expect(await ranged('bytes=-3')).toEqual([206, '789', 'bytes 7-9/10', '3']);
  expect(await ranged('bytes=-30')).toEqual([206, '0123456789', 'bytes 0-9/10', '10']);
  expect(await ranged('Bytes=2-4')).toEqual([206, '234', 'bytes 2-4/10', '3']);
  expect(await ranged('bytes=10-')).toEqual([416, '', 'bytes */10', null]);
  expect(await ranged('bytes=-0')).toEqual([416, '', 'bytes */10', null]);
  for (const range of ['bytes=0-1,4-5', 'bytes=4-2', 'bytes=-', 'bytes=a-b', 'lines=1-2', 'bytes 1-2'])
    expect(await ranged(range)).toEqual(whole);
  expect(await ranged('bytes=2-4', { 'if-range': '"one"' })).toEqual([206, '234', 'bytes 2-4/10', '3']);
  expect(await ranged('bytes=2-4', { 'if-range': '"two"' })).toEqual(whole);
  expect(await ranged('bytes=2-4', { 'if-range': 'W/"one"' })).toEqual(whole);
  expect((await ranged('bytes=2-4', { 'if-range': headers['last-modified'] }))[0]).toBe(206);
  expect(await ranged('bytes=2-4', { 'if-range': 'Wed, 21 Oct 2015 07:28:01 GMT' })).toEqual(whole);
});

test('a range that is asked for online is not kept', async ({ page, site }) => {
  await start(page);
  site.data.set('/data/part', { status: 206, body: 'ar', headers: { 'content-range': 'bytes 1-2/4' } });
  site.data.set('/data/whole', { body: 'whole' });
  const init = { headers: { range: 'bytes=1-2' } };
  expect(await outcome(page, '/data/part', init)).toBe('206 ar');
  expect(await outcome(page, '/data/whole', init)).toBe('200 whole');
  await fill(page, site, '/data/a'); // what is asked for later is kept
  expect(await page.evaluate(() => cached.keys())).toEqual([`fetch:${site.url}data/a`]);
});

test('an element asks for a range, and the server hears of it', async ({ page, site }) => {
  await start(page);
  site.data.set('/data/sound', {
    status: 206,
    headers: { 'content-type': 'audio/wav', 'content-range': 'bytes 0-3/4' },
  });
  await page.evaluate(() => {
    const audio = new Audio('/data/sound');
    audio.preload = 'auto';
    audio.load();
  });
  await expect.poll(() => site.ranges).toContain('/data/sound bytes=0-');
  expect(await page.evaluate(() => cached.count())).toBe(0);
});

test('where its engine can not be loaded it says so, and tries again', async ({ page, site }) => {
  await start(page, { precache: [], wasmUrl: '/engine' });
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe('503 ERR_LOAD');
  site.down = false;
  const body = fs.readFileSync('web/dist/idbvault.wasm');
  site.data.set('/engine', { headers: { 'content-type': 'application/wasm' }, body });
  await fill(page, site, '/data/a');
  expect(site.asked.filter((path) => path === '/engine')).toHaveLength(1);
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe('200 kept');
});

test('what the server forbids to keep is not kept, unless the application says so', async ({ page, site }) => {
  await start(page, {}, { match: '/forced/', noStore: 'ignore' });
  const noStore = { headers: { 'cache-control': 'private, No-Store' } };
  site.data.set('/data/no-store', noStore);
  site.data.set('/data/vary', { headers: { vary: 'accept, *' } });
  site.data.set('/forced/vary', { headers: { vary: '*' } });
  site.data.set('/data/absent', { status: 404 });
  site.data.set('/data/partial', { status: 203 });
  for (const path of ['/data/no-store', '/data/vary', '/forced/vary', '/data/absent', '/data/partial'])
    expect(await get(page, path)).not.toBe('TypeError');
  await fill(page, site, '/forced/no-store', noStore);
  await fill(page, site, '/data/a', { headers: { 'cache-control': 'private, x-no-store', vary: 'accept' } });
  const names = (await page.evaluate(() => cached.keys())).sort();
  expect(names).toEqual([`fetch:${site.url}data/a`, `fetch:${site.url}forced/no-store`]);
  // What it forbids from now on, is forgotten.
  site.data.set('/data/a', noStore);
  await get(page, '/data/a');
  await expect.poll(() => isKept(page, '/data/a')).toBe(false);
});

test('of another origin, it keeps what that allows to be read', async ({ page, site }) => {
  const other = await serveData();
  await start(page, { pattern: `^${other.url}data/` });
  other.data.set('/data/opaque', { body: 'opaque' });
  other.data.set('/data/open', { body: 'kept', headers: { 'access-control-allow-origin': '*' } });
  await get(page, `${other.url}data/opaque`, { mode: 'no-cors' });
  for (const path of ['data/open', 'data/open?2']) {
    expect(await outcome(page, other.url + path)).toBe('200 kept');
    await expect.poll(() => isKept(page, other.url + path)).toBe(true);
  }
  other.down = site.down = true;
  expect(await outcome(page, `${other.url}data/open`)).toBe('200 kept');
  expect(await isKept(page, `${other.url}data/opaque`)).toBe(false);
  await other.close();
});

test('a path is of this origin, and a function sees the request', async ({ page, site }) => {
  const other = await serveData();
  await start(page, { match: '/data/' }, { accept: 'x/own', store: 'second' });
  const open = { body: 'kept', headers: { 'access-control-allow-origin': '*' } };
  other.data.set('/data/a', open);
  site.data.set('/elsewhere', open);
  expect(await outcome(page, `${other.url}data/a`)).toBe('200 kept');
  expect(await outcome(page, '/elsewhere', { headers: { accept: 'x/own' } })).toBe('200 kept');
  const names = (store: string) =>
    page.evaluate(async (store) => (await idbvault.createEncryptedStorage('db', store)).keys(), store);
  await expect.poll(() => names('second')).toEqual([`fetch:${site.url}elsewhere`]);
  expect(await names('encrypted-data')).toEqual([]);
  await other.close();
});

test('the vault first, where the application says so', async ({ page, site }) => {
  await start(page, { strategy: 'cache-first' });
  await fill(page, site, '/data/a');
  site.data.set('/data/a', { body: 'newer' });
  site.asked = [];
  expect(await outcome(page, '/data/a')).toBe('200 kept');
  expect(await outcome(page, '/data/a', { headers: { range: 'bytes=1-2' } })).toBe('206 ep');
  expect(site.asked).toEqual([]);
  await page.evaluate(() => cached.lock());
  expect(await outcome(page, '/data/a')).toBe('200 newer'); // from the network
  await unlock(page);
  expect(await outcome(page, '/data/a')).toBe('200 kept');
  expect(await outcome(page, '/data/a', { cache: 'reload' })).toBe('200 newer');
  await expect.poll(() => outcome(page, '/data/a')).toBe('200 newer');
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe('200 newer');
  await page.evaluate(() => cached.lock());
  expect(await outcome(page, '/data/a')).toBe(locked);
});

test('what has expired is not answered, and deleted', async ({ page, site }) => {
  await start(page, { ttlMs: 1000 }, { match: '/long/', ttlMs: 3_600_000 });
  await fill(page, site, '/data/a');
  await fill(page, site, '/long/a');
  site.down = true;
  await expect.poll(() => outcome(page, '/data/a')).toBe('TypeError');
  expect(await isKept(page, '/data/a')).toBe(false);
  expect(await outcome(page, '/long/a')).toBe('200 kept');
});

test('a body above maxBytes passes, and what it has outgrown is forgotten', async ({ page, site }) => {
  await start(page, { maxBytes: 1000 });
  await fill(page, site, '/data/a', { body: 'x'.repeat(1000) });
  site.data.set('/data/a', { body: 'x'.repeat(1001) });
  expect(await get(page, '/data/a')).toMatchObject({ status: 200, body: 'x'.repeat(1001) });
  await expect.poll(() => isKept(page, '/data/a')).toBe(false);
});

test('a body that breaks off is not kept, and the one before stays', async ({ page, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  site.data.set('/data/a', { body: 'half', headers: { 'content-length': '100' }, broken: true });
  expect(await outcome(page, '/data/a')).toBe('TypeError');
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe('200 kept');
});

test('an empty body, and a name or headers that the vault does not take', async ({ page, site }) => {
  await start(page);
  await fill(page, site, '/data/empty', { body: '' });
  const long = `/data/a?${'x'.repeat(1100)}`;
  site.data.set('/data/a', { body: 'passes' });
  expect(await outcome(page, long)).toBe('200 passes');
  site.down = true;
  expect(await outcome(page, '/data/empty')).toBe('200 ');
  expect(await outcome(page, '/data/empty', { headers: { range: 'bytes=0-' } })).toBe('416 ');
  expect(await outcome(page, long)).toBe('503 ERR_INVALID');
});

test('what was tampered with is refused', async ({ page, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  await page.evaluate(async () => {
    const [[key, value]] = (await raw.entries('db', 'records')) as [[ArrayBuffer, ArrayBuffer]];
    const bytes = new Uint8Array(value);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    await raw.put('db', 'records', key, value);
  });
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe('503 ERR_INTEGRITY');
});

test('a vault that was destroyed, and made anew with another secret', async ({ page, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  await page.evaluate(async () => {
    await idbvault.destroyVault('db');
    globalThis.cached = await idbvault.createEncryptedStorage('db', 'encrypted-data', { secret: 'another passphrase' });
  });
  await fill(page, site, '/data/b');
  site.down = true;
  expect(await outcome(page, '/data/b')).toBe('200 kept');
  expect(await outcome(page, '/data/a')).toBe('TypeError');
});

test('a rotation of keys takes it along', async ({ page, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  await page.evaluate(async (secret) => {
    const file = `${location.origin}/some/folder/keys.js`;
    const { VaultKeys } = (await import(file)) as typeof import('../../web/src/keys.ts');
    const keys = new VaultKeys('db');
    await keys.rotateKeys({ secret });
    await keys.commitRotation({ secret });
  }, 'correct horse battery');
  await fill(page, site, '/data/b');
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe('200 kept');
  expect(await outcome(page, '/data/b')).toBe('200 kept');
});

test('files of the application take effect together, with the service worker that fetched them', async ({
  page,
  context,
  site,
}) => {
  site.data.set('/file', { body: 'one' });
  await register(page, { precache: ['/file'] });
  site.data.set('/file', { body: 'two' });
  expect(await outcome(page, '/file')).toBe('200 two'); // the network's
  site.down = true;
  expect(await outcome(page, '/file')).toBe('200 one');
  site.down = false;
  site.data.set('/new', { body: 'new' });
  await register(page, { precache: ['/file', '/new', '/'] });
  const waiting = () => page.evaluate(async () => Boolean((await navigator.serviceWorker.ready).waiting));
  await expect.poll(waiting).toBe(true); // for the page to be left
  site.down = true;
  expect(await outcome(page, '/file')).toBe('200 one');
  expect(await outcome(page, '/new')).toBe('TypeError');
  site.down = false;
  const elsewhere = await context.newPage();
  await page.close();
  const controlled = async () => {
    await elsewhere.goto('about:blank');
    await elsewhere.goto(site.url);
    return elsewhere.evaluate(() => navigator.serviceWorker.controller?.scriptURL);
  };
  await expect.poll(controlled).toContain('new');
  site.down = true;
  expect(await outcome(elsewhere, '/file')).toBe('200 two');
  expect(await outcome(elsewhere, '/new')).toBe('200 new');
  await register(elsewhere, { precache: ['/absent'] }).catch(() => {}); // which can't be installed
  expect(await outcome(elsewhere, '/file')).toBe('200 two');
});

test('wrong options are ERR_INVALID', async ({ page }) => {
  const codes = await page.evaluate(async () => {
    const file = `${location.origin}/some/folder/service-worker.js`;
    const { installEncryptedCache } = (await import(file)) as typeof import('../../web/src/service-worker.ts');
    const good = { database: 'db', match: '/data/' };
    const wrong = [
      undefined,
      null,
      {},
      { match: '/data/' },
      { database: 'db' },
      { ...good, database: '' },
      { ...good, store: '' },
      { ...good, match: 'data' },
      { ...good, match: null },
      { ...good, strategy: 'cache-only' },
      { ...good, noStore: true },
      { ...good, classification: 'secret' },
      { ...good, ttlMs: 999 },
      { ...good, ttlMs: 1000.5 },
      { ...good, maxBytes: 0 },
      { ...good, precache: '/' },
      { ...good, precache: [7] },
      { ...good, precache: ['http://'] },
      { ...good, wasmUrl: 'http://' },
      { ...good, ttl: 1000 },
    ];
    return wrong.map((options) => {
      try {
        installEncryptedCache(options as never);
        return JSON.stringify(options);
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
  });
  expect(codes).toEqual(Array(codes.length).fill('ERR_INVALID'));
  const share = await page.evaluate(async () => {
    const file = `${location.origin}/some/folder/offline.js`;
    const { shareWithServiceWorker } = (await import(file)) as typeof import('../../web/src/offline.ts');
    await idbvault.createEncryptedStorage('in worker', 'store', { secret: 'correct horse battery', runIn: 'worker' });
    return [
      await codeOf(() => shareWithServiceWorker(7 as never)),
      await codeOf(() => shareWithServiceWorker('in worker')),
    ];
  });
  expect(share).toEqual(['ERR_INVALID', 'ERR_INVALID']);
});

test('the file is whole: it imports nothing, at once or later', () => {
  const text = fs.readFileSync('web/dist/service-worker.js', 'utf8');
  expect(text).not.toMatch(/\bimport\s*\(|\bfrom\s*["']\.|\bimport\s*["']/);
});
