// What jsdom lacks of a browser, so that tests run the library itself: IndexedDB, in memory, and SubtleCrypto, which Node has.
import 'fake-indexeddb/auto';
import { Blob } from 'node:buffer';
import { webcrypto as crypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

// jsdom has classes of its own for bytes, and what Node answers is not of them.
const bytes = new TextEncoder().encode('');
const { constructor: buffers } = bytes.buffer;
const browser = { crypto, isSecureContext: true, Uint8Array: bytes.constructor, ArrayBuffer: buffers, Blob };
for (const [name, value] of Object.entries(browser))
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

// Node has it from 22 on. Without it fake-indexeddb takes an empty key for one whose buffer went elsewhere.
if (!('detached' in buffers.prototype)) Object.defineProperty(buffers.prototype, 'detached', { value: false });

// The library fetches its WebAssembly from beside its own files, which are on the disk here.
const { fetch } = globalThis;
globalThis.fetch = async (url, options) => {
  if (!String(url).startsWith('file:')) return fetch(url, options);
  return new Response(await readFile(fileURLToPath(String(url))), { headers: { 'content-type': 'application/wasm' } });
};
