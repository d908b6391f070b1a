// The reader on vaults in the midst of a rotation and behind one, and on the audit log.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openAuditLog, openRecordOf, openVault, rotationOf } from './reader.mjs';
import { flip, withTable } from './support.mjs';

const dumps = JSON.parse(readFileSync(new URL('../vectors/golden/vault-v1-rotation.json', import.meta.url), 'utf8'));
const plain = (record) => record && { ...record, value: record.value.toString('base64') };
const byPlace = (a, b) => (`${a.store}/${a.name}` < `${b.store}/${b.name}` ? -1 : 1);

/** The epochs of the records, from their headers. */
const epochsOf = (dump) => [
  ...new Set(dump.tables.records.map(([, value]) => Buffer.from(value, 'base64').readUInt32BE(4))),
];

test('five were kept: two that stopped lie under two epochs', () => {
  assert.deepEqual(
    dumps.map((dump) => [dump.database, epochsOf(dump).sort()]),
    [
      ['golden-stopped', [1, 2]],
      ['golden-new-secret-stopped', [1, 2]],
      ['golden-rotated', [2]],
      ['golden-rolling-back', [1, 2]],
      ['golden-committed', [2]],
    ],
  );
});

for (const dump of dumps) {
  const { database, secret, records, rotation, events } = dump;

  test(`${database} opens, each record by its name too`, () => {
    assert.deepEqual(openVault(dump, secret).map(plain).sort(byPlace), records.toSorted(byPlace));
    for (const record of records)
      assert.deepEqual(plain(openRecordOf(dump, secret, record.store, record.name)), record);
    assert.equal(openRecordOf(dump, secret, 'a', 'never written'), null);
    assert.throws(() => openVault(dump, `${secret}x`), /wrong secret/);
  });

  test(`${database} says where its rotation stands, and without its journal knows no phase`, () => {
    assert.deepEqual(rotationOf(dump, secret), rotation);
    const first = rotation && { ...rotation, phase: 1 };
    assert.deepEqual(
      rotationOf(
        withTable(dump, 'journal', () => []),
        secret,
      ),
      first,
    );
    const changed = withTable(dump, 'journal', (entries) => entries.map(([key, value]) => [key, flip(value, 20)]));
    assert.deepEqual(rotationOf(changed, secret), first);
  });

  test(`the audit log of ${database} is whole, and not once it was changed`, () => {
    const lines = openAuditLog(dump, secret);
    assert.deepEqual(
      lines.map(({ event }) => event),
      events,
    );
    assert.deepEqual(
      lines.map(({ number }) => number),
      events.map((_, i) => i + 1),
    );
    const count = dump.tables.audit.length;
    for (let at = 0; at < count; at++) {
      const without = withTable(dump, 'audit', (entries) => entries.toSpliced(at, 1));
      assert.throws(() => openAuditLog(without, secret));
      const changed = withTable(dump, 'audit', (entries) =>
        entries.map(([key, value], i) => [key, i === at ? flip(value, value.length - 1) : value]),
      );
      assert.throws(() => openAuditLog(changed, secret));
    }
    const swapped = withTable(dump, 'audit', ([[first, a], [second, b], ...rest]) => [
      [first, b],
      [second, a],
      ...rest,
    ]);
    assert.throws(() => openAuditLog(swapped, secret));
  });
}
