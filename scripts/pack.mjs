// Packs the data of a Go program: node scripts/pack.mjs FILE. It makes the file a sixth smaller for those who load it.
//
// The linker leaves out every run of a few zeros and so writes tens of thousands of segments, whose offsets cost more than the
// zeros, before and after compression, and which a browser sets up one by one. Here what lies close together is one segment.
//
// The tables that tell a code address its file and line are left out, and the names of functions. They serve stack traces alone, and
// the runtime prints "?" where a function has none. What it asks of a name beside that, is whether it begins with "runtime.": that
// much is left of those that do.
//
// Functions that nothing in a page calls are left as one instruction each.
//
// The list by which the runtime finds a function is not written down either: the file gets a start function that makes it.
import { readFileSync, writeFileSync } from 'node:fs';
import { dropBuckets, dropTraces, functionNames } from './functab.mjs';
import { Reader, signed, unsigned } from './leb.mjs';
import { dropUnreached } from './stubs.mjs';

const section = { type: 1, import: 2, function: 3, start: 8, element: 9, code: 10, data: 11, dataCount: 12 };

/** Zeros that are written out rather than left out. */
const maxGap = 32;

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

/** Returns a vector of WebAssembly, which begins with the number of its items, with one more. */
function withOne(vector, item) {
  const reader = new Reader(vector);
  const count = reader.number();
  return {
    count,
    bytes: Buffer.concat([Buffer.from(unsigned(count + 1)), vector.subarray(reader.at), Buffer.from(item)]),
  };
}

/** Returns the body of a function that writes, for each bucket, the number of the function that it belongs to. */
function makeBuckets({ at, count, bucket, bucketsOfFunction }) {
  const i32 = (n) => [i32Const, ...signed(n)];
  const [localGet, localTee, add, mul, shiftRight, lessThan] = [0x20, 0x22, 0x6a, 0x6c, 0x76, 0x49];
  const i = [localGet, 0];
  const code = [
    ...[1, 1, 0x7f], // a local variable i, of the type i32
    ...[0x03, 0x40], // loop
    ...[...i, ...i32(bucket), mul, ...i32(at), add, ...i, ...i32(Math.log2(bucketsOfFunction)), shiftRight],
    ...[0x36, 2, 0], // i32.store
    ...[...i, ...i32(1), add, localTee, 0, ...i32(count), lessThan],
    ...[0x0d, 0, end, end], // br_if to the loop
  ];
  return [...unsigned(code.length), ...code];
}

/** Returns the number of the type of functions that take and return nothing. */
function plainType(types) {
  const reader = new Reader(types);
  for (let i = 0, n = reader.number(); i < n; i++) {
    if (reader.byte() !== 0x60) throw new Error('a type that is not of a function');
    const parameters = reader.take(reader.number()).length;
    const results = reader.take(reader.number()).length;
    if (parameters + results === 0) return i;
  }
  throw new Error('no function takes and returns nothing');
}

const file = process.argv[2];
const reader = new Reader(readFileSync(file));
const magicAndVersion = reader.take(8);
const sections = [];
while (reader.more) sections.push({ id: reader.byte(), bytes: reader.take(reader.number()) });
const find = (id) => sections.find((s) => s.id === id);
if (find(section.start)) process.exit(); // `go build` leaves a file alone that is of the same build, and this one is packed
if (find(section.dataCount)) throw new Error('a module of another form');

const data = find(section.data);
const image = readImage(data.bytes);
const segments = new Reader(data.bytes).number();
const code = find(section.code);
const unreached = dropUnreached(code.bytes, functionNames(image));
code.bytes = unreached.bytes;
const dropped = dropTraces(image, unreached.dropped);
const buckets = dropBuckets(image);
data.bytes = writeImage(image);
if (!readImage(data.bytes).equals(image.subarray(0, readImage(data.bytes).length)))
  throw new Error('the memory would differ');

const functions = find(section.function);
const imported = new Reader(find(section.import).bytes).number(); // Go imports functions alone
const added = withOne(functions.bytes, unsigned(plainType(find(section.type).bytes)));
functions.bytes = added.bytes;
code.bytes = withOne(code.bytes, makeBuckets(buckets)).bytes;
const start = { id: section.start, bytes: Buffer.from(unsigned(imported + added.count)) };
sections.splice(sections.indexOf(find(section.element)), 0, start);

const packed = sections.map(({ id, bytes }) => Buffer.concat([Buffer.from([id, ...unsigned(bytes.length)]), bytes]));
writeFileSync(file, Buffer.concat([magicAndVersion, ...packed]));
console.log(
  `${file}: ${unreached.dropped.size} functions are never called, ${segments} segments of data are now ${new Reader(data.bytes).number()}, ${dropped} bytes of tables for traces are gone, and ${buckets.count * buckets.bucket} are made at the start`,
);
