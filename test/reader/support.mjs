// What the tests of the reader share: the golden files, a PBKDF2 that counts, and edits of bytes and of dumps.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mock } from 'node:test';
import { unwrap } from './common.mjs';

const golden = (name) => JSON.parse(readFileSync(new URL(`../vectors/golden/${name}`, import.meta.url), 'utf8'));
export const vaults = golden('vault-v1.json');
export const packages = golden('packages-v1.0.json');

// Most cases share a secret and a salt, so each key is derived once, and the most iterations, which would take seconds
// and open nothing here, give no key at all. The calls are counted by the mock.
const derived = new Map();
const derive = crypto.pbkdf2Sync;
const pbkdf2 = mock.method(crypto, 'pbkdf2Sync', (secret, salt, ...rest) => {
  const id = [Buffer.from(secret).toString('hex'), salt.toString('hex'), ...rest].join('/');
  if (rest[0] === 10_000_000) return Buffer.alloc(32);
  if (!derived.has(id)) derived.set(id, derive(secret, salt, ...rest));
  return derived.get(id);
});
const derivations = () => pbkdf2.mock.callCount();

export const refusedBeforeDerivation = (open, message) => {
  const before = derivations();
  assert.throws(open, { message });
  assert.equal(derivations(), before, 'a key was derived');
};

export const edit = (bytes, at, replacement) => {
  const copy = Buffer.from(bytes);
  copy.set(replacement, at);
  return copy;
};

export const flip = (bytes, at) => edit(bytes, at, [bytes[at] ^ 1]);

// The dump with one table changed by `change`, which gets and returns [key, value] pairs of bytes.
export const withTable = (dump, table, change) => {
  const pairs = dump.tables[table].map((pair) => pair.map((text) => Buffer.from(text, 'base64')));
  const changed = change(pairs).map((pair) => pair.map((bytes) => bytes.toString('base64')));
  return { ...dump, tables: { ...dump.tables, [table]: changed } };
};

export const withKeyring = (dump, change) => withTable(dump, 'keyring', ([[key, value]]) => [[key, change(value)]]);

// The golden vault with clear names, its keyring and its keys, for tests that seal something anew.
export const clear = vaults.find(({ names }) => names === 'clear');
export const keyring = Buffer.from(clear.tables.keyring[0][1], 'base64');

// Where the one slot and the first key stand. Keys are 58 bytes: a record and an object key of each class, then 3 more.
export const SLOT = 48;
export const KEYS = 115;
export const keyAt = (index) => KEYS + 58 * index;
export const KEYRING_KEY = 11;

const password = Buffer.from(clear.secret.normalize('NFKC'));
const kek = derive(password, keyring.subarray(SLOT + 5, SLOT + 21), keyring.readUInt32BE(SLOT + 21), 32, 'sha256');
export const vaultKey = unwrap(kek, keyring.subarray(SLOT + 25, SLOT + 65));
export const keyOf = (index) => unwrap(vaultKey, keyring.subarray(keyAt(index) + 18, keyAt(index) + 58));
