// An independent reader of archives, written from docs/FORMAT.md, "Archives", as reader.mjs is: it makes of an archive the dump
// that openVault takes.

import crypto from 'node:crypto';
import { decodeText, Fields, lp, must, uint } from './common.mjs';

const TABLES = [null, 'records', 'chunks'];
const MOST = [0, 131_072, 2 ** 30 + 64];

const sha256 = (...parts) => crypto.createHash('sha256').update(Buffer.concat(parts)).digest();

// The key of a chunk without ID and index.
const chunksOf = (key) => {
  const name = key.subarray(1 + key[0]);
  return Buffer.concat([key.subarray(0, 1 + key[0]), uint(name.length, 2), name]);
};

export const dumpOf = (archive) => {
  const fields = new Fields(archive);
  must(fields.take(16).equals(Buffer.from('idbvault-archive')), 'not an archive');
  must(fields.uint(1) === 1, 'unknown version of an archive');
  const database = decodeText(fields.lp());
  const keyring = fields.lp();
  let link = sha256(archive.subarray(0, fields.at));

  const pair = (key, value) => [key.toString('base64'), value.toString('base64')];
  const tables = { keyring: [pair(Buffer.from('keyring'), keyring)], records: [], chunks: [], journal: [], audit: [] };
  let count = 0;
  const last = [Buffer.alloc(0), Buffer.alloc(0), Buffer.alloc(0)];
  for (let table = fields.uint(1); table !== 0; table = fields.uint(1)) {
    must(TABLES[table], 'unknown table');
    const [key, value] = [fields.lp(), fields.lp()];
    must(key.length >= 1 && key.length <= 1302 && value.length <= MOST[table], 'length out of range');
    must(Buffer.compare(last[table], key) < 0, 'entries out of order');
    last[table] = key;
    if (table === 1) last[2] = Buffer.alloc(0);
    else must(key.indexOf(chunksOf(last[1])) === 0, 'a chunk of another record');
    link = sha256(link, uint(table, 1), lp(key), sha256(value));
    tables[TABLES[table]].push(pair(key, value));
    count++;
  }
  must(fields.u64() === BigInt(count), 'another number of entries');
  must(fields.take(32).equals(link), 'entries that are not what was written');
  fields.end();
  return { database, tables };
};
