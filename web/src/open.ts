import type { AutoLock } from './autolock.ts';
import { changesOn } from './changes.ts';
import type { DataClassification } from './classification.ts';
import { invalid, VaultError } from './errors.ts';
import type { ClassPolicy, Evict, Extras } from './extras.ts';
import { isUnlocked } from './host.ts';
import { engineOf, lockVault, lockWatch, openStore, type Place } from './link.ts';
import { loaded, type OpenNumbers, program, running, type WasmPlace } from './loader.ts';
import { aside, later, tellOpened } from './openings.ts';
import { asInteger } from './pass.ts';
import { environmentSecret, importSecret, type Secret } from './secret.ts';
import { EncryptedStorage } from './storage.ts';
import { checkText } from './text.ts';

/** How a vault is opened, and made when there is none. */
export interface StorageOptions {
  /**
   * What opens the vault, or a function that returns it, which is asked only while the vault is locked. Without it, a
   * Vite application's `VITE_ENCRYPTION_KEY`; without that, the vault must be unlocked on this page already.
   */
  secret?: Secret | (() => Secret | Promise<Secret>) | undefined;
  /**
   * PBKDF2 iterations, from 600,000 (the default of a vault that is made) to 10,000,000; from 100,000 for a secret of 32 random
   * bytes or more. A vault whose secret has fewer is given as many when it is unlocked.
   */
  iterations?: number | undefined;
  /** How a vault that is made keeps record names: `hidden` (the default) as their HMAC, or `clear`. */
  names?: 'hidden' | 'clear' | undefined;
  /** Whether a write is acknowledged after a flush to the disk (`strict`) or before it (`relaxed`, the default). */
  durability?: 'relaxed' | 'strict' | undefined;
  /**
   * Fail with `ERR_EVICTED` where there is no vault, instead of making one. Without a secret it tells whether there is one:
   * `ERR_NO_SECRET` says yes.
   */
  expectVault?: boolean | undefined;
  /**
   * Keep decrypted values in memory, off by default: up to `maxBytes` bytes (from 1,024), those that were used last, none of a
   * class in `except`. A value leaves memory when its record is written, here or in another tab, and when it expires; all do on
   * `close`.
   */
  cache?: { maxBytes: number; except?: DataClassification[] | undefined } | undefined;
  /**
   * Lock the vault by itself: after `idleMs` without a key or a pointer, after `hiddenMs` in which no tab was visible, and
   * with `onPageHide`, on this page, when it is left. It holds for the vault of the database until another storage says otherwise.
   */
  autoLock?: AutoLock | undefined;
  /**
   * Where an unlocked vault stays so: on this `page` (the default), or in all tabs of the `origin`, where one that opens it
   * later, without a secret or with a function, is not asked; nor is a lone tab that is reloaded, or opened again within five
   * minutes, where shared workers have an extended lifetime (Chromium). Keys lie in the memory of a SharedWorker, never on a
   * disk, until the vault is locked in any tab, or this page is left with `autoLock.onPageHide`. Without SharedWorker, the same
   * as `page`.
   */
  session?: 'page' | 'origin' | undefined;
  /**
   * Where the vault's keys, its cache and the WebAssembly live: on this page (`main`, the default) or in a Worker of their own,
   * which `lock` ends (`worker`). It holds for the vault of the database. Storages that leave it out share the vault where it
   * is; one that asks for the other while the vault is unlocked is refused with `ERR_INVALID`. A worker whose file the page's
   * policy forbids, or does not find, is `ERR_LOAD`. One that is ended from outside is `ERR_CRASHED`, and the vault then locked.
   */
  runIn?: 'main' | 'worker' | undefined;
  /** What classes ask for, for the vault of the database on this page, until another storage says otherwise. */
  policy?: Partial<Record<DataClassification, ClassPolicy>> | undefined;
  /**
   * Which records of this store may be deleted so that others have room: before a write that would make the store larger than
   * `maxBytes`, and where the browser has no room for a write, which is then tried once more. Nothing is evicted by default.
   */
  evict?: Evict | undefined;
  /** After how many days keys are due for a rotation: 90, where nothing is said. Being due is told, and forbids nothing. */
  rotation?: { maxAgeDays: number } | undefined;
}

