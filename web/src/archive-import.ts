import { openDatabase, type TableName, type Tables, transact } from './archive-database.ts';
import { type ArchiveReader, type Entry, type Head, joined, records, same, u64 } from './archive-format.ts';
import { checkSecret, parseKeyring } from './archive-keyring.ts';
import { VaultError } from './errors.ts';
import type { ImportedSecret } from './secret.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** How much is stored in one transaction, unless one entry is more. */
const batchBytes = 4 << 20;
const batchEntries = 256;

const encoder = new TextEncoder();
const keyringName = encoder.encode('keyring');
/** Under which an import under way stands in `journal`: docs/FORMAT.md, "Archives". */
const markName = encoder.encode('import');

const written: TableName[] = ['keyring', 'journal', 'records', 'chunks'];

const occupied = () =>
  new VaultError(
    'ERR_CONFLICT',
    'The database of this name is not empty. It was left as it is; delete it with destroyVault to restore the archive in its place.',
  );

const overtaken = () =>
  new VaultError(
    'ERR_CONFLICT',
    'Another import or a new vault came between. Look at what is there, and import again.',
  );

/** An import under way: how many entries of which archive are stored, and the link behind the last of them. */
class Mark {
  readonly head: Bytes;
  count = 0;
  link: Bytes;

  constructor({ link }: Head) {
    this.head = this.link = link;
  }

  get bytes(): Bytes {
    return joined(this.head, u64(this.count), this.link);
  }

  /** Goes on from where a mark that was stored is, if that is of an archive with the same beginning. */
  resume(stored: Bytes): boolean {
    if (stored.length !== 72 || !same(stored.subarray(0, 32), this.head)) return false;
    const view = new DataView(stored.buffer, stored.byteOffset);
    this.count = view.getUint32(32) * 2 ** 32 + view.getUint32(36);
    this.link = stored.slice(40);
    return true;
  }
}

const isMark = (stored: unknown, mark: Bytes): boolean =>
  stored instanceof ArrayBuffer && same(new Uint8Array(stored), mark);

/** How an import is watched and ended. */
export interface Watch {
  onProgress?: ((bytes: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Restores an archive into a database that has no vault. The keyring is written last: without it nothing is a vault. */
export async function restore(
  database: string,
  reader: ArchiveReader,
  head: Head,
  secret: ImportedSecret,
  watch: Watch,
): Promise<number> {
  await checkSecret(head.database, parseKeyring(head.keyring), secret);
  watch.signal?.throwIfAborted();
  const db = await openDatabase(database, true);
  const mark = new Mark(head);
  try {
    await begin(db, mark);
    return await copy(db, reader, head, mark, watch);
  } catch (error) {
    // What an archive left that is not whole must not be gone on from. Of an aborted import, the next one goes on.
    if (error instanceof VaultError && error.code === 'ERR_INTEGRITY') await clear(db, mark).catch(() => {});
    throw error;
  } finally {
    db.close();
  }
}

/** Sees that the database is empty, or holds what an import under way left, and writes the mark. */
async function begin(db: IDBDatabase, mark: Mark): Promise<void> {
  await transact(
    db,
    written,
    'readwrite',
    (table) => [
      table('journal').get(markName),
      table('keyring').count(),
      table('chunks').count(),
      table('records').count(),
    ],
    ([stored, ...counts], table) => {
      const [keyrings, ...left] = counts as number[];
      if (keyrings) throw occupied();
      if (stored instanceof ArrayBuffer && mark.resume(new Uint8Array(stored))) return;
      if (stored === undefined && left.some(Boolean)) throw occupied();
      empty(table);
      table('journal').put(mark.bytes.buffer, markName);
    },
  );
}

function empty(table: Tables): void {
  for (const name of ['journal', 'records', 'chunks'] as const) table(name).clear();
}

/** Deletes what this import stored. */
async function clear(db: IDBDatabase, mark: Mark): Promise<void> {
  await transact(
    db,
    written,
    'readwrite',
    (table) => [table('journal').get(markName)],
    ([stored], table) => {
      if (isMark(stored, mark.bytes)) empty(table);
    },
  );
}

/** Stores the entries of an archive, but those that are there already, and then the keyring. Returns how many are records. */
async function copy(
  db: IDBDatabase,
  reader: ArchiveReader,
  head: Head,
  mark: Mark,
  { onProgress, signal }: Watch,
): Promise<number> {
  const { count: stored, link: storedLink } = mark;
  const another = () =>
    new VaultError(
      'ERR_INTEGRITY',
      'An import that was cut off was of another archive, or of a copy that is not whole. What it left was deleted; import again.',
    );
  let batch: Entry[] = [];
  let size = 0;
  let next = mark.bytes;
  const store = async (last?: (table: Tables) => void) => {
    const before = mark.bytes;
    await transact(
      db,
      written,
      'readwrite',
      (table) => {
        for (const { table: number, key, value } of batch)
          table(number === records ? 'records' : 'chunks').put(value.buffer, key);
        return [table('keyring').count(), table('journal').get(markName)];
      },
      ([keyrings, found], table) => {
        if (keyrings || !isMark(found, before)) throw overtaken();
        table('journal').put(next.buffer, markName);
        last?.(table);
      },
      last ? 'strict' : 'default',
    );
    mark.resume(next);
    batch = [];
    size = 0;
    onProgress?.(reader.read);
  };

  let count = 0;
  let found = 0;
  for await (const { link, ...entry } of reader.entries(head)) {
    count++;
    if (entry.table === records) found++;
    if (count <= stored) {
      if (count === stored && !same(link, storedLink)) throw another();
      continue;
    }
    batch.push(entry);
    size += entry.value.length;
    next = joined(mark.head, u64(count), link);
    if (size < batchBytes && batch.length < batchEntries) continue;
    await store();
    signal?.throwIfAborted();
  }
  if (count < stored) throw another();
  signal?.throwIfAborted();
  await store((table) => {
    table('keyring').put(head.keyring.buffer, keyringName);
    table('journal').delete(markName);
  });
  return found;
}
