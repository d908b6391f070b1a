import { key, keyring, kinds, sizes, slot } from './archive-layout.ts';
import { VaultError } from './errors.ts';
import type { ImportedSecret } from './secret.ts';

// What an archive must know of a keyring: docs/FORMAT.md, "The keyring". Go checks all of it when the vault is opened.

/** The most bytes of a keyring. */
export const keyringMost = keyring.slots + sizes.maxSlots * slot.size + 2 + sizes.maxKeys * key.size + sizes.mac;

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
  if (bytes.length < keyring.slots || new TextDecoder().decode(bytes.subarray(0, 8)) !== 'idbvault') throw damaged();
  if (bytes[keyring.version] !== 1)
    throw new VaultError('ERR_VERSION', 'The keyring was written by a later version of idbvault. Update this one.');
  const slotCount = view.getUint16(keyring.slots - 2);
  const keysAt = keyring.slots + slotCount * slot.size + 2;
  if (slotCount < 1 || slotCount > sizes.maxSlots || bytes.length < keysAt) throw damaged();
  const keyCount = view.getUint16(keysAt - 2);
  if (keyCount > sizes.maxKeys || bytes.length !== keysAt + keyCount * key.size + sizes.mac) throw damaged();

  const slots: Slot[] = [];
  for (let at = keyring.slots; at < keysAt - 2; at += slot.size) {
    const iterations = view.getUint32(at + slot.iterations);
    if (iterations < 100_000 || iterations > 10_000_000) throw damaged();
    slots.push({
      salt: bytes.subarray(at + slot.salt, at + slot.iterations),
      iterations,
      wrapped: bytes.subarray(at + slot.wrapped, at + slot.size),
    });
  }
  const frame = bytes.slice(0, -sizes.mac);
  frame.fill(0, keyring.generation, keyring.generation + 4);
  const keyringKeys: Uint8Array<ArrayBuffer>[] = [];
  let nameKeys = 0;
  for (let at = keysAt; at < frame.length; at += key.size) {
    const kind = bytes[at + key.kind];
    if (kind === kinds.name) nameKeys++;
    if (kind === kinds.keyring) keyringKeys.push(bytes.subarray(at + key.wrapped, at + key.size));
    frame.fill(0, at + key.leases, at + key.wrapped);
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
  const macKey =
    wrapped && !another
      ? await subtle.unwrapKey('raw', wrapped, vaultKey, kw, hmac, false, ['verify']).catch(() => undefined)
      : undefined;
  const parts = [
    new TextEncoder().encode('idbvault/keyring/v1'),
    new TextEncoder().encode(database),
    bytes.slice(0, -sizes.mac),
  ];
  const text = await new Blob(parts.flatMap((part) => [lengthOf(part), part])).arrayBuffer();
  if (!macKey || !(await subtle.verify('HMAC', macKey, bytes.slice(-sizes.mac), text)))
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
