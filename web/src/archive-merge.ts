import { openDatabase, read } from './archive-database.ts';
import type { ArchiveReader, Head } from './archive-format.ts';
import { restore, type Watch } from './archive-import.ts';
import { sizes } from './archive-layout.ts';
import { toText } from './bytes.ts';
import { classNumber, type DataClassification } from './classification.ts';
import { VaultError } from './errors.ts';
import { createEncryptedStorage, destroyVault } from './index.ts';
import { byChannel } from './internal.ts';
import type { Read } from './later.ts';
import type { Inside } from './later-names.ts';
import { engineOf } from './link.ts';
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
  (await createEncryptedStorage(database, undefined, { expectVault: true })).close(); // or it is ERR_NO_SECRET before anything is read
  const hex = [...head.link.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const between = `idbvault-import-${hex}`;
  const merged: Merged = { records: 0, skipped: 0, replaced: 0 };
  let isWhole = false;
  try {
    if (await hasVault(between)) await destroyVault(between); // of a page that ended while it read it
    await restore(between, reader, head, secret, watch);
    isWhole = true;
    for (const store of await storesOf(between)) {
      const to = await openIn(database, store);
      const from = await openIn(between, store, head.database, secret);
      try {
        for (const name of (await from.call('names', [{ name: '' }])) as string[]) {
          watch.signal?.throwIfAborted();
          const outcome = await copyRecord(from.call, to.call, name, onConflict, watch.signal);
          if (outcome === undefined) continue;
          if (outcome === Outcome.kept) {
            merged.skipped++;
            continue;
          }
          merged.records++;
          if (outcome === Outcome.replaced) merged.replaced++;
          byChannel.get(to.channel)?.tell(store, 'set', [name]);
        }
      } finally {
        from.close();
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

type Call = Inside[2];

/** Opens a store of a vault that is unlocked, or of one whose associated data have another database's name, with its secret. */
async function openIn(database: string, store: string, bound = '', secret?: ImportedSecret) {
  const engine = await engineOf(database);
  const [handle, channel] = (await engine.call(Object.values(secret ?? {}), (core, id) => {
    passItem(engine, core, id, { name: database, contentType: store, context: bound });
    core.open(id, 0, 0, 0, 2, 0, 0, 0, 0, 0);
  })) as [number, string];
  const call: Call = (name, items = [], payloads = [], ...numbers) =>
    engine.call(payloads, (core, id) => {
      for (const item of items) passItem(engine, core, id, item);
      core[name](id, handle, ...numbers);
    });
  return { call, channel, close: () => engine.tell((core) => core.release(handle)) };
}

/** What becomes of a record (vault.Outcome). */
const Outcome = { kept: 0, added: 1, replaced: 2 };

/** How many chunks of a value are opened at a time. */
const window = 4;

/**
 * Opens a record, unless the vault keeps what it has of that name, and seals it anew there, with the times that it has. Nothing becomes of
 * one that has expired.
 */
async function copyRecord(
  from: Call,
  to: Call,
  name: string,
  onConflict: OnConflict,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const found = await from('metadata', [{ name }]);
  if (found[0] === null) return;
  const [classification, created, expires, , , contentType, context] = found as [
    DataClassification,
    ...times: [created: number, expires: number, epoch: number],
    size: number,
    contentType: string,
    context: string,
  ];
  const before = { skip: 0, newer: created, replace: Number.MAX_SAFE_INTEGER }[onConflict];
  const [there, written] = await to('metadata', [{ name }]);
  if (there !== null && (written as number) >= before) return Outcome.kept;
  const [value, size = 0, header] = (await from('stream', [{ name }])) as [Read | null, number?, ArrayBuffer?];
  if (!value) return;
  const { kind, bytes } = value;
  const times = [created, expires, before] as const;
  const item = { name, classification: classNumber(classification), kind, contentType, context };
  let at = 0;
  const next = async () => {
    signal?.throwIfAborted();
    const n = Math.min(window, Math.max(1, Math.ceil(size / sizes.chunk)) - at);
    const opened = (await from('chunks', [{ name }], [header?.slice(0)], at, n)) as Read[];
    at += n;
    return [...opened.map(({ bytes }) => bytes.buffer), at * sizes.chunk >= size];
  };
  const [outcome] = header
    ? await to('adoptStream', [item], [next], ...times)
    : // A copy where name and context lie in front of it: the whole buffer goes where the vault's keys are.
      await to('adopt', [{ ...item, size: bytes.length }], [bytes.byteOffset ? bytes.slice() : bytes], ...times);
  return outcome as number;
}
