// What the text forbids, but no change of a golden file can show, since the tag or the MAC would refuse it first: here
// records and keyrings are sealed anew, under the keys of the golden vault with clear names.

import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { test } from 'node:test';
import { hmac, lp, pbkdf2, uint, unwrap } from './common.mjs';
import { openRecordOf, openVault } from './reader.mjs';
import { edit, vaults, withKeyring, withTable } from './support.mjs';

const dump = vaults.find(({ names }) => names === 'clear');
const { database, secret } = dump;
const keyring = Buffer.from(dump.tables.keyring[0][1], 'base64');

// Where the one slot and the first key stand. Keys are 58 bytes: a record and an object key of each class, then 3 more.
const SLOT = 48;
const KEYS = 115;
const keyAt = (index) => KEYS + 58 * index;
const KEYRING_KEY = 11;

const password = Buffer.from(secret.normalize('NFKC'));
const kek = pbkdf2(password, keyring.subarray(SLOT + 5, SLOT + 21), keyring.readUInt32BE(SLOT + 21));
const vaultKey = unwrap(kek, keyring.subarray(SLOT + 25, SLOT + 65));
const keyOf = (index) => unwrap(vaultKey, keyring.subarray(keyAt(index) + 18, keyAt(index) + 58));

const seal = (key, iv, aad, plaintext) => {
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
};

const headOf = ({ kind = 2, name = 'crafted', type = '', context = '', behind = '' } = {}) =>
  lp(Buffer.concat([uint(kind, 1), lp(name), lp(type), lp(context), Buffer.from(behind)]));

const STORE = 'studies';
const STORED = Buffer.from('crafted');
const IVS = [Buffer.alloc(12, 1), Buffer.alloc(12, 2)];

// A dump with one record, of which any part may be wrong.
const craft = (part = {}) => {
  const { version = 1, suite = 1, layout = 1, level = 5, epoch = 1, expires = 0, key = keyOf(4) } = part;
  const { head = headOf(), value = Buffer.from('value'), behindHead = '', length = value.length, tagBit = 0 } = part;
  const fields = [uint(version, 1), uint(suite, 1), uint(layout, 1), uint(level, 1), uint(epoch, 4), Buffer.alloc(8)];
  const times = [Buffer.alloc(2), uint(expires, 6), IVS[0]];
  const split = layout === 2 ? [IVS[1], Buffer.alloc(2), uint(length, 6)] : [];
  const header = Buffer.concat([...fields, ...times, ...split]);
  const place = Buffer.concat([lp('idbvault/record/v1'), lp(database), lp(STORE), lp(STORED)]);
  const aad = (number) => Buffer.concat([place, uint(number, 1), lp(header)]);
  const first = Buffer.concat([head, layout === 2 ? Buffer.from(behindHead) : value]);
  const entry = Buffer.concat([header, seal(key, IVS[0], aad(layout), first)]);
  entry[entry.length - 1] ^= tagBit;
  const store = Buffer.concat([uint(STORE.length, 1), Buffer.from(STORE)]);
  const chunkKey = Buffer.concat([store, uint(STORED.length, 2), STORED, uint(0, 4)]);
  const records = withTable(dump, 'records', () => [[Buffer.concat([store, STORED]), entry]]);
  if (layout !== 2) return records;
  return withTable(records, 'chunks', () => [[chunkKey, seal(key, IVS[1], aad(3), value)]]);
};

const open = (part, now) => openVault(craft(part), secret, now);
const refused = (part, message) => assert.throws(() => open(part), { message });

test('a crafted record opens, so that the refusals below have one reason each', () => {
  assert.equal(open()[0].value.toString(), 'value');
  assert.equal(openRecordOf(craft(), secret, STORE, 'crafted').value.toString(), 'value');
  const head = headOf({ kind: 3, type: 'x'.repeat(255), context: '{"a":1}' });
  const [record] = open({ layout: 2, head, value: Buffer.alloc(65_536) });
  assert.deepEqual([record.kind, record.contentType.length, record.context], ['blob', 255, { a: 1 }]);
});

test('an expired record reads as absent, but only once its tag was checked', () => {
  const expires = 2_000_000_000;
  assert.equal(open({ expires }, expires * 1000 - 1).length, 1);
  assert.equal(open({ expires }, expires * 1000).length, 0);
  assert.equal(openRecordOf(craft({ expires }), secret, STORE, 'crafted', expires * 1000), null);
  assert.throws(() => open({ expires, tagBit: 1 }, expires * 1000), /unable to authenticate/);
});

test('a header with a version, suite, layout, class or epoch that is not known is refused', () => {
  refused({ version: 2 }, /unknown version/);
  refused({ suite: 2 }, /unknown suite/);
  for (const layout of [0, 3]) refused({ layout }, /unknown layout/);
  for (const level of [0, 6]) refused({ level }, /unknown class/);
  refused({ epoch: 0 }, /epoch/);
  refused({ epoch: 2 }, /no key of that class and epoch/);
  refused({ level: 4 }, /unable to authenticate/); // sealed under the key of class 5
});

