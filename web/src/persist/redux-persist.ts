/**
 * A storage engine for redux-persist.
 *
 * @packageDocumentation
 */
import { guarded } from './guarded.ts';
import type { PersistOptions, StorageGiven } from './place.ts';

export type { PersistOptions, StorageGiven } from './place.ts';

/** A storage engine of redux-persist. */
export interface ReduxStorage {
  getItem(key: string): Promise<string | null>;
  setItem(key: string, value: string): Promise<void>;
  removeItem(key: string): Promise<void>;
}

/**
 * Keeps a redux state in a vault: `persistReducer({ key: 'root', storage: reduxStorage(vault), timeout: 0 }, reducer)`. The record's
 * name is the prefix, `redux:` where none is given, and redux-persist's own, `persist:root`.
 *
 * Where the stored state could not be read, or came after redux-persist's `timeout`, redux-persist goes on with the reducer's state.
 * What is stored is then kept: writes fail, and `writeFailHandler` gets the error, until the page is loaded anew or the state purged.
 * With `timeout: 0` redux-persist waits until the user has unlocked the vault.
 *
 * @throws VaultError `ERR_INVALID` for arguments that do not fit
 */
export function reduxStorage(storage: StorageGiven, options?: PersistOptions): ReduxStorage {
  const { getItem, setItem, removeItem } = guarded(storage, options, 'redux:', 'once', (text) => text);
  return { getItem, setItem, removeItem: (key) => removeItem(key) };
}
