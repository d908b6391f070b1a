import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { build } from 'esbuild';
import type { VaultKeys } from '../../web/src/keys.ts';
import { openApp, serveSite } from '../e2e/app.ts';
import { expect, openVault, test } from './test.ts';

test('images become bitmaps and object URLs', async ({ page, site }) => {
  await openVault(page, site);
  const seen = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(3, 2);
    const drawing = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
    drawing.fillStyle = 'rgb(200, 100, 50)';
    drawing.fillRect(0, 0, 3, 2);
    const png = await canvas.convertToBlob({ type: 'image/png' });
    const dataURL = await new Promise<string>((resolve) => {
      const reader = new FileReader();
      reader.onloadend = () => resolve(reader.result as string);
      reader.readAsDataURL(png);
    });
    await storage.setEncrypted('blob', png, 'phi');
    await storage.setEncrypted('bytes', await png.arrayBuffer(), 'phi');
    await storage.setEncrypted('text', dataURL, 'phi');
    await storage.setEncrypted('none', 'no image');
    const pixels = [];
    for (const key of ['blob', 'bytes', 'text']) {
      const bitmap = (await storage.getImageBitmap(key)) as ImageBitmap;
      drawing.clearRect(0, 0, 3, 2);
      drawing.drawImage(bitmap, 0, 0);
      pixels.push([bitmap.width, bitmap.height, ...drawing.getImageData(1, 1, 1, 1).data].join());
    }
    const shown = await storage.getObjectURL('text');
    const look = () => {
      const image = new Image();
      image.src = `${shown?.url}#${Math.random()}`;
      return image.decode().then(
        () => image.naturalWidth,
        () => 'gone',
      );
    };
    const wide = (await storage.getImageBitmap('text', { resizeWidth: 30, resizeHeight: 4 }))?.width;
    const before = await look();
    await storage.lock();
    return { pixels, wide, before, after: await look() };
  });
  const pixel = '3,2,200,100,50,255';
  expect(seen).toEqual({ pixels: [pixel, pixel, pixel], wide: 30, before: 3, after: 'gone' });
});

test('records expire and are purged, give way to others, and are counted without a StorageManager', async ({
  page,
  site,
}) => {
  await openVault(page, site, { evict: { maxBytes: 350_000, policy: 'oldest', protect: ['phi'] } });
  const found = await page.evaluate(async () => {
    await storage.setEncrypted('lasts', 'v', 'phi');
    await storage.setEncrypted('ends', 'v', 'phi', undefined, { ttlMs: 1000 });
    const { expiresAt } = (await storage.getMetadata('ends')) ?? {};
    while (await storage.exists('ends')) await new Promise((resolve) => setTimeout(resolve, 100));
    const purged = await storage.purgeExpired();
    const { records, quota, usage, persisted, classes } = await storage.estimate();
    for (const key of ['a', 'b', 'c', 'd']) await storage.setEncrypted(key, new Uint8Array(100_000), 'internal');
    return {
      expires: expiresAt !== null,
      purged,
      estimate: [records, classes.phi.records, quota, usage, persisted],
      persistence: await storage.requestPersistence(),
      left: [await storage.exists('lasts'), await storage.exists('d'), await storage.count()],
    };
  });
  expect(found).toEqual({
    expires: true,
    purged: 1,
    estimate: [1, 1, null, null, null], // which JSON makes of undefined
    persistence: false,
    left: [true, true, 4],
  });
});

