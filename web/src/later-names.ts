import type { ChangeEvent } from './changes.ts';
import type { DataClassification } from './classification.ts';
import type { ObjectURL } from './images.ts';
import type { WriteOptions } from './items.ts';
import type { Place } from './link.ts';
import type { StoreCall } from './loader.ts';
import type { Item } from './pass.ts';
import type { EncryptedStorage } from './storage.ts';
import type { Context } from './value.ts';

/** What a storage lets the functions of later.ts have and do. */
export type Inside = readonly [
  storage: EncryptedStorage,
  place: Place,
  /** Carries out a call on the store. */
  call: (name: StoreCall, items?: Item[], payloads?: unknown[], ...numbers: number[]) => Promise<unknown[]>,
  /** Tells listeners, here and in other tabs, of a write. */
  tell: (type: ChangeEvent['type'], items: Item[]) => void,
];

/** Records, and the bytes that they take as they are stored: headers, tags and large values included. */
export interface SpaceOf {
  records: number;
  bytes: number;
}

/** What {@link EncryptedStorage.estimate} tells. */
export interface SpaceEstimate extends SpaceOf {
  /** By class. A record whose header was damaged counts above and in no class. */
  classes: Record<DataClassification, SpaceOf>;
  /** Bytes that the browser lets the whole origin store, about; undefined where it does not say. */
  quota: number | undefined;
  /** Bytes that the whole origin stores, about. */
  usage: number | undefined;
  /** Whether the browser has promised not to delete the origin's data by itself. */
  persisted: boolean | undefined;
}

/** Methods of {@link EncryptedStorage} whose file, later.js, is loaded with the first call of one of them. */
export interface Later {
  /**
   * Destroys the keys of a class, or of all that a `policy` marks with `purgeOnLogout`, deletes their records, and locks the vault in
   * all tabs. No secret is needed. What was forgotten can be read by nobody, but from an image of the disk from before, with a secret
   * of then. The class can be written again once the vault is unlocked, under new keys.
   *
   * @throws VaultError `ERR_INVALID` where no class is given and none is marked
   */
  lockAndForget(classification?: DataClassification): Promise<void>;

  /**
   * Deletes the records of all stores of the vault that have expired, and returns how many. Until then they lie on the disk, and read
   * as absent. One that expired only by a clock which went far ahead within the last day is kept: the clock may be wrong. One whose
   * expiry was changed on the disk is kept, and told by the event `integrity`. A page that has nothing else to do does so by itself,
   * once an hour.
   */
  purgeExpired(): Promise<number>;

  /**
   * Stores a value that need not fit into memory, up to 1 TiB: a stream of bytes, or a Blob or File, which is read a piece at a time.
   * It is sealed in chunks of 1 MiB, of which a few are in memory at once. What the name had stays until all is there, and where the
   * call fails or the page ends. It takes its turn among the calls for its name when the source has ended. A Blob's type is kept.
   *
   * @throws VaultError as setEncrypted; `ERR_CONFLICT` where the store was cleared meanwhile; and what the source or the signal fails with
   */
  setEncryptedStream(
    key: string,
    source: ReadableStream<Uint8Array> | Blob,
    classification?: DataClassification,
    context?: Context,
    options?: StreamOptions,
  ): Promise<void>;

  /**
   * Reads a value as a stream of its bytes, whichever way it was stored; null for a record that is absent or has expired. Of one
   * that was stored with {@link setEncryptedStream} a few chunks are in memory at once, and none comes before its tag was checked. The stream
   * fails with `ERR_INTEGRITY` behind the last good chunk, and with `ERR_CONFLICT` where the record is written anew meanwhile. A reader
   * may cancel it.
   */
  getDecryptedStream(key: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | null>;

  /**
   * Reads the bytes of a value from start up to, and without, end, or up to its own; null for a record that is absent or has expired.
   * Of a value that was stored with {@link setEncryptedStream} only the chunks with these bytes are read.
   *
   * @throws VaultError `ERR_INVALID` for what are no whole numbers, or where start is behind end
   */
  getDecryptedRange(key: string, start: number, end?: number): Promise<Uint8Array<ArrayBuffer> | null>;

  /**
   * Decodes a stored image: bytes, a Blob, or text that is a base64 data URL. The pixels lie in memory, in clear, until the bitmap
   * is closed. No object URL is made; the image file itself is let go of once it is decoded.
   *
   * @param options those of createImageBitmap
   * @returns null for a record that is absent or has expired
   * @throws VaultError `ERR_INVALID` for what the browser does not decode; a Blob with an SVG is such
   */
  getImageBitmap(key: string, options?: ImageBitmapOptions): Promise<ImageBitmap | null>;

  /**
   * Makes an object URL of a value, for an `<img>` say; text that is a base64 data URL becomes what it stands for. The browser keeps
   * the value in clear until it is revoked, and may write a large one to the disk. Closing this storage revokes it, and so does a
   * lock of the vault on this page.
   *
   * @returns null for a record that is absent or has expired
   * @throws VaultError `ERR_INVALID` for a data URL whose base64 is damaged
   */
  getObjectURL(key: string): Promise<ObjectURL | null>;

  /**
   * Tells what the records of this store take, those that have expired and were not deleted yet included, or those whose names begin
   * with `prefix`; and what the browser says of the origin.
   *
   * The numbers come from what is in clear before each record. Nothing is opened for them, and nothing authenticates them: show
   * them, and decide nothing by them that must not be tampered with. With a prefix, where the vault hides names, the head of every
   * record of the store is opened, and one that was tampered with fails the call with `ERR_INTEGRITY`.
   */
  estimate(filter?: { prefix?: string | undefined }): Promise<SpaceEstimate>;

  /**
   * Asks the browser to keep the origin's data until the user deletes it. It may ask the user. Resolves to whether it promised; to
   * false where it can't.
   */
  requestPersistence(): Promise<boolean>;
}

/** How a stream is stored. */
export interface StreamOptions extends WriteOptions {
  /** Is told how many bytes of the value were sealed and stored. */
  onProgress?: ((bytes: number) => void) | undefined;
  /** Ends the call, which then rejects with the signal's reason and has changed nothing. */
  signal?: AbortSignal | undefined;
}

export const laterNames = [
  'lockAndForget',
  'setEncryptedStream',
  'getDecryptedStream',
  'getDecryptedRange',
  'getImageBitmap',
  'getObjectURL',
  'purgeExpired',
  'estimate',
  'requestPersistence',
] as const satisfies (keyof Later)[];
