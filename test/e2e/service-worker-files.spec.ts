import fs from 'node:fs';
import { expect, openApp } from './app.ts';
import { appFiles, fill, locked, outcome, register, share, start, test, unlock } from './service-worker-site.ts';

test('the application starts offline, WebAssembly and all, and reads once it is unlocked', async ({ page, site }) => {
  await start(page, { precache: appFiles });
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

test('where its engine can not be loaded it says so, and tries again', async ({ page, site }) => {
  await start(page, { wasmUrl: '/engine' });
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

test.describe(() => {
  test.skip(({ browserName }) => browserName !== 'chromium', 'no engine has a part in it');

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
});
