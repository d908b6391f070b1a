import { invalid } from './errors.ts';
import { checkText } from './text.ts';

const encoder = new TextEncoder();

function textBytes(text: unknown, most: number, what: string): Uint8Array {
  const bytes = encoder.encode(checkText(text, 1, most, what));
  if (bytes.length > most) throw invalid(`${what} must be a string of 1 to ${most} bytes of UTF-8.`);
  return bytes;
}

/** The bytes with their length in front: lp of docs/FORMAT.md. */
const withLength = (bytes: Uint8Array): number[] => [0, 0, bytes.length >> 8, bytes.length & 255, ...bytes];

/**
 * Returns the name of a user's own database on a workstation that several share, for `createEncryptedStorage`: each has a
 * vault and a secret of their own, and meets no other's.
 *
 * The name is `dbName`, a dash and 32 hexadecimal digits of a hash. It keeps the id from a glance at the list of databases,
 * not from someone who tries ids: it is no secret. It never changes for an id, which is taken exactly as it is given, without
 * normalisation; one that can change, as an e-mail address does, loses its vault with it.
 *
 * @param user 1 to 1,024 bytes of UTF-8
 * @param dbName 1 to 222 bytes of UTF-8
 * @throws VaultError `ERR_INVALID`
 */
export async function vaultFor(user: string, dbName = 'medical-imaging-viewer'): Promise<string> {
  const parts = [
    encoder.encode('idbvault/vault-for/v1'),
    textBytes(dbName, 222, 'The name of a database'),
    textBytes(user, 1024, 'The id of a user'),
  ];
  const hash = await crypto.subtle.digest('SHA-256', new Uint8Array(parts.flatMap(withLength)));
  const hex = [...new Uint8Array(hash).subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `${dbName}-${hex.join('')}`;
}
