// What both formats of docs/FORMAT.md share: its conventions, its secrets and its typed encoding.

// The default import, since tests watch and replace `crypto.pbkdf2Sync`.
import crypto from 'node:crypto';

export const must = (condition, what) => {
  if (!condition) throw new Error(what);
};

// Conventions

const TAG = 16;

export const utf8 = (text) => {
  must(typeof text === 'string' && text.isWellFormed(), 'text with an unpaired surrogate');
  return Buffer.from(text, 'utf8');
};

// A leading U+FEFF is a character of the text, so it is kept.
export const decodeText = (bytes) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

// Node's decoder forgives white space, missing padding and stray bits; what does not encode back is refused.
export const base64 = (text) => {
  must(typeof text === 'string', 'base64 that is not a string');
  const bytes = Buffer.from(text, 'base64');
  must(bytes.toString('base64') === text, 'base64 that is not canonical');
  return bytes;
};

export const uint = (value, size) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
};

export const lp = (value) => {
  const bytes = typeof value === 'string' ? utf8(value) : value;
  return Buffer.concat([uint(bytes.length, 4), bytes]);
};

// Reads fields in turn, and refuses to read past the end or to leave anything behind.
export class Fields {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(size) {
    must(size <= this.bytes.length - this.at, 'truncated');
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  uint(size) {
    return this.take(size).readUIntBE(0, size);
  }

  u64() {
    return this.take(8).readBigUInt64BE();
  }

  lp() {
    return this.take(this.uint(4));
  }

  rest() {
    return this.take(this.bytes.length - this.at);
  }

  end() {
    must(this.at === this.bytes.length, 'trailing bytes');
  }
}

export const hmac = (key, ...parts) => crypto.createHmac('sha256', key).update(Buffer.concat(parts)).digest();

// AES-KW with RFC 3394's default initial value; throws where the integrity check fails.
export const unwrap = (key, wrapped) => {
  const cipher = crypto.createDecipheriv('id-aes256-wrap', key, Buffer.alloc(8, 0xa6));
  return Buffer.concat([cipher.update(wrapped), cipher.final()]);
};

export const decrypt = (key, iv, aad, sealed) => {
  must(sealed.length >= TAG, 'ciphertext shorter than its tag');
  const cipher = crypto.createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG });
  cipher.setAAD(aad).setAuthTag(sealed.subarray(-TAG));
  return Buffer.concat([cipher.update(sealed.subarray(0, -TAG)), cipher.final()]);
};

// Secrets

export const password = (secret) => {
  if (secret instanceof Uint8Array) {
    must(secret.length >= 8, 'secret too short');
    return secret;
  }
  must(typeof secret === 'string', 'secret that is neither text nor bytes');
  const text = secret.normalize('NFKC');
  must(!text.includes('\0') && [...text].length >= 8, 'passphrase too short or with U+0000');
  return utf8(text);
};

export const pbkdf2 = (secret, salt, iterations) => crypto.pbkdf2Sync(secret, salt, iterations, 32, 'sha256');

// Typed encoding

const codeUnits = (text) => {
  const bytes = Buffer.alloc(text.length * 2);
  for (let index = 0; index < text.length; index++) bytes.writeUInt16BE(text.charCodeAt(index), index * 2);
  return Buffer.concat([uint(text.length, 4), bytes]);
};

// `levels` is how many more levels of arrays and objects there may be.
export const encode = (value, levels) => {
  if (value === null || typeof value === 'boolean') return uint([null, false, true].indexOf(value), 1);
  if (typeof value === 'string') return Buffer.concat([uint(4, 1), codeUnits(value)]);
  if (typeof value === 'number') {
    must(Number.isFinite(value), 'a number beyond binary64');
    const bytes = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.writeDoubleBE(value === 0 ? 0 : value, 1); // -0 is written as 0
    return bytes;
  }
  must(typeof value === 'object', 'a value that JSON does not have');
  must(levels > 0, 'too many levels');
  if (Array.isArray(value)) {
    return Buffer.concat([uint(5, 1), uint(value.length, 4), ...value.map((item) => encode(item, levels - 1))]);
  }
  const names = Object.keys(value).sort();
  const members = names.flatMap((name) => [codeUnits(name), encode(value[name], levels - 1)]);
  return Buffer.concat([uint(6, 1), uint(names.length, 4), ...members]);
};

export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

export const checkContext = (context) => {
  must(isObject(context), 'context that is not an object');
  must(encode(context, 64).length <= 294_912, 'context too long');
};
