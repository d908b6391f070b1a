import { VaultError } from './errors.ts';
import type { ImportedSecret } from './secret.ts';

// What an archive must know of a keyring: docs/FORMAT.md, "The keyring". Go checks all of it when the vault is opened.

const slotsAt = 48;
const slotSize = 65;
const keySize = 58;
const macSize = 32;
const nameKey = 3;
const keyringKey = 4;

/** The most bytes of a keyring. */
export const keyringMost = slotsAt + 64 * slotSize + 2 + 4096 * keySize + macSize;

/** A slot's salt, iterations and wrapped vault key. */
interface Slot {
  salt: Uint8Array<ArrayBuffer>;
  iterations: number;
  wrapped: Uint8Array<ArrayBuffer>;
}

/** A keyring that was taken apart. Nothing in it is authenticated. */
export interface Keyring {
  bytes: Uint8Array<ArrayBuffer>;
  slots: Slot[];
  /** The wrapped keys of kind 4, of which there is to be one. */
  keyringKeys: Uint8Array<ArrayBuffer>[];
  /** Whether records may lie under either of two stored names. */
  moving: boolean;
  /** All that a rotation or a change of secret changes, and a lease does not. */
  frame: Uint8Array<ArrayBuffer>;
}

/** @throws VaultError `ERR_INTEGRITY`, `ERR_VERSION` */
export function parseKeyring(bytes: Uint8Array<ArrayBuffer>): Keyring {
  const damaged = () => new VaultError('ERR_INTEGRITY', 'The keyring is not what was written. Use another copy of it.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < slotsAt || new TextDecoder().decode(bytes.subarray(0, 8)) !== 'idbvault') throw damaged();
  if (bytes[8] !== 1)
    throw new VaultError('ERR_VERSION', 'The keyring was written by a later version of idbvault. Update this one.');
  const slotCount = view.getUint16(46);
  const keysAt = slotsAt + slotCount * slotSize + 2;
  if (slotCount < 1 || slotCount > 64 || bytes.length < keysAt) throw damaged();
  const keyCount = view.getUint16(keysAt - 2);
  if (keyCount > 4096 || bytes.length !== keysAt + keyCount * keySize + macSize) throw damaged();

  const slots: Slot[] = [];
  for (let at = slotsAt; at < keysAt - 2; at += slotSize) {
    const iterations = view.getUint32(at + 21);
    if (iterations < 100_000 || iterations > 10_000_000) throw damaged();
    slots.push({ salt: bytes.subarray(at + 5, at + 21), iterations, wrapped: bytes.subarray(at + 25, at + slotSize) });
  }
  const frame = bytes.slice(0, -macSize);
  frame.fill(0, 33, 37); // the generation
  const keyringKeys: Uint8Array<ArrayBuffer>[] = [];
  let nameKeys = 0;
  for (let at = keysAt; at < frame.length; at += keySize) {
    if (bytes[at] === nameKey) nameKeys++;
    if (bytes[at] === keyringKey) keyringKeys.push(bytes.subarray(at + 18, at + keySize));
    frame.fill(0, at + 14, at + 18); // the leases
  }
  return { bytes, slots, keyringKeys, moving: nameKeys > 1, frame };
}

/**
 * Tries a secret at each slot, and checks the keyring's MAC under the database's name.
 *
 * @throws VaultError `ERR_WRONG_SECRET`, `ERR_INTEGRITY`
 */
export async function checkSecret(database: string, { bytes, slots, keyringKeys }: Keyring, secret: ImportedSecret) {
  const { subtle } = crypto;
  const kw = { name: 'AES-KW', length: 256 };
  let vaultKey: CryptoKey | undefined;
  for (const { salt, iterations, wrapped } of slots) {
    if (vaultKey) break;
    const pbkdf2 = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations };
    const kek = await subtle.deriveKey(pbkdf2, secret.key, kw, false, ['unwrapKey']);
    vaultKey = await subtle.unwrapKey('raw', wrapped, kek, kw, kw, false, ['unwrapKey']).catch(() => undefined);
  }
  if (!vaultKey)
    throw new VaultError(
      'ERR_WRONG_SECRET',
      'The secret does not open this archive. Ask for it again; nothing was changed.',
    );
  const [wrapped, another] = keyringKeys;
  const hmac = { name: 'HMAC', hash: 'SHA-256', length: 256 };
  const key =
    wrapped && !another
      ? await subtle.unwrapKey('raw', wrapped, vaultKey, kw, hmac, false, ['verify']).catch(() => undefined)
      : undefined;
  const parts = [
    new TextEncoder().encode('idbvault/keyring/v1'),
    new TextEncoder().encode(database),
    bytes.slice(0, -macSize),
  ];
  const text = await new Blob(parts.flatMap((part) => [lengthOf(part), part])).arrayBuffer();
  if (!key || !(await subtle.verify('HMAC', key, bytes.slice(-macSize), text)))
    throw new VaultError(
      'ERR_INTEGRITY',
      'The keyring of this archive was changed. Use another copy of it; nothing was changed.',
    );
}

/** The length of bytes as lp of docs/FORMAT.md puts it in front of them. */
export function lengthOf({ length }: Uint8Array): Uint8Array<ArrayBuffer> {
  const four = new Uint8Array(4);
  new DataView(four.buffer).setUint32(0, length);
  return four;
}
