import { invalid } from '../index.ts';
import { copyOf } from './place.ts';

// Values of the types that IndexedDB clones, as text, or, where there are bytes in them, as that text and the bytes behind it.
// docs/PERSISTERS.md has the format. Objects stand in a list and name each other by their places in it, so that cycles, shared
// objects and any depth are kept.

/** What JSON has no type for: its type's name, and what that takes, in an array of its own. */
type Tag = [type: string, ...of: unknown[]];

const version = 1;

/** Begins a value with bytes: this byte, the length of the text as 4 bytes, the text, the bytes. */
const withBytes = 1;

/** Whether there are bytes in a value that was encoded, by what it is read as text. */
export const hasBytes = (text: string): boolean => text.charCodeAt(0) === withBytes;

const views = new Set(
  'Int8 Uint8 Uint8Clamped Int16 Uint16 Int32 Uint32 Float16 Float32 Float64 BigInt64 BigUint64'
    .split(' ')
    .map((type) => `${type}Array`)
    .concat('DataView'),
);
const errors: Record<string, ErrorConstructor> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** @throws VaultError `ERR_INVALID` for what cannot be kept as it is */
export function encode(value: unknown): string | Uint8Array<ArrayBuffer> | Blob {
  const found: unknown[] = [];
  const places = new Map<unknown, number>();
  const parts: (Uint8Array<ArrayBuffer> | Blob)[] = [];
  let size = 0;

  const refer = (v: unknown): unknown => {
    if (v === undefined) return [];
    if (v === null || typeof v === 'string' || typeof v === 'boolean') return v;
    if (typeof v === 'number' && Number.isFinite(v) && !Object.is(v, -0)) return v;
    let place = places.get(v);
    if (place === undefined) {
      place = found.push(v) - 1;
      places.set(v, place);
    }
    return [place];
  };
  const part = (bytes: Uint8Array<ArrayBuffer> | Blob) => {
    const length = bytes instanceof Blob ? bytes.size : bytes.length;
    parts.push(bytes);
    size += length;
    return [size - length, length];
  };

  const nodeOf = (v: unknown): unknown => {
    if (typeof v === 'number') return [['number', Object.is(v, -0) ? '-0' : String(v)]];
    if (typeof v === 'bigint') return [['bigint', String(v)]];
    const tag = typeof v === 'object' ? objectNode(v as object) : undefined;
    if (!tag) throw notKept(v);
    return tag;
  };
  const objectNode = (v: object): unknown => {
    const type = typeName(v);
    if (views.has(type)) return [[type, ...part(copyOf(v as ArrayBufferView))]];
    switch (type) {
      case 'Object':
        return isPlain(v) && members(v);
      case 'Array': {
        const list = v as unknown[];
        const keys = Object.keys(list); // without holes, and with nothing beside, they end with the last index
        if (keys.length === list.length && (keys.length === 0 || keys.at(-1) === String(list.length - 1)))
          return list.map(refer);
        return [['Array', list.length, members(list)]];
      }
      case 'Date':
        return [['Date', (v as Date).getTime()]];
      case 'RegExp':
        return [['RegExp', (v as RegExp).source, (v as RegExp).flags]];
      case 'Map':
        return [['Map', ...[...(v as Map<unknown, unknown>)].flat().map(refer)]];
      case 'Set':
        return [['Set', ...[...(v as Set<unknown>)].map(refer)]];
      case 'ArrayBuffer':
        return [
          [
            type,
            ...part(copyOf({ buffer: v as ArrayBuffer, byteOffset: 0, byteLength: (v as ArrayBuffer).byteLength })),
          ],
        ];
      case 'Blob':
      case 'File': {
        const { name, lastModified } = v as File;
        return [[type, ...part(v as Blob), (v as Blob).type, name, lastModified]];
      }
      case 'Error': {
        const { name, message, stack, cause } = v as Error;
        const standard = errors[name] && v.constructor.name === name && Object.keys(v).length === 0;
        return standard && [['Error', name, message, stack, refer(cause)]];
      }
    }
  };
  const members = (v: object): unknown => {
    const all: Record<string, unknown> = Object.create(null); // one may be called __proto__
    for (const [name, member] of Object.entries(v)) all[name] = refer(member);
    return all;
  };

  const all: unknown[] = [version, refer(value)];
  for (let i = 0; i < found.length; i++) all.push(nodeOf(found[i]));
  const text = JSON.stringify(all);
  return parts.length === 0 ? text : joined(text, parts);
}

