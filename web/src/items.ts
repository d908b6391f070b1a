import { copyBytes, Kind, type Value } from './bytes.ts';
import { classNumber, DataClassification } from './classification.ts';
import { invalid } from './errors.ts';
import type { Item } from './pass.ts';
import { checkText } from './text.ts';
import { type Context, contextText } from './value.ts';

/** What a write may ask for beside. */
export interface WriteOptions {
  /**
   * The record expires so many whole milliseconds after it was written, from 1,000 to a hundred years; to the second. Where its class has a
   * policy, it expires at the earlier of the two.
   */
  ttlMs?: number | undefined;
}

/** One record of {@link EncryptedStorage.setManyEncrypted}. */
export interface Entry extends WriteOptions {
  key: string;
  value: Value;
  classification?: DataClassification | undefined;
  context?: Context | undefined;
}

/** A value as Go takes it: its kind, its content type, its size in bytes, and the bytes or a promise of them. */
export interface Payload {
  kind: number;
  contentType: string;
  size: number;
  bytes: Uint8Array | Promise<ArrayBuffer>;
}

export function payloadOf(value: unknown): Payload {
  if (value instanceof Blob) {
    const unreadable = () => {
      throw invalid('The Blob is unreadable: its file was changed or moved. Choose it again.');
    };
    const contentType = value.type.slice(0, 256); // Go refuses more than 255 bytes
    return { kind: Kind.blob, contentType, size: value.size, bytes: value.arrayBuffer().catch(unreadable) };
  }
  const bytes = copyBytes(value);
  if (!bytes)
    throw invalid('A value must be a string, an ArrayBuffer, a typed array or a Blob. For others use setJSON.');
  return { kind: typeof value === 'string' ? Kind.text : Kind.bytes, contentType: '', size: bytes.length, bytes };
}

export const nameOf = (key: unknown): string => checkText(key, 1, 1024, "A record's name");

export function itemOf(entry: Entry): Item & Payload {
  if (typeof entry !== 'object' || entry === null) throw invalid('An entry must be { key, value }.');
  const { key, context, classification = DataClassification.CONFIDENTIAL, value, ttlMs } = entry;
  return {
    name: nameOf(key),
    context: contextText(context),
    classification: classNumber(classification),
    ...payloadOf(value),
    ttlMs,
  };
}

export function listOf<T>(list: T[]): T[] {
  if (!Array.isArray(list)) throw invalid('An array was expected.');
  return Array.from(list); // without holes, which map would pass over
}

export const namesOf = (keys: string[]): Item[] => listOf(keys).map((key) => ({ name: nameOf(key) }));
