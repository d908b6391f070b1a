// The reader on values in chunks.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openVault } from './reader.mjs';
import { flip, withTable } from './support.mjs';

const [dump] = JSON.parse(readFileSync(new URL('../vectors/golden/vault-v1-chunked.json', import.meta.url), 'utf8'));
const { secret, records } = dump;
const plain = (record) => ({ ...record, value: record.value.toString('base64') });
const byName = (a, b) => (a.name < b.name ? -1 : 1);
const isRefused = (changed, reason = Error) => assert.throws(() => openVault(changed, secret), reason);

test('values in chunks open, an empty one too', () => {
  assert.deepEqual(openVault(dump, secret).map(plain).sort(byName), records.toSorted(byName));
});

test('a chunk, its key or its header with any byte changed is refused', () => {
  for (const table of ['records', 'chunks'])
    for (const [index, [key, value]] of dump.tables[table].entries())
      for (const [part, text] of [key, value].entries())
        for (let at = 0; at < Buffer.from(text, 'base64').length; at++)
          isRefused(
            withTable(dump, table, (pairs) => {
              pairs[index][part] = flip(pairs[index][part], at);
              return pairs;
            }),
          );
});

test('chunks that are missing or changed places are refused', () => {
  isRefused(
    withTable(dump, 'chunks', () => []),
    /a chunk is missing/,
  );
  isRefused(
    withTable(dump, 'chunks', (pairs) => {
      [pairs[0][1], pairs[1][1]] = [pairs[1][1], pairs[0][1]];
      return pairs;
    }),
  );
});
