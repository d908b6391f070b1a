import { VaultError } from './errors.ts';

// A vault's database as an archive sees it: entries that are read and written as they are. Nothing is opened.

const tables = ['keyring', 'records', 'chunks', 'journal', 'audit'] as const;

/** The name of one of the five object stores. */
export type TableName = (typeof tables)[number];

/** What a transaction's requests are made on. */
export type Tables = (name: TableName) => IDBObjectStore;

/** What the database throws or an event of it tells, as an error of this package. */
export function databaseError(error: unknown): VaultError {
  if (error instanceof VaultError) return error;
  const { name = 'no name' } = (error ?? {}) as { name?: string };
  if (name === 'QuotaExceededError')
    return new VaultError('ERR_QUOTA', "The browser's storage is full. Delete what is not needed and try again.");
  if (name === 'InvalidStateError')
    return new VaultError('ERR_CLOSED', 'The database was deleted or replaced meanwhile. Look at it, and try again.');
  return new VaultError('ERR_STORAGE', `IndexedDB failed (${name}). Try again; if it fails again, look at the disk.`);
}

/**
 * Opens the database of a vault, or makes an empty one where `make` is set. A deletion or another tab's upgrade closes it.
 *
 * @throws VaultError `ERR_EVICTED` where there is none and none is made, `ERR_NOT_A_VAULT`
 */
export function openDatabase(name: string, make: boolean): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    let absent = false;
    request.onupgradeneeded = () => {
      if (make) for (const table of tables) request.result.createObjectStore(table);
      else {
        absent = true;
        request.transaction?.abort();
      }
    };
    request.onerror = () =>
      reject(
        absent
          ? new VaultError('ERR_EVICTED', 'There is no vault of this name on this device. Check the name.')
          : databaseError(request.error),
      );
    request.onsuccess = () => {
      const db = request.result;
      const { objectStoreNames: found, version } = db;
      if (version === 1 && found.length === tables.length && tables.every((table) => found.contains(table))) {
        db.onversionchange = () => db.close();
        return resolve(db);
      }
      db.close();
      reject(
        new VaultError('ERR_NOT_A_VAULT', 'A database of this name is there and is not a vault. It was left as it is.'),
      );
    };
  });
}

/** Makes requests in one transaction for reading and returns their results, which are of one moment. */
export const read = (db: IDBDatabase, names: TableName[], requests: (table: Tables) => IDBRequest[]) =>
  transact(db, names, 'readonly', requests);

/**
 * Makes requests in one transaction and returns their results when it has completed. What `work` or `check`, which has the results of
 * the requests while the transaction may still write, throws, aborts it.
 */
export function transact(
  db: IDBDatabase,
  names: TableName[],
  mode: IDBTransactionMode,
  work: (table: Tables) => IDBRequest[],
  check?: (results: unknown[], table: Tables) => void,
  durability: IDBTransactionDurability = 'default',
): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(names, mode, { durability });
    const table: Tables = (name) => transaction.objectStore(name);
    let failure: unknown;
    let requests: IDBRequest[] = [];
    const results = () => requests.map(({ result }) => result as unknown);
    const guarded = (step: () => void) => {
      try {
        step();
      } catch (error) {
        failure = error;
        transaction.abort();
      }
    };
    transaction.oncomplete = () => resolve(results());
    transaction.onabort = () => reject(failure ?? transaction.error);
    guarded(() => {
      requests = work(table);
      const last = requests.at(-1);
      if (check && last) last.onsuccess = () => guarded(() => check(results(), table));
    });
  }).catch((error: unknown) => {
    throw databaseError(error);
  }) as Promise<unknown[]>;
}
