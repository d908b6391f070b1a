// An independent reader of both formats, written from docs/FORMAT.md alone. It shares no code with the library, so that
// the two can only agree through the text. The headings name the section of the text that the code follows.

import crypto from 'node:crypto';
import {
  base64,
  checkContext,
  decodeText,
  decrypt,
  encode,
  Fields,
  hmac,
  isObject,
  lp,
  must,
  password,
  pbkdf2,
  uint,
  unwrap,
  utf8,
} from './common.mjs';

const CLASSES = [null, 'public', 'internal', 'confidential', 'pii', 'phi'];
const LEAST_ITERATIONS = [null, 100_000, 100_000, 150_000, 150_000, 250_000];
const MOST_ITERATIONS = 10_000_000;
const KINDS = [null, 'text', 'bytes', 'blob'];
const TABLES = ['audit', 'chunks', 'journal', 'keyring', 'records'];
const WHOLE_LIMIT = 65_536;
const CHUNK = 2 ** 20;
const NAME = 3;
const KEYRING = 4;
const AUDIT = 5;

// The keyring: what it says, with every number checked and nothing unwrapped

const parseKeyring = (bytes) => {
  const fields = new Fields(bytes);
  must(fields.take(8).equals(Buffer.from('idbvault')), 'not a keyring');
  must(fields.uint(1) === 1, 'unknown version of the keyring');
  fields.take(16); // vault id: any value goes, as for the two below
  const created = fields.u64();
  fields.take(4); // generation
  const [writeEpoch, highestEpoch, options] = [fields.uint(4), fields.uint(4), fields.uint(1)];
  must(writeEpoch >= 1 && writeEpoch <= highestEpoch, 'write epoch out of range');
  must(options <= 1, 'unknown options');

  const slots = [];
  const slotCount = fields.uint(2);
  must(slotCount >= 1 && slotCount <= 64, 'number of slots out of range');
  for (let index = 0; index < slotCount; index++) {
    const slot = { id: fields.uint(4), kind: fields.uint(1), salt: fields.take(16), iterations: fields.uint(4) };
    must(index === 0 || slot.id > slots[index - 1].id, 'slots out of order');
    must(slot.kind >= 1 && slot.kind <= 3, 'unknown kind of slot');
    must(slot.iterations >= 100_000 && slot.iterations <= MOST_ITERATIONS, 'iterations out of range');
    slots.push({ ...slot, wrapped: fields.take(40) });
  }

  const keys = new Map();
  const keyCount = fields.uint(2);
  must(keyCount <= 4096, 'too many keys');
  let previous = Buffer.alloc(0);
  for (let index = 0; index < keyCount; index++) {
    const place = fields.take(6); // kind, class and epoch: compared as bytes, they are in the order that is asked for
    must(Buffer.compare(previous, place) < 0, 'keys out of order');
    previous = place;
    const [kind, level, epoch] = [place[0], place[1], place.readUInt32BE(2)];
    must(kind >= 1 && kind <= 5, 'unknown kind of key');
    must(kind <= 2 ? level >= 1 && level <= 5 : level === 0, 'class out of range');
    must(epoch >= 1 && epoch <= highestEpoch, 'epoch out of range');
    fields.u64(); // created
    must(fields.uint(4) <= 131_072, 'leases out of range');
    keys.set(`${kind}/${level}/${epoch}`, fields.take(40));
  }
  const body = bytes.subarray(0, fields.at);
  const mac = fields.take(32);
  fields.end();
  return { created, clearNames: options === 1, writeEpoch, slots, keys, body, mac };
};

// Rotation: what the journal says, where it fits the keyring

const parseJournal = ({ database, tables, epochs, writeEpoch }, macKey) => {
  const from = epochs.find((epoch) => epoch !== writeEpoch);
  if (from === undefined) return null;
  must(epochs.length === 2, 'record keys of more than two epochs');
  const rotation = { from, to: writeEpoch, phase: 1 };
  if (!tables.journal.has('rotation')) return rotation;
  const fields = new Fields(tables.journal.get('rotation'));
  must(fields.uint(1) === 1, 'unknown version of the journal');
  const [phase, ...said] = [fields.uint(1), fields.uint(4), fields.uint(4)];
  fields.u64(); // started
  const body = fields.bytes.subarray(0, fields.at);
  const mac = fields.take(32);
  fields.end();
  const fits = said[0] === from && said[1] === writeEpoch && (phase === 1 || phase === 2);
  if (!fits || !hmac(macKey, lp('idbvault/journal/v1'), lp(database), lp(body)).equals(mac)) return rotation;
  return { ...rotation, phase };
};

