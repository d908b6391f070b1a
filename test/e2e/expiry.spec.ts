import type { Page } from '@playwright/test';
import { expect, openApp, type Site, test } from './app.ts';

// The page's clock is the computer's and `shift` milliseconds, which it keeps over reloads.

const secret = 'correct horse battery staple';
const day = 24 * 3600 * 1000;

test.beforeEach(async ({ page }) => {
  await page.addInitScript(() => {
    const now = Date.now;
    Date.now = () => now() + Number(localStorage.getItem('shift'));
  });
});

/** Loads the page with its clock set, and opens the vault. */
async function openAt(page: Page, site: Site, shift: number): Promise<void> {
  await page.evaluate((shift) => localStorage.setItem('shift', String(shift)), shift);
  await openApp(page, site.url);
  await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'st', { secret, iterations: 600_000 });
    Object.assign(globalThis, { storage });
  }, secret);
}

declare global {
  var storage: import('../../web/src/index.ts').EncryptedStorage;
}

const setClock = (page: Page, shift: number) =>
  page.evaluate((shift) => localStorage.setItem('shift', String(shift)), shift);

const get = (page: Page, key: string) => page.evaluate((key) => storage.getDecrypted(key), key);
const purge = (page: Page) => page.evaluate(() => storage.purgeExpired());
const recordCount = (page: Page) => page.evaluate(async () => (await raw.entries('db', 'records')).length);

test('a record expires at its ttlMs, stays so over a reload, and over a clock that is set back', async ({
  page,
  site,
}) => {
  await openAt(page, site, 0);
  const lives = await page.evaluate(async () => {
    const { CONFIDENTIAL } = idbvault.DataClassification;
    await storage.setEncrypted('one', 'v', CONFIDENTIAL, { a: 1 }, { ttlMs: 600_000 });
    await storage.setEncrypted('rounded', 'v', CONFIDENTIAL, undefined, { ttlMs: 600_999 });
    await storage.setManyEncrypted([
      { key: 'many', value: 'v', ttlMs: 600_000 },
      { key: 'lasting', value: 'v' },
    ]);
    await storage.setJSON('json', [1], CONFIDENTIAL, undefined, { ttlMs: 600_000 });
    await Promise.all([
      storage.setEncrypted('turn 1', 'v', CONFIDENTIAL, undefined, { ttlMs: 600_000 }),
      storage.setEncrypted('turn 2', 'v'),
    ]);
    const lives: Record<string, number> = {};
    for (const key of await storage.keys()) {
      const { encryptedAt, expiresAt } = (await storage.getMetadata(key)) ?? {};
      lives[key] = expiresAt && encryptedAt ? expiresAt.getTime() - encryptedAt.getTime() : 0;
    }
    return lives;
  });
  expect(lives).toEqual({
    one: 600_000,
    rounded: 600_000,
    many: 600_000,
    json: 600_000,
    'turn 1': 600_000,
    'turn 2': 0,
    lasting: 0,
  });

  await setClock(page, 500_000);
  expect(await get(page, 'one')).toBe('v');
  await setClock(page, 700_000);
  expect(await get(page, 'one')).toBe(null);
  expect(await page.evaluate(() => storage.exists('many'))).toBe(false);
  expect(await page.evaluate(async () => (await storage.keys()).sort())).toEqual(['lasting', 'turn 2']);
  await setClock(page, 0);
  expect(await get(page, 'one')).toBe(null);

  await openAt(page, site, 700_000);
  expect(await get(page, 'one')).toBe(null);
  await openAt(page, site, 0);
  expect(await get(page, 'one')).toBe(null);
  expect(await get(page, 'lasting')).toBe('v');
  await openAt(page, site, -30 * day);
  expect(await get(page, 'one')).toBe(null);
  expect(await recordCount(page)).toBe(7);
  expect(await purge(page)).toBe(5);
  expect(await recordCount(page)).toBe(2);
  expect(await purge(page)).toBe(0);
});

