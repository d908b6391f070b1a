import type { Page } from '@playwright/test';
import { expect } from './app.ts';
import { behindOneBatch, type Content, content, fill, openArchives, test } from './archives.ts';

const databases = (page: Page) =>
  page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name).sort());

/** What a record keeps in another vault: all but the epoch of its key. The order is that of the hidden names. */
const kept = (all: Content) =>
  Object.entries(all)
    .map(([name, [hash, about]]) => [name, hash, { ...about, epoch: 0 }])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));

test('an archive goes into a vault with data, of another name and secret', async ({ page, site }) => {
  const before = await fill(page);
  const report = await page.evaluate(async () => {
    const own = { secret: ownSecret, iterations, runIn: 'worker' } as const; // the tests behind this one have it on the page
    const one = await idbvault.createEncryptedStorage('another', 'one', own);
    await one.setEncrypted('mine', 'stays');
    // Or all was written in this second.
    await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));
    return imported('another', archive);
  });
  expect(report).toEqual({ records: 108, skipped: 0, replaced: 0 });
  expect(await databases(page)).toEqual(['another']);
  const merged = await content(page, 'another', 'ownSecret');
  expect(kept(merged).filter(([name]) => name !== 'one/mine')).toEqual(kept(before));
  expect(before['one/bytes']?.[1]?.expiresAt).toBeInstanceOf(Date);
  const kinds = await page.evaluate(async () => {
    const one = await idbvault.createEncryptedStorage('another', 'one');
    return [
      (await one.getDecryptedBlob('text'))?.type,
      (await one.getDecryptedBlob('bytes'))?.type,
      (await one.getDecryptedBlob('chunked'))?.type,
      await one.getDecrypted('mine'),
    ];
  });
  expect(kinds).toEqual(['text/plain;charset=utf-8', 'application/octet-stream', 'image/y', 'stays']);
  // It is sealed under the vault's own keys: its secret opens it, after a reload too, and that of the archive does not.
  await page.reload();
  await openArchives(page, site.url);
  const code = await page.evaluate(() => codeOf(() => idbvault.createEncryptedStorage('another', 'one', { secret })));
  expect(code).toBe('ERR_WRONG_SECRET');
  expect(kept(await content(page, 'another', 'ownSecret'))).toEqual(kept(merged));
});

test('what the vault has already stays, is replaced, or is where the archive is newer', async ({
  page,
  browserName,
}) => {
  test.skip(browserName !== 'chromium', 'which one stays is decided in Go');
  const seen = await page.evaluate(async () => {
    const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));
    const cache = { maxBytes: 100_000 };
    const storage = await idbvault.createEncryptedStorage('db', 'one', { secret, iterations, cache });
    const read = () => storage.getManyDecrypted(['older', 'older, large', 'newer', 'absent']);
    await storage.setEncrypted('older', 'vault');
    await storage.setEncryptedStream('older, large', new Blob(['vault']).stream());
    const before = await exported();
    await nextSecond();
    for (const key of ['older', 'newer', 'absent']) await storage.setEncrypted(key, 'archive');
    await storage.setEncryptedStream('older, large', new Blob(['archive']).stream());
    const archive = await exported();
    await nextSecond();
    const seen: unknown[] = [];
    for (const onConflict of [undefined, 'skip', 'newer', 'replace'] as const) {
      await storage.delete('absent');
      await storage.setEncrypted('newer', 'vault');
      await imported('db', before, { onConflict: 'replace' });
      const values = [(await read()).join()]; // which the cache has then
      const told: string[] = [];
      const end = storage.subscribe(null, ({ type, key }) => told.push(`${type} ${key}`));
      const report = await imported('db', archive, onConflict ? { onConflict } : {});
      end();
      values.push((await read()).join());
      seen.push([onConflict, report, ...values, told.sort().join()]);
    }
    return seen;
  });
  const was = 'vault,vault,vault,';
  const both = 'set older,set older, large';
  expect(seen).toEqual([
    [undefined, { records: 1, skipped: 3, replaced: 0 }, was, 'vault,vault,vault,archive', 'set absent'],
    ['skip', { records: 1, skipped: 3, replaced: 0 }, was, 'vault,vault,vault,archive', 'set absent'],
    ['newer', { records: 3, skipped: 1, replaced: 2 }, was, 'archive,archive,vault,archive', `set absent,${both}`],
    [
      'replace',
      { records: 4, skipped: 0, replaced: 3 },
      was,
      'archive,archive,archive,archive',
      `set absent,set newer,${both}`,
    ],
  ]);
});

test('a merge that fails leaves the vault, and nothing beside it', async ({ page, site, browserName }) => {
  test.skip(browserName !== 'chromium', 'the next test ends a merge in each browser');
  const before = await fill(page, 'stays');
  const codes = await page.evaluate(
    async (at) => [
      await codeOf(async () => imported('db', await flipped(archive, 3_000_000), { onConflict: 'replace' })),
      await codeOf(() => imported('db', archive.slice(0, -1))),
      await codeOf(() => imported('db', archive, { secret: wrongSecret })),
      (await indexedDB.databases()).length,
      await archives.importArchive('db', cutAt(archive, at, 'fail'), { secret }).catch((e: Error) => e.message),
    ],
    behindOneBatch,
  );
  expect(codes).toEqual(['ERR_INTEGRITY', 'ERR_INTEGRITY', 'ERR_WRONG_SECRET', 1, 'the network went away']);
  // What the last one left is gone on from, and deleted then.
  const [left] = (await databases(page)).filter((name) => name !== 'db');
  expect(left).toMatch(/^idbvault-import-[0-9a-f]{32}$/);
  expect(await page.evaluate(() => imported('db', archive))).toEqual({ records: 0, skipped: 108, replaced: 0 });
  expect(await databases(page)).toEqual(['db']);
  expect(await content(page)).toEqual(before);
  await page.reload();
  await openArchives(page, site.url);
  expect(await page.evaluate(async () => codeOf(async () => imported('db', await exported())))).toBe('ERR_NO_SECRET');
  expect(await databases(page)).toEqual(['db']);
});

test('a page that ends in the midst of a merge leaves what the next one ends', async ({ page, site }) => {
  const before = await fill(page, 'stays');
  await page.evaluate(async () => {
    await idbvault.createEncryptedStorage('another', 'one', { secret: ownSecret, iterations });
    void imported('another', archive).catch(() => {});
    // It is being copied when the first record is there.
    const storage = await idbvault.createEncryptedStorage('another', 'one');
    while ((await storage.count()) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });
  await page.reload();
  await openArchives(page, site.url);
  expect((await databases(page)).length).toBe(3);
  const report = await page.evaluate(async () => {
    await idbvault.createEncryptedStorage('another', 'one', { secret: ownSecret });
    return imported('another', await exported());
  });
  expect(report.skipped).toBeGreaterThan(0);
  expect(report.records + report.skipped).toBe(108);
  expect(await databases(page)).toEqual(['another', 'db']);
  expect(kept(await content(page, 'another', 'ownSecret'))).toEqual(kept(before));
});