// The clock: the time that it is not before, in seconds

const parseClock = ({ database, tables, created }, macKey) => {
  const entry = tables.journal.get('clock');
  if (entry?.length !== 1 + 8 + 8 + 8 + 32 || entry[0] !== 1) return created;
  const fields = new Fields(entry.subarray(1));
  const trusted = fields.u64();
  const body = entry.subarray(0, 25);
  const good = hmac(macKey, lp('idbvault/clock/v1'), lp(database), lp(body)).equals(entry.subarray(25));
  return good ? trusted : created;
};

const unlock = (dump, secret) => {
  must(Object.keys(dump.tables).sort().join() === TABLES.join(), 'not the five object stores of a vault');
  const tables = {};
  for (const table of TABLES) {
    tables[table] = new Map(dump.tables[table].map(([key, value]) => [base64(key).toString('latin1'), base64(value)]));
    must(tables[table].size === dump.tables[table].length, 'a key that stands twice');
  }
  must(tables.keyring.size === 1 && tables.keyring.has('keyring'), 'not exactly one keyring');
  const keyring = parseKeyring(tables.keyring.get('keyring'));

  const secretBytes = password(secret);
  let vaultKey = null;
  for (const slot of keyring.slots) {
    try {
      vaultKey ??= unwrap(pbkdf2(secretBytes, slot.salt, slot.iterations), slot.wrapped);
    } catch {
      // The next slot may be the one of this secret.
    }
  }
  must(vaultKey, 'wrong secret, or a changed slot');

  const epochsOf = (kind) =>
    [...keyring.keys.keys()]
      .map((name) => name.split('/').map(Number))
      .filter(([k]) => k === kind)
      .map(([, , e]) => e);
  const keyringKeys = epochsOf(KEYRING);
  must(keyringKeys.length === 1, 'no keyring key, or more than one');
  const macKey = unwrap(vaultKey, keyring.keys.get(`${KEYRING}/0/${keyringKeys[0]}`));
  const mac = hmac(macKey, lp('idbvault/keyring/v1'), lp(dump.database), lp(keyring.body));
  must(crypto.timingSafeEqual(mac, keyring.mac), 'the keyring was changed');

  const keys = new Map([...keyring.keys].map(([name, wrapped]) => [name, unwrap(vaultKey, wrapped)]));
  const nameKeys = epochsOf(NAME).map((epoch) => [epoch, keys.get(`${NAME}/0/${epoch}`)]);
  must(keyring.clearNames || nameKeys.some(([epoch]) => epoch <= keyring.writeEpoch), 'no name key');
  const { created, clearNames, writeEpoch } = keyring;
  const epochs = [...new Set(epochsOf(1))];
  const vault = { database: dump.database, created, clearNames, writeEpoch, tables, keys, nameKeys, epochs };
  return { ...vault, rotation: parseJournal(vault, macKey), trusted: parseClock(vault, macKey) };
};

// The database

// The names under which a record may lie: that of the write epoch first, and during a rotation perhaps another.
const storedNames = (vault, store, name) => {
  const bytes = utf8(name);
  must(bytes.length >= 1 && bytes.length <= 1024, 'name out of range');
  if (vault.clearNames) return [bytes];
  const order = ([a], [b]) => (a <= vault.writeEpoch) - (b <= vault.writeEpoch) || a - b;
  const newestFirst = vault.nameKeys.toSorted(order).reverse();
  return newestFirst.map(([, key]) => hmac(key, lp('idbvault/name/v1'), lp(store), lp(bytes)));
};

// Records

const parseHeader = (fields) => {
  must(fields.uint(1) === 1, 'unknown version of a record');
  must(fields.uint(1) === 1, 'unknown suite');
  const header = { layout: fields.uint(1), level: fields.uint(1), epoch: fields.uint(4) };
  must(header.layout >= 1 && header.layout <= 3, 'unknown layout');
  must(header.level >= 1 && header.level <= 5, 'unknown class');
  must(header.epoch >= 1, 'epoch out of range');
  Object.assign(header, { created: fields.u64(), expires: fields.u64(), iv: fields.take(12) });
  if (header.layout === 2) {
    Object.assign(header, { valueIv: fields.take(12), length: fields.u64() });
    must(header.length <= 2n ** 30n, 'length out of range');
  }
  if (header.layout === 3) {
    Object.assign(header, { salt: fields.take(32), begun: fields.u64(), length: fields.u64() });
    must(header.length <= 2n ** 40n, 'length out of range');
  }
  return { ...header, bytes: fields.bytes.subarray(0, fields.at) };
};

