import { copyBytes, Kind, toText, type Value } from './bytes.ts';
import { type ChangeEvent, type ChangeListener, type Changes, changesOn } from './changes.ts';
import { classNumber, DataClassification } from './classification.ts';
import { invalid, VaultError } from './errors.ts';
import { isUnlocked } from './host.ts';
import { type Engine, type Exports, running } from './loader.ts';
import { tellOpened } from './openings.ts';
import { environmentSecret, importSecret, isWellFormed, type Secret } from './secret.ts';
import { type Context, contextText } from './value.ts';

/** How a vault is opened, and made when there is none. */
export interface StorageOptions {
  /**
   * What opens the vault, or a function that returns it, which is asked only while the vault is locked. Without it, a
   * Vite application's `VITE_ENCRYPTION_KEY`; without that, the vault must be unlocked on this page already.
   */
  secret?: Secret | (() => Secret | Promise<Secret>) | undefined;
  /**
   * PBKDF2 iterations of a vault that is made, from 600,000 (the default) to 10,000,000; from 100,000 for a secret of 32
   * random bytes or more.
   */
  iterations?: number | undefined;
  /** How a vault that is made keeps record names: `hidden` (the default) as their HMAC, or `clear`. */
  names?: 'hidden' | 'clear' | undefined;
  /** Whether a write is acknowledged after a flush to the disk (`strict`) or before it (`relaxed`, the default). */
  durability?: 'relaxed' | 'strict' | undefined;
  /**
   * Fail with `ERR_EVICTED` where there is no vault, instead of making one. Without a secret it tells whether there is one:
   * `ERR_NO_SECRET` says yes.
   */
  expectVault?: boolean | undefined;
}

/** One record of {@link EncryptedStorage.setManyEncrypted}. */
export interface Entry {
  key: string;
  value: Value;
  classification?: DataClassification | undefined;
  context?: Context | undefined;
}

/** What is known of a record without its value. */
export interface RecordMetadata {
  classification: DataClassification;
  context: Context | null;
  /** A Blob's type; empty for text and bytes. */
  contentType: string;
  /** Bytes of the value. */
  size: number;
  encryptedAt: Date;
  expiresAt: Date | null;
  /** The epoch of the key that sealed it. */
  epoch: number;
}

/** Which names {@link EncryptedStorage.keys} lists. */
export interface KeyFilter {
  prefix?: string | undefined;
  classification?: DataClassification | undefined;
}

interface Link {
  engine: Engine;
  store: number;
}

interface Item {
  name: string;
  classification: number;
  kind?: number;
  contentType?: string;
  context?: string;
}

/** Returns a value as Go takes it: its kind, its content type and its bytes, or a promise of them. */
function payloadOf(value: unknown): { kind: number; contentType: string; bytes: Uint8Array | Promise<ArrayBuffer> } {
  if (typeof Blob !== 'undefined' && value instanceof Blob) {
    if (value.type.length > 255) throw invalid("A Blob's type must not be longer than 255 bytes.");
    const unreadable = () => {
      throw invalid('The Blob could not be read. Its file may have been changed or moved; choose it again.');
    };
    return { kind: Kind.blob, contentType: value.type, bytes: value.arrayBuffer().catch(unreadable) };
  }
  const bytes = copyBytes(value);
  if (!bytes)
    throw invalid('A value must be a string, an ArrayBuffer, a typed array or a Blob. For others use setJSON.');
  return { kind: typeof value === 'string' ? Kind.text : Kind.bytes, contentType: '', bytes };
}

function nameOf(key: unknown): string {
  if (typeof key !== 'string' || key === '' || key.length > 1024 || !isWellFormed(key))
    throw invalid("A record's name must be a string of 1 to 1024 bytes of UTF-8.");
  return key;
}

function itemOf(entry: Entry): Item & { bytes: Uint8Array | Promise<ArrayBuffer> } {
  if (typeof entry !== 'object' || entry === null) throw invalid('An entry must be { key, value, … }.');
  const name = nameOf(entry.key);
  const context = contextText(entry.context);
  const { classification: asked = DataClassification.CONFIDENTIAL } = entry;
  const classification = classNumber(asked);
  return { name, classification, context, ...payloadOf(entry.value) };
}

