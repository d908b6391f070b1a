import { warnOfBundledKey } from './bundled-key.ts';
import { classNumber, type DataClassification } from './classification.ts';
import { engineOf, importSecret, invalid, isUnlocked, openStore, tellOpened } from './internal.ts';
import type { Inside } from './later-names.ts';
import type { Link, Place } from './link.ts';
import { passItem } from './pass.ts';
import { sweep } from './purge.ts';
import type { Secret } from './secret.ts';
import type { RecordMetadata } from './storage.ts';
import type { Context } from './value.ts';

export { getImageBitmap, getObjectURL } from './images.ts';
export { purgeExpired } from './purge.ts';
export { blobOf, type Read } from './read.ts';
export { estimate, requestPersistence } from './space.ts';
export { getDecryptedRange, getDecryptedStream, setEncryptedStream } from './streams.ts';

// What a storage does not need at once. Its methods of Later have what it lets them do for their first argument.

/** Reads a value that was stored as JSON text. */
export function parsed<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw invalid('The value is not JSON text. Read it with getDecrypted.');
  }
}

/** Takes what Go tells of a record (wasm/exports.go, metadata). */
export function metadataOf(found: unknown[]): RecordMetadata {
  const [classification, created, expires, epoch, size, contentType, context] = found as [
    DataClassification,
    number,
    number,
    number,
    number,
    string,
    string,
  ];
  return {
    classification,
    context: context ? (JSON.parse(context) as Context) : null,
    contentType,
    size,
    encryptedAt: new Date(created * 1000),
    expiresAt: expires ? new Date(expires * 1000) : null,
    epoch,
  };
}

export async function lockAndForget([storage, , call]: Inside, classification?: DataClassification): Promise<void> {
  await call('forget', [{ name: '', classification: classification ? classNumber(classification) : 0 }]);
  await storage.lock();
}

/** Opens a store again in a vault that was locked, in the place of an open one that it had. */
export async function unlocked(
  place: Place,
  secret: Secret,
  watch: (opened: Link) => Promise<void>,
  old: Link,
): Promise<Link> {
  const imported = await importSecret(secret);
  const engine = await engineOf(place.database);
  const [store] = await openStore(engine, place, imported);
  const link = { engine, store };
  await watch(link);
  old.engine.tell((core) => core.release(old.store));
  tellOpened(place.database);
  return link;
}

/** Does what no caller waits for once a vault was opened. */
export async function opened(database: string): Promise<void> {
  warnOfBundledKey();
  await sweep(database);
}

/** Deletes the vault of a database. */
export const destroy = (database: string): Promise<void> => tell(database, 'destroy', []);

/** Takes what another tab told of a vault that is unlocked here: handles of new keys, and that the keyring changed. */
export async function rekey(database: string, keys: unknown[]): Promise<void> {
  if (isUnlocked(database)) await tell(database, 'rekey', keys);
}

async function tell(name: string, call: 'destroy' | 'rekey', payloads: unknown[]): Promise<void> {
  const engine = await engineOf(name);
  await engine.call(payloads, (core, id) => {
    passItem(engine, core, id, { name });
    core[call](id);
  });
}
