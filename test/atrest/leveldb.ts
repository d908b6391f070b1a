import { Buffer } from 'node:buffer';
import { decodeSnappyBlock } from './snappy.ts';
import type { View } from './view.ts';

const LOG_BLOCK = 32768;
const LOG_HEADER = 7;
const FULL_RECORD = 1;
const LAST_FRAGMENT = 4;

/** Records of a LevelDB log (or manifest), put together from the fragments that 32 KiB blocks split them into. */
export function* logViews(file: Buffer): Generator<View> {
  let fragments: Buffer[] = [];
  let at = 0;
  while (at + LOG_HEADER <= file.length) {
    const leftInBlock = LOG_BLOCK - (at % LOG_BLOCK);
    if (leftInBlock < LOG_HEADER) {
      at += leftInBlock;
      continue;
    }
    const length = file.readUInt16LE(at + 4);
    const type = file.readUInt8(at + 6);
    const end = at + LOG_HEADER + length;
    // Zeros are space that was set aside and never written.
    if (type === 0 && length === 0) break;
    if (type === 0 || type > LAST_FRAGMENT || end > file.length) {
      yield { name: `leveldb log record at ${at}`, bytes: null };
      break;
    }
    fragments.push(file.subarray(at + LOG_HEADER, end));
    if (type === FULL_RECORD || type === LAST_FRAGMENT) {
      yield { name: 'leveldb log', bytes: Buffer.concat(fragments) };
      fragments = [];
    }
    at = end;
  }
  if (fragments.length > 0) yield { name: 'leveldb log', bytes: Buffer.concat(fragments) };
}

const FOOTER = 48;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');
const UNCOMPRESSED = 0;
const SNAPPY = 1;

class Cursor {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes.readUInt8(this.at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  take(length: number): Buffer {
    const taken = this.bytes.subarray(this.at, this.at + length);
    if (taken.length !== length) throw new RangeError('entry runs past its block');
    this.at += length;
    return taken;
  }
}

function readBlock(file: Buffer, handle: Cursor): Buffer | null {
  const offset = handle.varint();
  const size = handle.varint();
  const stored = file.subarray(offset, offset + size);
  const compression = file[offset + size];
  if (compression === UNCOMPRESSED) return stored;
  return compression === SNAPPY ? decodeSnappyBlock(stored) : null;
}

function* blockEntries(block: Buffer): Generator<{ key: Buffer; value: Buffer }> {
  const restarts = block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - 4 * restarts;
  const cursor = new Cursor(block);
  let key: Buffer = Buffer.alloc(0);
  while (cursor.at < end) {
    const shared = cursor.varint();
    const unshared = cursor.varint();
    const valueLength = cursor.varint();
    key = Buffer.concat([key.subarray(0, shared), cursor.take(unshared)]);
    yield { key, value: cursor.take(valueLength) };
  }
}

/** Keys (whole again: a table stores only what differs from the key before) and values of a LevelDB table. */
export function* tableViews(file: Buffer): Generator<View> {
  try {
    if (!file.subarray(-MAGIC.length).equals(MAGIC)) throw new RangeError('no table footer');
    const footer = new Cursor(file, file.length - FOOTER);
    footer.varint();
    footer.varint();
    const index = readBlock(file, footer);
    if (index === null) throw new RangeError('index block not readable');
    for (const { value: handle } of blockEntries(index)) yield* dataBlockViews(readBlock(file, new Cursor(handle)));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    yield { name: `leveldb table (${error.message})`, bytes: null };
  }
}

function* dataBlockViews(block: Buffer | null): Generator<View> {
  if (block === null) {
    yield { name: 'leveldb table block', bytes: null };
    return;
  }
  for (const { key, value } of blockEntries(block)) {
    yield { name: 'leveldb key', bytes: key };
    yield { name: 'leveldb value', bytes: value };
  }
}