/**
 * Records encrypted at rest, in one store of one vault. Made by {@link createEncryptedStorage}.
 *
 * Calls for one name take effect in the order in which they are made, awaited or not. Every method rejects with a
 * {@link VaultError}: `ERR_INVALID` for arguments that do not fit, `ERR_CLOSED` after close, `ERR_INTEGRITY` for stored
 * data that is not what was written, `ERR_QUOTA` when the disk is full. A call that fails has changed nothing, unless it
 * fails with `ERR_CRASHED`.
 */
export class EncryptedStorage {
  readonly #place: { database: string; store: string; flags: number };
  readonly #changes: Changes;
  readonly #ends = new Set<() => void>();
  #link: Link;
  #relink: Promise<Link> | undefined;
  #closed = false;

  /** @internal Use {@link createEncryptedStorage}. */
  constructor(place: { database: string; store: string; flags: number }, link: Link, changes: Changes) {
    this.#place = place;
    this.#link = link;
    this.#changes = changes;
    this.#ends.add(
      changes.listen(place.store, (_, keys, remote) => {
        const { engine, store } = this.#link;
        if (remote) for (const key of keys) engine.tell((core) => core.heard(store, engine.write(key)[0] ?? 0));
      }),
    );
  }

  /**
   * Stores a value, in the place of what the name had.
   *
   * @param key 1 to 1024 bytes of UTF-8
   * @param value up to 1 GiB; it is copied when the call is made
   * @param context any JSON object, up to 65,536 bytes; it is encrypted with the value
   * @throws VaultError `ERR_WEAK` where the vault's iterations are below the classification's
   */
  async setEncrypted(
    key: string,
    value: Value,
    classification: DataClassification = DataClassification.CONFIDENTIAL,
    context?: Context,
  ): Promise<void> {
    await this.setManyEncrypted([{ key, value, classification, context }]);
  }

  /** Stores all entries in one transaction, all or none. Of two with the same key the later one stays. */
  async setManyEncrypted(entries: Entry[]): Promise<void> {
    const items = listOf(entries).map(itemOf);
    const payloads = items.map((item) => item.bytes);
    // Go waits for them in their turn; one that fails before then must not count as unhandled.
    for (const bytes of payloads) if (bytes instanceof Promise) bytes.catch(() => {});
    if (items.length === 0) return this.#check();
    await this.#call(items, payloads, (core, id, store) => core.set(id, store));
    this.#tell('set', items);
  }

  /**
   * Reads a value as text.
   *
   * @returns null for a record that is absent or has expired
   * @throws VaultError `ERR_INVALID` for bytes that are not UTF-8
   */
  async getDecrypted(key: string): Promise<string | null> {
    return (await this.getManyDecrypted([key]))[0] ?? null;
  }

  /** Reads values as text in one transaction; the result is aligned with keys. One record that fails, fails them all. */
  async getManyDecrypted(keys: string[]): Promise<(string | null)[]> {
    const values = (await this.#read(keys, 0)) as (Uint8Array | null)[];
    return values.map((bytes) => bytes && toText(bytes));
  }

  /** Reads a value as bytes; null for a record that is absent or has expired. */
  async getDecryptedBytes(key: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return ((await this.#read([key], 0))[0] ?? null) as Uint8Array<ArrayBuffer> | null;
  }

  /**
   * Reads a value as a Blob: a stored Blob with its content type, text as `text/plain;charset=utf-8`, bytes as
   * `application/octet-stream`. Null for a record that is absent or has expired.
   */
  async getDecryptedBlob(key: string): Promise<Blob | null> {
    const [kind, contentType, bytes] = (await this.#read([key], 1)) as [number | null, string, Uint8Array<ArrayBuffer>];
    if (kind === null) return null;
    const types: Record<number, string> = {
      [Kind.text]: 'text/plain;charset=utf-8',
      [Kind.bytes]: 'application/octet-stream',
    };
    return new Blob([bytes], { type: types[kind] ?? contentType });
  }

  /** Reads what is known of a record; null where there is none. A large value is not read for it. */
  async getMetadata(key: string): Promise<RecordMetadata | null> {
    const found = await this.#names([key], (core, id, store) => core.metadata(id, store));
    if (found[0] === null) return null;
    const [classification, created, expires, epoch, size, contentType, context] = found as [
      DataClassification,
      number,
      number,
      number,
      number,
      string,
      string,
    ];
    return {
      classification,
      context: context ? (JSON.parse(context) as Context) : null,
      contentType,
      size,
      encryptedAt: new Date(created * 1000),
      expiresAt: expires ? new Date(expires * 1000) : null,
      epoch,
    };
  }

  /**
   * Changes a record: `fn` gets its text, or null where there is none, and returns the new value, or null to delete the
   * record. When another write came between, it is called again with what that wrote. What it throws, rejects this call.
   * Without classification and context, the record keeps its own.
   *
   * @throws VaultError `ERR_CONFLICT` when other writes came between 32 times
   */
  async update(
    key: string,
    fn: (current: string | null) => Value | null | Promise<Value | null>,
    classification?: DataClassification,
    context?: Context,
  ): Promise<void> {
    if (typeof fn !== 'function') throw invalid('The change must be a function of the current value.');
    const item = { name: nameOf(key), classification: 0, context: contextText(context) };
    if (classification !== undefined) item.classification = knownClass(classification);
    let deleted = false;
    const change = async (bytes: Uint8Array | null) => {
      const next = await fn(bytes && toText(bytes));
      deleted = next === null;
      if (next === null) return null;
      const { kind, contentType, bytes: payload } = payloadOf(next);
      return [kind, contentType, await payload];
    };
    const byDefault = classNumber(DataClassification.CONFIDENTIAL);
    await this.#call([item], [change], (core, id, store) => core.update(id, store, byDefault));
    this.#tell(deleted ? 'delete' : 'set', [item]);
  }

  /** Stores the JSON text of a value. */
  async setJSON(key: string, value: unknown, classification?: DataClassification, context?: Context): Promise<void> {
    let text: string | undefined;
    try {
      text = JSON.stringify(value);
    } catch {
      throw invalid('The value has no JSON text: it is cyclic, or holds a BigInt.');
    }
    if (text === undefined) throw invalid('The value has no JSON text: it is undefined, a function or a symbol.');
    await this.setEncrypted(key, text, classification, context);
  }

  /** Reads a value that was stored as JSON text; null where there is none. Its type is the caller's word. */
  async getJSON<T>(key: string): Promise<T | null> {
    const text = await this.getDecrypted(key);
    if (text === null) return null;
    try {
      return JSON.parse(text) as T;
    } catch {
      throw invalid('The value is not JSON text. Read it with getDecrypted.');
    }
  }

  /** Whether there is a record of that name that has not expired. The record is not opened. */
  async exists(key: string): Promise<boolean> {
    return (await this.#names([key], (core, id, store) => core.exists(id, store)))[0] === true;
  }

  /** Deletes a record; one that is absent is no error. */
  async delete(key: string): Promise<void> {
    await this.deleteMany([key]);
  }

  /** Deletes records in one transaction, all or none. */
  async deleteMany(keys: string[]): Promise<void> {
    const items = namesOf(keys);
    if (items.length === 0) return this.#check();
    await this.#call(items, [], (core, id, store) => core.remove(id, store));
    this.#tell('delete', items);
  }

  /**
   * Lists record names. The head of every record that may be one of them is opened for it: where the vault hides names, of
   * all in the store; with `names: 'clear'`, of those with the prefix. That is as much work as reading them, large values
   * excepted. One among them that was tampered with fails the list.
   */
  async keys(filter: KeyFilter = {}): Promise<string[]> {
    const { prefix = '', classification } = filter ?? {};
    if (typeof prefix !== 'string' || prefix.length > 1024 || !isWellFormed(prefix))
      throw invalid('The prefix must be a string of at most 1024 bytes of UTF-8.');
    const wanted = classification === undefined ? 0 : knownClass(classification);
    const item = { name: prefix, classification: wanted };
    return (await this.#call([item], [], (core, id, store) => core.names(id, store))) as string[];
  }

  /** Returns how many records the store has. */
  async count(): Promise<number> {
    return (await this.#call([], [], (core, id, store) => core.count(id, store)))[0] as number;
  }

  /** Deletes every record of the store. */
  async clear(): Promise<void> {
    await this.#call([], [], (core, id, store) => core.clear(id, store));
    this.#tell('clear', []);
  }

  /**
   * Calls listener after each acknowledged write to a record (or to any, where key is null), of this tab and of other tabs
   * that have the vault unlocked. Returns what ends that.
   */
  subscribe(key: string | null, listener: ChangeListener): () => void {
    if (this.#closed) throw closed();
    if (key !== null) nameOf(key);
    if (typeof listener !== 'function') throw invalid('The listener must be a function.');
    const end = this.#changes.listen(this.#place.store, (type, keys, remote) => {
      const events: ChangeEvent[] =
        type === 'clear' ? [{ type, key: null, remote }] : keys.map((changed) => ({ type, key: changed, remote }));
      for (const event of events) {
        if (key !== null && event.key !== null && event.key !== key) continue;
        try {
          listener(event);
        } catch (error) {
          reportError(error); // a listener's error is neither the writer's nor the next listener's
        }
      }
    });
    this.#ends.add(end);
    return () => {
      this.#ends.delete(end);
      end();
    };
  }

  /** Closes this storage. What is under way ends; the vault stays unlocked on this page. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const end of this.#ends) end();
    this.#ends.clear();
    const { engine, store } = this.#link;
    engine.tell((core) => core.release(store));
  }

  async #check(): Promise<void> {
    if (this.#closed) throw closed();
  }

  #tell(type: ChangeEvent['type'], items: Item[]): void {
    this.#changes.tell(
      this.#place.store,
      type,
      items.map((item) => item.name),
    );
  }

  #read(keys: string[], details: number): Promise<unknown[]> {
    return this.#names(keys, (core, id, store) => core.get(id, store, details));
  }

  async #names(keys: string[], run: (core: Exports, id: number, store: number) => void): Promise<unknown[]> {
    const items = namesOf(keys);
    return this.#call(items, [], run);
  }

  /** Starts a call at once, so that calls reach Go in the order in which they are made. */
  #call(
    items: Item[],
    payloads: unknown[],
    run: (core: Exports, id: number, store: number) => void,
  ): Promise<unknown[]> {
    if (this.#closed) return Promise.reject(closed());
    const start = ({ engine, store }: Link) =>
      engine.call(payloads, (core, id) => {
        for (const item of items) passItem(engine, core, id, item);
        run(core, id, store);
      });
    return this.#link.engine.alive ? start(this.#link) : this.#again().then(start);
  }

  /** Opens the store in a new engine after the last one died; the page still has the vault's key handles. */
  #again(): Promise<Link> {
    this.#relink ??= (async () => {
      const engine = await running();
      const { database, store, flags } = this.#place;
      const [handle] = await openStore(engine, database, store, [undefined, undefined], 0, flags);
      this.#link = { engine, store: handle };
      return this.#link;
    })().finally(() => {
      this.#relink = undefined;
    });
    return this.#relink;
  }
}

const closed = () =>
  new VaultError(
    'ERR_CLOSED',
    'The storage is closed, or its database was deleted. Open it again with createEncryptedStorage.',
  );

function listOf<T>(list: T[]): T[] {
  if (!Array.isArray(list)) throw invalid('An array was expected.');
  return Array.from(list); // without holes, which map would pass over
}

const namesOf = (keys: string[]): Item[] => listOf(keys).map((key) => ({ name: nameOf(key), classification: 0 }));

function passItem(engine: Engine, core: Exports, id: number, item: Item): void {
  const lengths = engine.write(item.name, item.contentType ?? '', item.context ?? '') as [number, number, number];
  core.item(id, item.classification, item.kind ?? 0, ...lengths);
}

async function openStore(
  engine: Engine,
  database: string,
  store: string,
  payloads: unknown[],
  iterations: number,
  flags: number,
): Promise<[number, string]> {
  const [handle, channel] = (await engine.call(payloads, (core, id) => {
    passItem(engine, core, id, { name: database, classification: 0, contentType: store });
    core.open(id, iterations, flags);
  })) as [number, Uint8Array];
  return [handle, Array.from(channel, (byte) => byte.toString(16).padStart(2, '0')).join('')];
}

// The bits of the flags of the export `open`.
const flag = { random: 1, expectVault: 2, hidden: 4, clear: 8, strict: 16, secret: 32 };

function knownClass(classification: DataClassification): number {
  const number = classNumber(classification);
  if (number === 255) throw invalid('The classification must be one of DataClassification.');
  return number;
}

function oneOf(option: string, value: unknown, ...allowed: (string | boolean | undefined)[]): void {
  if (value !== undefined && !allowed.includes(value as string)) {
    throw invalid(`The option ${option} must be ${allowed.map((a) => `'${a}'`).join(' or ')}.`);
  }
}

function placeName(name: unknown, what: string): string {
  if (typeof name !== 'string' || name === '' || name.length > 255 || !isWellFormed(name))
    throw invalid(`The name of a ${what} must be a string of 1 to 255 bytes of UTF-8.`);
  return name;
}

/**
 * Opens a store of the encrypted vault of a database, making the vault when there is none. The vault is unlocked once a
 * page: opening it again with the same secret, or with none, shares it and derives nothing.
 *
 * @throws VaultError `ERR_NO_SECRET`, `ERR_WRONG_SECRET`, `ERR_NOT_A_VAULT`, `ERR_EVICTED` (with `expectVault`),
 *   `ERR_INTEGRITY` for a keyring that was changed or deleted, `ERR_UNSUPPORTED`, `ERR_LOAD`, `ERR_INVALID`
 */
export async function createEncryptedStorage(
  dbName = 'medical-imaging-viewer',
  storeName = 'encrypted-data',
  options: StorageOptions = {},
): Promise<EncryptedStorage> {
  const database = placeName(dbName, 'database');
  const store = placeName(storeName, 'store');
  if (typeof options !== 'object' || options === null) throw invalid('The options must be an object.');
  const { iterations = 0, names, durability, expectVault } = options;
  oneOf('names', names, 'hidden', 'clear');
  oneOf('durability', durability, 'relaxed', 'strict');
  oneOf('expectVault', expectVault, true, false);
  if (options.iterations !== undefined && !(Number.isInteger(iterations) && iterations > 0 && iterations < 2 ** 31))
    throw invalid('The option iterations must be a whole number from 600,000 to 10,000,000.');
  const asked =
    (expectVault ? flag.expectVault : 0) |
    (names === 'hidden' ? flag.hidden : names === 'clear' ? flag.clear : 0) |
    (durability === 'strict' ? flag.strict : 0);

  const open = async (secret: unknown): Promise<EncryptedStorage> => {
    const imported = secret === undefined ? undefined : await importSecret(secret);
    const engine = await running();
    const flags = asked | (imported ? flag.secret : 0) | (imported?.random ? flag.random : 0);
    const payloads = [imported?.key, imported?.fingerprint];
    const [handle, channel] = await openStore(engine, database, store, payloads, iterations, flags);
    // A store that is opened again, for an engine that died, takes the durability alone from its flags.
    const place = { database, store, flags: flags & flag.strict };
    const storage = new EncryptedStorage(place, { engine, store: handle }, changesOn(channel));
    tellOpened(database);
    return storage;
  };
  const { secret } = options;
  if (typeof secret !== 'function') return open(secret ?? environmentSecret());
  if (!isUnlocked(database)) return open(await secret());
  // The page has handles of a vault, but perhaps no longer of the one that is there: then the function is asked after all.
  return open(undefined).catch(async (error: unknown) => {
    if (error instanceof VaultError && error.code === 'ERR_NO_SECRET') return open(await secret());
    throw error;
  });
}

/**
 * Deletes the vault of a database with everything in it, without its secret: what is left when a passphrase was forgotten.
 * A database that is not a vault is left as it is; an absent one is no error.
 *
 * @throws VaultError `ERR_NOT_A_VAULT`; `ERR_BLOCKED` when another tab keeps the database open for more than 10 seconds
 */
export async function destroyVault(dbName: string): Promise<void> {
  const name = placeName(dbName, 'database');
  const engine = await running();
  await engine.call([], (core, id) => {
    passItem(engine, core, id, { name, classification: 0 });
    core.destroy(id);
  });
}
