import { useCallback, useSyncExternalStore } from 'react';
import { createEncryptedStorage, DataClassification, type EncryptedStorage } from './index.ts';

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

/** The value of one record, shared by all hooks on its key. */
class Cell {
  snapshot = initial;
  readonly #key: string;
  readonly #listeners = new Set<() => void>();
  #storage: Promise<EncryptedStorage> | undefined;
  #end: (() => void) | undefined;
  /** Counts reads and writes, so that a read which was overtaken is not shown. */
  #version = 0;

  constructor(key: string) {
    this.#key = key;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) void this.#watch();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#unwatch();
    };
  };

  async write(value: unknown, classification: DataClassification): Promise<void> {
    const version = ++this.#version;
    try {
      const storage = await this.#open();
      await storage.setJSON(this.#key, value, classification);
    } catch (error) {
      console.error('Failed to save encrypted value:', error);
      if (this.#end) void this.#read();
      throw error;
    }
    if (version === this.#version) this.#show({ value, loading: false, error: null });
  }

  /** Opens the page's vault, anew where it failed or was closed before. */
  #open(): Promise<EncryptedStorage> {
    this.#storage ??= createEncryptedStorage();
    this.#storage.catch(() => {
      this.#storage = undefined;
    });
    return this.#storage;
  }

  async #watch(): Promise<void> {
    const version = ++this.#version;
    try {
      const storage = await this.#open();
      if (this.#listeners.size === 0 || this.#end) return;
      this.#end = storage.subscribe(this.#key, () => void this.#read());
      await this.#read();
    } catch (error) {
      this.#fail(error, version);
    }
  }

  #unwatch(): void {
    this.#end?.();
    this.#end = undefined;
    void this.#storage?.then(
      (storage) => storage.close(),
      () => {},
    );
    this.#storage = undefined;
  }

  async #read(): Promise<void> {
    const version = ++this.#version;
    try {
      const storage = await this.#open();
      const value = await storage.getJSON(this.#key);
      if (version === this.#version) this.#show({ value, loading: false, error: null });
    } catch (error) {
      this.#fail(error, version);
    }
  }

  #fail(error: unknown, version: number): void {
    if (version !== this.#version) return; // overtaken by a write, or by a later read
    console.error('Failed to load encrypted value:', error);
    this.#show({ value: null, loading: false, error });
  }

  #show(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    for (const listener of [...this.#listeners]) listener();
  }
}

const cells = new Map<string, Cell>();

function cellOf(key: string): Cell {
  const cell = cells.get(key) ?? new Cell(key);
  cells.set(key, cell);
  return cell;
}

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
