import fs from 'node:fs';
import { type Browser, expect, type Page, test } from '@playwright/test';
import { header } from '../../web/src/archive-layout.ts';
import { NeedleSearch, needlesFor } from '../atrest/needles.ts';
import { openApp } from './app.ts';
import { forged, SyncServer } from './sync-server.ts';

// The class of docs/OFFLINE.md, on devices of one user: browsers that share nothing but a server.

/** What the tests use of docs/examples/offline-storage-service.ts, which is built against the package and not against its source. */
interface Service {
  initialize(): Promise<void>;
  cacheMedicalImage(id: string, data: string, metadata: { patientId: string; imageType: string }): Promise<void>;
  getCachedImage(id: string): Promise<string | null>;
  removeCachedImage(id: string): Promise<void>;
  syncWithServer(): Promise<void>;
}

declare global {
  var service: Service;
}

const database = 'medical-imaging-offline';
const patientId = 'P-canary-of-the-patient';
const image = (name: string) => `data:image/png;base64,canary of the image ${name}`;

let server: SyncServer;

test.beforeEach(async () => {
  server = new SyncServer();
  await server.start();
});
test.afterEach(() => server.close());

/** Opens the application on a device of its own, or again on the device of a page. */
async function openDevice(on: Browser | Page): Promise<Page> {
  const page = 'newContext' in on ? await (await on.newContext()).newPage() : on;
  await openApp(page, server.url);
  await page.evaluate(async () => {
    const file = `${location.origin}/examples/offline-storage-service.js`;
    const { OfflineStorageService } = await import(file);
    globalThis.service = new OfflineStorageService('/archive', () => new Uint8Array(32).fill(7));
  });
  return page;
}

const initialize = (page: Page) => page.evaluate(() => service.initialize());

/** Makes the vault of the first device, whose secret takes fewer iterations than one that a user types. */
async function firstDevice(browser: Browser): Promise<Page> {
  const page = await openDevice(browser);
  await page.evaluate(async (database) => {
    const quick = { secret: new Uint8Array(32).fill(7), iterations: 250_000 };
    await idbvault.createEncryptedStorage(database, 'encrypted-cache', quick);
    await service.initialize();
  }, database);
  return page;
}

const write = (page: Page, id: string, data = image(id)) =>
  page.evaluate(([id, data, patientId]) => service.cacheMedicalImage(id, data, { patientId, imageType: 'mri' }), [
    id,
    data,
    patientId,
  ] as const);

/** Syncs, and returns the name or the code of what that fails with. */
const sync = (page: Page) =>
  page.evaluate(() =>
    service.syncWithServer().then(
      () => 'synced',
      (error: { code?: string; constructor: { name: string } }) => error.code ?? error.constructor.name,
    ),
  );

const read = (page: Page, ...ids: string[]) =>
  page.evaluate((ids) => Promise.all(ids.map((id) => service.getCachedImage(id))), ids);

/** What a device has on its disk of each record: header and ciphertext, in an order that is the same everywhere. */
const sealed = (page: Page) =>
  page.evaluate(async (database) => {
    const all = [];
    for (const table of ['records', 'chunks'])
      for (const [key, value] of await raw.entries(database, table))
        all.push([new Uint8Array(key).join(), new Uint8Array(value).join()]);
    return all;
  }, database);

/** When each record of a device was written, and when it expires. */
const times = (device: Page) =>
  device.evaluate(async (database) => {
    const storage = await idbvault.createEncryptedStorage(database, 'encrypted-cache');
    const all = [];
    for (const key of (await storage.keys()).sort()) {
      const { encryptedAt, expiresAt } = (await storage.getMetadata(key)) as {
        encryptedAt: Date;
        expiresAt: Date | null;
      };
      all.push([key, encryptedAt.getTime(), expiresAt?.getTime()]);
    }
    return all;
  }, database);

/** Waits until what is written now is newer: records know the second. */
const nextSecond = (page: Page) =>
  page.evaluate(async () => {
    const second = () => Math.floor(Date.now() / 1000);
    for (const now = second(); now === second(); ) await new Promise((resolve) => setTimeout(resolve, 20));
  });

