import {
  createEncryptedStorage,
  type EncryptedStorage,
  loaded,
  onOpen,
  type Secret,
  type StorageOptions,
  VaultError,
} from './index.ts';
import type { KeyStatus, RotationOptions, RotationProgress, RotationReport } from './keys.ts';
import { Shared, shared } from './react-shared.ts';

/** What {@link useVault} returns. Its functions stay the same. */
export interface Vault {
  /**
   * `loading` until it is known how the vault stands; `ready` when it is unlocked; `locked` when a secret is needed; `error`
   * where the vault can't be opened with any, as `error` says.
   */
  status: 'loading' | 'ready' | 'locked' | 'error';
  /** Whether the status is `locked`. */
  locked: boolean;
  /** Whether there is a vault already; undefined while that is not known, and where the browser does not tell. */
  exists: boolean | undefined;
  /** Why the vault was not opened, or not unlocked; null where all is well, and where it is locked and no more. */
  error: unknown;
  /** For calls that have no hook; null until it was opened. It is closed when the last component that uses it is gone. */
  storage: EncryptedStorage | null;
  /** How far a rotation is that {@link rotate} began; null while there is none. */
  progress: RotationProgress | null;
  /**
   * Unlocks the vault on this page, or makes one where there is none. The secret is handed on and kept nowhere. Left out, the
   * provider's `secret` is asked.
   *
   * @throws VaultError as createEncryptedStorage does; `error` has it too, so the promise may be left alone
   */
  unlock(secret?: Secret): Promise<void>;
  /** Locks the vault in all tabs. What components show of it is dropped. */
  lock(): Promise<void>;
  /** Re-encrypts every record under new keys, as `rotateKeys` of idbvault/keys does; `commitRotation` is left to do. */
  rotate(options: RotationOptions & { newSecret?: Secret | undefined }): Promise<RotationReport>;
  /** Tells how old the keys are, and when they are due for a rotation. */
  keyStatus(): Promise<KeyStatus>;
}

/** Something that is read from a source. */
export interface Reader {
  readonly key: string;
  /** Whether it has nothing to show. */
  readonly lacks: boolean;
  read(): void;
  drop(): void;
}

export const hasCode = (error: unknown, code: RegExp): boolean => error instanceof VaultError && code.test(error.code);

/** Takes a rejection that `error` tells of, so that a caller who does not wait for the promise leaves none unhandled. */
export function told<P extends Promise<unknown>>(promise: P, tell: (error: unknown) => void): P {
  promise.catch(tell);
  return promise;
}

const noSecret = new VaultError('ERR_NO_SECRET', 'The vault is locked. Unlock it with its secret.');

/** Stands for a secret that a component asks for. */
export const refuse = (): never => {
  throw noSecret;
};

/** One storage for all components of the page that use its store. */
export class Source extends Shared<Vault> {
  /** How it is opened. A secret in it is a function. */
  options: StorageOptions & { secret?: (() => Secret | Promise<Secret>) | undefined } = {};
  /** The cells that read from it, by kind and key. */
  readonly cells = new Map<string, unknown>();
  /** Those that somebody uses. */
  readonly used = new Set<Reader>();
  readonly #database: string;
  readonly #store: string;
  #opened: Promise<EncryptedStorage> | undefined;

