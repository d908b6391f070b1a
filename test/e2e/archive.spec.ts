import { expect, test } from './app.ts';
import { content, emptyBrowser, fill, openArchives, secret } from './archives.ts';

test.beforeEach(async ({ page, site }) => {
  await openArchives(page, site.url);
});

test('what one browser exported, an empty one restores', async ({ page, site, browser }) => {
  await fill(page);
  const before = await content(page);
  expect(Object.keys(before)).toHaveLength(108);
  await page.reload(); // which locks it: no secret is needed to export
  await openArchives(page, site.url);
  const archive = await page.evaluate(() => exported('db'));
  for (const plain of ['täxt', 'image/x', 'many:', 'study'])
    expect(Buffer.from(archive, 'base64').includes(plain)).toBe(false);

  const other = await emptyBrowser(browser, site.url);
  const [report, progress] = await other.evaluate(
    async ({ archive, secret }) => {
      const progress: number[] = [];
      const options = { secret, onProgress: (n: number) => progress.push(n) };
      const stream = new Blob([bytesOf(archive)]).stream();
      return [await archives.importArchive('db', stream, options), progress] as const;
    },
    { archive, secret },
  );
  expect(report).toEqual({ records: 108, skipped: 0, replaced: 0 });
  expect(progress.length).toBeGreaterThan(1);
  expect(progress.at(-1)).toBe(Buffer.from(archive, 'base64').length);
  expect(await content(other)).toEqual(before);
  await other.reload();
  await openArchives(other, site.url);
  expect(await content(other)).toEqual(before);
  // It is a vault like any other, and an archive of it has the same records.
  const again = await other.evaluate(async () => {
    const storage = await idbvault.createEncryptedStorage('db', 'one');
    await storage.setEncrypted('text', 'changed');
    const journal = (await raw.entries('db', 'journal')).map(([key]) => new TextDecoder().decode(key));
    return [await storage.getDecrypted('text'), journal];
  });
  expect(again).toEqual(['changed', ['clock']]);
  await other.evaluate(() => idbvault.destroyVault('db'));
  await other.evaluate(({ archive, secret }) => imported('db', archive, secret), { archive, secret });
  expect(await other.evaluate(() => exported('db'))).toBe(archive);
  await other.context().close();
});

test('classes that are not asked for stay at home', async ({ page, site, browser }) => {
  await fill(page);
  const archive = await page.evaluate(() => exported('db', ['phi', 'internal']));
  const other = await emptyBrowser(browser, site.url);
  const report = await other.evaluate(({ archive, secret }) => imported('db', archive, secret), { archive, secret });
  expect(report).toEqual({ records: 5, skipped: 0, replaced: 0 });
  const names = ['one/chunked', 'one/empty', 'one/split', 'one/text', 'zwei ü/settings'];
  expect(Object.keys(await content(other)).sort()).toEqual(names);
  await other.context().close();
});

test('a cut or a flip anywhere is refused, and nothing of it is a vault', async ({ page }) => {
  test.slow();
  const wrong = await page.evaluate(async () => {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, iterations: 100_000 });
    await storage.setEncrypted('a', 'A', 'internal');
    await storage.setEncryptedStream('b', new Blob(['B']), 'public');
    await storage.setEncrypted('c', new Uint8Array(66_000), 'internal');
    const bytes = bytesOf(await exported('db'));
    storage.close();
    await idbvault.destroyVault('db');
    const wrong: string[] = [];
    const known = ['ERR_INTEGRITY', 'ERR_VERSION', 'ERR_WRONG_SECRET', 'ERR_INVALID'];
    const refused = async (what: string, changed: Uint8Array<ArrayBuffer>, ...codes: string[]) => {
      const code = await codeOf(() => archives.importArchive('db', new Blob([changed]), { secret }));
      if (!codes.includes(code)) wrong.push(`${what}: ${code}`);
      const opened = await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret, expectVault: true }));
      if (opened !== 'ERR_EVICTED') wrong.push(`${what} left what opens with ${opened}`);
    };
    // What is interesting stands at both ends; between them is one large ciphertext.
    const places = Array.from({ length: 40 }, (_, i) => i);
    for (let at = 40; at < 1700; at += 13) places.push(at);
    for (let at = 1700; at < bytes.length; at += 9973) places.push(at);
    for (let at = bytes.length - 41; at < bytes.length; at += 4) places.push(at);
    for (const at of places) {
      await refused(`cut at ${at}`, bytes.slice(0, at), 'ERR_INTEGRITY');
      const flipped = bytes.slice();
      flipped[at] = (flipped[at] as number) ^ 1;
      await refused(`flipped at ${at}`, flipped, ...known);
    }
    await refused('a byte too many', new Uint8Array([...bytes, 0]), 'ERR_INTEGRITY');
    await refused('a foreign file', new TextEncoder().encode('%PDF-1.7 and so on, for a while'), 'ERR_INTEGRITY');
    await archives.importArchive('db', new Blob([bytes]), { secret });
    const again = await idbvault.createEncryptedStorage('db', 'store', { secret, expectVault: true });
    if ((await again.keys()).sort().join() !== 'a,b,c') wrong.push('the whole one');
    return wrong;
  });
  expect(wrong).toEqual([]);
});