test('devices that were offline have the newest of all once they synced, and the server has nothing that it can read', async ({
  browser,
}) => {
  const a = await openDevice(browser);
  await initialize(a);
  await write(a, 'one');
  await write(a, 'large', image('L'.repeat(100_000)));
  await write(a, 'gone');
  expect(await sync(a)).toBe('synced');

  // An empty device takes what is there as it is.
  const b = await openDevice(browser);
  await initialize(b);
  expect(await read(b, 'one', 'large')).toEqual(await read(a, 'one', 'large'));
  expect(await sealed(b)).toEqual(await sealed(a));
  expect(await sync(b)).toBe('synced');

  // Both write, offline.
  for (const device of [a, b]) await device.context().setOffline(true);
  await write(a, 'of a');
  await write(a, 'both', image('older'));
  await write(b, 'both too', image('older'));
  await nextSecond(a);
  await write(b, 'of b');
  await write(b, 'both', image('newer'));
  await write(a, 'both too', image('newer'));
  await a.evaluate(() => service.removeCachedImage('gone'));
  expect(await sync(a)).toBe('TypeError');
  for (const device of [a, b]) await device.context().setOffline(false);
  for (const device of [b, a, b]) expect(await sync(device)).toBe('synced');
  for (const device of [a, b])
    expect(await read(device, 'one', 'of a', 'of b', 'both', 'both too', 'gone')).toEqual([
      ...['one', 'of a', 'of b', 'newer', 'newer'].map(image),
      null,
    ]);
  expect(await times(b)).toEqual(await times(a));

  // What is the same everywhere is not sent again and again.
  for (const device of [a, b]) expect(await sync(device)).toBe('synced');
  const { kept } = server;
  for (const device of [a, b, a]) expect(await sync(device)).toBe('synced');
  expect(server.kept).toBe(kept);

  // The secret, and all that was written, in whatever encoding: not in a byte that the server got, or has.
  const secret = Buffer.alloc(32, 7);
  const needles = [
    ...['image:one', 'canary of the image', patientId].flatMap((text) => needlesFor(text, text)),
    ...needlesFor('secret', secret),
  ];
  const found = (bytes: Buffer) => new Set([...new NeedleSearch(needles).find(bytes)].map(({ canary }) => canary));
  const heard = Buffer.concat(server.heard);
  expect(heard.includes(fs.readFileSync(server.archive))).toBe(true);
  expect(found(heard)).toEqual(new Set());
  expect(found(fs.readFileSync(server.archive))).toEqual(new Set());
  // That would have been seen.
  await a.evaluate(
    ([patientId, data, secret]) =>
      fetch('/archive', { method: 'POST', body: `${patientId} image:one ${btoa(data)} ${secret}` }),
    [patientId, image('one'), secret.toString('hex')] as const,
  );
  expect(found(Buffer.concat(server.heard))).toEqual(
    new Set(['image:one', 'canary of the image', patientId, 'secret']),
  );
  for (const device of [a, b]) await device.context().close();
});

test('devices whose vaults have different keys end with the same records and times', async ({
  browser,
  browserName,
}) => {
  test.skip(browserName !== 'chromium', 'the keys are the same in all browsers');
  const [a, b] = [await firstDevice(browser), await firstDevice(browser)];
  await write(a, 'one', image('1'.repeat(100_000)));
  await write(b, 'both', image('older'));
  await nextSecond(a);
  await write(a, 'both', image('newer'));
  for (const device of [a, b, a]) expect(await sync(device)).toBe('synced');
  for (const device of [a, b])
    expect(await read(device, 'one', 'both')).toEqual([image('1'.repeat(100_000)), image('newer')]);
  expect(await times(b)).toEqual(await times(a));
  for (const device of [a, b]) expect(await sync(device)).toBe('synced');
  const { kept } = server;
  for (const device of [a, b, a]) expect(await sync(device)).toBe('synced');
  expect(server.kept).toBe(kept);
  for (const device of [a, b]) await device.context().close();
});

