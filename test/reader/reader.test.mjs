// The independent reader opens everything that was kept under test/vectors/golden, and refuses it once it was changed.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { test } from 'node:test';
import { openPackage, openRecordOf, openVault } from './reader.mjs';
import { edit, flip, packages, refusedBeforeDerivation, vaults, withKeyring, withTable } from './support.mjs';

const count = (dump, table) => dump.tables[table].length;
const sizeOf = (dump, table, index) => Buffer.from(dump.tables[table][index][1], 'base64').length;

const plain = (record) => record && { ...record, value: record.value.toString('base64') };
const byPlace = (a, b) => (`${a.store}/${a.name}` < `${b.store}/${b.name}` ? -1 : 1);

test('2 vaults of 6 records and 7 packages were kept', () => {
  assert.deepEqual(
    vaults.map(({ names, records }) => [names, records.length]),
    [
      ['hidden', 6],
      ['clear', 6],
    ],
  );
  assert.equal(packages.length, 7);
});

for (const { masterKey, plaintext, package: pkg } of packages) {
  const { metadata } = pkg;
  const opens = (changed) => openPackage(changed, masterKey);
  const refused = (fields, message) => assert.throws(() => opens({ ...pkg, metadata: fields }), message && { message });

  // Every value that differs from this one in one place: another type or content, a member more, fewer or renamed.
  const variants = function* (value) {
    for (const other of [null, false, true, 7, 8, '', 'other', [], {}]) {
      if (JSON.stringify(other) !== JSON.stringify(value)) yield other;
    }
    if (typeof value === 'string') {
      yield `${value}x`;
      for (const form of ['NFC', 'NFD']) if (value.normalize(form) !== value) yield value.normalize(form);
    }
    if (typeof value !== 'object' || value === null) return;
    const entries = Object.entries(value);
    const build = Array.isArray(value) ? (list) => list.map(([, item]) => item) : (list) => Object.fromEntries(list);
    yield build([...entries, ['added', null]]);
    for (const [index, [name, item]] of entries.entries()) {
      yield build(entries.toSpliced(index, 1));
      if (!Array.isArray(value)) yield build(entries.toSpliced(index, 1, [`${name}x`, item]));
      for (const other of variants(item)) yield build(entries.toSpliced(index, 1, [name, other]));
    }
  };

  const reversed = (value) => {
    if (typeof value !== 'object' || value === null) return Object.is(value, 0) ? -0 : value;
    if (Array.isArray(value)) return value.map(reversed);
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([name, item]) => [name, reversed(item)]),
    );
  };

  test(`package "${plaintext}" (${metadata.classification}) opens`, () => {
    assert.equal(opens(pkg).toString('utf8'), plaintext);
    assert.equal(openPackage(pkg, masterKey.normalize('NFKC')).toString('utf8'), plaintext);
    assert.equal(openPackage(pkg, Buffer.from(masterKey.normalize('NFKC'))).toString('utf8'), plaintext);
  });

  test(`package "${plaintext}" opens with its fields in another order, and -0 for 0`, () => {
    assert.equal(opens(reversed(pkg)).toString('utf8'), plaintext);
  });

  test(`package "${plaintext}" is refused with another key, or with any field changed, added or removed`, () => {
    assert.throws(() => openPackage(pkg, `${masterKey}!`));
    for (const changed of variants(metadata)) refused(changed);
    // Fields of the right form, so that it is the associated data that refuses.
    const tag = /unable to authenticate/;
    refused({ ...metadata, encryptedAt: '2026-01-01T00:00:00Z' }, tag);
    refused({ ...metadata, iv: flip(Buffer.from(metadata.iv, 'base64'), 0).toString('base64') }, tag);
    refused({ ...metadata, context: { ...metadata.context, added: null } }, tag);
    refused({ ...metadata, other: 1 }, tag);
    for (const field of ['salt', 'keyId', 'classification']) {
      const other = packages.find((entry) => entry.package.metadata[field] !== metadata[field]).package.metadata;
      refused({ ...metadata, [field]: other[field] }, /key id/);
    }
  });

  test(`package "${plaintext}" is refused with any byte of its ciphertext changed, cut or in other base64`, () => {
    const bytes = Buffer.from(pkg.ciphertext, 'base64');
    const refusedCiphertext = (ciphertext) => assert.throws(() => opens({ ...pkg, ciphertext }));
    for (const at of bytes.keys()) refusedCiphertext(flip(bytes, at).toString('base64'));
    for (const size of [0, 15, bytes.length - 1]) refusedCiphertext(bytes.subarray(0, size).toString('base64'));
    refusedCiphertext(` ${pkg.ciphertext}`);
    refusedCiphertext(`${pkg.ciphertext}A`);
    refused({ ...metadata, salt: metadata.salt.replace(/=+$/, '') }, /base64/);
    refused({ ...metadata, salt: metadata.salt.replace(/.==$/, (end) => `${end[0] === 'B' ? 'C' : 'B'}==`) }, /base64/);
  });

  test(`package "${plaintext}" is refused before any derivation with iterations out of bounds`, () => {
    const least = { public: 1e5, internal: 1e5, confidential: 1.5e5, pii: 1.5e5, phi: 2.5e5 }[metadata.classification];
    for (const kdfIterations of [0, 1, -1, least - 1, least, least + 0.5, 10_000_001, 2 ** 32, '300000', null]) {
      refusedBeforeDerivation(() => opens({ ...pkg, metadata: { ...metadata, kdfIterations } }), /iterations/);
    }
  });
}

