import { copyBytes, toText } from './bytes.ts';
import { DataClassification } from './classification.ts';
import { invalid } from './errors.ts';
import { loaded } from './loader.ts';
import type { Sealer } from './sealer.ts';
import { importSecret, type Secret } from './secret.ts';
import { type Context, contextText } from './value.ts';

/** A sealed value that travels by itself: JSON-serialisable, and opened by any service with the same master key. */
export interface EncryptedPackage {
  /** Base64 of ciphertext and tag. */
  ciphertext: string;
  metadata: EncryptionMetadata;
}

/** What a package says in clear. Every field is authenticated, fields that a later version may add included. */
export interface EncryptionMetadata {
  version: '1.0';
  algorithm: 'AES-GCM';
  /** Names the key by public parameters: the salt, the class and the iterations. */
  keyId: string;
  /** Base64 of 12 bytes. */
  iv: string;
  /** Base64 of 16 bytes. */
  salt: string;
  classification: DataClassification;
  /** UTC to the second, as in `2025-01-15T12:00:00Z`. */
  encryptedAt: string;
  /** PBKDF2 iterations, where they are not the classification's own. */
  kdfIterations?: number;
  /** In clear: no PHI belongs here if the package leaves the device. */
  context: Context;
}

/** How an {@link EncryptionService} derives keys. */
export interface EncryptionConfig {
  /** PBKDF2 iterations where they are higher than the classification's own; 100,000 to 10,000,000. */
  kdfIterations?: number | undefined;
}

/**
 * Seals and opens packages under keys derived from a master key by PBKDF2: 100,000 iterations for PUBLIC and INTERNAL,
 * 150,000 for CONFIDENTIAL and PII, 250,000 for PHI. Salt and key are drawn once a service and class. Every method
 * rejects with a {@link VaultError}.
 */
export class EncryptionService {
  /** Makes the one that works, which is loaded when it is first needed. */
  readonly #make: () => Promise<Sealer>;
  #sealer: Promise<Sealer> | undefined;

  /** @param masterKey a passphrase of at least 8 characters, or at least 8 bytes; it is imported and not kept */
  constructor(masterKey: Secret, config: EncryptionConfig = {}) {
    const master = importSecret(masterKey);
    master.catch(() => {}); // initialize reports it
    this.#make = async () => {
      const { Sealer } = await loaded('./sealer.js', import('./sealer.ts'));
      return new Sealer(await master, config?.kdfIterations);
    };
  }

  /**
   * Loads the engine and checks the master key. The other methods do it where it was left out.
   *
   * @throws VaultError `ERR_INVALID`, `ERR_UNSUPPORTED`, `ERR_LOAD`
   */
  async initialize(): Promise<void> {
    await (await this.#loaded()).linked();
  }

  /**
   * Seals text or bytes.
   *
   * @param context any JSON object; it is authenticated and travels in clear
   * @throws VaultError `ERR_INVALID`
   */
  async encrypt(
    data: string | ArrayBuffer | ArrayBufferView,
    classification: DataClassification = DataClassification.CONFIDENTIAL,
    context: Context = {},
  ): Promise<EncryptedPackage> {
    const plain = copyBytes(data);
    if (!plain) throw invalid('A value must be a string, an ArrayBuffer or a typed array.');
    const text = contextText(context);
    return (await this.#loaded()).seal(plain, classification, text);
  }

  /**
   * Opens a package as text.
   *
   * @throws VaultError `ERR_INTEGRITY` when it was changed, or sealed under another master key; `ERR_VERSION`;
   *   `ERR_INVALID` when its plaintext is not UTF-8
   */
  async decrypt(encryptedPackage: EncryptedPackage): Promise<string> {
    return toText(await this.decryptBytes(encryptedPackage));
  }

  /** Opens a package as bytes; throws as {@link decrypt} does. */
  async decryptBytes(encryptedPackage: EncryptedPackage): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#loaded()).open(encryptedPackage);
  }

  #loaded(): Promise<Sealer> {
    this.#sealer ??= this.#make();
    this.#sealer.catch(() => {
      this.#sealer = undefined; // so that the next call tries again
    });
    return this.#sealer;
  }
}
