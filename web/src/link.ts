import { VaultError } from './errors.ts';
import { endGroup } from './group.ts';
import { forgetKeys, isUnlocked, session } from './host.ts';
import { current, type Engine, type OpenNumbers, running } from './loader.ts';
import { passItem } from './pass.ts';

/** An open store's place in the engine that runs. */
export interface Link {
  engine: Engine;
  store: number;
}

/** Which store a storage is open on, and how it is opened again. */
export interface Place {
  database: string;
  store: string;
  options: OpenNumbers;
}

/** Opens a store in an engine and returns its handle and the name of the vault's channel. Payloads: the secret, or nothing. */
export async function openStore(
  engine: Engine,
  { database, store, options }: Place,
  payloads: unknown[],
): Promise<[number, string]> {
  return (await engine.call(payloads, (core, id) => {
    passItem(engine, core, id, { name: database, contentType: store });
    core.open(id, ...options);
  })) as [number, string];
}

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
    throw new VaultError('ERR_LOCKED', 'The vault was locked while it was being opened. Unlock it with its secret.');
  };
}

/** Drops a vault's keys from this page and what was read with them. */
export function lockVault(database: string): void {
  lockings[database] = (lockings[database] ?? 0) + 1;
  endGroup();
  forgetKeys(database);
  const engine = current();
  engine?.tell((core) => core.lock(engine.write(database)));
}

/** Takes what another tab told of a vault that is unlocked here: that it was locked, or new keys and a change of the keyring. */
export async function vaultTold(database: string, type: string, keys: unknown[]): Promise<void> {
  if (type === 'lock') return lockVault(database);
  if (!isUnlocked(database)) return;
  const engine = await running();
  await engine.call(keys, (core, id) => {
    passItem(engine, core, id, { name: database });
    core.rekey(id);
  });
}
