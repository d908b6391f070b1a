import { type Context, DataClassification, type EncryptedStorage, VaultError } from '../src/index.ts';
import { type Sample, twoSamples, type WindowName } from './samples.ts';

/** What came of reading a record. A refusal is a result like any other: the page goes on with the rest. */
export type Reading<T> =
  | { state: 'reading' }
  | { state: 'absent' }
  | { state: 'opened'; value: T }
  | { state: 'refused'; code: string; message: string };

export interface Preferences {
  theme: 'system' | 'light' | 'dark';
  language: 'en' | 'de' | 'fr' | 'es';
  window: WindowName;
  overlay: boolean;
  /** Minutes without use after which the vault locks itself; absent or 0 for never. */
  autoLock?: number;
}

export const defaults: Preferences = { theme: 'system', language: 'en', window: 'brain', overlay: true };

export interface StoredImage {
  /** An object URL of the decrypted Blob; it is revoked when the image is read again, deleted or left. */
  url: string;
  size: number;
  storedAt: Date;
  context: Context;
}

export interface Snapshot {
  preferences: Reading<Preferences>;
  /** The ids of all images. A record of its own, since listing names would fail as a whole where one record is damaged. */
  list: Reading<string[]>;
  images: ReadonlyMap<string, Reading<StoredImage>>;
  /** When all records were last read. */
  readAt: Date | null;
}

const reading = { state: 'reading' } as const;
const listKey = 'images';
const preferencesKey = 'preferences';
const imageKey = (id: string): string => `image:${id}`;

/** The demo's records as the page shows them: read from the vault, and read again when this or another tab writes. */
export class Records {
  snapshot: Snapshot = { preferences: reading, list: reading, images: new Map(), readAt: null };
  readonly #storage: EncryptedStorage;
  readonly #listeners = new Set<() => void>();
  /** Counts the readings of each record, so that one which was overtaken is dropped. */
  readonly #turns = new Map<string, number>();
  #closed = false;

