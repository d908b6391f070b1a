import { Kind } from './bytes.ts';
import { classNumber, type DataClassification } from './classification.ts';
import type { Inside } from './later-names.ts';
import type { RecordMetadata } from './storage.ts';
import type { Context } from './value.ts';

export { estimate, requestPersistence } from './space.ts';

// What a storage does not need at once. Its methods of Later have what it lets them do for their first argument.

/** A value as Go gives it. */
export interface Read {
  bytes: Uint8Array<ArrayBuffer>;
  kind: number;
  type: string;
}

export function blobOf({ kind, bytes, type }: Read): Blob {
  const plain = kind === Kind.text ? 'text/plain;charset=utf-8' : 'application/octet-stream';
  return new Blob([bytes], { type: kind === Kind.blob ? type : plain });
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
