import { useSyncExternalStore } from 'react';

/** Milliseconds for which what a component suspended for, or rendered and left, is kept: React may yet come back to it. */
export const patience = 10_000;

/**
 * What components of the page show together, for useSyncExternalStore. It begins with its first user, and ends a turn behind
 * the last, so that StrictMode, which mounts everything twice, does not begin it twice.
 */
export abstract class Shared<S> {
  snapshot: S;
  /** What a server renders, and the browser at first, so that the two agree. */
  readonly initial: S;
  readonly #among: Map<string, unknown>;
  readonly #name: string;
  readonly #listeners = new Set<() => void>();
  #users = 0;
  #live = false;

  constructor(among: Map<string, unknown>, name: string, initial: S) {
    this.#among = among;
    this.#name = name;
    this.snapshot = this.initial = initial;
  }

  protected abstract begin(): void;
  /** Nothing is kept of what no component shows. It may begin again. */
  protected abstract end(): void;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    const release = this.hold();
    return () => {
      this.#listeners.delete(listener);
      release();
    };
  };

  /** Counts a user, until what it returns is called. */
  hold(): (wait?: number) => void {
    this.#users++;
    if (!this.#live) {
      this.#live = true;
      this.#among.set(this.#name, this);
      this.begin();
    }
    return (wait) => {
      if (!--this.#users) this.rest(wait);
    };
  }

  /** Ends it after so many milliseconds, where it has no user then. */
  rest(wait = 0): void {
    setTimeout(() => {
      if (this.#users) return;
      this.#live = false;
      if (this.#among.get(this.#name) === this) this.#among.delete(this.#name);
      this.end();
    }, wait);
  }

  protected show(snapshot: S): void {
    this.snapshot = snapshot;
    for (const listener of [...this.#listeners]) listener();
  }
}

export const useShared = <S>(of: Shared<S>): S =>
  useSyncExternalStore(
    of.subscribe,
    () => of.snapshot,
    () => of.initial,
  );

/**
 * Returns what a map has of a name, or makes it and has it begin: while React renders and commits, a read is on its way. On a server,
 * which renders for many, nothing is kept.
 */
export function shared<X extends Shared<unknown>>(
  among: Map<string, unknown>,
  name: string,
  make: (among: Map<string, unknown>, name: string) => X,
): X {
  let found = among.get(name) as X | undefined;
  if (!found) {
    found = make(among, name);
    if (globalThis.document) found.hold()(patience);
  }
  return found;
}
