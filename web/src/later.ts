import { classNumber, type DataClassification } from './classification.ts';
import type { Inside } from './later-names.ts';
import type { RecordMetadata } from './storage.ts';
import type { Context } from './value.ts';

export { getImageBitmap, getObjectURL } from './images.ts';
export { purgeExpired, sweep } from './purge.ts';
export { blobOf, type Read } from './read.ts';
export { estimate, requestPersistence } from './space.ts';
export { getDecryptedRange, getDecryptedStream, setEncryptedStream } from './streams.ts';

// What a storage does not need at once. Its methods of Later have what it lets them do for their first argument.

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
