/**
 * A driver for localForage.
 *
 * @packageDocumentation
 */
import { Kept } from './kept.ts';
import type { PersistOptions, StorageGiven } from './place.ts';

export type { PersistOptions, StorageGiven } from './place.ts';

/** How a driver is made. */
export interface LocalForageDriverOptions extends PersistOptions {
  /** The driver's name: `idbvault`, where nothing is said. Drivers of several storages need several. */
  driver?: string | undefined;
}

/** What names a store. */
interface Instance {
  name?: string | undefined;
  storeName?: string | undefined;
}

/** A driver, as localForage's `defineDriver` takes it. */
export interface LocalForageDriver {
  _driver: string;
  _support: boolean;
  _initStorage(options: Instance): void;
  getItem<T>(key: string, callback?: (error: unknown, value: T | null) => void): Promise<T | null>;
  setItem<T>(key: string, value: T, callback?: (error: unknown, value: T) => void): Promise<T>;
  removeItem(key: string, callback?: (error: unknown) => void): Promise<void>;
  clear(callback?: (error: unknown) => void): Promise<void>;
  length(callback?: (error: unknown, numberOfKeys: number) => void): Promise<number>;
  key(keyIndex: number, callback?: (error: unknown, key: string) => void): Promise<string>;
  keys(callback?: (error: unknown, keys: string[]) => void): Promise<string[]>;
  iterate<T, U>(
    iteratee: (value: T, key: string, iterationNumber: number) => U,
    callback?: (error: unknown, result: U) => void,
  ): Promise<U>;
  dropInstance(options?: Instance, callback?: (error: unknown) => void): Promise<void>;
}

/** The instance of localForage that a method of a driver is called on. */
interface Forage {
  ready(): Promise<void>;
  config(): Instance;
  _dbInfo: { under: string };
}

/**
 * Keeps what localForage stores in a vault: `await localforage.defineDriver(localForageDriver(vault))`, and then
 * `localforage.setDriver('idbvault')`, or `driver: 'idbvault'` of an instance. An instance's `name` and `storeName` begin the names of its records,
 * after the prefix, `localforage:` where none is given. Values of the types that localForage's own IndexedDB driver keeps are kept;
 * of others `setItem` is `ERR_INVALID`.
 *
 * It is never without support, and starts at once: where the vault is locked, or could not be opened, calls fail. So localForage goes
 * over to no other driver, which would write in clear.
 *
 * @throws VaultError `ERR_INVALID` for arguments that do not fit
 */
export function localForageDriver(storage: StorageGiven, options?: LocalForageDriverOptions): LocalForageDriver {
  const kept = new Kept(storage, options, 'localforage:');

  /** Does what a method does, once the instance is ready, and tells its callback. */
  const run = <T>(forage: unknown, callback: unknown, work: (under: string) => Promise<T>): Promise<T> => {
    const { ready } = forage as Forage;
    const done = ready.call(forage).then(() => work((forage as Forage)._dbInfo.under));
    if (typeof callback === 'function') done.then((value) => callback(null, value), callback as () => void);
    return done;
  };
  const keysOf = async (under: string) => (await kept.names(under)).map((name) => name.slice(under.length));

  return {
    _driver: options?.driver ?? 'idbvault',
    _support: true,

    _initStorage(this: unknown, config) {
      (this as Forage)._dbInfo = { under: placeOf(config) };
    },

    getItem(key, callback) {
      return run(this, callback, async (under) => ((await kept.get(under + key)) ?? null) as never);
    },

    setItem(key, value, callback) {
      return run(this, callback, async (under) => {
        const given = value === undefined ? null : value;
        await kept.set(under + key, given);
        return given as never;
      });
    },

    removeItem(key, callback) {
      return run(this, callback, (under) => kept.remove([under + key]));
    },

    clear(callback) {
      return run(this, callback, (under) => kept.clear(under));
    },

    length(callback) {
      return run(this, callback, async (under) => (await kept.names(under)).length);
    },

    key(keyIndex, callback) {
      return run(this, callback, async (under) => (await keysOf(under))[keyIndex] ?? (null as never));
    },

    keys(callback) {
      return run(this, callback, keysOf);
    },

    iterate(iteratee, callback) {
      return run(this, callback, async (under) => {
        let number = 0;
        for await (const [name, value] of kept.entries(await kept.names(under))) {
          const result = iteratee(value as never, name.slice(under.length), ++number);
          if (result !== undefined) return result;
        }
        return undefined as never;
      });
    },

    dropInstance(given, callback) {
      const asked = typeof given === 'object' ? given : {};
      return run(this, typeof given === 'function' ? given : callback, () => {
        const { name, storeName } = (this as unknown as Forage).config();
        return kept.clear(placeOf(asked.name ? asked : { name, storeName: asked.storeName ?? storeName }));
      });
    },
  };
}

/** What the names of a store's records begin with, or, without its name, those of all stores of a database. */
const placeOf = ({ name, storeName }: Instance): string =>
  storeName ? JSON.stringify([name, storeName]) : `${JSON.stringify([name]).slice(0, -1)},`;