  /**
   * @param changed is called after each write, of this tab and of others
   * @param locked is called when the vault was locked, in which tab ever; these records are closed then
   */
  constructor(storage: EncryptedStorage, changed: () => void, locked: (remote: boolean) => void) {
    this.#storage = storage;
    storage.subscribe(null, ({ type, key, remote }) => {
      if (type === 'lock') {
        this.close();
        return locked(remote);
      }
      changed();
      if (key === preferencesKey) void this.#readPreferences();
      else if (key === listKey) void this.#readList();
      else if (key?.startsWith('image:') && this.#shows(key.slice(6))) void this.#readImage(key.slice(6));
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Reads everything through the API. */
  async readAll(): Promise<void> {
    const kept = this.snapshot.list.state === 'opened' ? this.snapshot.list.value : [];
    await Promise.all([this.#readPreferences(), this.#readList(), ...kept.map((id) => this.#readImage(id))]);
    this.#show({ readAt: new Date() });
  }

  /** Changes one preference; the others stay as they are on the disk, whichever tab wrote them. */
  async setPreference(change: Partial<Preferences>): Promise<void> {
    await this.#storage.update(
      preferencesKey,
      (text) => JSON.stringify({ ...defaults, ...(text === null ? {} : JSON.parse(text)), ...change }),
      DataClassification.INTERNAL,
    );
    await this.#readPreferences(); // so that who waits for this sees it
  }

  /** Overwrites preferences that cannot be read. */
  resetPreferences(): Promise<void> {
    return this.#storage.setJSON(preferencesKey, defaults, DataClassification.INTERNAL);
  }

  async add(samples: Sample[]): Promise<void> {
    await this.#storage.setManyEncrypted(
      samples.map(({ id, blob, context }) => ({
        key: imageKey(id),
        value: blob,
        classification: DataClassification.PHI,
        context,
      })),
    );
    const added = samples.map((sample) => sample.id);
    await this.#updateList((ids) => [...ids.filter((id) => !added.includes(id)), ...added]);
  }

  addTwoSamples(): Promise<void> {
    return this.add(twoSamples());
  }

  async delete(id: string): Promise<void> {
    await this.#updateList((ids) => ids.filter((other) => other !== id));
    await this.#storage.delete(imageKey(id));
  }

  /** Makes a new list of the images, where the stored one cannot be read, out of those that the page still shows. */
  restoreList(): Promise<void> {
    return this.#storage.setJSON(listKey, [...this.snapshot.images.keys()], DataClassification.PHI);
  }

  get locked(): boolean {
    return this.#storage.locked;
  }

  /** Locks the vault in all tabs. */
  lock(): Promise<void> {
    return this.#storage.lock();
  }

  /** Calls listener at each security event and returns what ends that. */
  onSecurity(listener: () => void): () => void {
    this.#storage.addEventListener('security', listener);
    return () => this.#storage.removeEventListener('security', listener);
  }

  close(): void {
    this.#closed = true;
    this.#storage.close();
    for (const image of this.snapshot.images.values()) revoke(image);
  }

  #updateList(change: (ids: string[]) => string[]): Promise<void> {
    const changed = (text: string | null) => JSON.stringify(change(text === null ? [] : JSON.parse(text)));
    return this.#storage.update(listKey, changed, DataClassification.PHI);
  }

  async #readPreferences(): Promise<void> {
    const current = this.#turn(preferencesKey);
    const preferences = await attempt(async () => {
      const stored = await this.#storage.getJSON<Partial<Preferences>>(preferencesKey);
      return stored && { ...defaults, ...stored };
    });
    if (current()) this.#show({ preferences });
  }

  async #readList(): Promise<void> {
    const current = this.#turn(listKey);
    const list = await attempt(() => this.#storage.getJSON<string[]>(listKey));
    if (!current()) return;
    if (list.state === 'refused') return this.#show({ list }); // the images that are shown may be good
    const ids = list.state === 'opened' ? list.value : [];
    const images = new Map(ids.map((id) => [id, this.snapshot.images.get(id) ?? reading]));
    const added = ids.filter((id) => !this.#shows(id));
    for (const [id, image] of this.snapshot.images) if (!images.has(id)) revoke(image);
    this.#show({ list, images });
    await Promise.all(added.map((id) => this.#readImage(id)));
  }

  async #readImage(id: string): Promise<void> {
    const current = this.#turn(imageKey(id));
    const image = await attempt(async (): Promise<StoredImage | null> => {
      const key = imageKey(id);
      const [blob, metadata] = await Promise.all([this.#storage.getDecryptedBlob(key), this.#storage.getMetadata(key)]);
      if (!blob || !metadata) return null;
      const url = URL.createObjectURL(blob);
      return { url, size: blob.size, storedAt: metadata.encryptedAt, context: metadata.context ?? {} };
    });
    if (!current() || !this.#shows(id)) return revoke(image);
    revoke(this.snapshot.images.get(id));
    this.#show({ images: new Map(this.snapshot.images).set(id, image) });
  }

  #shows(id: string): boolean {
    return this.snapshot.images.has(id);
  }

  #turn(key: string): () => boolean {
    const turn = (this.#turns.get(key) ?? 0) + 1;
    this.#turns.set(key, turn);
    return () => !this.#closed && this.#turns.get(key) === turn;
  }

  #show(part: Partial<Snapshot>): void {
    this.snapshot = { ...this.snapshot, ...part };
    for (const listener of this.#listeners) listener();
  }
}

async function attempt<T>(read: () => Promise<T | null>): Promise<Reading<T>> {
  try {
    const value = await read();
    return value === null ? { state: 'absent' } : { state: 'opened', value };
  } catch (error) {
    return { state: 'refused', ...told(error) };
  }
}

function revoke(image: Reading<StoredImage> | undefined): void {
  if (image?.state === 'opened') URL.revokeObjectURL(image.value.url);
}

/** The code and the sentence of an error. */
export function told(error: unknown): { code: string; message: string } {
  if (error instanceof VaultError) return { code: error.code, message: error.message };
  return { code: 'ERROR', message: error instanceof Error ? error.message : String(error) };
}
