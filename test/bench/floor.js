// The floor that idbvault is measured against: the least JavaScript that gives the same guarantees, written by hand for this
// one purpose. AES-256-GCM under a fresh 96-bit IV; associated data that binds a record to database, store, stored name and
// header; names hidden by HMAC-SHA-256; name and context sealed with the value; random keys, wrapped, under PBKDF2; a write
// is acknowledged when its transaction has completed.

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const headerSize = 26; // u8 version, u8 class, u32 epoch, u64 created, 12-byte IV
const subtle = crypto.subtle;
const gcm = { name: 'AES-GCM', length: 256 };
const kw = { name: 'AES-KW', length: 256 };
const hmac = { name: 'HMAC', hash: 'SHA-256', length: 256 };
const relaxed = { durability: 'relaxed' };

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
const completed = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });

export class Floor {
  #db;
  #recordKey;
  #nameKey;
  #place; // lp(database) || lp(store): the part of the associated data that is always the same

  /** Opens the vault of a database, or makes it. */
  static async open(database, secret, iterations) {
    const request = indexedDB.open(database, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('keyring');
      request.result.createObjectStore('records');
    };
    const password = subtle.importKey('raw', encoder.encode(secret), 'PBKDF2', false, ['deriveKey']);
    const floor = new Floor();
    floor.#db = await done(request);
    floor.#place = prefixed([encoder.encode(database), encoder.encode('records')]);
    const ring =
      (await done(floor.#db.transaction('keyring').objectStore('keyring').get('keyring'))) ??
      (await floor.#create(await password, iterations));
    const kek = await deriveKEK(await password, ring.salt, ring.iterations, ['unwrapKey']);
    const vaultKey = await subtle.unwrapKey('raw', ring.vaultKey, kek, kw, kw, false, ['unwrapKey']);
    [floor.#recordKey, floor.#nameKey] = await Promise.all([
      subtle.unwrapKey('raw', ring.recordKey, vaultKey, kw, gcm, false, ['encrypt', 'decrypt']),
      subtle.unwrapKey('raw', ring.nameKey, vaultKey, kw, hmac, false, ['sign']),
    ]);
    return floor;
  }

  async #create(password, iterations) {
    const salt = crypto.getRandomValues(new Uint8Array(16));
    const kek = await deriveKEK(password, salt, iterations, ['wrapKey']);
    const vaultKey = await subtle.generateKey(kw, true, ['wrapKey']);
    const recordKey = await subtle.generateKey(gcm, true, ['encrypt']);
    const nameKey = await subtle.generateKey(hmac, true, ['sign']);
    const ring = {
      salt,
      iterations,
      vaultKey: await subtle.wrapKey('raw', vaultKey, kek, kw),
      recordKey: await subtle.wrapKey('raw', recordKey, vaultKey, kw),
      nameKey: await subtle.wrapKey('raw', nameKey, vaultKey, kw),
    };
    const transaction = this.#db.transaction('keyring', 'readwrite', { durability: 'strict' });
    transaction.objectStore('keyring').put(ring, 'keyring');
    await completed(transaction);
    return ring;
  }

  close() {
    this.#db.close();
  }

  /** With commit, the transaction is told to end; without, as is usual, it ends by itself, a round trip later. */
  async set(key, value, context, commit = false) {
    const [stored, record] = await this.#seal(key, value, context);
    const transaction = this.#db.transaction('records', 'readwrite', relaxed);
    transaction.objectStore('records').put(record, stored);
    if (commit) transaction.commit();
    await completed(transaction);
  }

  async setMany(entries) {
    const sealed = await Promise.all(entries.map(({ key, value, context }) => this.#seal(key, value, context)));
    const transaction = this.#db.transaction('records', 'readwrite', relaxed);
    const records = transaction.objectStore('records');
    for (const [stored, record] of sealed) records.put(record, stored);
    await completed(transaction);
  }

  /** Returns the value's bytes, or null. */
  async getBytes(key) {
    const stored = await this.#stored(key);
    const records = this.#db.transaction('records', 'readonly', relaxed).objectStore('records');
    return this.#open(key, stored, await done(records.get(stored)));
  }

  async get(key) {
    const bytes = await this.getBytes(key);
    return bytes && decoder.decode(bytes);
  }

  async getMany(keys) {
    const stored = await Promise.all(keys.map((key) => this.#stored(key)));
    const records = this.#db.transaction('records', 'readonly', relaxed).objectStore('records');
    const requests = stored.map((name) => records.get(name));
    await done(requests.at(-1)); // requests of one transaction end in their order
    const opened = await Promise.all(requests.map(({ result }, i) => this.#open(keys[i], stored[i], result)));
    return opened.map((bytes) => bytes && decoder.decode(bytes));
  }

  #stored(key) {
    return subtle.sign('HMAC', this.#nameKey, encoder.encode(key));
  }

  /** Returns the stored name and the record: header || AES-256-GCM(lp(name) || lp(context) || value). */
  async #seal(key, value, context) {
    const name = encoder.encode(key);
    const head = prefixed([name, context ? encoder.encode(JSON.stringify(context)) : new Uint8Array(0)]);
    const bytes = typeof value === 'string' ? encoder.encode(value) : value;
    const plain = new Uint8Array(head.length + bytes.length); // the caller's bytes as they are now
    plain.set(head);
    plain.set(bytes, head.length);
    const header = new Uint8Array(headerSize);
    const fields = new DataView(header.buffer);
    fields.setUint8(0, 1);
    fields.setUint8(1, 5);
    fields.setUint32(2, 1);
    fields.setBigUint64(6, BigInt(Math.floor(Date.now() / 1000)));
    const iv = crypto.getRandomValues(header.subarray(14));
    const stored = await subtle.sign('HMAC', this.#nameKey, name);
    const additionalData = this.#associated(stored, header);
    const sealed = await subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, this.#recordKey, plain);
    const record = new Uint8Array(headerSize + sealed.byteLength);
    record.set(header);
    record.set(new Uint8Array(sealed), headerSize);
    return [stored, record.buffer];
  }

  async #open(key, stored, record) {
    if (record === undefined) return null;
    const header = new Uint8Array(record, 0, headerSize);
    if (header[0] !== 1) throw new Error('unknown version');
    const additionalData = this.#associated(stored, header);
    const algorithm = { name: 'AES-GCM', iv: header.subarray(14), additionalData };
    const plain = await subtle.decrypt(algorithm, this.#recordKey, new Uint8Array(record, headerSize));
    const fields = new DataView(plain);
    const nameEnd = 4 + fields.getUint32(0);
    if (decoder.decode(new Uint8Array(plain, 4, nameEnd - 4)) !== key) throw new Error('another name');
    return new Uint8Array(plain, nameEnd + 4 + fields.getUint32(nameEnd));
  }

  /** lp(database) || lp(store) || 32-byte stored name || header. */
  #associated(stored, header) {
    const place = this.#place;
    const bytes = new Uint8Array(place.length + 32 + headerSize);
    bytes.set(place);
    bytes.set(new Uint8Array(stored), place.length);
    bytes.set(header, place.length + 32);
    return bytes;
  }
}

function deriveKEK(password, salt, iterations, uses) {
  return subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, password, kw, false, uses);
}

/** Each part behind its u32 length. */
function prefixed(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const fields = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    fields.setUint32(at, part.length);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}
