// The reader on archives.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { dumpOf } from './archive.mjs';
import { openVault } from './reader.mjs';
import { edit, flip } from './support.mjs';

const golden = (name) => JSON.parse(readFileSync(new URL(`../vectors/golden/${name}`, import.meta.url), 'utf8'));
const { archive: text, of } = golden('archive-v1.json');
const [{ secret, records, tables }] = golden(of);
const archive = Buffer.from(text, 'base64');
const plain = (record) => ({ ...record, value: record.value.toString('base64') });
const byName = (a, b) => (a.name < b.name ? -1 : 1);

test('an archive opens as the vault that it is of', () => {
  const dump = dumpOf(archive);
  assert.deepEqual(dump.tables, { ...tables, audit: [] });
  assert.deepEqual(openVault(dump, secret).map(plain).sort(byName), records.toSorted(byName));
});

test('an archive that was cut, or with any byte changed, is refused', () => {
  for (let at = 0; at < archive.length; at++) {
    assert.throws(() => dumpOf(archive.subarray(0, at)), `cut at ${at}`);
    assert.throws(() => dumpOf(flip(archive, at)), `flipped at ${at}`);
  }
  assert.throws(() => dumpOf(Buffer.concat([archive, Buffer.alloc(1)])), /trailing bytes/);
  assert.throws(() => dumpOf(edit(archive, 16, [2])), /unknown version/);
});
