import { Buffer } from 'node:buffer';

export type Canary = string | Uint8Array;

export interface Needle {
  canary: string;
  encoding: string;
  bytes: Buffer;
}

// Shorter ones would be met by chance.
const SHORTEST_CANARY = 6;
const LARGE_CANARY = 64;
const WINDOW = 32;

/** Every form in which a canary may lie in a file. */
export function needlesFor(name: string, canary: Canary): Needle[] {
  const needles: Needle[] = [];
  const add = (encoding: string, bytes: Buffer) => {
    if (bytes.length < SHORTEST_CANARY) throw new Error(`canary ${name} is too short to search for`);
    needles.push({ canary: name, encoding, bytes });
  };
  for (const [form, bytes] of binaryForms(canary)) {
    add(form, bytes);
    for (const [notation, text] of notations(bytes)) {
      const of = form === 'raw' || form === 'utf-8' ? notation : `${notation} of ${form}`;
      add(of, Buffer.from(text, 'latin1'));
      for (const [charset, wide] of wideCharsets(text)) add(`${of} in ${charset}`, wide);
    }
  }
  if (typeof canary === 'string') for (const [charset, wide] of wideCharsets(canary)) add(charset, wide);
  return needles;
}

function binaryForms(canary: Canary): [string, Buffer][] {
  if (typeof canary === 'string') return [['utf-8', Buffer.from(canary, 'utf8')]];
  const bytes = Buffer.from(canary.buffer, canary.byteOffset, canary.byteLength);
  if (bytes.length <= LARGE_CANARY) return [['raw', bytes]];
  // The whole holds its windows, so they find it where it is in one piece as well as where it is split over pages.
  const middle = (bytes.length - WINDOW) >> 1;
  return [
    ['raw start', bytes.subarray(0, WINDOW)],
    ['raw middle', bytes.subarray(middle, middle + WINDOW)],
    ['raw end', bytes.subarray(-WINDOW)],
  ];
}

function wideCharsets(text: string): [string, Buffer][] {
  return [
    ['utf-16le', Buffer.from(text, 'utf16le')],
    ['utf-16be', Buffer.from(text, 'utf16le').swap16()],
  ];
}

function notations(bytes: Buffer): [string, string][] {
  const hex = bytes.toString('hex');
  const found: [string, string][] = [['hex', hex]];
  if (hex.toUpperCase() !== hex) found.push(['HEX', hex.toUpperCase()]);
  for (const before of [0, 1, 2]) {
    const text = base64After(bytes, before);
    const url = text.replaceAll('+', '-').replaceAll('/', '_');
    found.push([`base64+${before}`, text]);
    if (url !== text) found.push([`base64url+${before}`, url]);
  }
  return found;
}

/** The base64 digits that depend on `bytes` alone when `before` other bytes stand before them in their group. */
function base64After(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
}

const SUFFIX = 4;
const FILTER_BITS = 20;

/** Looks for all needles in one pass: a profile is tens of megabytes and the needles are hundreds. */
export class NeedleSearch {
  // By how they end, because canaries of one test often begin alike.
  readonly #bySuffix = new Map<number, Needle[]>();
  readonly #filter = new Uint8Array(1 << FILTER_BITS);

  constructor(needles: Needle[]) {
    for (const needle of needles) {
      const suffix = needle.bytes.readInt32BE(needle.bytes.length - SUFFIX);
      const sharing = this.#bySuffix.get(suffix);
      if (sharing) sharing.push(needle);
      else this.#bySuffix.set(suffix, [needle]);
      this.#filter[slotOf(suffix)] = 1;
    }
  }

  find(haystack: Uint8Array): Set<Needle> {
    const found = new Set<Needle>();
    const filter = this.#filter;
    let suffix = 0;
    for (let at = 0; at < haystack.length; at++) {
      suffix = (suffix << 8) | (haystack[at] ?? 0);
      if (filter[slotOf(suffix)] === 0) continue;
      for (const needle of this.#bySuffix.get(suffix) ?? []) {
        const start = at + 1 - needle.bytes.length;
        if (start < 0 || haystack[start] !== needle.bytes[0]) continue;
        if (needle.bytes.compare(haystack, start, at + 1) === 0) found.add(needle);
      }
    }
    return found;
  }
}

function slotOf(suffix: number): number {
  return Math.imul(suffix, 0x9e3779b1) >>> (32 - FILTER_BITS);
}
