import type { EncryptedStorage } from './index.ts';
import { useSource } from './react-provider.ts';
import { patience, Shared, shared } from './react-shared.ts';
import { hasCode, type Reader, type Source } from './react-source.ts';

/** What components show of a record. */
export interface Snapshot<V> {
  value: V | null;
  loading: boolean;
  error: unknown;
  status: 'loading' | 'ready' | 'saving' | 'locked' | 'error';
}

const loading: Snapshot<never> = { value: null, loading: true, error: null, status: 'loading' };

/** A record of a source, read as an X and shown as a V, by all components that show it. */
export abstract class Cell<X, V> extends Shared<Snapshot<V>> implements Reader {
  readonly key: string;
  protected readonly source: Source;
  /** What was read last: undefined while nothing was, null where there is no record. */
  protected found: X | null | undefined;
  protected error: unknown = null;
  /** The writes that are under way. */
  protected changes: unknown[] = [];
  /** The read that is under way. One that was overtaken is not shown. */
  #read: object | undefined;
  #release: (() => void) | undefined;
  #next: Promise<void> | undefined;
  #turn: (() => void) | undefined;

  constructor(among: Map<string, unknown>, name: string, source: Source, key: string) {
    super(among, name, loading);
    this.source = source;
    this.key = key;
  }

  protected abstract load(storage: EncryptedStorage): Promise<X | null>;
  /** What is shown: undefined where that is not known. */
  protected abstract value(): V | null | undefined;
  /** Lets go of something that was read and is shown no more. */
  protected discard(_found: X): void {}

  protected begin(): void {
    this.source.used.add(this);
    this.#release = this.source.hold();
    if (this.source.snapshot.locked) this.refresh();
    else this.read();
  }

  protected end(): void {
    this.drop();
    this.source.used.delete(this);
    this.#release?.();
    this.#release = undefined;
  }

  /** Whether the value that is shown is the record's, which is null of one that is absent. */
  get known(): boolean {
    return !this.source.snapshot.locked && this.value() !== undefined;
  }

  get lacks(): boolean {
    return this.found === undefined && !this.#read;
  }

  read(): void {
    const read = {};
    this.#read = read;
    this.source
      .use((storage) => this.load(storage))
      .then(
        (found) => {
          if (read !== this.#read) return found && this.discard(found);
          this.#read = undefined;
          this.find(found);
          this.error = null;
          this.refresh();
        },
        (error: unknown) => {
          if (read !== this.#read) return;
          this.#read = undefined;
          this.find(undefined);
          this.fail('load', error);
        },
      );
  }

  drop(): void {
    this.forget();
    this.refresh();
  }

  /**
   * For a component that suspends: resolves when there is something else to show. It has no place yet to keep this cell in, which is kept
   * for it for a while. Throws what a read failed with; a boundary that is reset sees another read.
   */
  next(): Promise<void> {
    this.hold()(patience);
    const { error } = this.snapshot;
    if (error) {
      this.rest();
      throw error;
    }
    this.#next ??= new Promise((resolve) => {
      this.#turn = resolve;
    });
    return this.#next;
  }

  protected find(found: X | null | undefined): void {
    if (this.found && this.found !== found) this.discard(this.found);
    this.found = found;
  }

  protected forget(): void {
    this.#read = undefined;
    this.find(undefined);
    this.changes = [];
    this.error = null;
  }

  protected fail(what: 'load' | 'save', error: unknown): void {
    this.error = error;
    if (hasCode(error, /_LOCKED/)) this.source.locked();
    this.refresh();
    // A vault that is locked is no failure.
    if (this.snapshot.error) console.error(`Failed to ${what} encrypted value:`, this.snapshot.error);
  }

  /** Shows how things stand. */
  protected refresh(): void {
    const { locked, error: closed } = this.source.snapshot;
    const error = locked ? closed : this.error;
    const status = locked
      ? 'locked'
      : error
        ? 'error'
        : !this.known
          ? 'loading'
          : this.changes.length
            ? 'saving'
            : 'ready';
    this.show({ value: locked ? null : (this.value() ?? null), loading: status === 'loading', error, status });
    this.#turn?.();
    this.#turn = this.#next = undefined;
  }
}

/** Returns the page's one cell of a kind for a key, in the source of the component that renders. */
export function useCell<C extends Shared<unknown> & Reader>(
  kind: string,
  key: string,
  Kind: new (among: Map<string, unknown>, name: string, source: Source, key: string) => C,
): C {
  const source = useSource();
  return shared(source.cells, kind + key, (...among) => new Kind(...among, source, key));
}