const parseContext = (bytes) => {
  if (bytes.length === 0) return null;
  must(bytes.length <= 65_536, 'context too long');
  const context = JSON.parse(decodeText(bytes));
  checkContext(context);
  return context;
};

const parseHead = (bytes) => {
  const fields = new Fields(bytes);
  const [kind, name, type, context] = [fields.uint(1), fields.lp(), fields.lp(), fields.lp()];
  fields.end();
  must(kind >= 1 && kind <= 3, 'unknown kind of value');
  must(type.length <= 255 && (kind === 3 || type.length === 0), 'content type out of range');
  const contentType = decodeText(type);
  return { name: decodeText(name), kind: KINDS[kind], contentType, context: parseContext(context) };
};

// The value of a chunked record.
const openChunks = (vault, store, stored, header, entryKey) => {
  const object = vault.keys.get(`2/${header.level}/${header.epoch}`);
  must(object, 'no object key of that class and epoch');
  const key = Buffer.from(crypto.hkdfSync('sha256', object, header.salt, 'idbvault/chunks/v1', 32));
  const id = Buffer.concat([header.bytes.subarray(68, 76), header.salt.subarray(0, 8)]);
  const place = Buffer.concat([lp('idbvault/chunk/v1'), lp(vault.database), lp(store), lp(stored)]);
  const count = Math.max(1, Math.ceil(Number(header.length) / CHUNK));
  return Buffer.concat(
    Array.from({ length: count }, (_, i) => {
      const last = uint(i === count - 1 ? 1 : 0, 1);
      const sealed = vault.tables.chunks.get(Buffer.concat([entryKey, id, uint(i, 4)]).toString('latin1'));
      must(sealed, 'a chunk is missing');
      const iv = Buffer.concat([Buffer.alloc(7), last, uint(i, 4)]);
      const aad = Buffer.concat([place, lp(header.bytes.subarray(0, 76)), uint(i, 4), last]);
      const plain = decrypt(key, iv, aad, sealed);
      must(plain.length === Math.min(CHUNK, Number(header.length) - i * CHUNK), 'a chunk of another size');
      return plain;
    }),
  );
};

// The record at one place, or null where it expired.
const openRecord = (vault, store, stored, entry, now) => {
  const fields = new Fields(entry);
  const header = parseHeader(fields);
  const key = vault.keys.get(`1/${header.level}/${header.epoch}`);
  must(key, 'no key of that class and epoch');
  const place = Buffer.concat([lp('idbvault/record/v1'), lp(vault.database), lp(store), lp(stored)]);
  const aad = (part) => Buffer.concat([place, uint(part, 1), lp(header.bytes)]);

  const first = new Fields(decrypt(key, header.iv, aad(header.layout === 1 ? 1 : 2), fields.rest()));
  const head = first.lp();
  const headSize = first.at;
  let value;
  if (header.layout === 1) {
    value = first.rest();
  } else {
    first.end();
    const entryKey = Buffer.concat([uint(utf8(store).length, 1), utf8(store), uint(stored.length, 2), stored]);
    if (header.layout === 3) value = openChunks(vault, store, stored, header, entryKey);
    const sealed = value ?? vault.tables.chunks.get(Buffer.concat([entryKey, uint(0, 4)]).toString('latin1'));
    must(sealed, 'no value behind the head');
    value ??= decrypt(key, header.valueIv, aad(3), sealed);
    must(BigInt(value.length) === header.length, 'value of another length');
  }
  must(
    header.layout === 3 || headSize + value.length <= WHOLE_LIMIT === (header.layout === 1),
    'layout of another size',
  );

  const parsed = parseHead(head);
  // This covers a look-up too, as its place was made of the name that was looked for.
  must(
    storedNames(vault, store, parsed.name).some((name) => name.equals(stored)),
    'record of another name',
  );
  if (parsed.kind === 'text') decodeText(value);
  const present = BigInt(Math.floor(now / 1000));
  if (header.expires !== 0n && (header.expires <= present || header.expires <= vault.trusted)) return null;
  return { store, classification: CLASSES[header.level], ...parsed, value };
};

// Every record of the vault that did not expire.
export const openVault = (dump, secret, now = Date.now()) => {
  const vault = unlock(dump, secret);
  const records = [];
  for (const [key, entry] of vault.tables.records) {
    const fields = new Fields(Buffer.from(key, 'latin1'));
    const store = decodeText(fields.take(fields.uint(1)));
    must(store.length > 0, 'store without a name');
    records.push(openRecord(vault, store, fields.rest(), entry, now));
  }
  return records.filter((record) => record !== null);
};

