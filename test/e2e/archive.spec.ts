import { expect } from './app.ts';
import { behindOneBatch, content, emptyBrowser, entries, fill, openArchives, streamed, test } from './archives.ts';

test('what one browser exported, an empty one restores', async ({ page, site, browser }) => {
  const before = await fill(page, 'stays');
  expect(Object.keys(before)).toHaveLength(108);
  await page.reload(); // which locks it: no secret is needed to export
  await openArchives(page, site.url);
  const text = await page.evaluate(async () => {
    const reader = new FileReader();
    reader.readAsDataURL(await exported());
    await new Promise((resolve) => reader.addEventListener('load', resolve));
    return (reader.result as string).replace(/^.*,/, '');
  });
  const bytes = Buffer.from(text, 'base64');
  for (const plain of ['täxt', 'image/x', 'many:', 'study']) expect(bytes.includes(plain)).toBe(false);

  const other = await emptyBrowser(browser, site.url);
  const [report, progress] = await other.evaluate(async (text) => {
    globalThis.archive = new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]);
    const progress: number[] = [];
    const options = { secret, onProgress: (n: number) => progress.push(n) };
    return [await archives.importArchive('db', archive.stream(), options), progress] as const;
  }, text);
  expect(report).toEqual({ records: 108, skipped: 0, replaced: 0 });
  expect(progress.length).toBeGreaterThan(1);
  expect(progress.at(-1)).toBe(bytes.length);
  expect(await content(other)).toEqual(before);
  // It is a vault like any other, and an archive of it has the same records.
  const again = await other.evaluate(async () => {
    const storage = await idbvault.createEncryptedStorage('db', 'one');
    await storage.setEncrypted('text', 'changed');
    const journal = (await raw.entries('db', 'journal')).map(([key]) => new TextDecoder().decode(key));
    const value = await storage.getDecrypted('text');
    await idbvault.destroyVault('db');
    await imported('db', archive);
    const [was, is] = [await bytesOf(archive), await bytesOf(await exported())];
    return [value, journal, was.length === is.length && was.every((byte, i) => byte === is[i])];
  });
  expect(again).toEqual(['changed', ['clock'], true]);
  await other.reload();
  await openArchives(other, site.url);
  expect(await content(other)).toEqual(before);
  await other.context().close();
});

test('classes that are not asked for stay at home', async ({ page, browserName }) => {
  test.skip(browserName !== 'chromium', 'classes are read off the headers');
  await fill(page, 'stays');
  const report = await page.evaluate(async () => {
    const part = await exported('db', ['phi', 'internal']);
    await idbvault.destroyVault('db');
    return imported('db', part);
  });
  expect(report).toEqual({ records: 5, skipped: 0, replaced: 0 });
  const names = ['one/chunked', 'one/empty', 'one/split', 'one/text', 'zwei ü/settings'];
  expect(Object.keys(await content(page)).sort()).toEqual(names);
});

test('a cut or a flip anywhere is refused, and nothing of it is a vault', async ({ page, browserName }) => {
  test.skip(browserName !== 'chromium', 'what is refused is decided in JavaScript');
  test.slow();
  const wrong = await page.evaluate(async () => {
    // The same secret with the same salt, hundreds of times.
    const { deriveKey } = SubtleCrypto.prototype;
    const derived: Record<string, Promise<CryptoKey>> = {};
    SubtleCrypto.prototype.deriveKey = function (...all) {
      const { salt, iterations } = all[0] as Pbkdf2Params;
      derived[`${salt} ${iterations}`] ??= deriveKey.apply(this, all);
      return derived[`${salt} ${iterations}`] as Promise<CryptoKey>;
    };
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, iterations: 100_000 });
    await storage.setEncrypted('a', 'A', 'internal');
    await storage.setEncryptedStream('b', new Blob(['B']), 'public');
    await storage.setEncrypted('c', new Uint8Array(66_000), 'internal');
    const bytes = await bytesOf(await exported());
    storage.close();
    await idbvault.destroyVault('db');
    const wrong: string[] = [];
    const known = ['ERR_INTEGRITY', 'ERR_VERSION', 'ERR_WRONG_SECRET', 'ERR_INVALID'];
    const refused = async (what: string, changed: Uint8Array<ArrayBuffer>, ...codes: string[]) => {
      const code = await codeOf(() => imported('db', new Blob([changed])));
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
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 1;
      await refused(`flipped at ${at}`, changed, ...known);
    }
    await refused('a byte too many', new Uint8Array([...bytes, 0]), 'ERR_INTEGRITY');
    await refused('a foreign file', new TextEncoder().encode('%PDF-1.7 and so on, for a while'), 'ERR_INTEGRITY');
    await imported('db', new Blob([bytes]));
    const again = await idbvault.createEncryptedStorage('db', 'store', { secret, expectVault: true });
    if ((await again.keys()).sort().join() !== 'a,b,c') wrong.push('the whole one');
    return wrong;
  });
  expect(wrong).toEqual([]);
});

