import { invalid } from './errors.ts';

// A recovery key is 32 random bytes and a checksum of 3, written as 56 characters of Crockford's base32 in groups of 4
// (docs/FORMAT.md, "Recovery keys"). It has no I, L, O and U, and is read in whatever case and grouping it was typed.

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const size = 32;
const checked = 3;

async function checksum(key: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const label = new TextEncoder().encode('idbvault/recovery/v1');
  const message = new Uint8Array([...label, ...key]);
  return new Uint8Array(await crypto.subtle.digest('SHA-256', message)).subarray(0, checked);
}

/** Draws a recovery key and returns its text and its bytes. */
export async function drawRecoveryKey(): Promise<{ text: string; bytes: Uint8Array<ArrayBuffer> }> {
  const bytes = crypto.getRandomValues(new Uint8Array(size));
  let bits = '';
  for (const byte of [...bytes, ...(await checksum(bytes))]) bits += byte.toString(2).padStart(8, '0');
  const characters = (bits.match(/.{5}/g) ?? []).map((five) => alphabet[Number.parseInt(five, 2)]).join('');
  return { text: (characters.match(/.{4}/g) ?? []).join('-'), bytes };
}

/**
 * Reads a recovery key as it was typed: in either case, with or without dashes and spaces, O for 0, I or L for 1. The result
 * is a secret for `createEncryptedStorage` and for {@link VaultKeys}.
 *
 * @throws VaultError `ERR_INVALID` where it is no recovery key or was mistyped
 */
export async function recoveryKey(typed: string): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof typed !== 'string') throw invalid('A recovery key is a text of 56 letters and digits.');
  const plain = typed
    .toUpperCase()
    .replace(/[\s\-–—]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  if (plain.length !== 56 || [...plain].some((c) => !alphabet.includes(c)))
    throw invalid(`A recovery key has 56 letters and digits; this has ${plain.length}, or others among them.`);
  const bits = [...plain].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('');
  const bytes = Uint8Array.from(bits.match(/.{8}/g) ?? [], (eight) => Number.parseInt(eight, 2));
  const key = bytes.slice(0, size);
  const sum = await checksum(key);
  if (sum.some((byte, i) => byte !== bytes[size + i]))
    throw invalid('This recovery key was mistyped: its checksum does not fit. Compare it with what was written down.');
  return key;
}