test('what cannot be done is refused, and changes nothing', async ({ page }) => {
  await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('k', 'v');
  }, secret);
  const codes = await page.evaluate(async (secret) => {
    const archive = await exported('db');
    const { exportArchive, importArchive } = archives;
    const blob = new Blob([bytesOf(archive)]);
    const locked = blob.stream();
    locked.getReader();
    const later = bytesOf(archive);
    later[16] = 2;
    const foreign = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open('foreign', 3);
      request.onupgradeneeded = () => request.result.createObjectStore('theirs');
      request.onsuccess = () => resolve(request.result);
    });
    foreign.close();
    const aborted = AbortSignal.abort(new TypeError('enough'));
    const codes = {
      otherName: await codeOf(() => imported('other', archive, secret)),
      wrongSecret: await codeOf(() => imported('db', archive, 'another passphrase')),
      shortSecret: await codeOf(() => imported('db', archive, 'short')),
      later: await codeOf(() => importArchive('db', new Blob([later]), { secret })),
      lockedStream: await codeOf(() => importArchive('db', locked, { secret })),
      text: await codeOf(() => importArchive('db', archive as never, { secret })),
      textStream: await codeOf(() => {
        const source = new ReadableStream({ start: (c) => c.enqueue('text') });
        return importArchive('db', source, { secret });
      }),
      noOptions: await codeOf(() => importArchive('db', blob, null as never)),
      unknownOption: await codeOf(() => importArchive('db', blob, { secret, onconflict: 'skip' } as never)),
      wrongChoice: await codeOf(() => importArchive('db', blob, { secret, onConflict: 'ask' as never })),
      aborted: await importArchive('db', blob, { secret, signal: aborted }).catch((e: Error) => e.message),
      noVault: await codeOf(() => exportArchive('none')),
      foreign: await codeOf(() => exportArchive('foreign')),
      noName: await codeOf(() => exportArchive('')),
      wrongClass: await codeOf(() => exportArchive('db', { classes: ['secret' as never] })),
      noList: await codeOf(() => exportArchive('db', { classes: 'phi' as never })),
    };
    const names = (await indexedDB.databases()).map(({ name }) => name).sort();
    const storage = await idbvault.createEncryptedStorage('db', 'store');
    const value = await storage.getDecrypted('k');
    await raw.remove('db', 'keyring', new TextEncoder().encode('keyring'));
    const withoutKeyring = [
      await codeOf(() => exportArchive('db')),
      await codeOf(() => imported('db', archive, secret)),
      (await raw.entries('db', 'records')).length,
    ];
    return { ...codes, names, value, withoutKeyring };
  }, secret);
  expect(codes).toEqual({
    otherName: 'ERR_INVALID',
    wrongSecret: 'ERR_WRONG_SECRET',
    shortSecret: 'ERR_INVALID',
    later: 'ERR_VERSION',
    lockedStream: 'ERR_INVALID',
    text: 'ERR_INVALID',
    textStream: 'ERR_INVALID',
    noOptions: 'ERR_INVALID',
    unknownOption: 'ERR_INVALID',
    wrongChoice: 'ERR_INVALID',
    aborted: 'enough',
    noVault: 'ERR_EVICTED',
    foreign: 'ERR_NOT_A_VAULT',
    noName: 'ERR_INVALID',
    wrongClass: 'ERR_INVALID',
    noList: 'ERR_INVALID',
    names: ['db', 'foreign'],
    value: 'v',
    withoutKeyring: ['ERR_INTEGRITY', 'ERR_CONFLICT', 1],
  });
});