test('what cannot be done is refused, and changes nothing', async ({ page, browserName }) => {
  test.skip(browserName !== 'chromium', 'what is refused is decided in JavaScript');
  const codes = await page.evaluate(async () => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, iterations });
    await storage.setEncrypted('k', 'v');
    const { exportArchive, importArchive } = archives;
    const archive = await exported();
    const locked = archive.stream();
    locked.getReader();
    const later = await bytesOf(archive);
    later[16] = 2;
    const foreign = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open('foreign', 3);
      request.onupgradeneeded = () => request.result.createObjectStore('theirs');
      request.onsuccess = () => resolve(request.result);
    });
    foreign.close();
    const aborted = AbortSignal.abort(new TypeError('enough'));
    const codes = {
      otherName: await codeOf(() => imported('other', archive)),
      wrongSecret: await codeOf(() => imported('db', archive, { secret: wrongSecret })),
      shortSecret: await codeOf(() => imported('db', archive, { secret: 'short' })),
      later: await codeOf(() => imported('db', new Blob([later]))),
      lockedStream: await codeOf(() => importArchive('db', locked, { secret })),
      text: await codeOf(() => importArchive('db', 'text' as never, { secret })),
      textStream: await codeOf(() => {
        const source = new ReadableStream({ start: (c) => c.enqueue('text') });
        return importArchive('db', source, { secret });
      }),
      noOptions: await codeOf(() => importArchive('db', archive, null as never)),
      unknownOption: await codeOf(() => importArchive('db', archive, { secret, onconflict: 'skip' } as never)),
      wrongChoice: await codeOf(() => importArchive('db', archive, { secret, onConflict: 'ask' as never })),
      aborted: await importArchive('db', archive, { secret, signal: aborted }).catch((e: Error) => e.message),
      noVault: await codeOf(() => exportArchive('none')),
      foreign: await codeOf(() => exportArchive('foreign')),
      noName: await codeOf(() => exportArchive('')),
      wrongClass: await codeOf(() => exportArchive('db', { classes: ['secret' as never] })),
      noList: await codeOf(() => exportArchive('db', { classes: 'phi' as never })),
    };
    const names = (await indexedDB.databases()).map(({ name }) => name).sort();
    const value = await storage.getDecrypted('k');
    await raw.remove('db', 'keyring', new TextEncoder().encode('keyring'));
    const withoutKeyring = [
      await codeOf(() => exportArchive('db')),
      await codeOf(() => imported('db', archive)),
      (await raw.entries('db', 'records')).length,
    ];
    return { ...codes, names, value, withoutKeyring };
  });
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

test('an import that was cut off is no vault, and is gone on from', async ({ page, site }) => {
  const before = await fill(page, 'stays', 'clear'); // in an order that is known
  await page.evaluate(() => idbvault.destroyVault('db'));
  const vaultIs = () => page.evaluate(() => codeOf(() => idbvault.createEncryptedStorage('db', 'one', { secret })));

  // The source fails.
  const failed = await page.evaluate(
    (at) => archives.importArchive('db', cutAt(archive, at, 'fail'), { secret }).catch((e: Error) => e.message),
    behindOneBatch,
  );
  expect(failed).toBe('the network went away');
  expect(await vaultIs()).toBe('ERR_INTEGRITY');
  const stored = await entries(page, 'chunks');
  expect(stored).toBeGreaterThan(0);

  // The page ends.
  await page.evaluate(async (at) => {
    await (await caches.open('test')).put('/archive', new Response(archive));
    void archives.importArchive('db', cutAt(archive, at, 'hang'), { secret });
  }, behindOneBatch);
  await page.reload();
  await openArchives(page, site.url);
  expect(await vaultIs()).toBe('ERR_INTEGRITY');
  await page.evaluate(async () => {
    globalThis.archive = await ((await caches.match('/archive')) as Response).blob();
  });

  // A signal ends it, while the source is silent.
  const aborted = await page.evaluate((at) => {
    const source = cutAt(archive, at, 'hang');
    const signal = AbortSignal.timeout(300);
    return archives.importArchive('db', source, { secret, signal }).catch((e: Error) => e.name);
  }, behindOneBatch);
  expect(aborted).toBe('TimeoutError');
  expect(await entries(page, 'chunks')).toBe(stored);

  // It goes on, and what is there is not written again.
  const puts = await page.evaluate(() => chunksWritten(() => imported('db', archive)));
  expect(puts).toBe((await entries(page, 'chunks')) - stored);
  expect(await content(page)).toEqual(before);

  // Not so from what another archive of the same vault left.
  const codes = await page.evaluate(async (at) => {
    const part = await exported('db', ['phi']);
    await idbvault.destroyVault('db');
    await archives.importArchive('db', cutAt(part, at, 'fail'), { secret }).catch(() => {});
    return [await codeOf(() => imported('db', archive)), await codeOf(() => imported('db', archive))];
  }, behindOneBatch);
  expect(codes).toEqual(['ERR_INTEGRITY', 'no error']);
  expect(await content(page)).toEqual(before);
});