test('a record is whole up to 65,536 bytes of head and value, and split above', () => {
  const value = (size) => Buffer.alloc(size - headOf().length);
  assert.equal(open({ value: value(65_536) }).length, 1);
  assert.equal(open({ layout: 2, value: value(65_537) }).length, 1);
  refused({ value: value(65_537) }, /layout of another size/);
  refused({ layout: 2, value: value(65_536) }, /layout of another size/);
});

test('a split record with bytes behind its head, or a value of another length, is refused', () => {
  const value = Buffer.alloc(70_000);
  refused({ layout: 2, value, behindHead: 'x' }, /trailing/);
  for (const length of [0, 69_999, 70_001]) refused({ layout: 2, value, length }, /another length/);
  refused({ layout: 2, value, length: 2 ** 30 + 1 }, /length out of range/);
});

test('a head that the text does not allow is refused', () => {
  const head = (fields, message) => refused({ head: headOf(fields) }, message);
  head({ name: 'another' }, /another name/);
  head({ name: '' }, /name out of range/);
  head({ name: 'x'.repeat(1025) }, /name out of range/);
  head({ behind: 'x' }, /trailing/);
  for (const kind of [0, 4]) head({ kind }, /unknown kind/);
  for (const kind of [1, 2]) head({ kind, type: 'text/plain' }, /content type/);
  head({ kind: 3, type: 'x'.repeat(256) }, /content type/);
  for (const context of ['[]', 'null', '"x"', '1']) head({ context }, /not an object/);
  head({ context: '{' }, /JSON/);
  const long = (bytes) => ({ layout: 2, head: headOf({ context: `{"a":"${'x'.repeat(bytes - 8)}"}` }) });
  assert.equal(open(long(65_536)).length, 1);
  refused(long(65_537), /context too long/);
  refused({ head: Buffer.from([0, 0, 0, 99, 1]) }, /truncated/);
  refused({ head: headOf({ kind: 1 }), value: Buffer.from([0xff]) }, /encoded data was not valid/);
});

test('a keyring that the text does not allow is refused, though its MAC is right', () => {
  const remade = (change) => {
    const body = change(keyring.subarray(0, -32));
    const mac = hmac(keyOf(KEYRING_KEY), lp('idbvault/keyring/v1'), lp(database), lp(body));
    return () =>
      openVault(
        withKeyring(dump, () => Buffer.concat([body, mac])),
        secret,
      );
  };
  const edited = (at, bytes, message) =>
    assert.throws(
      remade((body) => edit(body, at, bytes)),
      { message },
    );
  assert.equal(remade((body) => body)().length, 6);
  edited(8, [2], /unknown version/);
  edited(37, [0, 0, 0, 0], /write epoch/);
  edited(37, [0, 0, 0, 2], /write epoch/);
  edited(45, [2], /unknown options/);
  edited(46, [0, 0], /number of slots/);
  edited(46, [0, 65], /number of slots/);
  edited(SLOT + 4, [2], /unknown kind of slot/);
  edited(KEYS - 2, [0x10, 0x01], /too many keys/);
  edited(KEYS - 2, [0, 12], /trailing/);
  edited(keyAt(0), [0], /unknown kind of key/);
  edited(keyAt(12), [6], /unknown kind of key/);
  edited(keyAt(4), [1, 6], /class out of range/);
  edited(keyAt(10), [3, 1], /class out of range/);
  edited(keyAt(0) + 2, [0, 0, 0, 0], /epoch/);
  edited(keyAt(0) + 2, [0, 0, 0, 2], /epoch/);
  edited(keyAt(1), [1, 1], /out of order/); // the same key twice
  edited(keyAt(0), [1, 2], /out of order/);
  edited(keyAt(0) + 14, [0, 2, 0, 1], /leases/);
  // Slots twice, or descending.
  const doubled = (body) => [body.subarray(0, 46), uint(2, 2), body.subarray(SLOT, SLOT + 65), body.subarray(SLOT)];
  assert.throws(
    remade((body) => Buffer.concat(doubled(body))),
    { message: /slots out of order/ },
  );
  const second = (body) => edit(Buffer.concat(doubled(body)), SLOT + 65, uint(2, 4));
  assert.equal(remade(second)().length, 6);
  assert.throws(
    remade((body) => edit(second(body), SLOT, uint(3, 4))),
    { message: /slots out of order/ },
  );
});

test('a database with other object stores, or without exactly one keyring, is not a vault', () => {
  const { audit, ...others } = dump.tables;
  for (const tables of [others, { ...dump.tables, more: [] }]) {
    assert.throws(() => openVault({ ...dump, tables }, secret), /five object stores/);
  }
  assert.deepEqual(audit, []);
  assert.throws(
    () =>
      openVault(
        withTable(dump, 'keyring', () => []),
        secret,
      ),
    /one keyring/,
  );
  assert.throws(
    () =>
      openVault(
        withTable(dump, 'journal', () => [[STORED, STORED]]),
        secret,
      ),
    /journal/,
  );
});

test('a chunk that no split header points at means nothing', () => {
  const left = withTable(dump, 'chunks', (pairs) => [...pairs, [STORED, STORED]]);
  assert.equal(openVault(left, secret).length, 6);
});
