// Packs the data of a Go program: node scripts/pack.mjs FILE. It makes the file a sixth smaller for those who load it.
//
// The linker leaves out every run of a few zeros and so writes tens of thousands of segments, whose offsets cost more than the
// zeros, before and after compression, and which a browser sets up one by one. Here what lies close together is one segment.
//
// The tables that tell a code address its file and line are left out. They serve stack traces alone, and the runtime prints
// "?" where a function has none.
import { readFileSync, writeFileSync } from 'node:fs';

const dataSection = 11;
const dataCountSection = 12;

/** Zeros that are written out rather than left out. */
const maxGap = 32;

/** Reads numbers (LEB128) and bytes from the front of a buffer. */
class Reader {
  at = 0;
  constructor(bytes) {
    this.bytes = bytes;
  }
  get more() {
    return this.at < this.bytes.length;
  }
  byte() {
    return this.bytes[this.at++];
  }
  /** Unsigned, or signed where the number is not negative, as the offsets of data are. */
  number() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
  take(n) {
    this.at += n;
    return this.bytes.subarray(this.at - n, this.at);
  }
}

function unsigned(value) {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

// A signed number whose last byte has the second bit set would be negative.
const signed = (value) => {
  const bytes = unsigned(value);
  return bytes.at(-1) < 64 ? bytes : [...bytes.slice(0, -1), bytes.at(-1) | 128, 0];
};

const i32Const = 0x41;
const end = 0x0b;

/** Returns the memory that the segments of a data section lay out. */
function readImage(section) {
  const reader = new Reader(section);
  const segments = [];
  for (let left = reader.number(); left > 0; left--) {
    if (reader.byte() !== 0 || reader.byte() !== i32Const) throw new Error('a segment of another form');
    const offset = reader.number();
    if (reader.byte() !== end) throw new Error('an offset of another form');
    segments.push({ offset, bytes: reader.take(reader.number()) });
  }
  if (reader.more) throw new Error('something lies behind the segments');
  const image = Buffer.alloc(Math.max(...segments.map(({ offset, bytes }) => offset + bytes.length)));
  for (const { offset, bytes } of segments) image.set(bytes, offset);
  return image;
}

function writeImage(image) {
  const parts = [];
  let count = 0;
  for (let at = 0; at < image.length; ) {
    if (image[at] === 0) {
      at++;
      continue;
    }
    let stop = at + 1; // behind the last byte of the segment that is not zero
    for (let i = stop; i < image.length && i - stop <= maxGap; i++) if (image[i] !== 0) stop = i + 1;
    parts.push(Buffer.from([0, i32Const, ...signed(at), end, ...unsigned(stop - at)]), image.subarray(at, stop));
    count++;
    at = stop;
  }
  return Buffer.concat([Buffer.from(unsigned(count)), ...parts]);
}

// The runtime's table of functions, runtime/symtab.go and runtime/runtime2.go: a header, and behind it, at offsets that it
// names, the encoded tables (pctab) and a _func for each function, found through a list of pairs of u32.
const magic = Buffer.from([0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8]);
const header = { functions: 8, pctab: 56, functab: 64 };
const func = { pcsp: 16, pcfile: 20, pcln: 24, npcdata: 28, pcdata: 44 };

/** Takes the tables of files and lines out of the image and returns how many bytes they had. */
function dropLines(image) {
  const start = image.indexOf(magic);
  if (start < 0 || image.indexOf(magic, start + 1) >= 0) throw new Error('the table of functions is of another form');
  const field = (offset) => Number(image.readBigUInt64LE(start + offset));
  const pctab = start + field(header.pctab);
  const functab = start + field(header.functab);
  const needed = new Uint8Array(functab - pctab);
  // A table is pairs of numbers; a zero where a pair begins, but for the first, ends it.
  const keep = (table) => {
    if (table === 0) return;
    const reader = new Reader(image.subarray(pctab + table));
    do {
      reader.number();
      reader.number();
    } while (image[pctab + table + reader.at] !== 0);
    needed.fill(1, table, table + reader.at + 1);
  };
  for (let i = 0; i < field(header.functions); i++) {
    const f = functab + image.readUInt32LE(functab + 8 * i + 4);
    keep(image.readUInt32LE(f + func.pcsp));
    for (let k = 0; k < image.readUInt32LE(f + func.npcdata); k++) keep(image.readUInt32LE(f + func.pcdata + 4 * k));
    image.writeUInt32LE(0, f + func.pcfile);
    image.writeUInt32LE(0, f + func.pcln);
  }
  let dropped = 0;
  for (let i = 0; i < needed.length; i++) {
    if (needed[i] || image[pctab + i] === 0) continue;
    image[pctab + i] = 0;
    dropped++;
  }
  return dropped;
}

const file = process.argv[2];
const reader = new Reader(readFileSync(file));
const packed = [reader.take(8)];
while (reader.more) {
  const id = reader.byte();
  let section = reader.take(reader.number());
  if (id === dataCountSection) throw new Error('data is counted, and perhaps referred to');
  if (id === dataSection) {
    const image = readImage(section);
    const dropped = dropLines(image);
    const segments = new Reader(section).number();
    section = writeImage(image);
    if (!readImage(section).equals(image.subarray(0, readImage(section).length)))
      throw new Error('the memory would differ');
    console.log(
      `${file}: ${segments} segments of data are now ${new Reader(section).number()}, ${dropped} bytes of line tables are gone`,
    );
  }
  packed.push(Buffer.from([id, ...unsigned(section.length)]), section);
}
writeFileSync(file, Buffer.concat(packed));
