import { DataClassification, type EncryptedStorage, type Entry } from '../src/index.ts';
import { askForSlice, numbersOf, type Series } from './series-api.ts';

/** Milliseconds that a series is kept on the device. */
const day = 24 * 3600 * 1000;

/** Slices that are stored in one transaction, 3 MB. */
const together = 6;

const descriptionKey = (id: string): string => `ct:${id}`;
const sliceKey = (id: string, n: number): string => `ct:${id}:${n}`;

/** The one series of this demo. What is kept can be looked for without the server. */
const only = 'ct-head';

/** How many slices came, and how many of them are in the vault. */
export interface KeepingProgress {
  fetched: number;
  stored: number;
}

/** A series in the vault: a record for each slice, and one that describes it and is written before them. */
export class KeptSeries {
  readonly #storage: EncryptedStorage;

  constructor(storage: EncryptedStorage) {
    this.#storage = storage;
  }

  /** Calls listener with the number of a slice that was written or deleted, in which tab ever; 0 is the description. */
  onChange(listener: (n: number, exists: boolean) => void): void {
    this.#storage.subscribe(null, ({ type, key }) => {
      const [, n = '0'] = /^ct:[^:]+(?::(\d+))?$/.exec(key ?? '') ?? [];
      if (key !== null) listener(Number(n), type === 'set');
    });
  }

  /** Returns the description of the series that is kept, and until when; null where none is. */
  async description(): Promise<{ series: Series; expiresAt: Date | null } | null> {
    const key = descriptionKey(only);
    const [series, metadata] = await Promise.all([this.#storage.getJSON<Series>(key), this.#storage.getMetadata(key)]);
    return series && metadata && { series, expiresAt: metadata.expiresAt };
  }

  /** Returns the numbers of the slices that are kept. None is opened for it: one that was changed is there, too. */
  async numbers(series: Series): Promise<Set<number>> {
    const all = numbersOf(series);
    const exist = await Promise.all(all.map((n) => this.#storage.exists(sliceKey(series.id, n))));
    return new Set(all.filter((_, i) => exist[i]));
  }

  /** Reads a slice; null where it is not kept. */
  read({ id }: Series, n: number): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#storage.getDecryptedBytes(sliceKey(id, n));
  }

  /** Fetches what is not kept yet, and stores it. What was stored stays, however it ends. */
  async keep(series: Series, signal: AbortSignal, tell: (progress: KeepingProgress) => void): Promise<void> {
    if (!(await this.#storage.exists(descriptionKey(series.id)))) {
      await this.remove(series); // what an earlier one has left would expire before its description
      await this.#storage.setJSON(descriptionKey(series.id), series, DataClassification.PHI, undefined, { ttlMs: day });
    }
    const there = await this.numbers(series);
    const missing = numbersOf(series).filter((n) => !there.has(n));
    const progress = { fetched: there.size, stored: there.size };
    tell({ ...progress });

    const fetched = async (n: number) => {
      const entry = await fetchEntry(series, n, signal);
      progress.fetched++;
      tell({ ...progress });
      return entry;
    };
    const store = async (entries: Entry[]) => {
      await this.#storage.setManyEncrypted(entries);
      progress.stored += entries.length;
      tell({ ...progress });
    };
    // While some are stored, the next are fetched.
    let storing = Promise.resolve();
    try {
      while (missing.length > 0) {
        const entries = await Promise.all(missing.splice(0, together).map(fetched));
        await storing;
        signal.throwIfAborted();
        storing = store(entries);
        storing.catch(() => {}); // it is awaited below
      }
    } finally {
      await storing;
    }
  }

  /** Fetches a slice and stores it in the place of what is kept. */
  async renew(series: Series, n: number, signal: AbortSignal): Promise<void> {
    await this.#storage.setManyEncrypted([await fetchEntry(series, n, signal)]);
  }

  /** Deletes the series, its description included, in one transaction. */
  async remove(series: Series): Promise<void> {
    const slices = numbersOf(series).map((n) => sliceKey(series.id, n));
    await this.#storage.deleteMany([descriptionKey(series.id), ...slices]);
  }
}

async function fetchEntry(series: Series, n: number, signal: AbortSignal): Promise<Entry> {
  const value = await askForSlice(series, n, signal);
  return { key: sliceKey(series.id, n), value, classification: DataClassification.PHI, ttlMs: day };
}
