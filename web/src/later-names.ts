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
}

export const laterNames = ['lockAndForget', 'purgeExpired'] as const satisfies (keyof Later)[];
