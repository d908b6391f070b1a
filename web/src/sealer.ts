import { fromBase64, toBase64 } from './base64.ts';
import { classNumber, type DataClassification } from './classification.ts';
import { invalid, VaultError } from './errors.ts';
import { type Engine, running } from './loader.ts';
import { asInteger } from './pass.ts';
import type { ImportedSecret } from './secret.ts';
import type { EncryptedPackage } from './service.ts';
import { type Context, encodeValue, requireObject } from './value.ts';

/** A service's keys go when the service does. */
const unheld = new FinalizationRegistry<{ engine: Engine; service: number }>(({ engine, service }) =>
  engine.tell((core) => core.release(service)),
);

/** Metadata that would not fit the page shared with Go is none that this class makes. */
const maxMetadata = 400_000;

/** What an EncryptionService works with. It is a file of its own, which pages without packages do not load. */
export class Sealer {
  readonly #master: ImportedSecret;
  readonly #iterations: unknown;
  #link: Promise<{ engine: Engine; service: number }> | undefined;
  #engine: Engine | undefined;

  constructor(master: ImportedSecret, iterations: unknown) {
    this.#master = master;
    this.#iterations = iterations;
  }

  /** Seals bytes; `context` is the JSON text of an object, which no getter and no toJSON can make another thing of any more. */
  async seal(plain: Uint8Array, classification: DataClassification, context: string): Promise<EncryptedPackage> {
    if (context.length > 65_536) throw invalid('The context must have at most 65,536 bytes.');
    const kept = JSON.parse(context) as Context;
    const encoded = encodeValue(kept);
    const { engine, service } = await this.linked();
    const [sealed, keyId, iv, salt, encryptedAt, kdfIterations] = (await engine.call([plain], (core, id) => {
      core.encrypt(id, service, classNumber(classification), engine.write(encoded));
    })) as [{ bytes: Uint8Array }, string, string, string, string, number];
    const own = { version: '1.0', algorithm: 'AES-GCM', keyId, iv, salt, classification, encryptedAt } as const;
    const metadata = kdfIterations ? { ...own, kdfIterations, context: kept } : { ...own, context: kept };
    return { ciphertext: toBase64(sealed.bytes), metadata };
  }

  async open(encryptedPackage: EncryptedPackage): Promise<Uint8Array<ArrayBuffer>> {
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
    const { engine, service } = await this.linked();
    const [plain] = (await engine.call([sealed], (core, id) => {
      core.decrypt(id, service, engine.write(encoded), sealed.length);
    })) as [{ bytes: Uint8Array<ArrayBuffer> }];
    return plain.bytes;
  }

  /** Returns this service's place in the running engine; a new engine gets it anew. */
  linked(): Promise<{ engine: Engine; service: number }> {
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
    const { key } = this.#master;
    const engine = await running();
    const [service] = await engine.call([key], (core, id) => core.service(id, iterations));
    this.#engine = engine;
    const link = { engine, service: service as number };
    unheld.register(this, link);
    return link;
  }
}
