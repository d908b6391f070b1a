import { copyBytes } from './bytes.ts';
import { invalid } from './errors.ts';
import { requirePlatform } from './loader.ts';
import { isWellFormed } from './text.ts';

/**
 * What opens a vault or a service: a passphrase, or random bytes. A passphrase is normalised to NFKC, must have at least
 * 8 characters, and neither NUL nor unpaired surrogates. Bytes must be at least 8.
 */
export type Secret = string | Uint8Array;

/** A secret on its way to SubtleCrypto. It is not handed to Go. */
export interface ImportedSecret {
  /** A non-extractable PBKDF2 key. */
  key: CryptoKey;
  /** HMAC of the secret under a random key of this page, to tell whether two secrets are the same. */
  fingerprint: ArrayBuffer;
  /** 32 bytes or more, which the caller says are random: fewer iterations will do. */
  random: boolean;
}

let pageKey: Promise<CryptoKey> | undefined;

const hmac: HmacKeyGenParams = { name: 'HMAC', hash: 'SHA-256' };

/** Imports a secret. The copy of its bytes that is made here is zeroed. */
export async function importSecret(secret: unknown): Promise<ImportedSecret> {
  const bytes = secretBytes(secret);
  try {
    await requirePlatform();
    pageKey ??= crypto.subtle.generateKey(hmac, false, ['sign']);
    const [key, fingerprint] = await Promise.all([
      crypto.subtle.importKey('raw', bytes, 'PBKDF2', false, ['deriveKey']),
      pageKey.then((k) => crypto.subtle.sign('HMAC', k, bytes)),
    ]);
    return { key, fingerprint, random: typeof secret !== 'string' && bytes.length >= 32 };
  } finally {
    bytes.fill(0);
  }
}

function secretBytes(secret: unknown): Uint8Array<ArrayBuffer> {
  const isText = typeof secret === 'string';
  if (!isText && !(secret instanceof Uint8Array)) throw invalid('The secret must be a string or a Uint8Array.');
  // Before it is normalised: Firefox's normalize puts something else in the place of an unpaired surrogate.
  if (isText && (!isWellFormed(secret) || secret.includes('\0')))
    throw invalid('The secret has an unpaired surrogate or a NUL. Take it from a text field unchanged.');
  const normal = isText ? secret.normalize('NFKC') : secret; // no character becomes NUL
  if ((isText ? [...normal] : normal).length < 8) throw invalid('The secret must have at least 8 characters or bytes.');
  return copyBytes(normal) as Uint8Array<ArrayBuffer>;
}

/** The secret of the Vite application that this is built into; Vite puts it in the place of the expression below. */
export const environmentSecret = (): string | undefined => import.meta.env?.VITE_ENCRYPTION_KEY || undefined;
