import { VaultError } from './errors.ts';
import { endGroup } from './group.ts';
import { forgetKeys, isUnlocked, session } from './host.ts';
import { current, type OpenNumbers, running } from './loader.ts';
import { passItem } from './pass.ts';
import { type AnyEngine, remotes } from './remotes.ts';
import type { ImportedSecret } from './secret.ts';

/** An open store's place in the engine that runs. */
export interface Link {
  engine: AnyEngine;
  store: number;
}

/** Which store a storage is open on, and how it is opened again. */
export interface Place {
  database: string;
  store: string;
  options: OpenNumbers;
  /** Seconds after which records of each class expire. */
  ttl?: number[] | undefined;
}

/** Returns the engine that the vault of a database runs in; with `again`, for a storage that was open. */
export const engineOf = async (database: string, again?: boolean): Promise<AnyEngine> =>
  remotes.get(database)?.running(again) ?? running();

/** Opens a store in an engine, with a secret or without, and returns its handle and the name of the vault's channel. */
export async function openStore(
  engine: AnyEngine,
  { database, store, options, ttl }: Place,
  secret?: ImportedSecret,
): Promise<[number, string]> {
  const payloads = [secret?.key, secret?.fingerprint, secret?.random, ttl, lockedAt[database]];
  const opened = (await engine.call(payloads, (core, id) => {
    passItem(engine, core, id, { name: database, contentType: store });
    core.open(id, ...options);
  })) as [number, string];
  delete lockedAt[database];
  return opened;
}

/** When the vault of each database was locked, until an unlock has written it down: a lock takes the keys to do so. */
const lockedAt: Record<string, number> = {};

/** How often the vault of each database was locked on this page. */
const lockings: Record<string, number> = {};

/** Returns what is called with the store that was opened. Where the vault was locked meanwhile, it is locked again. */
export function lockWatch(database: string): (opened: Link) => Promise<void> {
  const before = lockings[database];
  const mayStay = session.begins?.(database);
  return async ({ engine, store }) => {
    if ((await mayStay?.()) !== false && lockings[database] === before) return;
    lockVault(database);
    engine.tell((core) => core.release(store));
    throw new VaultError('ERR_LOCKED', 'The vault was locked. Unlock it with its secret.');
  };
}

/** Drops a vault's keys from this page and what was read with them. */
export function lockVault(database: string): void {
  if (isUnlocked(database)) lockedAt[database] = Date.now();
  lockings[database] = (lockings[database] ?? 0) + 1;
  endGroup();
  forgetKeys(database);
  remotes.get(database)?.lock();
  const engine = current();
  engine?.tell((core) => core.lock(engine.write(database)));
}