test('of an archive that is not whole, nothing stays, and of one with a wrong secret nothing comes', async ({
  page,
}) => {
  await fill(page);
  const seen = await page.evaluate(async () => {
    const wrong = await codeOf(() => imported('db', archive, { secret: wrongSecret }));
    const databases = (await indexedDB.databases()).length;
    const last = await flipped(archive, archive.size - 1);
    let refused = '';
    const puts = await chunksWritten(async () => {
      refused = await codeOf(() => imported('db', last));
    });
    const left = [];
    for (const table of ['keyring', 'records', 'chunks', 'journal', 'audit'])
      left.push((await raw.entries('db', table)).length);
    return { wrong, databases, refused, hadStored: puts > 0, left, again: await imported('db', archive) };
  });
  expect(seen).toEqual({
    wrong: 'ERR_WRONG_SECRET',
    databases: 0,
    refused: 'ERR_INTEGRITY',
    hadStored: true,
    left: [0, 0, 0, 0, 0],
    again: { records: 108, skipped: 0, replaced: 0 },
  });
});

test('a vault that is made while an archive is imported stays, and the import fails', async ({ page }) => {
  await fill(page);
  const codes = await page.evaluate(async () => {
    let at = 0;
    const bytes = await bytesOf(archive);
    const source = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          if (at > 0) {
            const storage = await idbvault.createEncryptedStorage('db', 'one', { secret: ownSecret, iterations });
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
  });
  expect(codes).toEqual(['ERR_CONFLICT', 'v', 'k']);
});

test('what changes while it is exported is of one moment, or ends the export', async ({ page }) => {
  await fill(page, 'stays');
  const codes = await page.evaluate(async (streamed) => {
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
        if (!changed || size < streamed) throw new Error('the archive is not whole');
      });
    const written = await during(() => storage.setEncrypted('text', 'new'), 'head');
    const anew = () => storage.setEncryptedStream('chunked', new Blob([new Uint8Array(streamed)]));
    const streamedMeanwhile = await during(anew, 'chunk');
    const streamedBefore = await during(anew, 'head');
    const secretChanged = await during(() => keys.changeSecret(secret, ownSecret, { iterations }), 'head');
    const rotated = await during(() => keys.rotateKeys({ secret: ownSecret }), 'head');
    const underWay = await codeOf(() => exported());
    await keys.commitRotation({ secret: ownSecret });
    await keys.rotateKeys({ secret: ownSecret, newSecret: secret });
    const moving = await codeOf(() => exported());
    return { written, streamedMeanwhile, streamedBefore, secretChanged, rotated, underWay, moving };
  }, streamed);
  expect(codes).toEqual({
    written: 'no error',
    streamedMeanwhile: 'ERR_CONFLICT',
    streamedBefore: 'no error',
    secretChanged: 'ERR_CONFLICT',
    rotated: 'ERR_CONFLICT',
    underWay: 'no error',
    moving: 'ERR_CONFLICT',
  });
});

test('an archive of a rotation under way goes on with it elsewhere', async ({ page, browserName }) => {
  test.skip(browserName !== 'chromium', 'both parts have tests in each browser');
  const before = await fill(page, 'stays');
  await page.evaluate(async () => {
    await new VaultKeys('db').rotateKeys({ secret });
    const underWay = await exported();
    await idbvault.destroyVault('db');
    await imported('db', underWay);
  });
  await content(page);
  await page.evaluate(async () => {
    const keys = new VaultKeys('db');
    await keys.rotateKeys({ secret });
    await keys.commitRotation({ secret });
  });
  const hashes = (all: typeof before) => Object.entries(all).map(([name, [hash]]) => [name, hash]);
  expect(hashes(await content(page)).sort()).toEqual(hashes(before).sort());
});

test('an export reads what is asked for and little more, and an archive that nobody reads holds nothing', async ({
  page,
}) => {
  await fill(page, 'stays');
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