test('an import that was cut off is no vault, and is gone on from', async ({ page, site, browser }) => {
  await fill(page, 'clear'); // in an order that is known
  const before = await content(page);
  const archive = await page.evaluate(() => exported('db'));
  const part = await page.evaluate(() => exported('db', ['phi']));
  const other = await emptyBrowser(browser, site.url);
  const vaultIs = () =>
    other.evaluate((secret) => codeOf(() => idbvault.createEncryptedStorage('db', 'one', { secret })), secret);

  // The source fails.
  const failed = await other.evaluate(
    ({ archive, secret }) =>
      archives.importArchive('db', cutAt(archive, 5_600_000, 'fail'), { secret }).catch((e: Error) => e.message),
    { archive, secret },
  );
  expect(failed).toBe('the network went away');
  expect(await vaultIs()).toBe('ERR_INTEGRITY');
  const stored = (await other.evaluate(() => raw.entries('db', 'chunks'))).length;
  expect(stored).toBeGreaterThan(0);

  // The page ends.
  await other.evaluate(
    ({ archive, secret }) => void archives.importArchive('db', cutAt(archive, 5_600_000, 'hang'), { secret }),
    { archive, secret },
  );
  await other.reload();
  await openArchives(other, site.url);
  expect(await vaultIs()).toBe('ERR_INTEGRITY');

  // A signal ends it, while the source is silent.
  const aborted = await other.evaluate(
    ({ archive, secret }) => {
      const source = cutAt(archive, 5_600_000, 'hang');
      const { signal } = { signal: AbortSignal.timeout(300) };
      return archives.importArchive('db', source, { secret, signal }).catch((e: Error) => e.name);
    },
    { archive, secret },
  );
  expect(aborted).toBe('TimeoutError');
  expect((await other.evaluate(() => raw.entries('db', 'chunks'))).length).toBe(stored);

  // It goes on, and what is there is not written again.
  const puts = await other.evaluate(
    async ({ archive, secret }) => {
      let puts = 0;
      const { put } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.put = function (...all) {
        if (this.name === 'chunks') puts++;
        return put.apply(this, all);
      };
      await imported('db', archive, secret);
      IDBObjectStore.prototype.put = put;
      return puts;
    },
    { archive, secret },
  );
  const chunks = (await other.evaluate(() => raw.entries('db', 'chunks'))).length;
  expect(puts).toBe(chunks - stored);
  expect(await content(other)).toEqual(before);

  // Not so from what another archive of the same vault left.
  await other.evaluate(() => idbvault.destroyVault('db'));
  const codes = await other.evaluate(
    async ({ archive, part, secret }) => {
      await archives.importArchive('db', cutAt(part, 5_600_000, 'fail'), { secret }).catch(() => {});
      return [await codeOf(() => imported('db', archive, secret)), await codeOf(() => imported('db', archive, secret))];
    },
    { archive, part, secret },
  );
  expect(codes).toEqual(['ERR_INTEGRITY', 'no error']);
  expect(await content(other)).toEqual(before);
  await other.context().close();
});

test('of an archive that is not whole, nothing stays, and of one with a wrong secret nothing comes', async ({
  page,
  site,
  browser,
}) => {
  await fill(page);
  const archive = await page.evaluate(() => exported('db'));
  const other = await emptyBrowser(browser, site.url);
  const seen = await other.evaluate(
    async ({ archive, secret }) => {
      const wrongSecret = await codeOf(() => imported('db', archive, 'another passphrase'));
      const databases = (await indexedDB.databases()).length;
      const bytes = bytesOf(archive);
      bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
      let puts = 0;
      const { put } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.put = function (...all) {
        if (this.name === 'chunks') puts++;
        return put.apply(this, all);
      };
      const flipped = await codeOf(() => archives.importArchive('db', new Blob([bytes]), { secret }));
      IDBObjectStore.prototype.put = put;
      const left = [];
      for (const table of ['keyring', 'records', 'chunks', 'journal', 'audit'])
        left.push((await raw.entries('db', table)).length);
      return {
        wrongSecret,
        databases,
        flipped,
        hadStored: puts > 0,
        left,
        again: await imported('db', archive, secret),
      };
    },
    { archive, secret },
  );
  expect(seen).toEqual({
    wrongSecret: 'ERR_WRONG_SECRET',
    databases: 0,
    flipped: 'ERR_INTEGRITY',
    hadStored: true,
    left: [0, 0, 0, 0, 0],
    again: { records: 108, skipped: 0, replaced: 0 },
  });
  await other.context().close();
});

test('a vault that is made while an archive is imported stays, and the import fails', async ({
  page,
  site,
  browser,
}) => {
  await fill(page);
  const archive = await page.evaluate(() => exported('db'));
  const other = await emptyBrowser(browser, site.url);
  const codes = await other.evaluate(
    async ({ archive, secret }) => {
      let at = 0;
      const bytes = bytesOf(archive);
      const source = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            if (at > 0) {
              const storage = await idbvault.createEncryptedStorage('db', 'one', { secret: 'a secret of its own' });
              await storage.setEncrypted('k', 'v');
              controller.enqueue(bytes.subarray(at));
              controller.close();
            } else controller.enqueue(bytes.subarray(0, 100_000));
            at = 100_000;
          },
        },
        { highWaterMark: 0 },
      );
      const code = await codeOf(() => archives.importArchive('db', source, { secret }));
      const storage = await idbvault.createEncryptedStorage('db', 'one');
      return [code, await storage.getDecrypted('k'), (await storage.keys()).join()];
    },
    { archive, secret },
  );
  expect(codes).toEqual(['ERR_CONFLICT', 'v', 'k']);
  await other.context().close();
});

