// What the text forbids in a keyring and in a database, where the MAC is right: keyrings are sealed anew, under the keys
// of the golden vault with clear names.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { test } from 'node:test';
import { hmac, lp, pbkdf2, uint } from './common.mjs';
import { openVault } from './reader.mjs';
import {
  clear as dump,
  edit,
  flip,
  KEYRING_KEY,
  KEYS,
  keyAt,
  keyOf,
  keyring,
  SLOT,
  vaultKey,
  withKeyring,
  withTable,
} from './support.mjs';

const pairs = (list) => () => list;
const opens = (changed) => assert.equal(openVault(changed, dump.secret).length, 6);
const refused = (changed, message) => assert.throws(() => openVault(changed, dump.secret), { message });

const golden = keyring.subarray(0, -32);
const remade = (body) => {
  const mac = hmac(keyOf(KEYRING_KEY), lp('idbvault/keyring/v1'), lp(dump.database), lp(body));
  return withKeyring(dump, () => Buffer.concat([body, mac]));
};
const edited = (at, bytes) => remade(edit(golden, at, bytes));

test('a keyring that the text does not allow is refused, though its MAC is right', () => {
  opens(remade(golden));
  refused(edited(0, [0]), /not a keyring/);
  refused(edited(8, [2]), /unknown version/);
  refused(edited(37, uint(0, 4)), /write epoch/);
  refused(edited(37, uint(2, 4)), /write epoch/);
  refused(edited(45, [2]), /unknown options/);
  refused(edited(46, [0, 0]), /number of slots/);
  refused(edited(46, [0, 65]), /number of slots/);
  for (const kind of [2, 3]) opens(edited(SLOT + 4, [kind]));
  for (const kind of [0, 4]) refused(edited(SLOT + 4, [kind]), /unknown kind of slot/);
  refused(edited(KEYS - 2, [0x10, 0x01]), /too many keys/);
  refused(edited(KEYS - 2, [0, 12]), /trailing/);
  refused(edited(keyAt(0), [0]), /unknown kind of key/);
  refused(edited(keyAt(12), [6]), /unknown kind of key/);
  refused(edited(keyAt(4), [1, 6]), /class out of range/);
  refused(edited(keyAt(0), [1, 0]), /class out of range/);
  refused(edited(keyAt(10), [3, 1]), /class out of range/);
  refused(edited(keyAt(0) + 2, uint(0, 4)), /^epoch out of range/);
  refused(edited(keyAt(0) + 2, uint(2, 4)), /^epoch out of range/);
  refused(edited(keyAt(1), [1, 1]), /keys out of order/); // the same key twice
  refused(edited(keyAt(0), [1, 2]), /keys out of order/);
  refused(edited(keyAt(0) + 14, uint(131_073, 4)), /leases/);
  opens(edited(keyAt(0) + 14, uint(131_072, 4)));
});

test('iterations are 100,000 to 10,000,000', () => {
  const at = SLOT + 21;
  for (const iterations of [99_999, 10_000_001]) refused(edited(at, uint(iterations, 4)), /iterations/);
  for (const iterations of [100_000, 10_000_000]) refused(edited(at, uint(iterations, 4)), /wrong secret/);
});

test('a vault needs its keyring key, and has no use for a name key where names are clear', () => {
  const without = (index) => {
    const start = edit(golden.subarray(0, keyAt(index)), KEYS - 2, uint(12, 2));
    return remade(Buffer.concat([start, golden.subarray(keyAt(index + 1))]));
  };
  refused(without(KEYRING_KEY), /no keyring key/);
  opens(without(10));
});

test('a keyring of 64 slots and 4096 keys opens', () => {
  const slot = golden.subarray(SLOT, SLOT + 65);
  const slots = Array.from({ length: 64 }, (_, index) => edit(slot, 0, uint(index + 1, 4)));
  const more = Array.from({ length: 4096 - 13 }, (_, index) => edit(golden.subarray(keyAt(12)), 2, uint(index + 2, 4)));
  const start = edit(golden.subarray(0, SLOT - 2), 41, uint(4096, 4));
  const keys = [uint(4096, 2), golden.subarray(KEYS), ...more];
  opens(remade(Buffer.concat([start, uint(64, 2), ...slots, ...keys])));
});

test('slots ascend by id, and any one of them opens the vault', () => {
  const slot = golden.subarray(SLOT, SLOT + 65);
  const closed = edit(slot, 25, [slot[25] ^ 1]);
  const slots = (first, second) => {
    const start = [golden.subarray(0, SLOT - 2), uint(2, 2)];
    return remade(Buffer.concat([...start, first, edit(second, 0, uint(2, 4)), golden.subarray(SLOT + 65)]));
  };
  opens(slots(slot, slot));
  opens(slots(closed, slot));
  opens(slots(slot, closed));
  refused(slots(closed, closed), /wrong secret/);
  for (const id of [2, 3]) refused(slots(edit(slot, 0, uint(id, 4)), slot), /slots out of order/);
});

test('the slot of a recovery key, and of a passkey, opens with its 32 bytes', () => {
  const [secret, salt] = [crypto.randomBytes(32), crypto.randomBytes(16)];
  const kek = pbkdf2(secret, salt, 100_000);
  const cipher = crypto.createCipheriv('id-aes256-wrap', kek, Buffer.alloc(8, 0xa6));
  const wrapped = Buffer.concat([cipher.update(vaultKey), cipher.final()]);
  for (const kind of [2, 3]) {
    const slot = Buffer.concat([uint(2, 4), uint(kind, 1), salt, uint(100_000, 4), wrapped]);
    const start = [golden.subarray(0, SLOT - 2), uint(2, 2), golden.subarray(SLOT, SLOT + 65)];
    const changed = remade(Buffer.concat([...start, slot, golden.subarray(SLOT + 65)]));
    assert.equal(openVault(changed, secret).length, 6);
    opens(changed);
    assert.throws(() => openVault(changed, flip(secret, 31)), { message: /wrong secret/ });
  }
});

test('a database with other object stores, entries or keys is not a vault', () => {
  const { audit, ...others } = dump.tables;
  assert.deepEqual(audit, []);
  for (const tables of [others, { ...others, audit, more: [] }]) refused({ ...dump, tables }, /five object stores/);
  const entry = [Buffer.from('key'), Buffer.from('value')];
  refused(withTable(dump, 'keyring', pairs([])), /one keyring/);
  refused(withTable(dump, 'keyring', pairs([entry])), /one keyring/);
  for (const table of ['records', 'chunks']) refused(withTable(dump, table, pairs([entry, entry])), /stands twice/);
  refused(withTable(dump, 'records', pairs([[Buffer.from('\0x'), entry[1]]])), /store without a name/);
});
