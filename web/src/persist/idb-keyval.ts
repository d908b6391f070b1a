/**
 * The calls of idb-keyval, on a vault.
 *
 * @packageDocumentation
 */
import { invalid } from '../index.ts';
import { Kept } from './kept.ts';
import type { PersistOptions, StorageGiven } from './place.ts';

export type { PersistOptions, StorageGiven } from './place.ts';

class Store {
  readonly #kept: Kept;

  constructor(kept: Kept) {
    this.#kept = kept;
  }

  /** @internal */
  static kept(store: Store | undefined): Kept {
    if (store && #kept in store) return store.#kept;
    throw invalid('There is no store. Make one with createStore, and give it, or call setDefaultStore.');
  }
}

/** What {@link createStore} returns, for the last argument of the other calls. */
export type KeyvalStore = Store;

/**
 * Makes a store of a storage. The names of its records begin with the prefix, `keyval:` where none is given. Keys are strings,
 * numbers, dates and arrays of these; others are `ERR_INVALID`. So are values of types that IndexedDB does not keep, and instances
 * of classes, of which it would keep the members alone.
 *
 * @throws VaultError `ERR_INVALID` for arguments that do not fit
 */
export function createStore(storage: StorageGiven, options?: PersistOptions): KeyvalStore {
  return new Store(new Kept(storage, options, 'keyval:'));
}

let byDefault: KeyvalStore | undefined;

/** Says which store calls without one are for, on this page. */
export function setDefaultStore(store: KeyvalStore | undefined): void {
  byDefault = store;
}

const keptIn = (store = byDefault): Kept => Store.kept(store);

/** Undefined where there is none. Its type is the caller's word. */
export async function get<T = unknown>(key: IDBValidKey, store?: KeyvalStore): Promise<T | undefined> {
  return (await keptIn(store).get(toName(key))) as T | undefined;
}

export async function getMany<T = unknown>(keys: IDBValidKey[], store?: KeyvalStore): Promise<(T | undefined)[]> {
  const kept = keptIn(store);
  return (await Promise.all(keys.map(toName).map((name) => kept.get(name)))) as (T | undefined)[];
}

export async function set(key: IDBValidKey, value: unknown, store?: KeyvalStore): Promise<void> {
  await keptIn(store).set(toName(key), value);
}

/** All or none. */
export async function setMany(entries: [IDBValidKey, unknown][], store?: KeyvalStore): Promise<void> {
  await keptIn(store).setMany(entries.map(([key, value]) => [toName(key), value]));
}

/**
 * Changes a value in one step, in all tabs. The updater is called again when another write came between. Where the
 * store says no class, the value keeps its own.
 *
 * @throws VaultError `ERR_INVALID` where there are bytes in the value that is stored: get and set such
 */
export async function update<T = unknown>(
  key: IDBValidKey,
  updater: (oldValue: T | undefined) => T,
  store?: KeyvalStore,
): Promise<void> {
  await keptIn(store).update(toName(key), updater as (value: unknown) => unknown);
}

export async function del(key: IDBValidKey, store?: KeyvalStore): Promise<void> {
  await delMany([key], store);
}

/** All or none. */
export async function delMany(keys: IDBValidKey[], store?: KeyvalStore): Promise<void> {
  await keptIn(store).remove(keys.map(toName));
}

/** Deletes what begins with the store's prefix. */
export async function clear(store?: KeyvalStore): Promise<void> {
  await keptIn(store).clear();
}

/** In the order of IndexedDB's keys. */
export async function keys<KeyType extends IDBValidKey>(store?: KeyvalStore): Promise<KeyType[]> {
  return (await sorted(keptIn(store))).map(([key]) => key as KeyType);
}

export async function values<T = unknown>(store?: KeyvalStore): Promise<T[]> {
  return (await entries<IDBValidKey, T>(store)).map(([, value]) => value);
}

export async function entries<KeyType extends IDBValidKey, ValueType = unknown>(
  store?: KeyvalStore,
): Promise<[KeyType, ValueType][]> {
  const kept = keptIn(store);
  const found: [KeyType, ValueType][] = [];
  for await (const [name, value] of kept.entries((await sorted(kept)).map(([, name]) => name)))
    found.push([toKey(name) as KeyType, value as ValueType]);
  return found;
}

const sorted = async (kept: Kept): Promise<[IDBValidKey, string][]> =>
  (await kept.names())
    .map((name): [IDBValidKey, string] => [toKey(name), name])
    .sort(([a], [b]) => indexedDB.cmp(a, b));

/** A key's type, as a letter, and what it is. */
function toName(key: unknown): string {
  if (typeof key === 'string') return `s${key}`;
  if (typeof key === 'number' && !Number.isNaN(key)) return `n${key}`;
  if (key instanceof Date && !Number.isNaN(key.getTime())) return `d${key.getTime()}`;
  if (Array.isArray(key)) return `a${JSON.stringify(key.map(toName))}`;
  throw invalid('A key must be a string, a number, a date or an array of these.');
}

function toKey(name: string): IDBValidKey {
  const of = name.slice(1);
  switch (name[0]) {
    case 's':
      return of;
    case 'n':
      return Number(of);
    case 'd':
      return new Date(Number(of));
  }
  try {
    return (JSON.parse(of) as string[]).map(toKey);
  } catch {
    throw invalid('A record under the prefix is not of this store. Give it a prefix of its own.');
  }
}