function joined(text: string, parts: (Uint8Array<ArrayBuffer> | Blob)[]): Uint8Array<ArrayBuffer> | Blob {
  const head = new TextEncoder().encode(text);
  const front = new Uint8Array(5);
  front[0] = withBytes;
  new DataView(front.buffer).setUint32(1, head.length);
  const all = [front, head, ...parts];
  // A browser may put a Blob on the disk: only a value with one in it becomes one.
  if (parts.some((piece) => piece instanceof Blob)) return new Blob(all);
  const pieces = all as Uint8Array[];
  const bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

const typeName = (v: unknown): string => Object.prototype.toString.call(v).slice(8, -1);

/** Whether an object is of no class, in whichever window it was made. */
function isPlain(v: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(v);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function notKept(v: unknown): Error {
  const name = Object(v).constructor?.name || typeName(v);
  return invalid(`A value of the type ${name} cannot be kept. Store plain objects and arrays of what can.`);
}

/** @throws VaultError `ERR_INVALID` for bytes that {@link encode} did not make */
export function decode(bytes: Uint8Array<ArrayBuffer>): unknown {
  try {
    const start = bytes[0] === withBytes ? 5 : 0;
    const end = start ? start + new DataView(bytes.buffer, bytes.byteOffset).getUint32(1) : bytes.length;
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(start, end));
    return built(JSON.parse(text) as unknown[], bytes.subarray(end));
  } catch {
    throw invalid('The record is not what this persister writes. Give it a prefix of its own.');
  }
}

function built([written, root, ...nodes]: unknown[], parts: Uint8Array<ArrayBuffer>): unknown {
  if (written !== version) throw new Error('another version');
  const made = nodes.map((node) => make(node, parts)); // all of them, still empty: they may be in each other
  const get = (v: unknown): unknown => (Array.isArray(v) ? (v.length ? made[v[0] as number] : undefined) : v);
  nodes.forEach((node, i) => {
    fill(made[i], node, get);
  });
  return get(root);
}

const tagOf = (node: unknown): Tag | undefined => {
  const first: unknown = Array.isArray(node) ? node[0] : undefined;
  return Array.isArray(first) && typeof first[0] === 'string' ? (first as Tag) : undefined;
};

function make(node: unknown, parts: Uint8Array<ArrayBuffer>): unknown {
  const tag = tagOf(node);
  if (!tag) return Array.isArray(node) ? [] : {};
  const [type, a, b, contentType, name, lastModified] = tag as [string, never, never, never, never, never];
  const bytes = () => {
    if (a + b > parts.length) throw new Error('cut off');
    return parts.slice(a, a + b);
  };
  switch (type) {
    case 'number':
      return Number(a);
    case 'bigint':
      return BigInt(a);
    case 'Array':
      return new Array(a);
    case 'Date':
      return new Date(a ?? Number.NaN);
    case 'RegExp':
      return new RegExp(a, b);
    case 'Map':
      return new Map();
    case 'Set':
      return new Set();
    case 'ArrayBuffer':
      return bytes().buffer;
    case 'Blob':
      return new Blob([bytes()], { type: contentType });
    case 'File':
      return new File([bytes()], name, { type: contentType, lastModified });
    case 'Error': {
      const error = new (errors[a] as ErrorConstructor)(b);
      return Object.defineProperty(error, 'stack', { value: contentType, writable: true, configurable: true });
    }
  }
  if (!views.has(type)) throw new Error('no such type');
  const View = (globalThis as unknown as Record<string, new (buffer: ArrayBuffer) => unknown>)[type];
  return new (View as new (buffer: ArrayBuffer) => unknown)(bytes().buffer);
}

function fill(made: unknown, node: unknown, get: (v: unknown) => unknown): void {
  const put = (members: unknown) => {
    for (const [name, v] of Object.entries(members as object))
      Object.defineProperty(made, name, { value: get(v), writable: true, enumerable: true, configurable: true });
  };
  const tag = tagOf(node);
  if (!tag) {
    if (Array.isArray(node)) for (const v of node) (made as unknown[]).push(get(v));
    else put(node);
    return;
  }
  const [type, ...of] = tag;
  if (type === 'Array') put(of[1]);
  else if (type === 'Set') for (const v of of) (made as Set<unknown>).add(get(v));
  else if (type === 'Map')
    for (let i = 0; i < of.length; i += 2) (made as Map<unknown, unknown>).set(get(of[i]), get(of[i + 1]));
  else if (type === 'Error' && (of[3] as unknown[]).length !== 0)
    Object.defineProperty(made, 'cause', { value: get(of[3]), writable: true, configurable: true });
}
