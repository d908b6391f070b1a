/** Returns the padded base64 of bytes (RFC 4648, section 4). */
export function toBase64(bytes: Uint8Array): string {
  if ('toBase64' in bytes) return (bytes as unknown as { toBase64(): string }).toBase64();
  let text = '';
  const step = 0x8000; // arguments that a call may have
  for (let i = 0; i < bytes.length; i += step) text += String.fromCharCode(...bytes.subarray(i, i + step));
  return btoa(text);
}

/** Returns the bytes of a base64 text in its one form (padded, no white space, no stray bits), and null for any other. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i); // an image is long; Uint8Array.from is not quick
    // atob overlooks white space, missing padding and stray bits in the last group; the length and that group tell.
    const tail = bytes.subarray(bytes.length - (bytes.length % 3 || 3));
    return text.length === Math.ceil(bytes.length / 3) * 4 && text.endsWith(toBase64(tail)) ? bytes : null;
  } catch {
    return null;
  }
}
