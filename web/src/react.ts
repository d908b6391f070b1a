import { useCallback, useSyncExternalStore } from 'react';
import { createEncryptedStorage, DataClassification, type EncryptedStorage, onOpen, VaultError } from './index.ts';

/** What {@link useEncryptedStorage} returns. */
export interface EncryptedValue<T> {
  /** The stored value; null while it loads, and when there is none. */
  value: T | null;
  loading: boolean;
  /** Why the value could not be read. */
  error: unknown;
  /** Stores a new value. Rejects with the VaultError when it could not be stored; the old value then stays. */
  updateValue: (value: T) => Promise<void>;
}

interface Snapshot {
  value: unknown;
  loading: boolean;
  error: unknown;
}

const initial: Snapshot = { value: null, loading: true, error: null };

let opened: Promise<EncryptedStorage> | undefined;

/** The page's default vault, opened once for all hooks, and anew where that failed or where it was deleted since. */
async function withVault<R>(use: (storage: EncryptedStorage) => R | Promise<R>): Promise<R> {
  const attempt = open();
  try {
    return await use(await attempt);
  } catch (error) {
    if (!(error instanceof VaultError) || error.code !== 'ERR_CLOSED') throw error;
    if (opened === attempt) opened = undefined;
    return use(await open());
  }
}

function open(): Promise<EncryptedStorage> {
  if (!opened) {
    const attempt = createEncryptedStorage();
    attempt.catch(() => {
      if (opened === attempt) opened = undefined;
    });
    opened = attempt;
  }
  return opened;
}

/** The value of one record, shared by all components that show it. */
class Cell {
  snapshot = initial;
  readonly #key: string;
  readonly #listeners = new Set<() => void>();
  /** Counts reads, so that one which was overtaken is not shown. */
  #reads = 0;
  #latest: Promise<void> = Promise.resolve();
  /** The storage whose writes this cell hears of, and what ends that. */
  #source: EncryptedStorage | undefined;
  #end: (() => void) | undefined;

  constructor(key: string) {
    this.#key = key;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      cells.set(this.#key, this);
      this.read();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#rest();
    };
  };

  async write(value: unknown, classification: DataClassification): Promise<void> {
    const reads = this.#reads;
    try {
      await withVault((storage) => storage.setJSON(this.#key, value, classification));
    } catch (error) {
      console.error('Failed to save encrypted value:', error);
      throw error;
    }
    // The write set a read off, where this cell hears of it. When this returns, the new value is shown.
    if (reads === this.#reads && this.#listeners.size > 0) this.read();
    await this.#latest;
  }

  read(): void {
    const read = ++this.#reads;
    const show = (snapshot: Snapshot) => {
      if (read !== this.#reads) return;
      this.snapshot = snapshot;
      for (const listener of [...this.#listeners]) listener();
    };
    this.#latest = withVault((storage) => {
      if (read === this.#reads) this.#hear(storage);
      return storage.getJSON(this.#key);
    }).then(
      (value) => show({ value, loading: false, error: null }),
      (error: unknown) => {
        if (read === this.#reads) console.error('Failed to load encrypted value:', error);
        show({ value: null, loading: false, error });
      },
    );
  }

  #hear(storage: EncryptedStorage): void {
    if (this.#source === storage) return;
    this.#end?.();
    this.#end = storage.subscribe(this.#key, () => this.read());
    this.#source = storage;
  }

  /** Nothing is kept of a value that no component shows. */
  #rest(): void {
    this.#reads++;
    this.#end?.();
    this.#end = this.#source = undefined;
    this.snapshot = initial;
    if (cells.get(this.#key) === this) cells.delete(this.#key);
  }
}

const cells = new Map<string, Cell>();

const cellOf = (key: string): Cell => {
  const cell = cells.get(key) ?? new Cell(key);
  cells.set(key, cell);
  return cell;
};

// A component that was there before the application unlocked the vault reads then.
onOpen(() => {
  for (const cell of cells.values()) if (cell.snapshot.error) cell.read();
});

const loadingOnServer = () => initial;

/**
 * Keeps a value of React state encrypted on the disk, in the default vault. All components on one key share the value, and
 * another tab's write reaches them.
 */
export function useEncryptedStorage<T>(
  key: string,
  classification: DataClassification = DataClassification.CONFIDENTIAL,
): EncryptedValue<T> {
  const cell = cellOf(key);
  const { value, loading, error } = useSyncExternalStore(cell.subscribe, () => cell.snapshot, loadingOnServer);
  const updateValue = useCallback((next: T) => cell.write(next, classification), [cell, classification]);
  return { value: value as T | null, loading, error, updateValue };
}
