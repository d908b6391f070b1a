/**
 * Persisters for TanStack Query.
 *
 * @packageDocumentation
 */
import { guarded, jsonText, parsed } from './guarded.ts';
import type { PersistOptions, StorageGiven } from './place.ts';

export type { PersistOptions, StorageGiven } from './place.ts';

/** TanStack Query's `Persister`; `Client` is its `PersistedClient`. */
export interface QueryPersister<Client> {
  persistClient(client: Client): Promise<void>;
  restoreClient(): Promise<Client | undefined>;
  removeClient(): Promise<void>;
}

/** TanStack Query's `AsyncStorage`. */
export interface QueryStorage {
  getItem(key: string): Promise<string | null>;
  setItem(key: string, value: string): Promise<void>;
  removeItem(key: string): Promise<void>;
  entries(): Promise<[key: string, value: string][]>;
}

/**
 * Keeps the whole cache of a QueryClient in a vault, as JSON: `persistQueryClient({ queryClient, persister: queryPersister(vault) })`.
 * The record's name is the prefix, `tanstack-query:` where none is given, and `client`. One write is under way at a time; of the states that
 * come meanwhile, the last one follows.
 *
 * Where the cache could not be read, as while the vault is locked, it is neither replaced nor removed until it was; one that was
 * damaged is removed, as TanStack Query asks.
 *
 * @throws VaultError `ERR_INVALID` for arguments that do not fit
 */
export function queryPersister<Client>(storage: StorageGiven, options?: PersistOptions): QueryPersister<Client> {
  const { getItem, setItem, removeItem } = guarded(
    storage,
    options,
    'tanstack-query:',
    'cache',
    (text) => parsed(text) as Client,
  );
  let waiting: { client: Client } | undefined;
  let writing: Promise<void> | undefined;
  const write = async () => {
    try {
      while (waiting) {
        const { client } = waiting;
        waiting = undefined;
        await setItem('client', jsonText(client));
      }
    } finally {
      writing = waiting = undefined;
    }
  };
  return {
    persistClient(client) {
      waiting = { client };
      writing ??= write();
      return writing;
    },
    restoreClient: async () => (await getItem('client')) ?? undefined,
    removeClient() {
      waiting = undefined;
      return removeItem('client');
    },
  };
}

/**
 * A storage for `createAsyncStoragePersister` and `experimental_createQueryPersister`, in a vault. Names begin with the prefix,
 * `tanstack-query:` where none is given. What could not be read is kept as {@link queryPersister} keeps it.
 *
 * @throws VaultError `ERR_INVALID` for arguments that do not fit
 */
export function queryStorage(storage: StorageGiven, options?: PersistOptions): QueryStorage {
  const { place, getItem, setItem, removeItem } = guarded(storage, options, 'tanstack-query:', 'cache', (text) => text);
  return {
    getItem,
    setItem,
    removeItem,
    async entries() {
      const names = await place.names();
      const texts = await Promise.all(names.map((name) => place.text(name)));
      return names.flatMap((name, i): [string, string][] => {
        const text = texts[i];
        return typeof text === 'string' ? [[name, text]] : []; // one that was deleted meanwhile
      });
    },
  };
}
