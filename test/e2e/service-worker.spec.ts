import { expect } from './app.ts';
import {
  type Answered,
  fill,
  get,
  isKept,
  locked,
  outcome,
  serveData,
  setClocks,
  start,
  test,
  unlock,
} from './service-worker-site.ts';

test('what came online is answered offline, headers and bytes, and nothing else is', async ({ keeper: page, site }) => {
  const body = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const headers = { 'content-type': 'image/x-own', etag: '"one"', 'x-study': 'CT-7', 'set-cookie': 'a=b' };
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
  expect(metadata).toMatchObject({ classification: 'confidential', expiresAt: null, context: { status: 200 } });
  expect(JSON.stringify(metadata)).not.toContain('a=b');
});

test('a body that came compressed is kept as it reads', async ({ keeper: page, site }) => {
  const { gzipSync } = await import('node:zlib');
  await fill(page, site, '/phi/a', { headers: { 'content-encoding': 'gzip' }, body: gzipSync('kept') });
  site.down = true;
  expect(await get(page, '/phi/a')).toMatchObject({ status: 200, body: 'kept', headers: { 'content-length': '4' } });
  expect(((await get(page, '/phi/a')) as Answered).headers).not.toHaveProperty('content-encoding');
  expect(await page.evaluate(() => cached.keys({ classification: 'phi' }))).toEqual([`fetch:${site.url}phi/a`]);
});

