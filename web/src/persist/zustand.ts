/**
 * A storage for zustand's `persist`.
 *
 * @packageDocumentation
 */
import { guarded, jsonText, parsed } from './guarded.ts';
import type { PersistOptions, StorageGiven } from './place.ts';

export type { PersistOptions, StorageGiven } from './place.ts';

/** What is stored of a zustand store. */
export interface StoredState<S> {
  state: S;
  version?: number;
}

/** zustand's `PersistStorage`. */
export interface ZustandStorage<S> {
  getItem(name: string): Promise<StoredState<S> | null>;
  setItem(name: string, value: StoredState<S>): Promise<void>;
  removeItem(name: string): Promise<void>;
}

/** zustand's `StateStorage`, for `createJSONStorage`. */
export interface ZustandStateStorage {
  getItem(name: string): Promise<string | null>;
  setItem(name: string, value: string): Promise<void>;
  removeItem(name: string): Promise<void>;
}

/**
 * Keeps a zustand store in a vault, as JSON: `persist(…, { name, storage: zustandStorage(vault) })`. The record's name is the prefix,
 * `zustand:` where none is given, and the store's.
 *
 * Where the stored state could not be read, as while the vault is locked, `onRehydrateStorage` gets the error, and what is stored is
 * kept: writes fail with the error's code until `persist.rehydrate()` has read it. What is set while it is being read, is not written:
 * zustand merges what was read over it.
 *
 * @throws VaultError `ERR_INVALID` for arguments that do not fit
 */
export function zustandStorage<S>(storage: StorageGiven, options?: PersistOptions): ZustandStorage<S> {
  const { getItem, setItem, removeItem } = guarded(
    storage,
    options,
    'zustand:',
    'merge',
    (text) => parsed(text) as StoredState<S>,
  );
  return { getItem, setItem: async (name, value) => setItem(name, jsonText(value)), removeItem };
}

/** As {@link zustandStorage}, for `createJSONStorage(() => zustandStateStorage(vault), { replacer, reviver })`. */
export function zustandStateStorage(storage: StorageGiven, options?: PersistOptions): ZustandStateStorage {
  const { getItem, setItem, removeItem } = guarded(storage, options, 'zustand:', 'merge', (text) => text);
  return { getItem, setItem, removeItem };
}