// The record of that name, or null.
export const openRecordOf = (dump, secret, store, name, now = Date.now()) => {
  const vault = unlock(dump, secret);
  for (const stored of storedNames(vault, store, name)) {
    const key = Buffer.concat([uint(utf8(store).length, 1), utf8(store), stored]).toString('latin1');
    const entry = vault.tables.records.get(key);
    if (entry) return openRecord(vault, store, stored, entry, now);
  }
  return null;
};

// Where a rotation of the vault stands, or null.
export const rotationOf = (dump, secret) => unlock(dump, secret).rotation;

// The audit log

const u64 = (number) => Buffer.concat([uint(0, 2), uint(number, 6)]);

const openAudit = (vault, number, stored) => {
  const fields = new Fields(stored);
  must(fields.uint(1) === 1, 'unknown version of the audit log');
  const key = vault.keys.get(`${AUDIT}/0/${fields.uint(4)}`);
  must(key, 'no audit key of that epoch');
  const iv = fields.take(12);
  const seal = stored.subarray(0, fields.at);
  const aad = Buffer.concat([lp('idbvault/audit/v1'), lp(vault.database), u64(number), seal]);
  return new Fields(decrypt(key, iv, aad, fields.rest()));
};

// The lines of the log, every one of them checked.
export const openAuditLog = (dump, secret) => {
  const vault = unlock(dump, secret);
  const stored = vault.tables.audit.get('head');
  must(stored, 'no head of the audit log');
  const head = openAudit(vault, 0, stored);
  const [first, next] = [Number(head.u64()), Number(head.u64())];
  let link = head.take(32);
  const last = head.take(32);
  head.end();
  const numbers = [...vault.tables.audit.keys()].filter((key) => key.length === 8);
  must(first >= 1 && numbers.length === next - first, 'lines are missing, or too many');
  const lines = [];
  for (let number = first; number < next; number++) {
    const line = vault.tables.audit.get(u64(number).toString('latin1'));
    must(line, 'a line is missing');
    const fields = openAudit(vault, number, line);
    lines.push({ number, event: fields.uint(1), epoch: fields.uint(4), time: fields.u64(), count: fields.uint(4) });
    must(fields.take(32).equals(link), 'a line with another link');
    fields.end();
    link = crypto.createHash('sha256').update(line).digest();
  }
  must(link.equals(last), 'the last line is another one');
  return lines;
};

// Packages

export const openPackage = (pkg, masterKey) => {
  must(isObject(pkg) && Object.keys(pkg).sort().join() === 'ciphertext,metadata', 'not the fields of a package');
  const { ciphertext, metadata } = pkg;
  must(isObject(metadata) && metadata.version === '1.0', 'unknown version of a package');
  must(metadata.algorithm === 'AES-GCM', 'unknown algorithm');
  const level = CLASSES.indexOf(metadata.classification);
  must(level >= 1, 'unknown class');
  const time = metadata.encryptedAt;
  must(typeof time === 'string' && /^\d{4}(-\d\d){2}T\d\d(:\d\d){2}Z$/.test(time), 'not a time');
  must(!Number.isNaN(Date.parse(time)) && new Date(time).toISOString() === time.replace('Z', '.000Z'), 'not a time');
  const [iv, salt, sealed] = [base64(metadata.iv), base64(metadata.salt), base64(ciphertext)];
  must(iv.length === 12 && salt.length === 16, 'IV or salt of another length');
  if (Object.hasOwn(metadata, 'context')) checkContext(metadata.context);

  let iterations = LEAST_ITERATIONS[level];
  if (Object.hasOwn(metadata, 'kdfIterations')) {
    const given = metadata.kdfIterations;
    // The least itself is refused too: a package of the least has no such field, and a value has one encoding.
    must(Number.isInteger(given) && given > iterations && given <= MOST_ITERATIONS, 'iterations out of range');
    iterations = given;
  }
  const id = Buffer.concat([lp('idbvault/key-id/v1'), uint(level, 1), uint(iterations, 4), lp(salt)]);
  const keyId = crypto.createHash('sha256').update(id).digest('hex').slice(0, 32);
  must(metadata.keyId === keyId, 'key id of another salt, class or number of iterations');

  const aad = Buffer.concat([lp('idbvault/package/v1'), encode(metadata, 65)]);
  return decrypt(pbkdf2(password(masterKey), salt, iterations), iv, aad, sealed);
};
