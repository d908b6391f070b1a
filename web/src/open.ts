import type { AutoLock } from './autolock.ts';
import { changesOn } from './changes.ts';
import { classNumber, type DataClassification } from './classification.ts';
import { invalid, VaultError } from './errors.ts';
import { isUnlocked } from './host.ts';
import { listOf } from './items.ts';
import { engineOf, lockVault, lockWatch, openStore, type Place } from './link.ts';
import { loaded, type OpenNumbers, running } from './loader.ts';
import { tellOpened } from './openings.ts';
import { asInteger, passItem } from './pass.ts';
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
   * Where the vault's keys, its cache and the WebAssembly live: on this page (`main`, the default) or in a Worker of their own,
   * which `lock` ends (`worker`). It holds for the vault of the database. Storages that leave it out share the vault where it
   * is; one that asks for the other while the vault is unlocked is refused with `ERR_INVALID`. A worker whose file the page's
   * policy forbids, or does not find, is `ERR_LOAD`. One that is ended from outside is `ERR_CRASHED`, and the vault then locked.
   */
  runIn?: 'main' | 'worker' | undefined;
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
 *   `ERR_INTEGRITY` for a keyring that was changed or deleted, `ERR_UNSUPPORTED`, `ERR_LOAD`, `ERR_INVALID`
 */
export async function createEncryptedStorage(
  dbName = 'medical-imaging-viewer',
  storeName = 'encrypted-data',
  options: StorageOptions = {},
): Promise<EncryptedStorage> {
  const database = placeName(dbName, 'database');
  const store = placeName(storeName, 'store');
  if (typeof options !== 'object' || options === null) throw invalid('The options must be an object.');
  const { cache } = options;
  const numbers: OpenNumbers = [
    asInteger(options.iterations),
    choice(options.names, 'hidden', 'clear'),
    choice(options.durability, 'relaxed', 'strict'),
    choice(options.expectVault, false, true),
    // Without a channel, a write of another tab would not be heard of.
    cache && globalThis.BroadcastChannel ? asInteger(cache.maxBytes ?? Number.NaN) : 0,
    listOf(cache?.except ?? []).reduce((bits, c) => bits | (1 << classNumber(c)), 0),
    0,
  ];

  const watching = lockWatch(database);
  const arm = options.autoLock && (await loaded('./autolock.js', import('./autolock.ts'))).autoLock(options.autoLock);

  if (options.runIn !== undefined) (await loaded('./remote.js', import('./remote.ts'))).runIn(database, options.runIn);

  const open = async (secret: unknown, watch = lockWatch(database)): Promise<EncryptedStorage> => {
    const starting = engineOf(database); // while the secret is imported
    starting.catch(() => {}); // reported below, if the secret is not refused first
    const imported = secret === undefined ? {} : await importSecret(secret);
    const engine = await starting;
    const place: Place = { database, store, options: numbers };
    const [handle, channel] = await openStore(engine, place, Object.values(imported));
    watch({ engine, store: handle });
    place.options = [0, 0, numbers[2], 0, numbers[4], numbers[5], 1]; // to open it again, for an engine that died
    const storage = new EncryptedStorage(
      place,
      { engine, store: handle },
      changesOn(channel, () => lockVault(database)),
    );
    arm?.(
      database,
      () => void (storage.locked || storage.lock()),
      () => lockVault(database),
    );
    tellOpened(database);
    return storage;
  };
  // What closures capture, the page keeps: a function that is asked, and never the secret itself.
  if (typeof options.secret !== 'function') return open(options.secret ?? environmentSecret(), watching);
  const ask = options.secret;
  if (!isUnlocked(database)) return open(await ask());
  // The page has handles of a vault, but perhaps no longer of the one that is there: then the function is asked after all.
  return open(undefined).catch(async (error: unknown) => {
    if (error instanceof VaultError && error.code === 'ERR_NO_SECRET') return open(await ask());
    throw error;
  });
}

/**
 * Loads and starts the WebAssembly early, while the page asks for a passphrase, say. It is loaded once a page, and else when it
 * is first needed.
 *
 * @throws VaultError `ERR_UNSUPPORTED`, `ERR_LOAD`
 */
export async function preload(): Promise<void> {
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
  const engine = await engineOf(name);
  await engine.call([], (core, id) => {
    passItem(engine, core, id, { name });
    core.destroy(id);
  });
}
