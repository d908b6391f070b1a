import { fromBase64, toBase64 } from './base64.ts';
import { copyBytes, toText } from './bytes.ts';
import { classNumber, DataClassification } from './classification.ts';
import { invalid, VaultError } from './errors.ts';
import { type Engine, running } from './loader.ts';
import { asInteger } from './pass.ts';
import { type ImportedSecret, importSecret, type Secret } from './secret.ts';
import { type Context, copyContext, encodeValue, requireObject } from './value.ts';

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

/** A service's keys go when the service does. */
const unheld = new FinalizationRegistry<{ engine: Engine; service: number }>(({ engine, service }) =>
  engine.tell((core) => core.release(service)),
);

/** Metadata that would not fit the page shared with Go is none that this class makes. */
const maxMetadata = 400_000;

/**
 * Seals and opens packages under keys derived from a master key by PBKDF2: 100,000 iterations for PUBLIC and INTERNAL,
 * 150,000 for CONFIDENTIAL and PII, 250,000 for PHI. Salt and key are drawn once a service and class. Every method
 * rejects with a {@link VaultError}.
 */
export class EncryptionService {
  readonly #master: Promise<ImportedSecret>;
  readonly #iterations: unknown;
  #link: Promise<{ engine: Engine; service: number }> | undefined;
  #engine: Engine | undefined;

  /** @param masterKey a passphrase of at least 8 characters, or at least 8 bytes; it is imported and not kept */
  constructor(masterKey: Secret, config: EncryptionConfig = {}) {
    this.#master = importSecret(masterKey);
    this.#master.catch(() => {}); // initialize reports it
    this.#iterations = config?.kdfIterations;
  }

  /**
   * Loads the engine and checks the master key. The other methods do it where it was left out.
   *
   * @throws VaultError `ERR_INVALID`, `ERR_UNSUPPORTED`, `ERR_LOAD`
   */
  async initialize(): Promise<void> {
    await this.#linked();
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
    const kept = copyContext(context);
    const encoded = encodeValue(kept);
    const { engine, service } = await this.#linked();
    const [sealed, keyId, iv, salt, encryptedAt, kdfIterations] = (await engine.call([plain], (core, id) => {
      core.encrypt(id, service, classNumber(classification), engine.write(encoded));
    })) as [{ bytes: Uint8Array }, string, string, string, string, number];
    const own = { version: '1.0', algorithm: 'AES-GCM', keyId, iv, salt, classification, encryptedAt } as const;
    const metadata = kdfIterations ? { ...own, kdfIterations, context: kept } : { ...own, context: kept };
    return { ciphertext: toBase64(sealed.bytes), metadata };
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
    const { ciphertext, metadata } = encryptedPackage ?? {};
    // Another field would not be authenticated.
    if (typeof ciphertext !== 'string' || Object.keys(encryptedPackage).length !== 2)
      throw invalid('A package must be { ciphertext, metadata } and no more, as encrypt returns it.');
    requireObject(metadata);
    const encoded = encodeValue(metadata, 65);
    const sealed = fromBase64(ciphertext);
    if (!sealed || encoded.length > maxMetadata)
      throw new VaultError(
        'ERR_INTEGRITY',
        'The package is not one that EncryptionService makes. Fetch it again from its source.',
      );
    const { engine, service } = await this.#linked();
    const [plain] = (await engine.call([sealed], (core, id) => {
      core.decrypt(id, service, engine.write(encoded), sealed.length);
    })) as [{ bytes: Uint8Array<ArrayBuffer> }];
    return plain.bytes;
  }

  /** Returns this service's place in the running engine; a new engine gets it anew. */
  #linked(): Promise<{ engine: Engine; service: number }> {
    if (!this.#link || this.#engine?.alive === false) {
      this.#engine = undefined;
      this.#link = this.#begin();
      this.#link.catch(() => {
        this.#link = undefined; // so that the next call tries again
      });
    }
    return this.#link;
  }

  async #begin(): Promise<{ engine: Engine; service: number }> {
    const iterations = asInteger(this.#iterations);
    const { key } = await this.#master;
    const engine = await running();
    const [service] = await engine.call([key], (core, id) => core.service(id, iterations));
    this.#engine = engine;
    const link = { engine, service: service as number };
    unheld.register(this, link);
    return link;
  }
}
