import { openDatabase, read } from './archive-database.ts';
import type { ArchiveReader, Head } from './archive-format.ts';
import { restore, type Watch } from './archive-import.ts';
import { Kind, toText } from './bytes.ts';
import { VaultError } from './errors.ts';
import { createEncryptedStorage, destroyVault, type EncryptedStorage } from './index.ts';
import type { Read } from './later.ts';
import type { Inside } from './later-names.ts';
import { engineOf } from './link.ts';
import { loaded } from './loader.ts';
import { passItem } from './pass.ts';
import type { ImportedSecret } from './secret.ts';

/** What becomes of a record that the vault has already. */
export type OnConflict = 'skip' | 'replace' | 'newer';

/** How many records were written, how many were left as the vault had them, and how many of those written it had before. */
export interface Merged {
  records: number;
  skipped: number;
  replaced: number;
}

/**
 * Re-encrypts the records of an archive into a vault that is unlocked on this page. The archive is restored into a database of its own for
 * that, as a vault that is bound to the name it was made for, and deleted behind it.
 */
export async function merge(
  database: string,
  reader: ArchiveReader,
  head: Head,
  secret: ImportedSecret,
  onConflict: OnConflict,
  watch: Watch,
): Promise<Merged> {
  const isOpen = { expectVault: true };
  (await createEncryptedStorage(database, undefined, isOpen)).close(); // or it is ERR_NO_SECRET before anything is read
  const hex = [...head.link.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const between = `idbvault-import-${hex}`;
  const merged: Merged = { records: 0, skipped: 0, replaced: 0 };
  let isWhole = false;
  try {
    if (await hasVault(between)) await destroyVault(between); // of a page that ended while it read it
    await restore(between, reader, head, secret, watch);
    isWhole = true;
    for (const store of await storesOf(between)) {
      const to = await createEncryptedStorage(database, store, isOpen);
      const source = await openBound(between, store, head.database, secret);
      try {
        for (const name of (await source.call('names', [{ name: '' }])) as string[]) {
          watch.signal?.throwIfAborted();
          await copyRecord(source.call, to, name, onConflict, merged, watch.signal);
        }
      } finally {
        source.close();
        to.close();
      }
    }
    return merged;
  } catch (error) {
    isWhole ||= error instanceof VaultError;
    throw error;
  } finally {
    // What a source that failed, or a signal, left of the archive is gone on from.
    if (isWhole) await destroyVault(between);
  }
}

/** Whether a database has a keyring. */
export async function hasVault(database: string): Promise<boolean> {
  try {
    const db = await openDatabase(database, false);
    const [count] = await read(db, ['keyring'], (table) => [table('keyring').count()]).finally(() => db.close());
    return count !== 0;
  } catch (error) {
    if (error instanceof VaultError && error.code === 'ERR_EVICTED') return false;
    throw error;
  }
}

/** The stores that have records. A record's key begins with the length and the name of its store. */
async function storesOf(database: string): Promise<string[]> {
  const db = await openDatabase(database, false);
  const stores: string[] = [];
  try {
    for (let range: IDBKeyRange | undefined; ; ) {
      const [keys] = await read(db, ['records'], (table) => [table('records').getAllKeys(range, 1)]);
      const [key] = keys as ArrayBuffer[];
      if (!key) return stores;
      const prefix = new Uint8Array(key).slice(0, 1 + (new Uint8Array(key)[0] ?? 0));
      stores.push(toText(prefix.subarray(1)));
      prefix[prefix.length - 1] = (prefix.at(-1) as number) + 1; // which no byte of UTF-8 lets overflow
      range = IDBKeyRange.lowerBound(prefix);
    }
  } finally {
    db.close();
  }
}

/** Opens a store of a vault whose associated data have another database's name. */
async function openBound(database: string, store: string, bound: string, secret: ImportedSecret) {
  const engine = await engineOf(database);
  const [handle] = (await engine.call(Object.values(secret), (core, id) => {
    passItem(engine, core, id, { name: database, contentType: store, context: bound });
    core.open(id, 0, 0, 0, 2, 0, 0, 0, 0, 0);
  })) as [number];
  const call: Inside[2] = (name, items = [], payloads = [], ...numbers) =>
    engine.call(payloads, (core, id) => {
      for (const item of items) passItem(engine, core, id, item);
      core[name](id, handle, ...numbers);
    });
  return { call, close: () => engine.tell((core) => core.release(handle)) };
}

async function copyRecord(
  call: Inside[2],
  to: EncryptedStorage,
  name: string,
  onConflict: OnConflict,
  merged: Merged,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { blobOf, getDecryptedRange, getDecryptedStream, metadataOf } = await loaded(
    './later.js',
    import('./later.ts'),
  );
  const found = await call('metadata', [{ name }]);
  if (found[0] === null) return; // it has expired
  const { classification, context, encryptedAt } = metadataOf(found);
  const there = await to.getMetadata(name);
  if (there && (onConflict === 'skip' || (onConflict === 'newer' && there.encryptedAt >= encryptedAt))) {
    merged.skipped++;
    return;
  }
  const [value, size = 0, header] = (await call('stream', [{ name }])) as [Read | null, number?, ArrayBuffer?];
  if (!value) return;
  // When it expires is up to the policy of the vault that it goes to.
  const about = [classification, context ?? undefined] as const;
  const inside = [to, undefined as never, call, () => {}] as const; // reading asks for nothing but the calls
  if (!header) {
    const { kind, bytes } = value;
    await to.setEncrypted(
      name,
      kind === Kind.text ? toText(bytes) : kind === Kind.blob ? blobOf(value) : bytes,
      ...about,
    );
  } else if (value.kind === Kind.blob) {
    let failure: unknown;
    const range = async (start: number, end: number) => {
      try {
        return (await getDecryptedRange(inside, name, start, Math.min(end, size)))?.buffer;
      } catch (error) {
        failure = error; // which a Blob's error would hide
        throw error;
      }
    };
    await to
      .setEncryptedStream(name, openedLater(size, value.type, range), ...about, { signal })
      .catch((error: unknown) => {
        throw failure ?? error;
      });
  } else {
    const stream = await getDecryptedStream(inside, name);
    if (stream) await to.setEncryptedStream(name, stream, ...about, { signal });
  }
  merged.records++;
  if (there) merged.replaced++;
}

/** A Blob whose bytes are opened as they are read, a slice at a time, and lie nowhere. */
const openedLater = (
  size: number,
  type: string,
  range: (start: number, end: number) => Promise<ArrayBuffer | undefined>,
): Blob =>
  Object.defineProperties(new Blob([], { type }), {
    size: { value: size },
    slice: { value: (start: number, end: number) => ({ arrayBuffer: () => range(start, end) }) },
  });
