import { keyringMost, lengthOf } from './archive-keyring.ts';
import { invalid, VaultError } from './errors.ts';

// The format of archives: docs/FORMAT.md, "Archives".

type Bytes = Uint8Array<ArrayBuffer>;

const magic = new TextEncoder().encode('idbvault-archive');
const version = 1;
const end = 0;

/** The number of each object store whose entries an archive has. */
export const records = 1;
export const chunks = 2;

/** The most bytes of a key and of a value of each of them. */
export const keyMost = 1302;
export const valueMost = [0, 1 << 17, 2 ** 30 + 64] as const;

/** An entry of an object store. */
export interface Entry {
  table: typeof records | typeof chunks;
  key: Bytes;
  value: Bytes;
}

export function joined(...parts: Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Compares bytes as IndexedDB compares keys. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return a.length - b.length;
}

export const same = (a: Uint8Array, b: Uint8Array): boolean => compare(a, b) === 0;

export const u32 = (n: number): Bytes => new Uint8Array([n >>> 24, n >>> 16, n >>> 8, n]);

export const u64 = (n: number): Bytes => joined(u32(Math.floor(n / 2 ** 32)), u32(n));

/** Where the chunks of a record lie: their keys without the last index, or without ID and index. Nothing for a key of another form. */
export function chunkPrefix(key: Uint8Array): Bytes | undefined {
  const nameAt = 1 + (key[0] ?? 0);
  if (nameAt >= key.length) return undefined;
  const name = key.subarray(nameAt);
  return joined(key.subarray(0, nameAt), new Uint8Array([name.length >> 8, name.length]), name);
}

const digest = async (bytes: Bytes): Promise<Bytes> => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));

const frontOf = ({ table, key }: Entry): Bytes => joined(new Uint8Array([table]), lengthOf(key), key);

/** The link behind an entry, from the one before it. */
const linked = async (link: Bytes, entry: Entry): Promise<Bytes> =>
  digest(joined(link, frontOf(entry), await digest(entry.value)));

/** Writes an archive. Each method returns the next bytes of it. */
export class ArchiveWriter {
  #link: Bytes = new Uint8Array(0);
  #count = 0;

  async head(database: string, keyring: Bytes): Promise<Bytes> {
    const name = new TextEncoder().encode(database);
    const head = joined(magic, new Uint8Array([version]), lengthOf(name), name, lengthOf(keyring), keyring);
    this.#link = await digest(head);
    return head;
  }

  /** The value's bytes come behind them, as they are. */
  async beforeValue(entry: Entry): Promise<Bytes> {
    this.#link = await linked(this.#link, entry);
    this.#count++;
    return joined(frontOf(entry), lengthOf(entry.value));
  }

  end(): Bytes {
    return joined(new Uint8Array([end]), u64(this.#count), this.#link);
  }
}

const damaged = () =>
  new VaultError(
    'ERR_INTEGRITY',
    'This is no archive, or not all of one, or not what was written. Use another copy of it.',
  );

/** What an archive begins with. */
export interface Head {
  database: string;
  keyring: Bytes;
  link: Bytes;
}

/** Reads an archive, and holds one entry of it at a time. */
export class ArchiveReader {
  readonly #source: ReadableStreamDefaultReader<Uint8Array>;
  readonly #signal: AbortSignal | undefined;
  #rest: Uint8Array = new Uint8Array(0);
  /** How many bytes were read. */
  read = 0;

  constructor(source: unknown, signal?: AbortSignal) {
    if (!(source instanceof Blob) && !(source instanceof ReadableStream))
      throw invalid('The source must be a ReadableStream or a Blob.');
    if (source instanceof ReadableStream && source.locked)
      throw invalid('The stream is locked: someone else reads it. Give one of your own.');
    this.#source = (source instanceof Blob ? source.stream() : source).getReader();
    this.#signal = signal;
    signal?.addEventListener('abort', () => this.cancel(signal.reason), { once: true }); // a source may be silent for long
  }

  /** Whoever makes the bytes need not go on. */
  cancel(reason: unknown): void {
    this.#source.cancel(reason).catch(() => {});
  }

  /** @throws VaultError `ERR_INTEGRITY`, `ERR_VERSION` */
  async head(): Promise<Head> {
    const front = await this.#take(magic.length + 1);
    if (!same(front.subarray(0, magic.length), magic)) throw damaged();
    if (front.at(-1) !== version)
      throw new VaultError('ERR_VERSION', 'The archive was written by a later version of idbvault. Update this one.');
    const name = await this.#takeLong(1, 255);
    const keyring = await this.#takeLong(1, keyringMost);
    const link = await digest(joined(front, lengthOf(name), name, lengthOf(keyring), keyring));
    try {
      return { database: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(name), keyring, link };
    } catch {
      throw damaged();
    }
  }

  /**
   * Reads the entries, each with the link behind it, up to the end of the archive.
   *
   * @throws VaultError `ERR_INTEGRITY`
   */
  async *entries({ link }: Head): AsyncGenerator<Entry & { link: Bytes }> {
    let count = 0;
    let [record, chunk, prefix]: Uint8Array[] = [];
    while (true) {
      const [table] = await this.#take(1);
      if (table === end) break;
      if (table !== records && table !== chunks) throw damaged();
      const key = await this.#takeLong(1, keyMost);
      if (table === records) {
        if (record && compare(record, key) >= 0) throw damaged();
        [record, chunk, prefix] = [key, undefined, chunkPrefix(key)];
      } else {
        const isOfRecord = prefix && same(key.subarray(0, prefix.length), prefix);
        if (!isOfRecord || (chunk && compare(chunk, key) >= 0)) throw damaged();
        chunk = key;
      }
      const value = await this.#takeLong(0, valueMost[table]);
      const entry: Entry = { table, key, value };
      link = await linked(link, entry);
      count++;
      yield { ...entry, link };
    }
    const said = await this.#take(8 + 32);
    if (!same(said, joined(u64(count), link)) || !(await this.#ended())) throw damaged();
  }

  async #takeLong(least: number, most: number): Promise<Bytes> {
    const length = new DataView((await this.#take(4)).buffer).getUint32(0);
    if (length < least || length > most) throw damaged();
    return this.#take(length);
  }

  /** Takes that many bytes, into a buffer of their own. */
  async #take(n: number): Promise<Bytes> {
    let all: Bytes;
    try {
      all = new Uint8Array(n);
    } catch {
      throw new VaultError(
        'ERR_STORAGE',
        `There is no memory for an entry of ${n} bytes. Close other pages, and try again.`,
      );
    }
    for (let at = 0; at < n; ) {
      if (this.#rest.length === 0 && (await this.#ended())) throw damaged();
      const part = this.#rest.subarray(0, n - at);
      all.set(part, at);
      at += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    this.read += n;
    return all;
  }

  /** Whether nothing is left; what comes next is in #rest else. */
  async #ended(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#source.read();
      this.#signal?.throwIfAborted();
      if (done) return true;
      if (!ArrayBuffer.isView(value)) throw invalid('The stream must give bytes, as Uint8Arrays.');
      this.#rest = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    }
    return false;
  }
}