test('what changes while it is exported is of one moment, or ends the export', async ({ page }) => {
  await fill(page);
  const codes = await page.evaluate(async (secret) => {
    const { VaultKeys } = (await import(
      `${location.origin}/some/folder/keys.js`
    )) as typeof import('../../web/src/keys.ts');
    const storage = await idbvault.createEncryptedStorage('db', 'one');
    const keys = new VaultKeys('db');
    // Changes something when the first bytes, or the first chunk of the streamed value, have come.
    const during = (change: () => Promise<unknown>, behind: 'head' | 'chunk') =>
      codeOf(async () => {
        const reader = (await archives.exportArchive('db')).getReader();
        let [changed, size] = [false, 0];
        for (let part = await reader.read(); !part.done; part = await reader.read()) {
          size += part.value.length;
          if (changed || (behind === 'chunk' && part.value.length !== (1 << 20) + 16)) continue;
          changed = true;
          await change();
        }
        if (!changed || size < 6_300_000) throw new Error('the archive is not whole');
      });
    const written = await during(() => storage.setEncrypted('text', 'new'), 'head');
    const streamed = await during(
      () => storage.setEncryptedStream('chunked', new Blob([new Uint8Array(6_300_000)])),
      'chunk',
    );
    const streamedBefore = await during(
      () => storage.setEncryptedStream('chunked', new Blob([new Uint8Array(6_300_000)])),
      'head',
    );
    const secretChanged = await during(() => keys.changeSecret(secret, 'the next passphrase'), 'head');
    const rotated = await during(() => keys.rotateKeys({ secret: 'the next passphrase' }), 'head');
    const underWay = await codeOf(() => exported('db'));
    await keys.commitRotation({ secret: 'the next passphrase' });
    await keys.rotateKeys({ secret: 'the next passphrase', newSecret: 'and the one behind' });
    const moving = await codeOf(() => exported('db'));
    return { written, streamed, streamedBefore, secretChanged, rotated, underWay, moving };
  }, secret);
  expect(codes).toEqual({
    written: 'no error',
    streamed: 'ERR_CONFLICT',
    streamedBefore: 'no error',
    secretChanged: 'ERR_CONFLICT',
    rotated: 'ERR_CONFLICT',
    underWay: 'no error',
    moving: 'ERR_CONFLICT',
  });
});

test('an archive of a rotation under way goes on with it elsewhere', async ({ page, site, browser }) => {
  await fill(page);
  const before = await content(page);
  await page.evaluate(async (secret) => {
    const { VaultKeys } = (await import(
      `${location.origin}/some/folder/keys.js`
    )) as typeof import('../../web/src/keys.ts');
    await new VaultKeys('db').rotateKeys({ secret });
  }, secret);
  const archive = await page.evaluate(() => exported('db'));
  const other = await emptyBrowser(browser, site.url);
  await other.evaluate(({ archive, secret }) => imported('db', archive, secret), { archive, secret });
  await content(other);
  await other.evaluate(async (secret) => {
    const { VaultKeys } = (await import(
      `${location.origin}/some/folder/keys.js`
    )) as typeof import('../../web/src/keys.ts');
    const keys = new VaultKeys('db');
    await keys.rotateKeys({ secret });
    await keys.commitRotation({ secret });
  }, secret);
  const hashes = (all: Awaited<ReturnType<typeof content>>) =>
    Object.entries(all).map(([name, [hash]]) => [name, hash]);
  expect(hashes(await content(other)).sort()).toEqual(hashes(before).sort());
  await other.context().close();
});

test('an export reads what is asked for and little more, and an archive that nobody reads holds nothing', async ({
  page,
}) => {
  await fill(page);
  const seen = await page.evaluate(async () => {
    let reads = 0;
    const { getAll } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.getAll = function (...all) {
      reads++;
      return getAll.apply(this, all);
    };
    const idle = await archives.exportArchive('db');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const beforeAnyone = reads;
    const reader = (await archives.exportArchive('db')).getReader();
    let largest = 0;
    let [ahead, before] = [0, 0];
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      largest = Math.max(largest, part.value.length);
      await new Promise((resolve) => setTimeout(resolve, 0));
      ahead = Math.max(ahead, reads - before);
      before = reads;
    }
    IDBObjectStore.prototype.getAll = getAll;
    await idbvault.destroyVault('db'); // which an open connection would hold up
    const code = await codeOf(() => idle.getReader().read());
    return { beforeAnyone, ahead, largest, code };
  });
  expect(seen).toEqual({ beforeAnyone: 0, ahead: seen.ahead, largest: (1 << 20) + 16, code: 'ERR_CLOSED' });
  expect(seen.ahead).toBeLessThanOrEqual(2);
});
