import type { Page } from '@playwright/test';
import { expect, openApp } from './app.ts';
import { appFiles, fill, get, locked, outcome, register, share, start, test, unlock } from './service-worker-site.ts';

const canary = 'finding CANARY-7 of patient P12345';

/** Rotates the keys in a page, or ends that, with the secret of a byte, and to that of another one where it is given. */
const rotate = (page: Page, call: 'rotateKeys' | 'commitRotation', byte: number, next?: number) =>
  page.evaluate(
    async ([call, byte, next]) => {
      const file = `${location.origin}/some/folder/keys.js`;
      const { VaultKeys } = (await import(file)) as typeof import('../../web/src/keys.ts');
      const [secret, newSecret] = [byte, next].map((n) => n && new Uint8Array(32).fill(n)) as [Uint8Array, Uint8Array?];
      await new VaultKeys('db')[call](newSecret ? { secret, newSecret } : { secret });
    },
    [call, byte, next] as const,
  );

test('no key and nothing of the data lies in clear in any store', async ({ page, site }) => {
  await start(page, { noStore: 'ignore', precache: appFiles });
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

test('a rotation of keys takes it along', async ({ page, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  await rotate(page, 'rotateKeys', 7);
  await rotate(page, 'commitRotation', 7);
  await fill(page, site, '/data/b');
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe('200 kept');
  expect(await outcome(page, '/data/b')).toBe('200 kept');
});

test('a rotation to a new secret takes its keys, until a page lends it the new ones', async ({
  page,
  context,
  site,
}) => {
  const files = ['keys', 'rotation'].map((name) => `/some/folder/${name}.js`);
  await start(page, { precache: [...appFiles, ...files] });
  await fill(page, site, '/data/a');
  const rotating = await context.newPage();
  await openApp(rotating, site.url);
  await unlock(rotating);
  site.down = true;
  const met = page.evaluate(async () => {
    const all = new Set<string>();
    while (!cached.locked) {
      const { status, headers } = await fetch('/data/a');
      all.add(`${status} ${headers.get('idbvault-code') ?? 'kept'}`);
    }
    return [...all];
  });
  await rotate(rotating, 'rotateKeys', 7, 9);
  for (const answer of await met) expect(['200 kept', locked]).toContain(answer);
  expect(await outcome(page, '/data/a')).toBe(locked);
  site.down = false;
  site.data.set('/data/a', { body: 'newer' });
  expect(await outcome(page, '/data/a')).toBe('200 newer'); // the network's, which is not kept
  await share(rotating);
  const isKept = () => rotating.evaluate(() => cached.exists(`fetch:${location.origin}/data/b`));
  site.data.set('/data/b', { body: 'kept' });
  await get(page, '/data/b');
  await expect.poll(isKept).toBe(true); // between the epochs
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe('200 kept');
  await rotate(rotating, 'commitRotation', 9);
  for (const path of ['/data/a', '/data/b']) expect(await outcome(page, path)).toBe('200 kept');
  await rotating.close();
  expect(await outcome(page, '/data/a')).toBe(locked);
  // And by the page that lends.
  await unlock(page, {}, 9);
  await rotate(page, 'rotateKeys', 9, 7);
  for (const path of ['/data/a', '/data/b']) expect(await outcome(page, path)).toBe('200 kept');
});

test('a class that was forgotten at a logout is not answered, and kept anew after the next unlock', async ({
  page,
  site,
}) => {
  const policy = { phi: { purgeOnLogout: true } };
  await register(page, { classification: 'phi' }, { match: '/other/' });
  await share(page);
  await unlock(page, { policy });
  await fill(page, site, '/data/a', { body: canary });
  await fill(page, site, '/other/a');
  site.down = true;
  await page.evaluate(() => cached.lockAndForget());
  expect(await outcome(page, '/data/a')).toBe(locked);
  expect(await outcome(page, '/other/a')).toBe(locked);
  site.down = false;
  expect(await outcome(page, '/data/a')).toBe(`200 ${canary}`); // the network's, which is not kept
  site.down = true;
  await unlock(page, { policy });
  expect(await outcome(page, '/data/a')).toBe('TypeError');
  expect(await outcome(page, '/other/a')).toBe('200 kept');
  site.down = false;
  await fill(page, site, '/data/a', { body: 'anew' });
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe('200 anew');
});

test.describe(() => {
  test.skip(({ browserName }) => browserName !== 'chromium', 'no engine has a part in it');

  test('a vault that was destroyed, and made anew with another secret', async ({ page, site }) => {
    await start(page);
    await fill(page, site, '/data/a');
    await page.evaluate(() => idbvault.destroyVault('db'));
    await unlock(page, {}, 9);
    await fill(page, site, '/data/b');
    site.down = true;
    expect(await outcome(page, '/data/b')).toBe('200 kept');
    expect(await outcome(page, '/data/a')).toBe('TypeError');
  });

  test('where names lie in clear, URLs do, and it works the same', async ({ page, site }) => {
    await register(page, {});
    await share(page);
    await unlock(page, { names: 'clear' });
    await fill(page, site, '/data/a', { body: canary });
    const onDisk = await page.evaluate(async () =>
      (await raw.entries('db', 'records')).map((entry) => entry.map((part) => new TextDecoder().decode(part)).join()),
    );
    expect(onDisk).toEqual([expect.stringContaining(`fetch:${site.url}data/a`)]);
    expect(onDisk.join()).not.toContain('CANARY');
    site.down = true;
    expect(await outcome(page, '/data/a')).toBe(`200 ${canary}`);
    await page.evaluate(() => cached.lock());
    expect(await outcome(page, '/data/a')).toBe(locked);
    await unlock(page);
    expect(await outcome(page, '/data/a')).toBe(`200 ${canary}`);
    expect(await outcome(page, '/data/b')).toBe('TypeError');
  });
});
