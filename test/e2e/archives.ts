import type { Browser, Page } from '@playwright/test';
import type { RecordMetadata } from '../../web/src/index.ts';
import { openApp } from './app.ts';

type Archives = typeof import('../../web/src/archive.ts');

// What the tests of archives share.

export const secret = 'correct horse battery staple';

declare global {
  var archives: Archives;
  var exported: (database: string, classes?: string[]) => Promise<string>;
  var imported: (database: string, text: string, secret: string | Uint8Array) => ReturnType<Archives['importArchive']>;
  var bytesOf: (text: string) => Uint8Array<ArrayBuffer>;
  // A stream of an archive that fails, or says nothing more, behind so many bytes.
  var cutAt: (text: string, at: number, end: 'fail' | 'hang') => ReadableStream<Uint8Array>;
}

export async function openArchives(page: Page, url: string): Promise<void> {
  await openApp(page, url);
  await page.evaluate(async () => {
    globalThis.archives = (await import(`${location.origin}/some/folder/archive.js`)) as Archives;
    globalThis.bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    globalThis.exported = async (database, classes) => {
      const stream = await archives.exportArchive(database, classes && { classes: classes as 'phi'[] });
      const parts: Uint8Array<ArrayBuffer>[] = [];
      const reader = stream.getReader(); // a Response would make a TypeError of what the stream fails with
      for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
      const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
      let text = '';
      for (let at = 0; at < bytes.length; at += 30_000) text += String.fromCharCode(...bytes.subarray(at, at + 30_000));
      return btoa(text);
    };
    globalThis.imported = (database, text, secret) =>
      archives.importArchive(database, new Blob([bytesOf(text)]), { secret });
    globalThis.cutAt = (text, at, end) => {
      let given = 0;
      const bytes = bytesOf(text);
      return new ReadableStream({
        pull(controller) {
          if (given === at && end === 'hang') return new Promise(() => {});
          if (given === at) throw new TypeError('the network went away');
          const to = Math.min(at, given + 100_000);
          controller.enqueue(bytes.subarray(given, to));
          given = to;
        },
      });
    };
  });
}

/** Opens an empty browser: a context of its own has an IndexedDB of its own. */
export async function emptyBrowser(browser: Browser, url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await openArchives(page, url);
  return page;
}

/** Makes a vault with values of all kinds and layouts. */
export const fill = (page: Page, names: 'hidden' | 'clear' = 'hidden') =>
  page.evaluate(
    async ({ secret, names }) => {
      const large = (size: number) => Uint8Array.from({ length: size }, (_, i) => i ^ (i >> 8) ^ (i >> 16));
      const one = await idbvault.createEncryptedStorage('db', 'one', { secret, names });
      await one.setEncrypted('text', 'täxt 🩻', 'phi', { patient: 'P1', n: 1.5 });
      await one.setEncrypted('bytes', large(1000), 'public');
      await one.setEncrypted('empty', '', 'internal');
      await one.setEncrypted('split', large(300_000), 'phi', { modality: 'CT' });
      await one.setEncrypted('blob', new Blob([large(70_000)], { type: 'image/x' }), 'pii');
      await one.setEncryptedStream('chunked', new Blob([large(6_300_000)], { type: 'image/y' }), 'phi', { study: 7 });
      await one.setEncryptedStream('nothing', new Blob([]), 'confidential');
      const two = await idbvault.createEncryptedStorage('db', 'zwei ü');
      await two.setJSON('settings', { theme: 'dark' }, 'internal');
      await two.setManyEncrypted(Array.from({ length: 100 }, (_, i) => ({ key: `many:${i}`, value: `value ${i}` })));
    },
    { secret, names },
  );

/** Reads everything: a hash of each value, and what is known of it. */
export const content = (page: Page, database = 'db', ofSecret = secret) =>
  page.evaluate(
    async ({ database, secret }) => {
      const all: Record<string, [string, Partial<RecordMetadata> | null]> = {};
      for (const name of ['one', 'zwei ü']) {
        const store = await idbvault.createEncryptedStorage(database, name, { secret, expectVault: true });
        for (const key of await store.keys()) {
          const bytes = (await store.getDecryptedBytes(key)) as Uint8Array<ArrayBuffer>;
          const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).join(' ');
          all[`${name}/${key}`] = [hash, await store.getMetadata(key)];
        }
      }
      return all;
    },
    { database, secret: ofSecret },
  );
