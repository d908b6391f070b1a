// Ranges of bytes, as RFC 9110, section 14, has them.

/** The first and the last byte of a range, or how a request for one is answered without: with all, or with 416. */
export type ByteRange = { first: number; last: number } | 'whole' | 'unsatisfiable';

/**
 * Returns what a Range header asks for of so many bytes. What is not one range of bytes, several among them, is answered with
 * the whole, as a server may.
 */
export function byteRange(header: string | null, size: number): ByteRange {
  const [, from = '', to = ''] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? '') ?? [];
  if (!from && !to) return 'whole';
  if (!from) {
    const length = Math.min(Number(to), size);
    return length > 0 ? { first: size - length, last: size - 1 } : 'unsatisfiable';
  }
  const first = Number(from);
  const last = to ? Number(to) : Number.POSITIVE_INFINITY;
  if (last < first) return 'whole'; // which is no range
  return first < size ? { first, last: Math.min(last, size - 1) } : 'unsatisfiable';
}

/** Whether the range is asked for of another state of the resource than the one with these headers (If-Range). */
export function isOfAnotherState(ifRange: string | null, headers: Headers): boolean {
  if (ifRange === null) return false;
  const validator = headers.get(ifRange.includes('"') ? 'etag' : 'last-modified');
  return ifRange.startsWith('W/') || ifRange !== validator;
}
