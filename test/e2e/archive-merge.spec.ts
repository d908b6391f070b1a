import type { Page } from '@playwright/test';
import { expect, test } from './app.ts';
import { content, emptyBrowser, fill, openArchives, secret } from './archives.ts';

const databases = (page: Page) =>
  page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name).sort());

const kept = (all: Awaited<ReturnType<typeof content>>) =>
  Object.entries(all)
    .map(([name, [hash, about]]) => [
      name,
      hash,
      about?.classification,
      about?.context,
      about?.contentType,
      about?.size,
    ])
    .sort();

test.beforeEach(async ({ page, site }) => {
  await openArchives(page, site.url);
});

test('an archive goes into a vault with data, of another name and secret', async ({ page, site, browser }) => {
  await fill(page);
  const before = await content(page);
  const archive = await page.evaluate(() => exported('db'));
  const other = await emptyBrowser(browser, site.url);
  const report = await other.evaluate(
    async ({ archive, secret }) => {
      const own = { secret: 'a secret of its own' };
      const one = await idbvault.createEncryptedStorage('another', 'one', own);
      await one.setEncrypted('mine', 'stays');
      return imported('another', archive, secret);
    },
    { archive, secret },
  );
  expect(report).toEqual({ records: 108, skipped: 0, replaced: 0 });
  expect(await databases(other)).toEqual(['another']);
  const merged = await content(other, 'another', 'a secret of its own');
  expect(kept(merged).filter(([name]) => name !== 'one/mine')).toEqual(kept(before));
  const kinds = await other.evaluate(async () => {
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
  await other.reload();
  await openArchives(other, site.url);
  const code = await other.evaluate(
    (secret) => codeOf(() => idbvault.createEncryptedStorage('another', 'one', { secret })),
    secret,
  );
  expect(code).toBe('ERR_WRONG_SECRET');
  expect(kept(await content(other, 'another', 'a secret of its own'))).toEqual(kept(merged));
  await other.context().close();
});

test('what the vault has already stays, is replaced, or is where the archive is newer', async ({ page }) => {
  const seen = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'one', { secret });
    await storage.setEncrypted('older', 'archive');
    await storage.setEncryptedStream('newer', new Blob(['archive']).stream());
    await storage.setEncrypted('absent', 'archive');
    const archive = await exported('db');
    const seen: unknown[] = [];
    for (const onConflict of [undefined, 'skip', 'newer', 'replace'] as const) {
      await storage.clear();
      await storage.setEncrypted('newer', 'vault');
      await storage.setEncrypted('older', 'vault');
      const source = new Blob([bytesOf(archive)]);
      const report = await archives.importArchive('db', source, onConflict ? { secret, onConflict } : { secret });
      const values = [];
      for (const key of ['newer', 'older', 'absent']) values.push(await storage.getDecrypted(key));
      seen.push([onConflict, report, values.join()]);
    }
    // The vault's is from before the archive's: it is put back, since times are to the second.
    await storage.clear();
    await storage.setEncrypted('k', 'vault');
    const [[place, old] = []] = await raw.entries('db', 'records');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await storage.setEncrypted('k', 'archive');
    const later = await exported('db');
    await raw.put('db', 'records', place as ArrayBuffer, old);
    const source = new Blob([bytesOf(later)]);
    seen.push(await storage.getDecrypted('k'));
    seen.push(await archives.importArchive('db', source, { secret, onConflict: 'newer' }));
    seen.push(await storage.getDecrypted('k'));
    return seen;
  }, secret);
  expect(seen).toEqual([
    [undefined, { records: 1, skipped: 2, replaced: 0 }, 'vault,vault,archive'],
    ['skip', { records: 1, skipped: 2, replaced: 0 }, 'vault,vault,archive'],
    ['newer', { records: 1, skipped: 2, replaced: 0 }, 'vault,vault,archive'],
    ['replace', { records: 3, skipped: 0, replaced: 2 }, 'archive,archive,archive'],
    'vault',
    { records: 1, skipped: 0, replaced: 1 },
    'archive',
  ]);
});

test('a merge that fails leaves the vault, and nothing beside it', async ({ page, site }) => {
  await fill(page);
  const before = await content(page);
  const archive = await page.evaluate(() => exported('db'));
  const codes = await page.evaluate(
    async ({ archive, secret }) => {
      const bytes = bytesOf(archive);
      const flipped = bytes.slice();
      flipped[3_000_000] = (flipped[3_000_000] as number) ^ 1;
      return [
        await codeOf(() => archives.importArchive('db', new Blob([flipped]), { secret, onConflict: 'replace' })),
        await codeOf(() => archives.importArchive('db', new Blob([bytes.slice(0, -1)]), { secret })),
        await codeOf(() => imported('db', archive, 'another passphrase')),
        (await indexedDB.databases()).length,
        await archives
          .importArchive('db', cutAt(archive, 5_600_000, 'fail'), { secret })
          .catch((e: Error) => e.message),
      ];
    },
    { archive, secret },
  );
  expect(codes).toEqual(['ERR_INTEGRITY', 'ERR_INTEGRITY', 'ERR_WRONG_SECRET', 1, 'the network went away']);
  // What the last one left is gone on from, and deleted then.
  const [left] = (await databases(page)).filter((name) => name !== 'db');
  expect(left).toMatch(/^idbvault-import-[0-9a-f]{32}$/);
  const report = await page.evaluate(({ archive, secret }) => imported('db', archive, secret), { archive, secret });
  expect(report).toEqual({ records: 0, skipped: 108, replaced: 0 });
  expect(await databases(page)).toEqual(['db']);
  expect(await content(page)).toEqual(before);
  await page.reload();
  await openArchives(page, site.url);
  expect(
    await page.evaluate(({ archive, secret }) => codeOf(() => imported('db', archive, secret)), { archive, secret }),
  ).toBe('ERR_NO_SECRET');
  expect(await databases(page)).toEqual(['db']);
});

test('a page that ends in the midst of a merge leaves what the next one ends', async ({ page, site }) => {
  await fill(page);
  const archive = await page.evaluate(() => exported('db'));
  await page.evaluate(
    async ({ archive, secret }) => {
      const own = { secret: 'a secret of its own' };
      await idbvault.createEncryptedStorage('another', 'one', own);
      void imported('another', archive, secret).catch(() => {});
      // It is being copied when the first record is there.
      const storage = await idbvault.createEncryptedStorage('another', 'one');
      while ((await storage.count()) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    { archive, secret },
  );
  await page.reload();
  await openArchives(page, site.url);
  expect((await databases(page)).length).toBe(3);
  const report = await page.evaluate(
    async ({ archive, secret }) => {
      const own = { secret: 'a secret of its own' };
      await idbvault.createEncryptedStorage('another', 'one', own);
      return imported('another', archive, secret);
    },
    { archive, secret },
  );
  expect(report.skipped).toBeGreaterThan(0);
  expect(report.records + report.skipped).toBe(108);
  expect(await databases(page)).toEqual(['another', 'db']);
  expect(kept(await content(page, 'another', 'a secret of its own'))).toEqual(kept(await content(page)));
});
