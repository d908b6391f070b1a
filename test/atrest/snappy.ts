import { Buffer } from 'node:buffer';

const LARGEST_OUTPUT = 1 << 28;
// A three byte copy element yields at most 64 bytes, so a longer claim is not Snappy and is not worth allocating.
const LARGEST_RATIO = 32;

function readLength(input: Buffer, start: number): { length: number; next: number } | null {
  let length = 0;
  let factor = 1;
  for (let next = start; next < start + 5; next++) {
    const byte = input[next];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * factor;
    factor *= 128;
    if (byte < 0x80) return { length, next: next + 1 };
  }
  return null;
}

/** Decodes one raw Snappy block that starts at `start`; null where the bytes are no such block. */
export function decodeSnappyBlock(bytes: Uint8Array, start = 0): Buffer | null {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readLength(input, start);
  if (header === null) return null;
  const { length } = header;
  if (length > LARGEST_OUTPUT || length > (input.length - start) * LARGEST_RATIO) return null;

  const output = Buffer.alloc(length);
  let read = header.next;
  let written = 0;
  while (written < length) {
    const tag = input[read++];
    if (tag === undefined) return null;
    const kind = tag & 3;
    if (kind === 0) {
      let size = (tag >> 2) + 1;
      if (size > 60) {
        const sizeBytes = size - 60;
        if (read + sizeBytes > input.length) return null;
        size = input.readUIntLE(read, sizeBytes) + 1;
        read += sizeBytes;
      }
      if (read + size > input.length || written + size > length) return null;
      input.copy(output, written, read, read + size);
      read += size;
      written += size;
      continue;
    }
    const offsetBytes = kind === 3 ? 4 : kind;
    if (read + offsetBytes > input.length) return null;
    const size = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const offset = input.readUIntLE(read, offsetBytes) + (kind === 1 ? (tag >> 5) << 8 : 0);
    read += offsetBytes;
    if (offset === 0 || offset > written || written + size > length) return null;
    // Byte by byte, because a copy may overlap what it is writing.
    for (const end = written + size; written < end; written++) output[written] = output[written - offset] ?? 0;
  }
  return output;
}

const STREAM_IDENTIFIER = Buffer.from('ff060000734e61507059', 'hex');
const CHECKSUM_BYTES = 4;

export function isSnappyFramed(bytes: Uint8Array): boolean {
  return STREAM_IDENTIFIER.equals(bytes.subarray(0, STREAM_IDENTIFIER.length));
}

/** Decodes the Snappy framing format as far as the chunks are whole; Firefox ends a file with an empty chunk. */
export function decodeSnappyFramed(bytes: Uint8Array): { decoded: Buffer; complete: boolean } {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Buffer[] = [];
  let at = 0;
  while (at + 4 <= input.length) {
    const type = input.readUInt8(at);
    const end = at + 4 + input.readUIntLE(at + 1, 3);
    const body = input.subarray(at + 4 + CHECKSUM_BYTES, end);
    const part = type === 0 ? decodeSnappyBlock(body) : type === 1 ? body : Buffer.alloc(0);
    const isKnown = type <= 1 || type >= 0x80;
    if (part === null || !isKnown || end > input.length) break;
    parts.push(part);
    at = end;
  }
  return { decoded: Buffer.concat(parts), complete: at === input.length };
}

// Blink marks a serialised value that it compressed itself: version tag, pseudo version 17, "compressed with Snappy".
const BLINK_SNAPPY = Buffer.from([0xff, 0x11, 0x02]);

/** Every value inside `bytes` that Blink compressed before it gave it to the database. */
export function decodeBlinkValues(bytes: Uint8Array): Buffer[] {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: Buffer[] = [];
  for (let at = input.indexOf(BLINK_SNAPPY); at >= 0; at = input.indexOf(BLINK_SNAPPY, at + 1)) {
    const value = decodeSnappyBlock(input, at + BLINK_SNAPPY.length);
    if (value !== null) values.push(value);
  }
  return values;
}