test('a package with other fields beside its metadata, or of another version, is refused before any derivation', () => {
  const { package: pkg, masterKey } = packages[0];
  const refused = (changed, message) => refusedBeforeDerivation(() => openPackage(changed, masterKey), message);
  for (const other of [null, [], { metadata: pkg.metadata }, { ...pkg, other: 1 }]) refused(other, /not the fields/);
  for (const metadata of [null, []]) refused({ ...pkg, metadata }, /unknown version/);
  const field = (fields, message) => refused({ ...pkg, metadata: { ...pkg.metadata, ...fields } }, message);
  for (const version of ['1', '1.1', '2.0', 1]) field({ version }, /unknown version/);
  for (const algorithm of ['AES-CBC', 'aes-gcm']) field({ algorithm }, /unknown algorithm/);
  for (const classification of ['secret', 'PHI', null, 5]) field({ classification }, /unknown class/);
  for (const encryptedAt of [
    '2026-01-01',
    '2026-01-01T00:00:00.000Z',
    '2026-02-30T00:00:00Z',
    '2026-01-01T00:00:00+00:00',
  ]) {
    field({ encryptedAt }, /not a time/);
  }
  for (const iv of ['', pkg.metadata.salt]) field({ iv }, /another length/);
  for (const salt of ['', pkg.metadata.iv]) field({ salt }, /another length/);
  field({ iv: null }, /base64/);
  refused({ ...pkg, ciphertext: null }, /base64/);
});

test('a context is limited in depth, in size and to numbers that binary64 has', () => {
  const { package: pkg, masterKey } = packages[0];
  const open = (context) => () => openPackage({ ...pkg, metadata: { ...pkg.metadata, context } }, masterKey);
  const nested = (levels) => JSON.parse(`${'{"a":'.repeat(levels)}0${'}'.repeat(levels)}`);
  assert.throws(open(nested(64)), /unable to authenticate/);
  refusedBeforeDerivation(open(nested(65)), /levels/);
  // Encoded: 5 bytes of the object, 6 of each name, 9 of the number, 5 of the string and 2 of each of its code units.
  const sized = (bytes) => ({ a: 'x'.repeat((bytes - 5 - 6 - 6 - 9 - 5) / 2), b: 0 });
  assert.throws(open(sized(294_911)), /unable to authenticate/);
  refusedBeforeDerivation(open(sized(294_913)), /too long/);
  refusedBeforeDerivation(open(JSON.parse('{"a":1e400}')), /binary64/);
});

test('a secret that is too short, or not well formed, is refused', () => {
  const { package: pkg } = packages[0];
  for (const secret of ['', '7 chars', 'long enough\0', 'long enough \ud800', Buffer.alloc(7), undefined, 12_345_678]) {
    refusedBeforeDerivation(() => openPackage(pkg, secret), /secret|passphrase|surrogate/);
    refusedBeforeDerivation(() => openVault(vaults[0], secret), /secret|passphrase|surrogate/);
  }
  // Seven code points before normalisation, eight after: one ligature becomes two letters.
  assert.throws(() => openPackage(pkg, '\ufb01234567'), /unable to authenticate/);
});

