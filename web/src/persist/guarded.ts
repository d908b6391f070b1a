import { invalid, VaultError } from '../index.ts';
import { type PersistOptions, Place, type StorageGiven } from './place.ts';

/**
 * What a library does with what is stored, which decides when it may be replaced.
 *
 * - `merge`: it takes it whenever it comes, over what was set meanwhile
 * - `once`: it waits for it for a while, and what it sets before it came, says that it waits no longer
 * - `cache`: it can fetch it again
 */
export type Use = 'merge' | 'once' | 'cache';

/** Values under names, as libraries that persist one state or a cache want them. */
export interface Guarded<T> {
  getItem(name: string): Promise<T | null>;
  setItem(name: string, text: string): Promise<void>;
  removeItem(name: string): Promise<void>;
}

/** What is known of what is stored under a name. */
interface Known {
  /** Whether there is something; fails where it could not be read. */
  found: Promise<boolean>;
  pending: boolean;
}

/**
 * Keeps what is stored from being replaced by a library that did not get it: one that starts while the vault is locked, say, goes
 * on with its defaults, and would write them as soon as it can.
 */
export function guarded<T>(
  given: StorageGiven,
  options: PersistOptions | undefined,
  prefix: string,
  use: Use,
  parse: (text: string) => T,
): Guarded<T> & { place: Place } {
  const place = new Place(given, options, prefix);
  const known = new Map<string, Known>();

  const learn = (name: string, found: Promise<boolean>): Known => {
    const now = { found, pending: true };
    const settled = () => {
      now.pending = false;
    };
    found.then(settled, settled);
    known.set(name, now);
    return now;
  };

  /** Nothing was read yet: whoever sets something, has not seen what is there. */
  const unread = (name: string): Known => {
    const absent = place.call(async (storage) => {
      if (await storage.exists(place.key(name))) throw notSeen();
      return false;
    });
    const now = learn(name, absent);
    absent.catch(() => known.get(name) === now && known.delete(name)); // to look again
    return now;
  };

  return {
    place,

    // What waits for what is known, does so in the order of the calls.

    getItem(name) {
      const read = () => place.text(name);
      const before = known.get(name)?.found;
      const value = (before ? before.then(read, read) : read()).then((text) => (text === null ? null : parse(text)));
      learn(
        name,
        value.then(
          (v) => v !== null,
          (error: unknown) => {
            if (!(error instanceof VaultError)) throw error;
            throw new VaultError(
              error.code,
              'What is stored could not be read, so it is kept. Read it again before you write, or remove it.',
            );
          },
        ),
      );
      return value;
    },

    setItem(name, text) {
      const now = known.get(name) ?? (use === 'cache' ? learn(name, Promise.resolve(false)) : unread(name));
      const late = now.pending && use !== 'cache';
      return now.found.then((found) => {
        if (!late || !found) return place.set(name, text);
        if (use === 'merge') return;
        now.found = Promise.reject(notSeen());
        return now.found.then(() => {});
      });
    },

    removeItem(name) {
      const now = known.get(name);
      const remove = () => place.remove([name]);
      if (!now) return remove();
      const removed = now.found.then(remove, (error: unknown) => {
        // A cache is removed by the library itself, after any failure to read it: not at a user's word.
        if (use === 'cache' && !(error instanceof VaultError && isDamage.has(error.code))) throw error;
        return remove();
      });
      learn(
        name,
        removed.then(
          () => false,
          () => now.found,
        ),
      );
      return removed;
    },
  };
}

const isDamage = new Set<string>(['ERR_INTEGRITY', 'ERR_INVALID']);

const notSeen = () =>
  invalid('Something is stored that was not read in time, so it is kept. Read it before you write, or remove it.');

/** @throws VaultError `ERR_INVALID` for what has no JSON text */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    throw invalid('The state has no JSON text: a cycle or a BigInt is in it. Leave that out of what is persisted.');
  }
}

/** @throws VaultError `ERR_INVALID` for what is no JSON text */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('The record is not JSON text; something else wrote it. Give the persister a prefix of its own.');
  }
}
