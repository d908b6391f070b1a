import { type ComponentType, createContext, createElement, type ReactNode, useContext } from 'react';
import { type AutoLock, invalid, type Secret, type StorageOptions } from './index.ts';
import { useShared } from './react-shared.ts';
import { refuse, type Source, sourceOf, type Vault } from './react-source.ts';

/** What a `prompt` gets. */
export interface PromptProps {
  /** Unlocks the vault, or makes it, and then the provider's children are back. Rejects with what `error` has then. */
  unlock: (secret: Secret) => Promise<void>;
  /** Why the vault was not unlocked, usually a VaultError such as `ERR_WRONG_SECRET`; null at first. */
  error: unknown;
  /** Whether there is a vault already, or the secret is to be chosen; undefined where the browser does not tell. */
  exists: boolean | undefined;
}

export interface EncryptedStorageProviderProps {
  /** The database of the vault; the default one, where it is left out. */
  database?: string | undefined;
  store?: string | undefined;
  /**
   * Returns the secret. It is asked when the vault is opened while it is locked, and by `unlock()` of {@link useVault}; after a lock it
   * is not asked by itself. What it returns is handed on and kept nowhere.
   */
  secret?: (() => Secret | Promise<Secret>) | undefined;
  /** A component that asks for the secret. It is rendered in place of the children while the vault is locked. */
  prompt?: ComponentType<PromptProps> | undefined;
  /** As for createEncryptedStorage. */
  autoLock?: AutoLock | undefined;
  /** The other options of createEncryptedStorage. Like `autoLock`, they are taken when the storage is opened. */
  options?: Omit<StorageOptions, 'secret' | 'autoLock'> | undefined;
  children?: ReactNode;
}

const Context = createContext<Source | undefined>(undefined);

/** Of the provider around it, or of the page's default vault. */
export const useSource = (): Source => useContext(Context) ?? sourceOf();

/**
 * Has the hooks within it use one storage, which the page opens once for all providers of its database and store, and closes when the
 * last one is gone.
 *
 * @throws VaultError `ERR_INVALID`, while it renders, where `secret` is the secret itself
 */
export function EncryptedStorageProvider(props: EncryptedStorageProviderProps): ReactNode {
  const { database, store, secret, prompt, autoLock, options, children } = props;
  if (secret && typeof secret !== 'function')
    throw invalid('Give the secret as a function: React keeps properties and shows them to its tools.');
  const source = sourceOf(database, store);
  // Not in an effect: a child that suspends opens the storage before there are any.
  source.options = { ...options, ...(autoLock && { autoLock }), secret: secret ?? (prompt && refuse) };
  const { locked, unlock, error, exists } = useShared(source);
  const shown = locked && prompt ? createElement(prompt, { unlock, error, exists }) : children;
  return createElement(Context.Provider, { value: source }, shown);
}

/** The vault of the {@link EncryptedStorageProvider} around the component, or the page's default one. */
export const useVault = (): Vault => useShared(useSource());