test('a clock far ahead hides and does not purge, until it has stood for a day', async ({ page, site }) => {
  await openAt(page, site, 0);
  await page.evaluate(() => storage.setEncrypted('k', 'v', undefined, undefined, { ttlMs: 3_600_000 }));
  await setClock(page, 400 * day);
  expect(await get(page, 'k')).toBe(null);
  expect(await purge(page)).toBe(0);
  await openAt(page, site, 400 * day + 3_600_000);
  expect(await get(page, 'k')).toBe(null);
  expect(await purge(page)).toBe(0);
  await openAt(page, site, 0);
  expect(await get(page, 'k')).toBe('v');

  await openAt(page, site, 400 * day);
  await openAt(page, site, 401 * day - 3_600_000);
  expect(await purge(page)).toBe(0);
  expect(await recordCount(page)).toBe(1);
  await openAt(page, site, 401 * day + 3_600_000);
  expect(await purge(page)).toBe(1);
  expect(await recordCount(page)).toBe(0);
});

test('an expiry that was written into a header deletes nothing and is told', async ({ page, site }) => {
  await openAt(page, site, 0);
  const result = await page.evaluate(async () => {
    await storage.setEncrypted('k', 'v');
    const told: string[] = [];
    storage.addEventListener('security', (event) => told.push((event as CustomEvent<{ type: string }>).detail.type));
    const [[key, entry]] = (await raw.entries('db', 'records')) as [[ArrayBuffer, ArrayBuffer]];
    const forged = entry.slice(0);
    new DataView(forged).setBigUint64(16, 1000n);
    await raw.put('db', 'records', key, forged);
    const deleted = await storage.purgeExpired();
    const kept = (await raw.entries('db', 'records')).length;
    await raw.put('db', 'records', key, entry);
    return { deleted, kept, told, value: await storage.getDecrypted('k') };
  });
  expect(result).toEqual({ deleted: 0, kept: 1, told: ['integrity'], value: 'v' });
});

test('a ttlMs that is none is ERR_INVALID, and nothing is written', async ({ page, site }) => {
  await openAt(page, site, 0);
  const result = await page.evaluate(async () => {
    await storage.setEncrypted('k', 'old');
    const codes = new Set<string>();
    const longest = 3_155_760_000_000;
    const wrong = [0, 1, 999, -1000, 1000.5, longest + 1, 2 ** 42, 2 ** 32 * 1000, 2 ** 64, 1e13, 1e300]
      .concat(Number.NaN, Number.POSITIVE_INFINITY)
      .concat(['5000', null, true, 5000n, {}, [5000], Symbol('x'), new Date(5000)] as never[]);
    for (const ttlMs of wrong) {
      codes.add(await codeOf(() => storage.setEncrypted('k', 'new', undefined, undefined, { ttlMs })));
      codes.add(await codeOf(() => storage.setEncrypted('k', new Blob(['new']), undefined, undefined, { ttlMs })));
      codes.add(
        await codeOf(() =>
          storage.setManyEncrypted([
            { key: 'l', value: 'v' },
            { key: 'k', value: 'new', ttlMs },
          ]),
        ),
      );
      codes.add(await codeOf(() => storage.setJSON('k', 1, undefined, undefined, { ttlMs })));
      codes.add(await codeOf(() => storage.update('k', () => 'new', undefined, undefined, { ttlMs })));
    }
    const together = await Promise.allSettled([
      storage.setEncrypted('good', 'v'),
      storage.setEncrypted('k', 'new', undefined, undefined, { ttlMs: 999 }),
    ]);
    await storage.setEncrypted('most', 'v', undefined, undefined, { ttlMs: longest });
    await storage.setEncrypted('least', 'v', undefined, undefined, { ttlMs: 1000 });
    const most = await storage.getMetadata('most');
    return {
      codes: [...codes],
      together: together.map(({ status }) => status),
      k: await storage.getDecrypted('k'),
      l: await storage.exists('l'),
      most: (most?.expiresAt?.getTime() ?? 0) - (most?.encryptedAt.getTime() ?? 0) === longest,
    };
  });
  expect(result).toEqual({
    codes: ['ERR_INVALID'],
    together: ['fulfilled', 'rejected'],
    k: 'old',
    l: false,
    most: true,
  });
});