test('keys are rotated to a new secret, to the end', async ({ page, site }) => {
  await openVault(page, site);
  const found = await page.evaluate(async () => {
    const file = `${location.origin}/some/folder/keys.js`;
    const { VaultKeys: Keys } = (await import(file)) as { VaultKeys: new (db: string) => VaultKeys };
    const keys = new Keys('db');
    const secret = new Uint8Array(32).fill(7);
    const newSecret = new Uint8Array(32).fill(8);
    await storage.setManyEncrypted(Array.from({ length: 200 }, (_, i) => ({ key: `k${i}`, value: `value ${i}` })));
    await storage.setEncrypted('large', new Uint8Array(300_000), 'phi');
    await storage.setEncryptedStream('stream', new Blob([new Uint8Array(3_000_000)]), 'phi');
    const { records, unreadable } = await keys.rotateKeys({ secret, newSecret });
    const { state } = await keys.rotationStatus();
    await keys.commitRotation({ secret: newSecret });
    const after = await keys.rotationStatus();
    const epochs = await Promise.all(
      ['k7', 'large', 'stream'].map(async (key) => (await storage.getMetadata(key))?.epoch),
    );
    const { intact, lines } = await keys.auditLog();
    return {
      rotated: [records, unreadable.length, state, after.state],
      epochs,
      value: await storage.getDecrypted('k7'),
      stream: (await storage.getDecryptedBytes('stream'))?.length,
      audit: [intact, lines.at(-1)?.event],
      codes: [
        await codeOf(() => keys.addSlot({ kind: 'passkey', secret: newSecret, user: { name: 'ada' } })),
        await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret, iterations: 250_000 })),
        await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret: newSecret, iterations: 250_000 })),
      ],
    };
  });
  expect(found).toEqual({
    rotated: [202, 0, 'rotated', 'none'],
    epochs: [2, 2, 2],
    value: 'value 7',
    stream: 3_000_000,
    audit: [true, 'rotation-committed'],
    codes: ['ERR_UNSUPPORTED', 'ERR_WRONG_SECRET', 'no error'],
  });
});

test('an archive is restored where there is no vault, and brought into one that is there', async ({ page, site }) => {
  await openVault(page, site);
  const found = await page.evaluate(async () => {
    const file = `${location.origin}/some/folder/archive.js`;
    const { exportArchive, importArchive } = (await import(file)) as typeof import('../../web/src/archive.ts');
    const secret = new Uint8Array(32).fill(7);
    await storage.setEncrypted('text', 'kept', 'phi', { patient: 'P1' });
    await storage.setEncrypted('split', new Uint8Array(300_000).fill(1), 'phi');
    await storage.setEncryptedStream('chunked', new Blob([new Uint8Array(3_000_000).fill(2)]), 'phi');
    await storage.setManyEncrypted(Array.from({ length: 100 }, (_, i) => ({ key: `many:${i}`, value: `value ${i}` })));
    const content = async (database: string) => {
      const all = await idbvault.createEncryptedStorage(database, 'store', { secret, iterations: 250_000 });
      const sizes = ['split', 'chunked'].map(async (key) => (await all.getDecryptedBytes(key))?.length);
      return [await all.getDecrypted('text'), await all.count(), ...(await Promise.all(sizes))];
    };
    const archive = await new Response(await exportArchive('db')).blob();
    storage.close();
    await idbvault.destroyVault('db');
    const restored = await importArchive('db', archive.stream(), { secret });
    const other = await idbvault.createEncryptedStorage('other', 'store', { secret, iterations: 250_000 });
    await other.setEncrypted('text', 'there before');
    const merged = await importArchive('other', archive, { secret });
    return { restored, db: await content('db'), merged, other: await content('other') };
  });
  expect(found).toEqual({
    restored: { records: 103, skipped: 0, replaced: 0 },
    db: ['kept', 103, 300_000, 3_000_000],
    merged: { records: 102, skipped: 1, replaced: 0 },
    other: ['there before', 103, 300_000, 3_000_000],
  });
});