  constructor(among: Map<string, unknown>, name: string, database: string, store: string) {
    super(among, name, {
      status: 'loading',
      locked: false,
      exists: undefined,
      error: null,
      storage: null,
      progress: null,
      unlock: (secret) => told(this.#unlock(secret), (error) => this.#set({ error })),
      lock: async () => this.#ifOpened((storage) => storage.lock()),
      rotate: (options) => this.#rotate(options),
      keyStatus: async () => (await this.#keys()).keyStatus(),
    });
    this.#database = database;
    this.#store = store;
  }

  protected begin(): void {
    this.#open().catch(() => {}); // `error` has it
  }

  protected end(): void {
    this.#ifOpened((storage) => storage.close());
    this.#opened = undefined;
    this.snapshot = this.initial;
  }

  /** Uses the storage, which is opened where it is not, and anew where its database was deleted since. */
  use<R>(work: (storage: EncryptedStorage) => Promise<R>): Promise<R> {
    const release = this.hold();
    const attempt = this.#open();
    return attempt
      .then(work)
      .catch((error) => {
        if (!hasCode(error, /CLOSED/)) throw error;
        if (this.#opened === attempt) this.#opened = undefined;
        return this.#open().then(work);
      })
      .finally(() => release());
  }

  /** Some storage unlocked the vault on this page. */
  unlocked(database: string): void {
    if (database !== this.#database) return;
    if (this.snapshot.storage) this.#ready({});
    else this.begin();
  }

  /** Drops what was read, where the vault was locked. */
  locked(): void {
    const { storage, locked } = this.snapshot;
    if (locked || !storage?.locked) return;
    this.#set({ status: 'locked', error: null });
    for (const reader of [...this.used]) reader.drop();
  }

  #ifOpened<R>(f: (storage: EncryptedStorage) => R | Promise<R>): Promise<R | undefined> | undefined {
    return this.#opened?.then(f, () => undefined);
  }

  #open(secret?: Secret): Promise<EncryptedStorage> {
    if (this.#opened) return this.#opened;
    const attempt = this.#create(secret).then(this.#listen, async (error: unknown) => {
      // It is asked of the list of databases: an open that expects a vault would be told of as an eviction.
      const list = await globalThis.indexedDB?.databases?.().catch(() => undefined);
      const exists = list?.some(({ name }) => name === this.#database);
      if (this.#opened === attempt) {
        this.#opened = undefined;
        // What is no VaultError comes from who was asked for the secret. An attempt to unlock that fails leaves it locked.
        const locked =
          this.snapshot.locked || !(error instanceof VaultError) || hasCode(error, /SECRET|_LOCKED|EVICTED/);
        this.#set({ status: locked ? 'locked' : 'error', exists, error: error === noSecret ? null : error });
      }
      throw error;
    });
    this.#opened = attempt;
    return attempt;
  }

  // Apart, so that no closure that stays shares a scope with the secret.
  async #create(secret?: Secret): Promise<EncryptedStorage> {
    await null; // a component may be rendering, and what is asked for the secret may change another one's state
    const options = secret === undefined ? this.options : { ...this.options, secret };
    return createEncryptedStorage(this.#database, this.#store, options);
  }

  readonly #listen = (storage: EncryptedStorage): EncryptedStorage => {
    storage.subscribe(null, ({ type, key }) => {
      if (type === 'lock') return this.locked();
      for (const reader of [...this.used]) if (key === null || key === reader.key) reader.read();
    });
    // A vault may be locked on this page alone.
    storage.addEventListener('security', () => this.locked());
    this.#ready({ storage });
    return storage;
  };

  #ready(more: Partial<Vault>): void {
    if (this.snapshot.status !== 'ready' || more.storage)
      this.#set({ status: 'ready', exists: true, error: null, ...more });
    for (const reader of [...this.used]) if (reader.lacks) reader.read();
  }

  async #unlock(secret?: Secret): Promise<void> {
    // One storage that is opened with the secret unlocks the vault for all.
    if (await this.#ifOpened((storage) => storage)) return (await this.#create(secret)).close();
    this.#opened = undefined;
    await this.#open(secret);
  }

  async #rotate(options: Parameters<Vault['rotate']>[0]): Promise<RotationReport> {
    const onProgress = (progress: RotationProgress) => {
      this.#set({ progress });
      options.onProgress?.(progress);
    };
    const keys = await this.#keys();
    return keys.rotateKeys({ ...options, onProgress }).finally(() => this.#set({ progress: null }));
  }

  async #keys() {
    const { VaultKeys } = await loaded('./keys.js', import('./keys.ts'));
    return new VaultKeys(this.#database);
  }

  #set(part: Partial<Vault>): void {
    const next = { ...this.snapshot, ...part };
    this.show({ ...next, locked: next.status === 'locked' });
  }
}

const sources = new Map<string, unknown>();

/** Returns the page's one source of a store; by default, that of the default vault. */
export function sourceOf(database = 'medical-imaging-viewer', store = 'encrypted-data'): Source {
  const name = JSON.stringify([database, store]);
  return shared(sources, name, (...among) => new Source(...among, database, store));
}

onOpen((database) => {
  for (const source of [...sources.values()] as Source[]) source.unlocked(database);
});