/** An option that is one of two, as Go takes it: 0 for none, and 3, which Go refuses, for another. */
const choice = (value: unknown, ...allowed: unknown[]): number =>
  value === undefined ? 0 : allowed.indexOf(value) + 1 || 3;

const placeName = (name: unknown, what: string): string => checkText(name, 1, 255, `The name of a ${what}`);

/**
 * Opens a store of the encrypted vault of a database, making the vault when there is none. The vault is unlocked once a
 * page: opening it again with the same secret, or with none, shares it and derives nothing.
 *
 * @throws VaultError `ERR_NO_SECRET`, `ERR_WRONG_SECRET`, `ERR_NOT_A_VAULT`, `ERR_EVICTED` (with `expectVault`),
 *   `ERR_INTEGRITY` for a keyring that was changed or deleted, `ERR_LOCKED` where the vault was locked meanwhile,
 *   `ERR_UNSUPPORTED`, `ERR_LOAD`, `ERR_INVALID`
 */
export async function createEncryptedStorage(
  dbName = 'medical-imaging-viewer',
  storeName = 'encrypted-data',
  options: StorageOptions = {},
): Promise<EncryptedStorage> {
  const database = placeName(dbName, 'database');
  const store = placeName(storeName, 'store');
  if (typeof options !== 'object' || options === null) throw invalid('The options must be an object.');
  const { secret, iterations, names, durability, expectVault, ...more } = options;
  const numbers: OpenNumbers = [
    asInteger(iterations),
    choice(names, 'hidden', 'clear'),
    choice(durability, 'relaxed', 'strict'),
    choice(expectVault, false, true),
  ];

  const watching = lockWatch(database);
  let extra: Extras | undefined;
  if (Object.keys(more).length) {
    extra = await (await loaded('./extras.js', import('./extras.ts'))).extras(
      more,
      database,
      secret ?? environmentSecret(),
    );
    numbers.splice(4, 5, ...extra.numbers);
  }

  const open = async (given: unknown, alsoWatched?: typeof watching): Promise<EncryptedStorage> => {
    const watch = lockWatch(database);
    const starting = engineOf(database); // while the secret is imported
    starting.catch(() => {}); // reported below, if the secret is not refused first
    const imported = given === undefined ? undefined : await importSecret(given);
    const engine = await starting;
    const place: Place = { database, store, options: numbers, ttl: extra?.ttl };
    const [handle, channel] = await openStore(engine, place, imported);
    const changes = changesOn(channel, (keys) => {
      if (!keys) lockVault(database);
      else aside((file) => file.rekey(database, keys)); // or the next call finds out
    });
    await watch({ engine, store: handle });
    await alsoWatched?.({ engine, store: handle });
    numbers[0] = numbers[3] = 0; // to open it again, for an engine that died
    numbers[6] = 1;
    const storage = new EncryptedStorage(place, { engine, store: handle }, changes);
    extra?.arm?.(
      database,
      () => void (storage.locked || storage.lock()),
      () => lockVault(database),
    );
    tellOpened(database);
    return storage;
  };
  // What closures capture, the page keeps: a function that is asked, and never the secret itself.
  if (typeof secret !== 'function') return open(secret ?? environmentSecret(), watching);
  const ask = secret;
  if (!isUnlocked(database)) return open(await ask());
  // The page has handles of a vault, but perhaps no longer of the one that is there: then the function is asked after all.
  return open(undefined).catch(async (error: unknown) => {
    if (error instanceof VaultError && error.code === 'ERR_NO_SECRET') return open(await ask());
    throw error;
  });
}

/**
 * Loads and starts the WebAssembly early, while the page asks for a passphrase, say. It is loaded once a page, and else when it
 * is first needed. Where idbvault.wasm is elsewhere, say so here before anything else is called.
 *
 * @throws VaultError `ERR_UNSUPPORTED`, `ERR_LOAD`
 */
export async function preload(place?: WasmPlace): Promise<void> {
  Object.assign(program, place);
  await running();
}

/**
 * Deletes the vault of a database with everything in it, without its secret: what is left when a passphrase was forgotten.
 * A database that is not a vault is left as it is; an absent one is no error.
 *
 * @throws VaultError `ERR_NOT_A_VAULT`; `ERR_BLOCKED` when another tab keeps the database open for more than 10 seconds
 */
export async function destroyVault(dbName: string): Promise<void> {
  const name = placeName(dbName, 'database');
  await (await later()).destroy(name);
}
