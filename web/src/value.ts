import { invalid } from './errors.ts';

/** Any value that JSON has. */
export type JSONValue = string | number | boolean | null | JSONValue[] | { [key: string]: JSONValue };

/** A context: what a caller wants to keep with a value. At most 65,536 bytes of JSON and 64 levels. */
export type Context = { [key: string]: JSONValue };

const notJSON = () =>
  invalid('The context must be a JSON object: strings, finite numbers, booleans, null, arrays and plain objects only.');

/**
 * Returns the typed encoding of a JSON value (docs/FORMAT.md, "Typed encoding"), which Go authenticates.
 *
 * @throws VaultError `ERR_INVALID` for what JSON has no value for, and for more than 64 levels, as a cycle has
 */
export function encodeValue(value: unknown, levels = 64): Uint8Array {
  let bytes = new Uint8Array(256);
  let length = 0;
  const grow = (n: number): number => {
    if (length + n > bytes.length) {
      const wider = new Uint8Array((length + n) * 2);
      wider.set(bytes.subarray(0, length));
      bytes = wider;
    }
    length += n;
    return length - n;
  };
  const u8 = (x: number) => {
    const at = grow(1);
    bytes[at] = x;
  };
  const u32 = (x: number) => {
    const at = grow(4);
    new DataView(bytes.buffer).setUint32(at, x);
  };
  const units = (s: string) => {
    u32(s.length);
    let at = grow(2 * s.length);
    for (let i = 0; i < s.length; i++) {
      const unit = s.charCodeAt(i);
      bytes[at++] = unit >> 8;
      bytes[at++] = unit & 255;
    }
  };
  const write = (v: unknown, left: number): void => {
    if (v === null) u8(0);
    else if (typeof v === 'boolean') u8(v ? 2 : 1);
    else if (typeof v === 'string') {
      u8(4);
      units(v);
    } else if (typeof v === 'number' && Number.isFinite(v)) {
      u8(3);
      const at = grow(8);
      new DataView(bytes.buffer).setFloat64(at, v + 0); // JSON writes -0 as 0
    } else if (typeof v !== 'object' || left === 0) throw notJSON();
    else if (Array.isArray(v)) {
      u8(5);
      u32(v.length);
      for (let i = 0; i < v.length; i++) write(v[i], left - 1);
    } else members(v as Record<string, unknown>, left - 1);
  };
  const members = (object: Record<string, unknown>, left: number): void => {
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw notJSON(); // a Date, a Map, a class's
    const names = Object.keys(object).filter((name) => object[name] !== undefined);
    u8(6);
    u32(names.length);
    // sort() compares code units
    for (const name of names.sort()) {
      units(name);
      write(object[name], left);
    }
  };
  write(value, levels);
  return bytes.subarray(0, length);
}

/** Returns a context's JSON text, or '' for none. */
export function contextText(context: Context | undefined): string {
  if (context === undefined) return '';
  return JSON.stringify(copyContext(context));
}

/** Returns a copy of a context, which no getter and no toJSON can make another thing of afterwards. */
export function copyContext(context: Context): Context {
  requireObject(context);
  encodeValue(context);
  const text = JSON.stringify(context);
  if (text.length > 65_536) throw invalid('The context is too large: at most 65,536 bytes of JSON.');
  const copy: unknown = JSON.parse(text);
  requireObject(copy);
  return copy as Context;
}

export function requireObject(context: unknown): void {
  if (typeof context !== 'object' || context === null || Array.isArray(context)) throw notJSON();
}
