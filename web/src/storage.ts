import { Kind, toText, type Value } from './bytes.ts';
import type { ChangeEvent, ChangeListener, Changes } from './changes.ts';
import { classNumber, DataClassification } from './classification.ts';
import { invalid, VaultError } from './errors.ts';
import { type CarryOut, endGroup, join } from './group.ts';
import { isUnlocked, noKeys, type SecurityDetail, securityEvents, tellSecurity } from './host.ts';
import { type Entry, itemOf, listOf, nameOf, namesOf, type Payload, payloadOf, type WriteOptions } from './items.ts';
import type { Read } from './later.ts';
import { type Inside, type Later, laterNames } from './later-names.ts';
import { engineOf, type Link, lockWatch, openStore, type Place } from './link.ts';
import { current, type StoreCall } from './loader.ts';
import { later } from './openings.ts';
import { type Item, passItem } from './pass.ts';
import type { Secret } from './secret.ts';
import { checkText } from './text.ts';
import { type Context, contextText } from './value.ts';

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

/** A value that is larger goes alone: what it takes, no crossing and no transaction counts beside. */
const maxJoined = 64 << 10;

/** Which names {@link EncryptedStorage.keys} lists. */
export interface KeyFilter {
  prefix?: string | undefined;
  classification?: DataClassification | undefined;
}