test('an update keeps the end of a record, and a policy ends it earlier', async ({ page, site }) => {
  await openAt(page, site, 0);
  const result = await page.evaluate(async () => {
    const { PHI } = idbvault.DataClassification;
    const left = async (key: string) => {
      const metadata = await storage.getMetadata(key);
      return ((metadata?.expiresAt?.getTime() ?? 0) - (metadata?.encryptedAt.getTime() ?? 0)) / 1000;
    };
    await storage.setEncrypted('k', 'v', PHI, undefined, { ttlMs: 3_600_000 });
    const first = (await storage.getMetadata('k'))?.expiresAt?.getTime();
    localStorage.setItem('shift', '600000');
    await storage.update('k', (v) => `${v}w`);
    const kept = (await storage.getMetadata('k'))?.expiresAt?.getTime() === first;
    await storage.update('k', (v) => `${v}x`, undefined, undefined, { ttlMs: 60_000 });
    const given = await left('k');
    const other = await idbvault.createEncryptedStorage('db', 'st', { policy: { phi: { maxTtlMs: 30_000 } } });
    await other.setEncrypted('longer', 'v', PHI, undefined, { ttlMs: 60_000 });
    await other.setEncrypted('shorter', 'v', PHI, undefined, { ttlMs: 20_000 });
    return {
      kept,
      given,
      value: await storage.getDecrypted('k'),
      longer: await left('longer'),
      shorter: await left('shorter'),
    };
  });
  expect(result).toEqual({ kept: true, given: 60, value: 'vwx', longer: 30, shorter: 20 });
});

test('who listens is told what was purged, in each store', async ({ page, site }) => {
  await openAt(page, site, 0);
  const heard = await page.evaluate(async () => {
    const other = await idbvault.createEncryptedStorage('db', 'other');
    const heard: string[] = [];
    for (const [name, of] of Object.entries({ storage, other })) {
      await of.setEncrypted('k', 'v', undefined, undefined, { ttlMs: 5000 });
      await of.setEncrypted('lasting', 'v');
      of.subscribe(null, ({ type, key, remote }) => heard.push(`${name} ${type} ${key} ${remote}`));
    }
    localStorage.setItem('shift', '6000');
    const deleted = await storage.purgeExpired();
    other.close();
    return [...heard.sort(), deleted, await codeOf(() => other.purgeExpired())];
  });
  expect(heard).toEqual(['other delete k false', 'storage delete k false', 2, 'ERR_CLOSED']);
});

test('a page that is idle sweeps by itself, once an hour', async ({ page, site }) => {
  await page.addInitScript(() => {
    const later = setTimeout;
    const sooner = { 15000: 10, 3600000: 100 } as Record<number, number>;
    Object.assign(globalThis, {
      setTimeout: (f: TimerHandler, ms = 0, ...all: unknown[]) => later(f, sooner[ms] ?? ms, ...all),
    });
  });
  await openAt(page, site, 0);
  const write = () => page.evaluate(() => storage.setEncrypted('k', 'v', undefined, undefined, { ttlMs: 2000 }));
  await write();
  await setClock(page, 4_000_000);
  await expect.poll(() => recordCount(page)).toBe(0);
  await write();
  await setClock(page, 4_010_000);
  const rounds = page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 1000)));
  await rounds;
  expect(await recordCount(page)).toBe(1);
  await setClock(page, 8_000_000);
  await expect.poll(() => recordCount(page)).toBe(0);
});

test('a vault in a worker expires and is purged', async ({ page }) => {
  const deleted = await page.evaluate(async (secret) => {
    const of = await idbvault.createEncryptedStorage('worker', 'st', { secret, runIn: 'worker' });
    await of.setEncrypted('k', 'v', undefined, undefined, { ttlMs: 1000 });
    await of.setEncrypted('lasting', 'v', undefined, undefined, { ttlMs: 3_155_760_000_000 });
    while ((await of.getDecrypted('k')) !== null) await new Promise((resolve) => setTimeout(resolve, 100));
    const heard: unknown[] = [];
    of.subscribe(null, ({ type, key }) => heard.push(type, key));
    return [await of.purgeExpired(), await of.count(), ...heard];
  }, secret);
  expect(deleted).toEqual([1, 1, 'delete', 'k']);
});
