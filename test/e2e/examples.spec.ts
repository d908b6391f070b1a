import fs from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import type { EncryptedStorage } from '../../web/src/index.ts';
import { openApp } from './app.ts';
import { SyncServer } from './sync-server.ts';

// docs/OFFLINE.md: its code is that of docs/examples, and does what the text says. sync.spec.ts has the longest of them.

declare global {
  var storage: EncryptedStorage;
  var example: (name: string) => Promise<Record<string, (...all: unknown[]) => Promise<unknown>>>;
}

test.skip(({ browserName }) => browserName !== 'chromium', 'each call has tests of its own in every browser');

let server: SyncServer;

test.beforeAll(async () => {
  server = new SyncServer();
  await server.start();
  server.files.set('/sw.js', server.files.get('/examples/service-worker.js') as never);
  server.files.set('/idbvault.wasm', { type: 'application/wasm', body: fs.readFileSync('web/dist/idbvault.wasm') });
});
test.afterAll(() => server?.close()); // there is none where all are skipped

async function open(page: Page): Promise<void> {
  await openApp(page, server.url);
  await page.evaluate(async () => {
    globalThis.example = (name) => import(`${location.origin}/examples/${name}.js`);
    const quick = { secret: new Uint8Array(32).fill(7), iterations: 250_000 };
    globalThis.storage = await idbvault.createEncryptedStorage('medical-imaging-offline', 'images', quick);
  });
}

test('the code in the text is that of the files, all of them', () => {
  const text = fs.readFileSync('docs/OFFLINE.md', 'utf8');
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => block);
  const files = fs.readdirSync('docs/examples').map((name) => fs.readFileSync(`docs/examples/${name}`, 'utf8'));
  expect(blocks.sort()).toEqual(files.sort());
});

test('streams, images, expiry and space', async ({ page }) => {
  await open(page);
  server.files.set('/api/study', { type: 'application/dicom', body: Buffer.alloc(3 << 20, 'study') });
  const seen = await page.evaluate(async () => {
    const steps: number[] = [];
    const { keepStudy, partOf } = await example('streams');
    await keepStudy?.(storage, 'study', '/api/study', (bytes: number) => steps.push(bytes));
    const part = (await partOf?.(storage, 'study', (1 << 20) - 5, (1 << 20) + 5)) as Uint8Array;

    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 4;
    const red = new OffscreenCanvas(8, 8);
    const context = red.getContext('2d') as OffscreenCanvasRenderingContext2D;
    context.fillStyle = '#f00';
    context.fillRect(0, 0, 8, 8);
    const image = await red.convertToBlob();

    const { keepForAWeek } = await example('expiry');
    const until = (await keepForAWeek?.(storage, 'image', image)) as Date;
    const { draw } = await example('images');
    const drawn = [await draw?.(storage, 'image', canvas), await draw?.(storage, 'none', canvas)];
    const pixel = [...(canvas.getContext('2d')?.getImageData(3, 3, 1, 1).data ?? [])];

    const { openWithin } = await example('space');
    const thumbnails = (await openWithin?.(100_000, new Uint8Array(32).fill(7))) as EncryptedStorage;
    for (let i = 0; i < 4; i++) await thumbnails.setEncrypted(`thumbnail:${i}`, new Uint8Array(40_000));
    return {
      grows: steps.length > 0 && steps.at(-1) === 3 << 20,
      part: new TextDecoder().decode(part),
      days: (until.getTime() - Date.now()) / (24 * 3600 * 1000),
      drawn,
      pixel,
      thumbnails: (await thumbnails.keys()).sort(),
    };
  });
  expect(seen).toEqual({
    grows: true,
    part: Buffer.alloc((1 << 20) + 5, 'study')
      .toString()
      .slice(-10),
    days: expect.closeTo(7, 2),
    drawn: [true, false],
    pixel: [255, 0, 0, 255],
    thumbnails: ['thumbnail:2', 'thumbnail:3'],
  });
});

test('the service worker answers from the vault', async ({ page, context }) => {
  await open(page);
  server.files.set('/api/image/7', { type: 'image/x-own', body: 'the image' });
  await page.evaluate(async () => {
    const { goOffline } = await example('share');
    await goOffline?.();
    while (!navigator.serviceWorker.controller)
      await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve));
  });
  const fetched = () => page.evaluate(async () => (await fetch('/api/image/7')).text());
  expect(await fetched()).toBe('the image');
  const isKept = () =>
    page.evaluate(async () => {
      const kept = await idbvault.createEncryptedStorage('medical-imaging-offline');
      return kept.exists(`fetch:${location.origin}/api/image/7`);
    });
  await expect.poll(isKept).toBe(true);
  await context.setOffline(true);
  server.files.delete('/api/image/7');
  expect(await fetched()).toBe('the image');
});