for (const dump of vaults) {
  const { names, secret, records } = dump;
  const refused = (changed, message) => assert.throws(() => openVault(changed, secret), message && { message });

  test(`vault with ${names} names: every record is found by scanning`, () => {
    assert.deepEqual(openVault(dump, secret).map(plain).sort(byPlace), records.toSorted(byPlace));
    assert.equal(openVault(dump, secret.normalize('NFKC')).length, 6);
  });

  test(`vault with ${names} names: every record is found by its name`, () => {
    for (const record of records)
      assert.deepEqual(plain(openRecordOf(dump, secret, record.store, record.name)), record);
    assert.equal(openRecordOf(dump, secret, 'studies', 'none of that name'), null);
    assert.equal(openRecordOf(dump, secret, 'preferences', 'patient:P12345'), null);
    const keys = Buffer.concat(dump.tables.records.map(([key]) => Buffer.from(key, 'base64'))).toString('latin1');
    for (const { name } of records) assert.equal(keys.includes(name), names === 'clear');
  });

  test(`vault with ${names} names: another secret and a changed slot are the same refusal`, () => {
    const message = 'wrong secret, or a changed slot';
    assert.throws(() => openVault(dump, `${secret}!`), { message });
    assert.throws(() => openVault(dump, crypto.randomBytes(32)), { message });
    // The salt, the iterations (one bit, so still in bounds) and the wrapped key of the one slot.
    for (const at of [53, 68, 72, 73, 112])
      refused(
        withKeyring(dump, (bytes) => flip(bytes, at)),
        message,
      );
  });

  test(`vault with ${names} names: a keyring with any byte changed, one more or one fewer is refused`, () => {
    const size = sizeOf(dump, 'keyring', 0);
    for (let at = 0; at < size; at++) refused(withKeyring(dump, (bytes) => flip(bytes, at)));
    for (const at of [0, 45, 113, size - 32, size - 1]) refused(withKeyring(dump, (bytes) => bytes.subarray(0, at)));
    refused(
      withKeyring(dump, (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])),
      /trailing/,
    );
    refused({ ...dump, database: `${dump.database}2` }, /keyring was changed/);
  });

  test(`vault with ${names} names: iterations out of bounds are refused before any derivation`, () => {
    const u32 = (value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
    for (const iterations of [0, 1, 99_999, 10_000_001, 2 ** 32 - 1]) {
      const first = withKeyring(dump, (bytes) => edit(bytes, 69, u32(iterations)));
      refusedBeforeDerivation(() => openVault(first, secret), /iterations/);
      // A slot behind one that would have opened.
      const second = withKeyring(dump, (bytes) => {
        const slot = edit(edit(bytes.subarray(48, 113), 0, u32(2)), 21, u32(iterations));
        return Buffer.concat([
          bytes.subarray(0, 46),
          Buffer.from([0, 2]),
          bytes.subarray(48, 113),
          slot,
          bytes.subarray(113),
        ]);
      });
      refusedBeforeDerivation(() => openVault(second, secret), /iterations/);
    }
  });

  test(`vault with ${names} names: a record with any byte changed, one more or one fewer is refused`, () => {
    for (const table of ['records', 'chunks']) {
      for (let index = 0; index < count(dump, table); index++) {
        const change = (edited, part = 1) =>
          withTable(dump, table, (pairs) => {
            pairs[index][part] = edited(pairs[index][part]);
            return pairs;
          });
        const size = sizeOf(dump, table, index);
        // The header and what follows it byte by byte, then a sample, then the whole tag. An expiry that was changed
        // must not read as absent, it must be refused.
        for (let at = 0; at < size; at += at < 80 || at >= size - 16 ? 1 : Math.min(997, size - 16 - at)) {
          refused(change((bytes) => flip(bytes, at)));
        }
        for (const cut of [0, 35, 36, 56, size - 1])
          refused(change((bytes) => bytes.subarray(0, Math.min(cut, size - 1))));
        refused(change((bytes) => Buffer.concat([bytes, Buffer.alloc(1)])));
        const keySize = Buffer.from(dump.tables[table][index][0], 'base64').length;
        for (let at = 0; at < keySize; at++) refused(change((bytes) => flip(bytes, at), 0));
      }
    }
  });

  test(`vault with ${names} names: records that were moved or put together are refused`, () => {
    for (let a = 0; a < records.length; a++) {
      for (let b = 0; b < records.length; b++) {
        const swap = withTable(dump, 'records', (pairs) => {
          [pairs[a][1], pairs[b][1]] = [pairs[b][1], pairs[a][1]];
          return pairs;
        });
        const [header, joined] = [36, 56].map((size) =>
          withTable(dump, 'records', (pairs) => {
            pairs[a][1] = Buffer.concat([pairs[a][1].subarray(0, size), pairs[b][1].subarray(size)]);
            return pairs;
          }),
        );
        if (a !== b) for (const changed of [swap, header, joined]) refused(changed);
      }
    }
    refused(
      withTable(dump, 'chunks', () => []),
      /no value behind the head/,
    );
    // The other vault has the same names, stores and classes, and another database name and other keys.
    const other = vaults.find((vault) => vault !== dump);
    for (const table of ['keyring', 'records', 'chunks']) {
      refused({ ...dump, tables: { ...dump.tables, [table]: other.tables[table] } });
    }
  });
}
