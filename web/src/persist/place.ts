import { type Context, DataClassification, type EncryptedStorage, invalid, type Value } from '../index.ts';

/** A storage, or a promise of one: what `createEncryptedStorage` returns may be given as it is. */
export type StorageGiven = EncryptedStorage | PromiseLike<EncryptedStorage>;

/** How a persister names and writes its records. */
export interface PersistOptions {
  /** Of what is stored: CONFIDENTIAL, where nothing is said. */
  classification?: DataClassification | undefined;
  /**
   * Begins each record's name. What a persister lists and clears is what begins with it, so give each its own, which is not the
   * beginning of another's.
   */
  prefix?: string | undefined;
  /** Is kept, encrypted, with what is stored. */
  context?: Context | undefined;
  /** What is stored expires so many milliseconds after it was written. */
  ttlMs?: number | undefined;
}

/** The records of a storage whose names begin with a prefix. */
export class Place {
  readonly #storage: StorageGiven;
  readonly #options: PersistOptions;
  readonly #prefix: string;
  /** The last call that went alone. */
  #alone: Promise<unknown> = Promise.resolve();
  /** The calls that were made since, and have not ended. */
  readonly #since = new Set<Promise<unknown>>();

  /** @throws VaultError `ERR_INVALID` for arguments that do not fit */
  constructor(given: StorageGiven, options: PersistOptions = {}, prefix = '') {
    const { getDecryptedBytes, then } = Object(given) as Partial<EncryptedStorage & Promise<unknown>>;
    if (typeof getDecryptedBytes !== 'function' && typeof then !== 'function')
      throw invalid('The first argument must be a storage or a promise of one. Make it with createEncryptedStorage.');
    if (typeof options !== 'object' || options === null) throw invalid('The options must be an object.');
    const { classification, prefix: own = prefix } = options;
    if (classification !== undefined && !Object.values(DataClassification).includes(classification))
      throw invalid('The classification must be a value of DataClassification.');
    if (typeof own !== 'string') throw invalid('The prefix must be a string.');
    this.#storage = given;
    this.#options = options;
    this.#prefix = own;
  }

  /** Makes a call on the storage. Calls reach it in the order in which they are made. */
  call<T>(f: (storage: EncryptedStorage) => T | Promise<T>): Promise<T> {
    const done = this.#alone.then(() => this.#storage).then(f);
    const end = () => this.#since.delete(done);
    this.#since.add(done);
    done.then(end, end);
    return done;
  }

  /** Makes calls that concern more names than they say: what was called before comes first, what is called after waits. */
  alone<T>(f: (storage: EncryptedStorage) => Promise<T>): Promise<T> {
    const done = Promise.allSettled([this.#alone, ...this.#since])
      .then(() => this.#storage)
      .then(f);
    this.#alone = done.catch(() => {});
    return done;
  }

  key(name: string): string {
    return this.#prefix + name;
  }

  set(name: string, value: Value, ttlMs = this.#options.ttlMs): Promise<void> {
    const { classification, context } = this.#options;
    return this.call((storage) => storage.setEncrypted(this.key(name), value, classification, context, { ttlMs }));
  }

  setMany(entries: [name: string, value: Value][]): Promise<void> {
    const { classification, context, ttlMs } = this.#options;
    return this.call((storage) =>
      storage.setManyEncrypted(
        entries.map(([name, value]) => ({ key: this.key(name), value, classification, context, ttlMs })),
      ),
    );
  }

  text(name: string): Promise<string | null> {
    return this.call((storage) => storage.getDecrypted(this.key(name)));
  }

  bytes(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.call((storage) => storage.getDecryptedBytes(this.key(name)));
  }

  remove(names: string[]): Promise<void> {
    return this.call((storage) => storage.deleteMany(names.map((name) => this.key(name))));
  }

  /** Returns the names that begin with `under`, sorted as IndexedDB sorts strings. */
  async names(under = ''): Promise<string[]> {
    const keys = await this.call((storage) => storage.keys({ prefix: this.key(under) }));
    return keys.map((key) => key.slice(this.#prefix.length)).sort();
  }

  /** Deletes the records whose names begin with `under`. */
  clear(under = ''): Promise<void> {
    return this.alone(async (storage) => storage.deleteMany(await storage.keys({ prefix: this.key(under) })));
  }

  /** Changes a record's text, as {@link EncryptedStorage.update} does. */
  update(name: string, f: (text: string | null) => Value): Promise<void> {
    const { classification, context, ttlMs } = this.#options;
    return this.call((storage) => storage.update(this.key(name), f, classification, context, { ttlMs }));
  }
}

/** @throws VaultError `ERR_INVALID` for a view of a buffer whose bytes went elsewhere */
export function copyOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(buffer, byteOffset, byteLength).slice();
  } catch {
    throw invalid('The buffer is detached; its bytes went elsewhere.');
  }
}
