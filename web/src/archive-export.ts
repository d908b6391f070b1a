import { read, type TableName, type Tables } from './archive-database.ts';
import {
  ArchiveWriter,
  chunkPrefix,
  chunks,
  type Entry,
  joined,
  keyMost,
  records,
  same,
  u32,
  valueMost,
} from './archive-format.ts';
import { type Keyring, parseKeyring } from './archive-keyring.ts';
import { header, layouts } from './archive-layout.ts';
import { VaultError } from './errors.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** How many records, and how many chunks of a value, are read at a time: 4 MiB at most, but for a value that is one chunk. */
const recordsAtOnce = 32;
const chunksAtOnce = 4;

const conflict = (what: string, then: string) => new VaultError('ERR_CONFLICT', `${what} ${then}`);

const bothTables: TableName[] = ['records', 'chunks'];

/** @throws VaultError `ERR_INTEGRITY` for what no vault has */
function bytesOf(stored: unknown, most: number): Bytes {
  if (!(stored instanceof ArrayBuffer) || stored.byteLength > most)
    throw new VaultError('ERR_INTEGRITY', 'The database has an entry that no vault has. Export it where it is whole.');
  return new Uint8Array(stored);
}

const entriesOf = (table: Entry['table'], keys: unknown, values: unknown): Entry[] =>
  (keys as unknown[]).map((key, i) => ({
    table,
    key: bytesOf(key, keyMost),
    value: bytesOf((values as unknown[])[i], valueMost[table]),
  }));

/** Reads the keyring of a database. */
export async function keyringIn(db: IDBDatabase): Promise<Keyring> {
  const [keyring, count] = await read(db, ['keyring', 'records'], (table) => [
    table('keyring').get(new TextEncoder().encode('keyring')),
    table('records').count(),
  ]);
  if (keyring === undefined && count === 0)
    throw new VaultError('ERR_EVICTED', 'There is no vault of this name on this device. Check the name.');
  return parseKeyring(bytesOf(keyring, 1 << 18));
}

/**
 * Gives an archive of a vault, a piece at a time: of the records whose class is in `classes`, or of all.
 *
 * @throws VaultError `ERR_CONFLICT`, and as the database fails
 */
export async function* archiveOf(
  db: IDBDatabase,
  database: string,
  classes: Set<number> | undefined,
): AsyncGenerator<Bytes> {
  try {
    const { bytes, frame, moving } = await keyringIn(db);
    // It would move records from behind what is read next to before it.
    if (moving)
      throw conflict(
        'A rotation to a new secret is under way.',
        'Commit it or roll it back, and export the vault then.',
      );
    const writer = new ArchiveWriter();
    yield writer.head(database, bytes);
    for await (const entry of recordsOf(db, classes)) {
      yield writer.beforeValue(entry);
      yield entry.value;
    }
    if (!same((await keyringIn(db)).frame, frame))
      throw conflict('The keys or the secrets of the vault were changed meanwhile.', 'Export it again.');
    yield writer.end();
  } finally {
    db.close();
  }
}

async function* recordsOf(db: IDBDatabase, classes: Set<number> | undefined): AsyncGenerator<Entry> {
  let range: IDBKeyRange | undefined;
  while (true) {
    const [keys, values] = await read(db, ['records'], (table) => page(table, 'records', range, recordsAtOnce));
    const found = entriesOf(records, keys, values);
    for (const record of found) yield* withChunks(db, record, classes);
    const last = found.at(-1);
    if (!last || found.length < recordsAtOnce) return;
    range = IDBKeyRange.lowerBound(last.key, true);
  }
}

const page = (table: Tables, name: TableName, range: IDBKeyRange | undefined, n: number): IDBRequest[] => [
  table(name).getAllKeys(range, n),
  table(name).getAll(range, n),
];

/** Gives a record and the chunks of it, all of one write. A record that was written anew since it was read is read again. */
async function* withChunks(db: IDBDatabase, record: Entry, classes: Set<number> | undefined): AsyncGenerator<Entry> {
  const { key, value } = record;
  if (classes && !classes.has(value[header.classification] ?? 0)) return;
  let range = chunkRange(record);
  if (!range) return yield record;
  for (let isFirst = true; ; isFirst = false) {
    const [now, keys, values] = await read(db, bothTables, (table) => [
      table('records').get(key),
      ...page(table, 'chunks', range, chunksAtOnce),
    ]);
    const stored = now === undefined ? undefined : bytesOf(now, valueMost[records]);
    if (!stored || !same(stored, value)) {
      if (!isFirst) throw conflict('A value was written anew while it was exported.', 'Export the vault again.');
      if (stored) yield* withChunks(db, { ...record, value: stored }, classes);
      return;
    }
    if (isFirst) yield record;
    const found = entriesOf(chunks, keys, values);
    yield* found;
    const last = found.at(-1);
    if (!last || found.length < chunksAtOnce) return;
    range = IDBKeyRange.bound(last.key, range.upper, true);
  }
}

/** Which chunks a record's header points at. */
function chunkRange({ key, value }: Entry): IDBKeyRange | undefined {
  const prefix = chunkPrefix(key);
  const layout = value[header.layout];
  if (!prefix || (layout !== layouts.split && layout !== layouts.chunked)) return undefined;
  if (layout === layouts.split) return IDBKeyRange.only(joined(prefix, u32(0)));
  const { begun, salt } = header;
  const id = joined(value.subarray(begun, begun + 8), value.subarray(salt, salt + 8));
  return IDBKeyRange.bound(joined(prefix, id, u32(0)), joined(prefix, id, u32(-1)));
}