test('a server that fails, or ends in the midst of it, loses nothing', async ({ browser, browserName }) => {
  test.skip(browserName !== 'chromium', 'what fails is the server');
  const a = await firstDevice(browser);
  await write(a, 'one', image('1'.repeat(200_000)));

  server.faults.GET?.push(500);
  expect(await sync(a)).toBe('SyncError');
  server.faults.PUT?.push(500);
  expect(await sync(a)).toBe('SyncError');
  server.cutsUploads = true;
  expect(await sync(a)).toBe('TypeError');
  server.cutsUploads = false;
  expect(fs.existsSync(server.archive)).toBe(false);
  server.faults.PUT?.push(412, 412);
  expect(await sync(a)).toBe('synced');
  expect(server.kept).toBe(1);

  // A first download that ends half way is gone on from, after a reload.
  const b = await openDevice(browser);
  server.faults.GET?.push('cut');
  expect(await b.evaluate(() => service.initialize().catch((error: Error) => error.name))).toBe('TypeError');
  await openDevice(b);
  await initialize(b);
  expect(await read(b, 'one')).toEqual(await read(a, 'one'));

  // So is a later one.
  await write(b, 'two', image('2'.repeat(200_000)));
  expect(await sync(b)).toBe('synced');
  await write(a, 'three');
  server.faults.GET?.push('cut');
  expect(await sync(a)).toBe('TypeError');
  expect(await read(a, 'two', 'three')).toEqual([null, image('three')]);
  server.faults.PUT?.push(412, 412, 412, 412, 412);
  expect(await sync(a)).toBe('SyncError');
  expect(await read(a, 'two')).toEqual(await read(b, 'two'));
  expect(await sync(a)).toBe('synced');
  expect(await sync(b)).toBe('synced');
  expect(await read(b, 'one', 'two', 'three')).toEqual(await read(a, 'one', 'two', 'three'));

  // Another device is faster, between what this one took and what it sends.
  await write(a, 'four');
  await write(b, 'five');
  const { kept } = server;
  server.meanwhile = async () => expect(await sync(b)).toBe('synced');
  expect(await sync(a)).toBe('synced');
  expect(server.kept).toBe(kept + 2);
  expect(await sync(b)).toBe('synced');
  for (const device of [a, b]) expect(await read(device, 'four', 'five')).toEqual([image('four'), image('five')]);
  for (const device of [a, b]) await device.context().close();
});

test('what a server changed is refused, and what it puts back takes nothing away', async ({ browser, browserName }) => {
  test.skip(browserName !== 'chromium', 'the archives are the same in all browsers');
  const a = await firstDevice(browser);
  await write(a, 'one', image('first'));
  expect(await sync(a)).toBe('synced');
  const before = fs.readFileSync(server.archive);
  const b = await openDevice(browser);
  await initialize(b);
  await nextSecond(a);
  await write(a, 'one', image('second'));
  await write(a, 'two', image('2'.repeat(100_000)));
  expect(await sync(a)).toBe('synced');
  const after = fs.readFileSync(server.archive);

  const flip = (bytes: Buffer, at: number) => bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  const flipped = Buffer.from(after);
  flip(flipped, after.length >> 1);
  const inFuture = (entry: { table: number; value: Buffer }) => {
    if (entry.table === 1) entry.value.writeUInt32BE(0x7fffffff, 12); // the second in which it was written
  };
  const changed = {
    'a byte': flipped,
    'a part': after.subarray(0, -100),
    'a time': forged(after, inFuture),
    'a head': forged(after, ({ table, value }) => table === 1 && flip(value, value.length - 1)),
    'a class': forged(after, ({ table, value }) => table === 1 && flip(value, header.classification)),
    'a value': forged(after, ({ table, value }) => table === 2 && flip(value, 50_000)),
  };
  const own = await sealed(b);
  for (const [what, archive] of Object.entries(changed)) {
    fs.writeFileSync(server.archive, archive);
    expect([what, await sync(b)]).toEqual([what, 'ERR_INTEGRITY']);
    const now = await sealed(b);
    // Where one record is bad, others of the archive may have come, each whole.
    if (what !== 'a value') expect(now).toEqual(own);
    expect(await read(b, 'two')).toEqual([null]);
  }
  fs.writeFileSync(
    server.archive,
    forged(after, () => {}),
  );
  expect(await sync(b)).toBe('synced');
  expect(await read(b, 'one')).toEqual([image('second')]);
  expect(await read(b, 'two')).toEqual(await read(a, 'two'));

  // An older archive: what is newer here stays.
  fs.writeFileSync(server.archive, before);
  for (const device of [a, b]) {
    expect(await sync(device)).toBe('synced');
    expect(await read(device, 'one', 'two')).toEqual([image('second'), image('2'.repeat(100_000))]);
  }
  for (const device of [a, b]) await device.context().close();
});