test('ranges of what is kept', async ({ keeper: page, site }) => {
  const headers = { etag: '"one"', 'last-modified': 'Wed, 21 Oct 2015 07:28:00 GMT', 'content-type': 'text/x-own' };
  await fill(page, site, '/data/ranges', { body: '0123456789', headers });
  site.down = true;
  const ranged = async (range: string, more: Record<string, string> = {}) => {
    const { status, body, headers } = (await get(page, '/data/ranges', { headers: { range, ...more } })) as Answered;
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

test('a range that is asked for online is not kept', async ({ keeper: page, site }) => {
  site.data.set('/data/part', { status: 206, body: 'ar', headers: { 'content-range': 'bytes 1-2/4' } });
  site.data.set('/data/whole', { body: 'whole' });
  const init = { headers: { range: 'bytes=1-2' } };
  expect(await outcome(page, '/data/part', init)).toBe('206 ar');
  expect(await outcome(page, '/data/whole', init)).toBe('200 whole');
  await fill(page, site, '/data/later'); // what is asked for later is kept
  for (const path of ['/data/part', '/data/whole']) expect(await isKept(page, path)).toBe(false);
});

test('an element asks for a range, and the server hears of it', async ({ keeper: page, site }) => {
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
  expect(await isKept(page, '/data/sound')).toBe(false);
});

test('what the server forbids to keep is not kept, unless the application says so', async ({ keeper: page, site }) => {
  const noStore = { headers: { 'cache-control': 'private, No-Store' } };
  site.data.set('/data/no-store', noStore);
  site.data.set('/data/vary', { headers: { vary: 'accept, *' } });
  site.data.set('/forced/vary', { headers: { vary: '*' } });
  site.data.set('/data/absent', { status: 404 });
  site.data.set('/data/partial', { status: 203 });
  const passing = ['/data/no-store', '/data/vary', '/forced/vary', '/data/absent', '/data/partial'];
  for (const path of passing) expect(await get(page, path)).not.toBe('TypeError');
  await fill(page, site, '/forced/no-store', noStore);
  await fill(page, site, '/data/allowed', { headers: { 'cache-control': 'private, x-no-store', vary: 'accept' } });
  for (const path of passing) expect(await isKept(page, path)).toBe(false);
  // What it forbids from now on, is forgotten.
  site.data.set('/data/allowed', noStore);
  await get(page, '/data/allowed');
  await expect.poll(() => isKept(page, '/data/allowed')).toBe(false);
});

test('of another origin, it keeps what that allows to be read', async ({ keeper: page, site }) => {
  const other = await serveData();
  other.data.set('/any-origin/opaque', { body: 'opaque' });
  other.data.set('/any-origin/open', { body: 'kept', headers: { 'access-control-allow-origin': '*' } });
  await get(page, `${other.url}any-origin/opaque`, { mode: 'no-cors' });
  for (const path of ['any-origin/open', 'any-origin/open?2']) {
    expect(await outcome(page, other.url + path)).toBe('200 kept');
    await expect.poll(() => isKept(page, other.url + path)).toBe(true);
  }
  other.down = site.down = true;
  expect(await outcome(page, `${other.url}any-origin/open`)).toBe('200 kept');
  expect(await isKept(page, `${other.url}any-origin/opaque`)).toBe(false);
  await other.close();
});

test('a path is of this origin, and a function sees the request', async ({ keeper: page, site }) => {
  const other = await serveData();
  const open = { body: 'kept', headers: { 'access-control-allow-origin': '*' } };
  other.data.set('/data/other', open);
  site.data.set('/elsewhere', open);
  expect(await outcome(page, `${other.url}data/other`)).toBe('200 kept');
  expect(await outcome(page, '/elsewhere', { headers: { accept: 'x/own' } })).toBe('200 kept');
  const names = (store: string) =>
    page.evaluate(async (store) => (await idbvault.createEncryptedStorage('db', store)).keys(), store);
  await expect.poll(() => names('second')).toEqual([`fetch:${site.url}elsewhere`]);
  expect((await names('encrypted-data')).filter((name) => /elsewhere|other/.test(name))).toEqual([]);
  await other.close();
});

test('a body above maxBytes passes, and what it has outgrown is forgotten', async ({ keeper: page, site }) => {
  await fill(page, site, '/small/a', { body: 'x'.repeat(1000) });
  site.data.set('/small/a', { body: 'x'.repeat(1001) });
  expect(await get(page, '/small/a')).toMatchObject({ status: 200, body: 'x'.repeat(1001) });
  await expect.poll(() => isKept(page, '/small/a')).toBe(false);
});

test('a body that breaks off is not kept, and the one before stays', async ({ keeper: page, site }) => {
  await fill(page, site, '/data/broken');
  site.data.set('/data/broken', { body: 'half', headers: { 'content-length': '100' }, broken: true });
  expect(await outcome(page, '/data/broken')).toBe('TypeError');
  site.down = true;
  expect(await outcome(page, '/data/broken')).toBe('200 kept');
});

test('an empty body, and a name or headers that the vault does not take', async ({ keeper: page, site }) => {
  await fill(page, site, '/data/empty', { body: '' });
  const long = `/data/long?${'x'.repeat(1100)}`;
  site.data.set('/data/long', { body: 'passes' });
  expect(await outcome(page, long)).toBe('200 passes');
  site.down = true;
  expect(await outcome(page, '/data/empty')).toBe('200 ');
  expect(await outcome(page, '/data/empty', { headers: { range: 'bytes=0-' } })).toBe('416 ');
  expect(await outcome(page, long)).toBe('503 ERR_INVALID');
});

test.describe(() => {
  test.skip(({ browserName }) => browserName !== 'chromium', 'no engine has a part in it');

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

  test('what has expired is not answered, whatever the clock says then, and a purge deletes it', async ({
    page,
    site,
  }) => {
    const hour = 3_600_000;
    await start(page, { ttlMs: hour }, { match: '/long/', ttlMs: 10 * hour });
    await fill(page, site, '/data/a');
    await fill(page, site, '/long/a');
    const ends = await page.evaluate(async () => {
      const { encryptedAt, expiresAt } = (await cached.getMetadata(`fetch:${location.origin}/data/a`)) ?? {};
      return Number(expiresAt) - Number(encryptedAt);
    });
    expect(ends).toBe(hour);
    site.down = true;
    expect(await outcome(page, '/data/a')).toBe('200 kept');
    await setClocks(page, 2 * hour);
    expect(await outcome(page, '/data/a')).toBe('TypeError');
    await setClocks(page, 0);
    expect(await outcome(page, '/data/a')).toBe('TypeError');
    expect(await outcome(page, '/long/a')).toBe('200 kept');
    // The vault remembers the time, and so does whoever opens it next.
    await setClocks(page, 2 * hour);
    await page.evaluate(() => cached.lock());
    await unlock(page);
    await setClocks(page, 0);
    expect(await outcome(page, '/data/a')).toBe('TypeError');
    expect(await page.evaluate(() => cached.count())).toBe(2);
    expect(await page.evaluate(() => cached.purgeExpired())).toBe(1);
    expect(await page.evaluate(() => cached.keys())).toEqual([`fetch:${site.url}long/a`]);
    expect(await outcome(page, '/long/a')).toBe('200 kept');
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
});
