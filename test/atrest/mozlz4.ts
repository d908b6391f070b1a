import { Buffer } from 'node:buffer';

const MAGIC = Buffer.from('mozLz40\0', 'latin1');
const HEADER = MAGIC.length + 4;
const LARGEST_OUTPUT = 1 << 28;

export function isMozLz4(bytes: Uint8Array): boolean {
  return MAGIC.equals(bytes.subarray(0, MAGIC.length));
}

/** Decodes the LZ4 files in which Firefox keeps its open tabs and what was typed into them; null where broken. */
export function decodeMozLz4(file: Buffer): Buffer | null {
  if (file.length < HEADER) return null;
  const length = file.readUInt32LE(MAGIC.length);
  if (length > LARGEST_OUTPUT) return null;
  const output = Buffer.alloc(length);
  let read = HEADER;
  let written = 0;

  const extended = (nibble: number) => {
    let size = nibble;
    if (nibble < 15) return size;
    for (let byte = 255; byte === 255; size += byte) byte = file[read++] ?? 0;
    return size;
  };

  while (read < file.length) {
    const token = file.readUInt8(read++);
    const literals = extended(token >> 4);
    if (read + literals > file.length || written + literals > length) return null;
    file.copy(output, written, read, read + literals);
    read += literals;
    written += literals;
    // The last sequence has literals only.
    if (read >= file.length) break;
    if (read + 2 > file.length) return null;
    const offset = file.readUInt16LE(read);
    read += 2;
    const size = extended(token & 15) + 4;
    if (offset === 0 || offset > written || written + size > length) return null;
    for (const end = written + size; written < end; written++) output[written] = output[written - offset] ?? 0;
  }
  return written === length ? output : null;
}
