// What jsdom lacks of a browser, so that tests run the real library: IndexedDB in memory, and Node's WebCrypto.
import 'fake-indexeddb/auto';
import { readFile } from 'node:fs/promises';
import { webcrypto } from 'node:crypto';

Object.defineProperty(globalThis, 'crypto', { value: webcrypto, configurable: true });
Object.defineProperty(globalThis, 'isSecureContext', { value: true, configurable: true });

// The package fetches its WebAssembly from beside its files, which are on the disk here.
const { fetch } = globalThis;
globalThis.fetch = async (url, options) => {
  if (!String(url).endsWith('/idbvault.wasm')) return fetch(url, options);
  const file = new URL(import.meta.resolve('idbvault/../idbvault.wasm'));
  return new Response(await readFile(file), { headers: { 'content-type': 'application/wasm' } });
};
