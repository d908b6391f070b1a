import type { ChangeEvent } from './changes.ts';
import type { DataClassification } from './classification.ts';
import type { Place } from './link.ts';
import type { StoreCall } from './loader.ts';
import type { Item } from './pass.ts';
import type { EncryptedStorage } from './storage.ts';

/** What a storage lets the functions of later.ts have and do. */
export type Inside = readonly [
  storage: EncryptedStorage,
  place: Place,
  /** Carries out a call on the store. */
  call: (name: StoreCall, items?: Item[], payloads?: unknown[]) => Promise<unknown[]>,
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

export const laterNames = ['lockAndForget', 'estimate', 'requestPersistence'] as const satisfies (keyof Later)[];
