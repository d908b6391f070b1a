import type { ChangeEvent } from './changes.ts';
import type { DataClassification } from './classification.ts';
import type { ObjectURL } from './images.ts';
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
}

export const laterNames = ['lockAndForget', 'getImageBitmap', 'getObjectURL'] as const satisfies (keyof Later)[];
