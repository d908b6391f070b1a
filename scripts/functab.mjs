// What the linker writes for the Go runtime about functions: runtime/symtab.go and runtime/runtime2.go.
import { Reader } from './leb.mjs';

// The runtime's table of functions, runtime/symtab.go and runtime/runtime2.go: a header, and behind it, at offsets that it
// names, the encoded tables (pctab) and a _func for each function, found through a list of pairs of u32.
const runtime = Buffer.from('runtime.');
const magic = Buffer.from([0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8]);
const header = { functions: 8, names: 32, units: 40, files: 48, pctab: 56, functab: 64 };
const func = { name: 4, pcsp: 16, pcfile: 20, pcln: 24, npcdata: 28, pcdata: 44 };

/** What the first function of a program has for its number, in a code address. */
const firstFunction = 0x1000;

function readHeader(image) {
  const start = image.indexOf(magic);
  if (start < 0 || image.indexOf(magic, start + 1) >= 0) throw new Error('the table of functions is of another form');
  const field = (offset) => Number(image.readBigUInt64LE(start + offset));
  const [names, pctab, functab] = [header.names, header.pctab, header.functab].map((of) => start + field(of));
  return { count: field(header.functions), names, pctab, functab };
}

/** Returns the names of a program's functions, in the order of its code section. */
export function functionNames(image) {
  const { count, names, functab } = readHeader(image);
  return Array.from({ length: count }, (_, i) => {
    if (image.readUInt32LE(functab + 8 * i) !== firstFunction + i) throw new Error('the functions have another order');
    const name = names + image.readUInt32LE(functab + image.readUInt32LE(functab + 8 * i + 4) + func.name);
    return image.toString('utf8', name, image.indexOf(0, name));
  });
}

/**
 * Takes the tables of files, lines and names out of the image, and all tables of functions that are not reached, and returns how
 * many bytes they had.
 */
export function dropTraces(image, unreached) {
  const { count, names, pctab, functab } = readHeader(image);
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
  for (let i = 0; i < count; i++) {
    const f = functab + image.readUInt32LE(functab + 8 * i + 4);
    const tables = unreached.has(i) ? -1 : image.readUInt32LE(f + func.npcdata);
    if (tables >= 0) keep(image.readUInt32LE(f + func.pcsp));
    for (let k = 0; k < tables; k++) keep(image.readUInt32LE(f + func.pcdata + 4 * k));
    image.writeUInt32LE(0, f + func.pcfile);
    image.writeUInt32LE(0, f + func.pcln);
    const name = names + image.readUInt32LE(f + func.name);
    image.writeUInt32LE(
      runtime.equals(image.subarray(name, name + runtime.length)) ? 0 : runtime.length,
      f + func.name,
    );
  }
  // From the names on: those, the tables of compilation units and of files, up to the encoded tables.
  let dropped = pctab - names - runtime.length;
  image.fill(0, names, pctab);
  runtime.copy(image, names);
  for (let i = 0; i < needed.length; i++) {
    if (needed[i] || image[pctab + i] === 0) continue;
    image[pctab + i] = 0;
    dropped++;
  }
  return dropped;
}

// A list of 20 bytes for each 4096 code addresses, runtime.findfuncbucket: the number of the function there, and 16 bytes that tell
// apart functions which share them. In WebAssembly each function has 65,536 addresses of its own.
const bucket = 20;
const bucketsOfFunction = 16;
const moduleField = { names: 8, buckets: 152, firstAddress: 160, lastAddress: 168 };

/**
 * Takes that list out of the image, 15 % of the file for what a loop of a few instructions can write, and returns where it lies and
 * how many buckets it has.
 */
export function dropBuckets(image) {
  const start = image.indexOf(magic);
  const pointers = Buffer.alloc(16);
  pointers.writeBigUInt64LE(BigInt(start));
  pointers.writeBigUInt64LE(BigInt(start) + image.readBigUInt64LE(start + header.names), 8);
  const module = image.indexOf(pointers);
  if (module < 0) throw new Error('the description of the module is of another form');
  const field = (offset) => Number(image.readBigUInt64LE(module + offset));
  const at = field(moduleField.buckets);
  // Without the last, which the end of all functions lies in.
  const count = Math.floor((field(moduleField.lastAddress) - field(moduleField.firstAddress)) / 4096);
  const expected = Buffer.alloc(count * bucket);
  for (let i = 0; i < count; i++) expected.writeUInt32LE(Math.floor(i / bucketsOfFunction), i * bucket);
  if (!expected.equals(image.subarray(at, at + expected.length)))
    throw new Error('the list of functions is of another form');
  image.fill(0, at, at + expected.length);
  return { at, count, bucket, bucketsOfFunction };
}