/**
 * Records encrypted at rest, in one store of one vault. Made by {@link createEncryptedStorage}.
 *
 * Calls for one name take effect in the order in which they are made, awaited or not. Every method rejects with a
 * {@link VaultError}: `ERR_INVALID` for arguments that do not fit, `ERR_CLOSED` after close, `ERR_INTEGRITY` for stored
 * data that is not what was written, `ERR_QUOTA` when the disk is full. A call that fails has changed nothing, unless it
 * fails with `ERR_CRASHED`.
 *
 * It gets an event of the name `security`, a CustomEvent of {@link SecurityDetail}, of what happens to its vault on this page.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the static block defines what the interface declares
export class EncryptedStorage extends EventTarget {
  readonly #place: Place;
  readonly #changes: Changes;
  readonly #ends = new Set<() => void>();
  #link: Link;
  #relink: Promise<Link> | undefined;
  #closed = false;

  static {
    // Methods that few pages call, or not at once: their file is loaded with the first of them.
    const methods = EncryptedStorage.prototype as unknown as Record<string, unknown>;
    for (const name of laterNames)
      methods[name] = async function (this: EncryptedStorage, ...all: unknown[]) {
        const file = await later();
        const inside: Inside = [this, this.#place, (...all) => this.#call(...all), (...all) => this.#tell(...all)];
        return (file[name] as (inside: Inside, ...all: unknown[]) => unknown)(inside, ...all);
      };
  }

  /** @internal Use {@link createEncryptedStorage}. */
  constructor(place: Place, link: Link, changes: Changes) {
    super();
    this.#place = place;
    this.#link = link;
    this.#changes = changes;
    const told = (event: Event) => {
      const { detail } = event as CustomEvent<SecurityDetail>;
      if (detail.database === place.database) tellSecurity(detail, this);
    };
    securityEvents.addEventListener('security', told);
    this.#ends.add(() => securityEvents.removeEventListener('security', told));
    this.#ends.add(
      changes.listen(place.store, ({ type, key, remote }) => {
        const { engine, store } = this.#link;
        if (remote && type !== 'lock') engine.tell((core) => core.heard(store, key === null ? 0 : engine.write(key)));
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
    options?: WriteOptions,
  ): Promise<void> {
    const item = itemOf({ ...options, key, value, classification, context });
    if (item.kind === Kind.blob || item.size > maxJoined) return this.#setAll([item]);
    await this.#joined(this.#sets, item, item.bytes);
    this.#tell('set', [item]);
  }

  /** Stores all entries in one transaction, all or none. Of two with the same key the later one stays. */
  async setManyEncrypted(entries: Entry[]): Promise<void> {
    const items = listOf(entries).map(itemOf);
    if (items.length === 0) return this.#check();
    await this.#setAll(items);
  }

  async #setAll(items: (Item & Payload)[]): Promise<void> {
    const payloads = items.map((item) => item.bytes);
    // Go waits for them in their turn; one that fails before then must not count as unhandled.
    for (const bytes of payloads) if (bytes instanceof Promise) bytes.catch(() => {});
    await this.#call('set', items, payloads);
    this.#tell('set', items);
  }

  /**
   * Reads a value as text.
   *
   * @returns null for a record that is absent or has expired
   * @throws VaultError `ERR_INVALID` for bytes that are not UTF-8
   */
  async getDecrypted(key: string): Promise<string | null> {
    const found = await this.#read(key);
    return found && toText(found.bytes);
  }

  /** Reads values as text in one transaction; the result is aligned with keys. One record that fails, fails them all. */
  async getManyDecrypted(keys: string[]): Promise<(string | null)[]> {
    const found = (await this.#call('get', namesOf(keys))) as (Read | null)[];
    return found.map((value) => value && toText(value.bytes));
  }

  /** Reads a value as bytes; null for a record that is absent or has expired. */
  async getDecryptedBytes(key: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const found = await this.#read(key);
    // A copy where name and context lie in front of it: the caller may send or store its buffer as a whole.
    return found && (found.bytes.byteOffset ? found.bytes.slice() : found.bytes);
  }

  /**
   * Reads a value as a Blob: a stored Blob with its content type, text as `text/plain;charset=utf-8`, bytes as
   * `application/octet-stream`. Null for a record that is absent or has expired.
   */
  async getDecryptedBlob(key: string): Promise<Blob | null> {
    const found = await this.#read(key);
    return found && (await later()).blobOf(found);
  }

  /** Reads what is known of a record; null where there is none. A large value is not read for it. */
  async getMetadata(key: string): Promise<RecordMetadata | null> {
    const found = await this.#call('metadata', namesOf([key]));
    return found[0] === null ? null : (await later()).metadataOf(found);
  }

  /**
   * Changes a record: `fn` gets its text, or null where there is none, and returns the new value, or null to delete the
   * record. When another write came between, it is called again with what that wrote. What it throws, rejects this call.
   * Without classification, context and ttlMs, the record keeps its own.
   *
   * @throws VaultError `ERR_CONFLICT` when other writes came between 32 times
   */
  async update(
    key: string,
    fn: (current: string | null) => Value | null | Promise<Value | null>,
    classification?: DataClassification,
    context?: Context,
    options?: WriteOptions,
  ): Promise<void> {
    if (typeof fn !== 'function') throw invalid('The change must be a function.');
    const item: Item = { name: nameOf(key), context: contextText(context), ttlMs: options?.ttlMs };
    if (classification !== undefined) item.classification = classNumber(classification);
    let type: ChangeEvent['type'] = 'set';
    const change = async (bytes: Uint8Array | null) => {
      const next = await fn(bytes && toText(bytes));
      type = next === null ? 'delete' : 'set';
      if (next === null) return null;
      const { kind, contentType, bytes: payload } = payloadOf(next);
      return [kind, contentType, await payload];
    };
    await this.#call('update', [item], [change]);
    this.#tell(type, [item]);
  }

  /** Stores the JSON text of a value. */
  async setJSON(
    key: string,
    value: unknown,
    classification?: DataClassification,
    context?: Context,
    options?: WriteOptions,
  ): Promise<void> {
    let text: string | undefined;
    try {
      text = JSON.stringify(value);
    } catch {} // cyclic, or a BigInt
    if (text === undefined) throw invalid('The value has no JSON text. Give what JSON.stringify takes.');
    await this.setEncrypted(key, text, classification, context, options);
  }

  /** Reads a value that was stored as JSON text; null where there is none. Its type is the caller's word. */
  async getJSON<T>(key: string): Promise<T | null> {
    const text = await this.getDecrypted(key);
    return text === null ? null : (await later()).parsed<T>(text);
  }

  /** Whether there is a record of that name that has not expired. The record is not opened. */
  async exists(key: string): Promise<boolean> {
    return (await this.#call('exists', namesOf([key])))[0] === true;
  }

  /** Deletes a record; one that is absent is no error. */
  async delete(key: string): Promise<void> {
    await this.deleteMany([key]);
  }

  /** Deletes records in one transaction, all or none. */
  async deleteMany(keys: string[]): Promise<void> {
    const items = namesOf(keys);
    if (items.length === 0) return this.#check();
    await this.#call('remove', items);
    this.#tell('delete', items);
  }

  /**
   * Lists record names. The head of every record that may be one of them is opened for it: where the vault hides names, of
   * all in the store; with `names: 'clear'`, of those with the prefix. That is as much work as reading them, large values
   * excepted. One among them that was tampered with fails the list.
   */
  async keys(filter: KeyFilter = {}): Promise<string[]> {
    const { prefix = '', classification } = filter ?? {};
    checkText(prefix, 0, 1024, 'The prefix');
    const item: Item = { name: prefix };
    if (classification !== undefined) item.classification = classNumber(classification);
    return (await this.#call('names', [item])) as string[];
  }

  /** Returns how many records the store has. */
  async count(): Promise<number> {
    return (await this.#call('count'))[0] as number;
  }

  /** Deletes every record of the store. */
  async clear(): Promise<void> {
    await this.#call('clear');
    this.#changes.tell(this.#place.store, 'clear', [null]);
  }

  /**
   * Calls listener after each acknowledged write to a record (or to any, where key is null), of this tab and of other tabs
   * that have the vault unlocked, and when it has expired and was deleted, or was evicted. Returns what ends that.
   *
   * An event of type `evict` may come after a later write to its record, and one without a name is for every listener of the store:
   * read the record to see what it is now.
   */
  subscribe(key: string | null, listener: ChangeListener): () => void {
    if (this.#closed) throw closed();
    if (key !== null) nameOf(key);
    if (typeof listener !== 'function') throw invalid('The listener must be a function.');
    const end = this.#changes.listen(this.#place.store, (event) => {
      if (key !== null && event.key !== null && event.key !== key) return;
      try {
        listener(event);
      } catch (error) {
        reportError(error); // a listener's error is neither the writer's nor the next listener's
      }
    });
    this.#ends.add(end);
    return () => {
      this.#ends.delete(end);
      end();
    };
  }

  /** Whether the vault is locked on this page. */
  get locked(): boolean {
    return !isUnlocked(this.#place.database);
  }

  /**
   * Locks the vault, for all its storages, on this page and in all other tabs: its keys and all that was read are dropped. Calls
   * then fail with `ERR_LOCKED`, until {@link unlock} or createEncryptedStorage, with the secret, unlocks it again; a call in
   * flight ends whole or fails whole. Listeners hear of it. Resolves when the calls in flight have ended on this page; where no
   * vault is left unlocked, the WebAssembly and its memory are let go of.
   */
  async lock(): Promise<void> {
    this.#changes.tell(null, 'lock', [null]);
    if (noKeys()) await current()?.stop();
  }

  /**
   * Unlocks the vault on this page. Its storages, which were open when it was locked, work again.
   *
   * @throws VaultError `ERR_WRONG_SECRET`, and as createEncryptedStorage does
   */
  async unlock(secret: Secret): Promise<void> {
    if (this.#closed) throw closed();
    const watch = lockWatch(this.#place.database);
    this.#link = await (await later()).unlocked(this.#place, secret, watch, this.#link);
  }

  /** Closes this storage. What is under way ends; the vault stays unlocked on this page. */
  close(): void {
    if (this.#closed) return;
    endGroup();
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
    const keys = items.map((item) => item.name);
    this.#changes.tell(this.#place.store, type, keys);
  }

  async #read(key: string): Promise<Read | null> {
    return (await this.#joined(this.#gets, { name: nameOf(key) })) as Read | null;
  }

  // A call for one record goes together with those that are made in the same turn. Each succeeds or fails by itself.
  readonly #sets: CarryOut = (items, payloads) => this.#call(items.length > 1 ? 'setEach' : 'set', items, payloads);
  readonly #gets: CarryOut = (items) => this.#call(items.length > 1 ? 'getEach' : 'get', items);

  #joined(carryOut: CarryOut, item: Item, payload?: unknown): Promise<unknown> {
    return this.#closed ? Promise.reject(closed()) : join(carryOut, item, payload);
  }

  /** Starts a call at once, so that calls reach Go in the order in which they are made. */
  #call(name: StoreCall, items: Item[] = [], payloads: unknown[] = [], ...numbers: number[]): Promise<unknown[]> {
    if (this.#closed) return Promise.reject(closed());
    endGroup();
    const start = ({ engine, store }: Link) =>
      engine.call(payloads, (core, id) => {
        for (const item of items) passItem(engine, core, id, item);
        core[name](id, store, ...numbers);
      });
    return this.#link.engine.alive ? start(this.#link) : this.#again().then(start);
  }

  /** Opens the store in a new engine after the last one died; the page still has the vault's key handles. */
  #again(): Promise<Link> {
    this.#relink ??= (async () => {
      const engine = await engineOf(this.#place.database, true);
      const [handle] = await openStore(engine, this.#place);
      if (this.#closed) {
        engine.tell((core) => core.release(handle));
        throw closed();
      }
      this.#link = { engine, store: handle };
      return this.#link;
    })().finally(() => {
      this.#relink = undefined;
    });
    return this.#relink;
  }
}

export interface EncryptedStorage extends Later {}

const closed = () => new VaultError('ERR_CLOSED', 'The storage is closed, or its database was deleted. Open it again.');
