import type { Browser, Page } from '@playwright/test';
import type { RecordMetadata } from '../../web/src/index.ts';
import { test as base, openApp } from './app.ts';

type Archives = typeof import('../../web/src/archive.ts');
type Keys = typeof import('../../web/src/keys.ts');

// What the tests of archives share. Archives stay in the page, as Blobs: to pass one to the test and back takes longer than to import it.
// Secrets are random bytes, which take fewer iterations than passphrases.

declare global {
  var archives: Archives;
  var VaultKeys: Keys['VaultKeys'];
  // The secret of the vault `db`, and two others.
  var secret: Uint8Array;
  var ownSecret: Uint8Array;
  var wrongSecret: Uint8Array;
  // As few as a vault may have that takes every class.
  var iterations: 250_000;
  // An archive that a test holds on to.
  var archive: Blob;
  var exported: (database?: string, classes?: string[]) => Promise<Blob>;
  var imported: (database: string, archive: Blob, options?: object) => ReturnType<Archives['importArchive']>;
  var bytesOf: (archive: Blob) => Promise<Uint8Array<ArrayBuffer>>;
  // The archive with a bit of one byte turned over.
  var flipped: (archive: Blob, at: number) => Promise<Blob>;
  // A stream of an archive that fails, or says nothing more, behind so many bytes.
  var cutAt: (archive: Blob, at: number, end: 'fail' | 'hang') => ReadableStream<Uint8Array>;
  // Counts the chunks that are written while something is done.
  var chunksWritten: (work: () => Promise<unknown>) => Promise<number>;
}

/** Bytes of the value that `fill` writes as a stream: five chunks, where an export reads four at a time. */
export const streamed = 4_300_000;

/** Where an archive of a vault with clear names is cut off when a part of it is stored, and a part of a value is not. */
export const behindOneBatch = 4_400_000;

export async function openArchives(page: Page, url: string): Promise<void> {
  await openApp(page, url);
  await page.evaluate(async () => {
    globalThis.archives = (await import(`${location.origin}/some/folder/archive.js`)) as Archives;
    globalThis.VaultKeys = ((await import(`${location.origin}/some/folder/keys.js`)) as Keys).VaultKeys;
    globalThis.secret = new Uint8Array(32).fill(1);
    globalThis.ownSecret = new Uint8Array(32).fill(2);
    globalThis.wrongSecret = new Uint8Array(32).fill(3);
    globalThis.iterations = 250_000;
    globalThis.exported = async (database = 'db', classes) => {
      const stream = await archives.exportArchive(database, classes && { classes: classes as 'phi'[] });
      const parts: Uint8Array<ArrayBuffer>[] = [];
      const reader = stream.getReader(); // a Response would make a TypeError of what the stream fails with
      for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
      return new Blob(parts);
    };
    globalThis.imported = (database, archive, options) =>
      archives.importArchive(database, archive, { secret, ...options });
    globalThis.bytesOf = async (archive) => new Uint8Array(await archive.arrayBuffer());
    globalThis.flipped = async (archive, at) => {
      const bytes = await bytesOf(archive);
      bytes[at] = (bytes[at] as number) ^ 1;
      return new Blob([bytes]);
    };
    globalThis.cutAt = (archive, at, end) => {
      let given = 0;
      return new ReadableStream({
        async pull(controller) {
          if (given === at && end === 'hang') return new Promise(() => {});
          if (given === at) throw new TypeError('the network went away');
          const to = Math.min(at, given + 100_000);
          controller.enqueue(await bytesOf(archive.slice(given, to)));
          given = to;
        },
      });
    };
    globalThis.chunksWritten = async (work) => {
      let puts = 0;
      const { put } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.put = function (...all) {
        if (this.name === 'chunks') puts++;
        return put.apply(this, all);
      };
      await work().finally(() => {
        IDBObjectStore.prototype.put = put;
      });
      return puts;
    };
  });
}

/** Tests with archives at hand in `page`. */
export const test = base.extend({
  page: async ({ page, site }, use) => {
    await openArchives(page, site.url);
    await use(page);
  },
});

/** Opens an empty browser: a context of its own has an IndexedDB of its own. */
export async function emptyBrowser(browser: Browser, url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await openArchives(page, url);
  return page;
}

/** Makes a vault with values of all kinds and layouts, reads it all, and holds on to its archive. Then the vault is deleted, or stays. */
export async function fill(
  page: Page,
  then: 'gone' | 'stays' = 'gone',
  names: 'hidden' | 'clear' = 'hidden',
): Promise<Content> {
  await page.evaluate(
    async ({ streamed, names }) => {
      const large = (size: number) => {
        const bytes = new Uint8Array(size);
        for (let i = 0; i < size; i++) bytes[i] = i ^ (i >> 8) ^ (i >> 16);
        return bytes;
      };
      const one = await idbvault.createEncryptedStorage('db', 'one', { secret, iterations, names });
      await one.setEncrypted('text', 'täxt 🩻', 'phi', { patient: 'P1', n: 1.5 });
      await one.setEncrypted('bytes', large(1000), 'public', undefined, { ttlMs: 3_600_000 });
      await one.setEncrypted('empty', '', 'internal');
      await one.setEncrypted('split', large(300_000), 'phi', { modality: 'CT' });
      await one.setEncrypted('blob', new Blob([large(70_000)], { type: 'image/x' }), 'pii');
      const stream = new Blob([large(streamed)], { type: 'image/y' });
      await one.setEncryptedStream('chunked', stream, 'phi', { study: 7 }, { ttlMs: 7_200_000 });
      await one.setEncryptedStream('nothing', new Blob([]), 'confidential');
      const two = await idbvault.createEncryptedStorage('db', 'zwei ü');
      await two.setJSON('settings', { theme: 'dark' }, 'internal');
      await two.setManyEncrypted(Array.from({ length: 100 }, (_, i) => ({ key: `many:${i}`, value: `value ${i}` })));
    },
    { streamed, names },
  );
  const all = await content(page);
  await page.evaluate(async (then) => {
    globalThis.archive = await exported();
    if (then === 'gone') await idbvault.destroyVault('db');
  }, then);
  return all;
}

/** Of each record, by store and name: a hash of its value, and what is known of it. */
export type Content = Record<string, [string, Partial<RecordMetadata> | null]>;

/** Reads everything in a vault that opens with the secret of `db`, or of its own. */
export const content = (page: Page, database = 'db', of: 'secret' | 'ownSecret' = 'secret'): Promise<Content> =>
  page.evaluate(
    async ({ database, of }) => {
      const all: Record<string, [string, Partial<RecordMetadata> | null]> = {};
      for (const name of ['one', 'zwei ü']) {
        const options = { secret: globalThis[of], expectVault: true };
        const store = await idbvault.createEncryptedStorage(database, name, options);
        for (const key of await store.keys()) {
          const bytes = (await store.getDecryptedBytes(key)) as Uint8Array<ArrayBuffer>;
          const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).join(' ');
          all[`${name}/${key}`] = [hash, await store.getMetadata(key)];
        }
      }
      return all;
    },
    { database, of },
  );

/** How many entries a table of the vault `db` has. */
export const entries = (page: Page, table: string): Promise<number> =>
  page.evaluate(async (table) => (await raw.entries('db', table)).length, table);
