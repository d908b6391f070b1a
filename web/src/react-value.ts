import { useCallback, useSyncExternalStore } from 'react';
import { DataClassification, type EncryptedStorage, invalid } from './index.ts';
import { Cell, useCell } from './react-cell.ts';
import { useShared } from './react-shared.ts';
import { hasCode, told } from './react-source.ts';

/** What {@link useEncryptedStorage} returns. `updateValue` and `remove` stay the same for a key and a class. */
export interface EncryptedValue<T> {
  /** The stored value, or what writes that are under way make of it; null while it loads or is locked, and when there is none. */
  value: T | null;
  /** Whether the status is `loading`. */
  loading: boolean;
  /** Why the last read or write failed, usually a VaultError; null where none did, and while the vault is locked and no more. */
  error: unknown;
  /**
   * `loading` until the value was read; `ready` when it is shown as it is stored; `saving` while a write is under way; `locked` while
   * the vault is, and nothing is kept of the value; `error` when a read or a write failed, until one succeeds.
   */
  status: 'loading' | 'ready' | 'saving' | 'locked' | 'error';
  /**
   * Stores a value that JSON can hold, or what a function makes of the latest one, which is null where there is none. It is shown at
   * once, and taken back if the write fails. Changes take effect in the order in which they are made. One by a function counts even
   * though another tab writes at the same time: the function may be called more than once, and must do nothing else.
   *
   * @throws VaultError as setJSON and update do, and what the function throws; `error` has it too, so the promise may be left alone
   */
  updateValue: (value: T | ((current: T | null) => T)) => Promise<void>;
  /** Deletes the record. As with `updateValue`, that is shown at once, and taken back if it fails. */
  remove: () => Promise<void>;
}

type Text = string | null;

/** A text of JSON and the value that it was parsed to, which stays the same object as long as the text is the same. */
interface Stored {
  text: string;
  value: unknown;
}

interface Change {
  /** What it makes of a text, as far as that is known. */
  make: (text: Text | undefined) => Text | undefined;
  write: (storage: EncryptedStorage) => Promise<Text>;
}

class ValueCell extends Cell<Stored, unknown> {
  declare protected changes: Change[];
  /** What the changes that are under way will leave. */
  #ahead: Stored | null | undefined;
  #last: Promise<unknown> = Promise.resolve();

  readonly update = (next: unknown, classification: DataClassification): Promise<void> =>
    this.#told(this.#update(next, classification));

  readonly remove = (): Promise<void> => {
    const write = (storage: EncryptedStorage) => storage.delete(this.key).then(() => null);
    return this.#told(this.#change({ make: () => null, write }));
  };

  protected async load(storage: EncryptedStorage): Promise<Stored | null> {
    return this.#stored(await storage.getDecrypted(this.key));
  }

  protected value(): unknown {
    const shown = this.#shown;
    return shown ? shown.value : shown;
  }

  protected override forget(): void {
    this.#ahead = undefined;
    super.forget();
  }

  get #shown(): Stored | null | undefined {
    return this.changes.length ? this.#ahead : this.found;
  }

  #stored(text: Text): Stored | null;
  #stored(text: Text | undefined): Stored | null | undefined;
  #stored(text: Text | undefined): Stored | null | undefined {
    if (text == null) return text;
    const known = [this.#ahead, this.found].find((stored) => stored?.text === text);
    return known ?? { text, value: parse(text) };
  }

  #told(done: Promise<void>): Promise<void> {
    return told(done, (error) => this.fail('save', error));
  }

  async #update(next: unknown, classification: DataClassification): Promise<void> {
    if (typeof next !== 'function') {
      const text = textOf(next);
      const write = (storage: EncryptedStorage) =>
        storage.setEncrypted(this.key, text, classification).then(() => text);
      return this.#change({ make: () => text, write });
    }
    const make = (text: Text) => textOf(next(text === null ? null : parse(text)));
    const write = async (storage: EncryptedStorage) => {
      let made: Text = null;
      const remake = (text: Text) => {
        made = make(text);
        return made;
      };
      await storage.update(this.key, remake, classification);
      return made;
    };
    return this.#change({ make: (text) => (text === undefined ? text : make(text)), write });
  }

  async #change(change: Change): Promise<void> {
    const release = this.hold();
    this.#foresee([change], this.#shown);
    this.changes.push(change);
    this.error = null;
    this.refresh();
    // One that reads takes two turns in the storage, and the next must not come between.
    const writing = this.#last.then(() => this.source.use(change.write));
    this.#last = writing.catch(() => {});
    try {
      const text = await writing;
      if (this.changes.includes(change)) this.found = this.#stored(text); // else it was locked since
    } catch (error) {
      this.error = error;
      if (hasCode(error, /CRASHED/)) this.read(); // nobody knows whether it was written
      throw error;
    } finally {
      this.changes = this.changes.filter((other) => other !== change);
      this.#foresee(this.changes, this.found);
      this.refresh();
      release();
    }
  }

  /** Looks ahead to what changes make of what is there. Reads that end meanwhile may have some of them in it already. */
  #foresee(changes: Change[], from: Stored | null | undefined): void {
    this.#ahead = changes.reduce((ahead, { make }) => {
      try {
        return this.#stored(make(ahead ? ahead.text : ahead));
      } catch {
        return ahead; // its write will fail, too
      }
    }, from);
  }
}

const parse = (text: string): unknown => converted(() => JSON.parse(text));
const textOf = (value: unknown): string =>
  converted(() => (value instanceof Promise ? undefined : JSON.stringify(value)));

function converted<X>(convert: () => X | undefined): X {
  let made: X | undefined;
  try {
    made = convert();
  } catch {} // not JSON; cyclic, or a BigInt
  if (made === undefined) throw invalid('Give a value that JSON can hold, and read what is no JSON with getDecrypted.');
  return made;
}

/**
 * Keeps a value of React state encrypted on the disk: in the storage of the {@link EncryptedStorageProvider} around it, or in the page's
 * default vault. All components on one key share the value, and another tab's write reaches them. On a server it renders `loading`.
 */
export function useEncryptedStorage<T>(
  key: string,
  classification: DataClassification = DataClassification.CONFIDENTIAL,
): EncryptedValue<T> {
  const cell = useCell('value ', key, ValueCell);
  const snapshot = useShared(cell);
  const updateValue = useCallback(
    (next: T | ((current: T | null) => T)) => cell.update(next, classification),
    [cell, classification],
  );
  return { ...snapshot, value: snapshot.value as T | null, updateValue, remove: cell.remove };
}

/**
 * The value of a record, null where there is none, for a component within `<Suspense>`: it suspends while the value loads and while
 * the vault is locked, and throws what a read fails with to the error boundary. A server leaves it to the browser.
 */
export function useEncryptedValue<T>(key: string): T | null {
  const cell = useCell('value ', key, ValueCell);
  const { value } = useSyncExternalStore(cell.subscribe, () => cell.snapshot);
  if (!cell.known) throw cell.next();
  return value as T | null;
}