test('a service worker answers from the vault when the server is gone', async ({ page }) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'idbvault-offline-'));
  const files = ['/', ...['index', 'offline', 'later', 'extras', 'wasm_exec'].map((name) => `/some/folder/${name}.js`)];
  const options = {
    database: 'db',
    match: '/data/',
    noStore: 'ignore',
    precache: [...files, '/some/folder/idbvault.wasm'],
  };
  fs.writeFileSync(
    path.join(folder, 'sw.js'),
    `import { installEncryptedCache } from '/some/folder/service-worker.js'; installEncryptedCache(${JSON.stringify(options)});`,
  );
  fs.mkdirSync(path.join(folder, 'data'));
  fs.writeFileSync(path.join(folder, 'data/image'), 'kept');
  const site = await serveSite({ '/some/folder/': 'web/dist', '/': folder });
  const share = () =>
    page.evaluate(async () => {
      const file = `${location.origin}/some/folder/offline.js`;
      const { shareWithServiceWorker } = (await import(file)) as typeof import('../../web/src/offline.ts');
      shareWithServiceWorker('db');
    });
  const unlock = () =>
    page.evaluate(async () => {
      const secret = new Uint8Array(32).fill(7);
      globalThis.storage = await idbvault.createEncryptedStorage('db', 'encrypted-data', {
        secret,
        iterations: 150_000,
      });
    });
  const get = () =>
    page.evaluate(async () => {
      const response = await fetch('/data/image', { headers: { accept: 'image/x' } });
      return [response.status, response.headers.get('idbvault-code') ?? (await response.text())];
    });
  await openApp(page, site.url);
  await page.evaluate(async () => {
    const { trustedTypes } = globalThis as unknown as {
      trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } };
    };
    const trusted = trustedTypes?.createPolicy('test', { createScriptURL: (own: string) => own });
    await navigator.serviceWorker.register(trusted?.createScriptURL('/sw.js') ?? '/sw.js', { type: 'module' });
    while (!navigator.serviceWorker.controller)
      await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve));
  });
  await share();
  await unlock();
  expect(await get()).toEqual([200, 'kept']);
  await expect.poll(() => page.evaluate(() => storage.exists(`fetch:${location.origin}/data/image`))).toBe(true);
  await site.close();
  expect(await get()).toEqual([200, 'kept']);
  await openApp(page, site.url); // which the service worker answers, too
  await share();
  expect(await get()).toEqual([503, 'ERR_LOCKED']);
  await unlock();
  expect(await get()).toEqual([200, 'kept']);
  await page.evaluate(() => storage.lock());
  expect(await get()).toEqual([503, 'ERR_LOCKED']);
  fs.rmSync(folder, { recursive: true });
});

test('the hook of React shows a value, and what another window writes', async ({ page, webkit }) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'idbvault-react-'));
  await build({
    stdin: {
      contents: `import { createElement } from 'react'; import { createRoot } from 'react-dom/client';
        import { useEncryptedStorage } from './web/dist/react.js';
        function Theme() {
          const { value, loading, updateValue } = useEncryptedStorage('theme');
          return createElement('button', { onClick: () => updateValue('dark') }, loading ? 'loading' : String(value));
        }
        export const show = () => createRoot(document.getElementById('root')).render(createElement(Theme));`,
      resolveDir: '.',
    },
    outfile: path.join(folder, 'app.js'),
    bundle: true,
    format: 'esm',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'beside',
        setup: (b) =>
          b.onResolve({ filter: /^\.\/index\.js$/ }, () => ({ path: '/some/folder/index.js', external: true })),
      },
    ],
  });
  const site = await serveSite({ '/some/folder/': 'web/dist', '/app/': folder });
  const open = async (page: Page) => {
    await openApp(page, site.url);
    await page.evaluate(async () => {
      globalThis.storage = await idbvault.createEncryptedStorage(undefined, undefined, {
        secret: 'correct horse battery',
      });
      const app = (await import(`${location.origin}/app/app.js`)) as { show(): void };
      app.show();
    });
  };
  const shown = () => page.evaluate(() => document.querySelector('button')?.textContent);
  await open(page);
  await expect.poll(shown).toBe('null');
  await page.evaluate(() => document.querySelector('button')?.click());
  await expect.poll(shown).toBe('dark');
  const other = await webkit.newPage();
  await open(other);
  await other.evaluate(() => storage.setJSON('theme', 'light'));
  await expect.poll(shown).toBe('light');
  await site.close();
  fs.rmSync(folder, { recursive: true });
});
