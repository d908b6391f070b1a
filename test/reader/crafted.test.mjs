// What the text forbids, but no change of a golden file can show, since the tag or the MAC would refuse it first: here
// records are sealed anew, under the keys of the golden vault with clear names.

import assert from 'node:assert/strict';
import { createCipheriv, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { lp, uint } from './common.mjs';
import { openRecordOf, openVault } from './reader.mjs';
import { clear as dump, KEYRING_KEY, keyOf, withTable } from './support.mjs';

const { database, secret } = dump;

const seal = (key, iv, aad, plaintext) => {
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
};

const headOf = ({ kind = 2, name = 'crafted', type = '', context = '', behind = '' } = {}) =>
  lp(Buffer.concat([uint(kind, 1), lp(name), lp(type), lp(context), Buffer.from(behind)]));

const STORE = 'studies';
const IVS = [Buffer.alloc(12, 1), Buffer.alloc(12, 2)];

// A dump with one record, of which any part may be wrong.
const craft = (part = {}) => {
  const { version = 1, suite = 1, layout = 1, level = 5, epoch = 1, expires = 0, key = keyOf(4) } = part;
  const {
    name = 'crafted',
    head = headOf({ name }),
    value = Buffer.from('value'),
    behindHead = '',
    length = value.length,
    tagBit = 0,
  } = part;
  const stored = Buffer.from(name);
  const fields = [uint(version, 1), uint(suite, 1), uint(layout, 1), uint(level, 1), uint(epoch, 4), Buffer.alloc(8)];
  const times = [Buffer.alloc(2), uint(expires, 6), IVS[0]];
  const split = layout === 2 ? [IVS[1], Buffer.alloc(2), uint(length, 6)] : [];
  const header = Buffer.concat([...fields, ...times, ...split]);
  const place = Buffer.concat([lp('idbvault/record/v1'), lp(database), lp(STORE), lp(stored)]);
  const aad = (number) => Buffer.concat([place, uint(number, 1), lp(header)]);
  const first = Buffer.concat([head, layout === 2 ? Buffer.from(behindHead) : value]);
  const entry = Buffer.concat([header, seal(key, IVS[0], aad(layout), first)]);
  entry[entry.length - 1] ^= tagBit;
  const store = Buffer.concat([uint(STORE.length, 1), Buffer.from(STORE)]);
  const chunkKey = Buffer.concat([store, uint(stored.length, 2), stored, uint(0, 4)]);
  const records = withTable(dump, 'records', () => [[Buffer.concat([store, stored]), entry]]);
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

// The dump with a clock, of which any part may be wrong.
const withClock = (records, { version = 1, trusted, label = 'idbvault/clock/v1', of = database, more = '' }) => {
  const body = Buffer.concat([
    uint(version, 1),
    Buffer.alloc(2),
    uint(trusted, 6),
    Buffer.alloc(16),
    Buffer.from(more),
  ]);
  const mac = createHmac('sha256', keyOf(KEYRING_KEY)).update(Buffer.concat([lp(label), lp(of), lp(body)]));
  return withTable(records, 'journal', () => [[Buffer.from('clock'), Buffer.concat([body, mac.digest()])]]);
};

test('a record that has expired by the clock of the vault reads as absent, whatever the reader has for the time', () => {
  const expires = 2_000_000_000;
  const now = expires * 1000 - 1_000_000;
  const count = (clock) => openVault(withClock(craft({ expires }), clock), secret, now).length;
  assert.equal(count({ trusted: expires - 1 }), 1);
  assert.equal(count({ trusted: expires }), 0);
  assert.equal(count({ trusted: expires, version: 2 }), 1);
  assert.equal(count({ trusted: expires, label: 'idbvault/journal/v1' }), 1);
  assert.equal(count({ trusted: expires, of: 'another' }), 1);
  assert.equal(count({ trusted: expires, more: 'x' }), 1);
});

test('a name has 1 to 1024 bytes, and a byte order mark is a character of it', () => {
  for (const name of ['x', 'x'.repeat(1024), '\ufeffname']) {
    assert.equal(openRecordOf(craft({ name }), secret, STORE, name).name, name);
  }
  refused({ name: 'x'.repeat(1025) }, /name out of range/);
});

test('a header with a version, suite, layout, class or epoch that is not known is refused', () => {
  refused({ version: 2 }, /unknown version/);
  refused({ suite: 2 }, /unknown suite/);
  for (const layout of [0, 4]) refused({ layout }, /unknown layout/);
  for (const level of [0, 6]) refused({ level }, /unknown class/);
  refused({ epoch: 0 }, /epoch out of range/);
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

test('a chunk that no split header points at means nothing', () => {
  const left = withTable(craft(), 'chunks', () => [[Buffer.from('key'), Buffer.from('value')]]);
  assert.equal(openVault(left, secret).length, 1);
});
