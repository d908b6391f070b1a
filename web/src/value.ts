import { invalid } from './errors.ts';

/** Any value that JSON has. */
export type JSONValue = string | number | boolean | null | JSONValue[] | { [key: string]: JSONValue };

/** A context: what a caller wants to keep with a value. At most 65,536 bytes of JSON and 64 levels. */
export type Context = { [key: string]: JSONValue };

const notJSON = () =>
  invalid('The context must be a JSON object: plain objects, arrays, strings, finite numbers, booleans and null.');

/** Refuses what JSON has no value for, and more than so many levels, as a cycle has. */
function checkValue(v: unknown, levels: number): void {
  if (v === null || typeof v === 'boolean' || typeof v === 'string') return;
  if (typeof v === 'number' ? !Number.isFinite(v) : typeof v !== 'object' || levels === 0) throw notJSON();
  if (typeof v !== 'object') return;
  if (Array.isArray(v)) {
    for (let i = 0; i < v.length; i++) checkValue(v[i], levels - 1);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(v);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw notJSON(); // a Date, a Map, a class's
  for (const name of namesIn(v)) checkValue((v as Record<string, unknown>)[name], levels - 1);
}

/** The names of an object's members, without those that JSON leaves out. */
const namesIn = (v: object): string[] =>
  Object.keys(v).filter((name) => (v as Record<string, unknown>)[name] !== undefined);

/**
 * Returns the typed encoding of a JSON value (docs/FORMAT.md, "Typed encoding"), which Go authenticates.
 *
 * @throws VaultError `ERR_INVALID` for what JSON has no value for, and for more than 64 levels, as a cycle has
 */
export function encodeValue(value: unknown, levels = 64): Uint8Array {
  checkValue(value, levels);
  const bytes: number[] = [];
  const u16 = (x: number) => bytes.push(x >> 8, x & 255);
  const u32 = (x: number) => {
    u16(x >>> 16);
    u16(x & 0xffff);
  };
  const units = (s: string) => {
    u32(s.length);
    for (let i = 0; i < s.length; i++) u16(s.charCodeAt(i));
  };
  const write = (v: unknown): void => {
    if (v === null) bytes.push(0);
    else if (typeof v === 'boolean') bytes.push(v ? 2 : 1);
    else if (typeof v === 'string') {
      bytes.push(4);
      units(v);
    } else if (typeof v === 'number') {
      const number = new DataView(new ArrayBuffer(8));
      number.setFloat64(0, v + 0); // JSON writes -0 as 0
      bytes.push(3, ...new Uint8Array(number.buffer));
    } else if (Array.isArray(v)) {
      bytes.push(5);
      u32(v.length);
      for (const element of v) write(element);
    } else {
      const names = namesIn(v as object).sort(); // compares code units
      bytes.push(6);
      u32(names.length);
      for (const name of names) {
        units(name);
        write((v as Record<string, unknown>)[name]);
      }
    }
  };
  write(value);
  return Uint8Array.from(bytes);
}

/** Returns a context's JSON text, or '' for none. */
export function contextText(context: Context | undefined): string {
  if (context === undefined) return '';
  requireObject(context);
  checkValue(context, 64);
  const text = JSON.stringify(context);
  if (text[0] !== '{') throw notJSON();
  return text; // Go counts its bytes; the page that it is written to holds more than it lets through
}

export function requireObject(context: unknown): void {
  if (typeof context !== 'object' || context === null || Array.isArray(context)) throw notJSON();
}
