import { invalid } from './errors.ts';
import { view } from './host.ts';
import { isWellFormed } from './text.ts';

/** What a storage keeps: text, bytes, or a Blob with its content type. */
export type Value = string | ArrayBuffer | ArrayBufferView | Blob;

/** What a value reads back as; the numbers are those of the stored format. */
export const Kind = { text: 1, bytes: 2, blob: 3 } as const;

const encoder = new TextEncoder();
// A byte order mark is a part of the text that was stored.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Returns a copy of a string's UTF-8 or of bytes, as they are now: the caller may change its buffer afterwards. */
export function copyBytes(value: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (typeof value === 'string') {
    if (!isWellFormed(value)) throw invalid('The text has an unpaired surrogate, which has no UTF-8. Store its bytes.');
    return encoder.encode(value);
  }
  try {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return view(value).slice();
  } catch {
    throw invalid('The buffer is detached; its bytes went elsewhere.');
  }
}

/** @throws VaultError `ERR_INVALID` for bytes that are not UTF-8 */
export function toText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw invalid('The value is not text. Read it as bytes or as a Blob.');
  }
}
