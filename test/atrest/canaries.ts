import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';

export function randomText(): string {
  return `canary-${randomBytes(12).toString('hex')}`;
}

/** Fresh secrets, one for each way in which a page may put a value into IndexedDB. */
export function makeCanaries() {
  return {
    stringValue: randomText(),
    wideStringValue: `каnárek-${randomText()}`,
    stringKey: randomText(),
    wideStringKey: `каnáрка-${randomText()}`,
    binaryKey: randomBytes(24),
    indexedValue: randomText(),
    arrayBuffer: randomBytes(32),
    nestedValue: randomText(),
    repetitiveText: randomText(),
    largeBinary: randomBytes(300_000),
    largeText: randomText(),
    hugeText: randomText(),
    cryptoKey: randomBytes(32),
    blob: randomBytes(48),
    file: randomText(),
    hexText: randomBytes(20),
    base64Text: randomBytes(20),
  } satisfies Record<string, string | Buffer>;
}

export type Canaries = ReturnType<typeof makeCanaries>;
type InPage<T> = { [K in keyof T]: string };

/** Canaries as they can be passed to a page: binary ones in base64. */
export function forPage(canaries: Canaries): InPage<Canaries> {
  const entries = Object.entries(canaries).map(([name, canary]) => [
    name,
    typeof canary === 'string' ? canary : Buffer.from(canary).toString('base64'),
  ]);
  return Object.fromEntries(entries) as InPage<Canaries>;
}

/** Runs in the page: stores every canary in clear, each in its own way. */
export async function storeInClear(canaries: InPage<Canaries>): Promise<void> {
  const bytes = (base64: string) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const hex = (data: Uint8Array) => Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const key = await crypto.subtle.importKey('raw', bytes(canaries.cryptoKey), 'AES-GCM', false, ['encrypt']);
  const padding = 'the patient was seen and the patient was well; '.repeat(40);
  // A compressor writes the second copy of the half as a reference, so the whole canary is never there in one piece.
  const referring = (canary: string, times: number) =>
    padding.repeat(times) + canary.slice(0, 20) + padding + canary + padding;

  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const opening = indexedDB.open('control', 1);
    opening.onupgradeneeded = () => {
      const store = opening.result.createObjectStore('records');
      store.createIndex('by-label', 'label');
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  await new Promise<void>((resolve, reject) => {
    const transaction = database.transaction('records', 'readwrite', { durability: 'strict' });
    const store = transaction.objectStore('records');
    store.put(canaries.stringValue, 'string');
    store.put(canaries.wideStringValue, 'wide string');
    store.put(1, canaries.stringKey);
    store.put(2, canaries.wideStringKey);
    store.put(3, bytes(canaries.binaryKey));
    store.put({ label: canaries.indexedValue }, 'indexed');
    store.put(bytes(canaries.arrayBuffer).buffer, 'array buffer');
    store.put({ list: [{ deep: { er: canaries.nestedValue } }] }, 'nested');
    store.put({ text: referring(canaries.repetitiveText, 1) }, 'repetitive');
    store.put(bytes(canaries.largeBinary), 'large binary');
    store.put(referring(canaries.largeText, 160), 'large text');
    store.put(referring(canaries.hugeText, 800), 'huge text');
    store.put({ key }, 'crypto key');
    store.put(new Blob([bytes(canaries.blob)]), 'blob');
    store.put(new File([canaries.file], 'note.txt'), 'file');
    store.put(hex(bytes(canaries.hexText)), 'hex');
    store.put(btoa(`x${atob(canaries.base64Text)}yz`), 'base64');
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
  database.close();
}

export function makeMany(count: number): { keys: string[]; values: string[] } {
  const make = () => Array.from({ length: count }, randomText);
  return { keys: make(), values: make() };
}

/** Runs in the page: stores so much that a database turns its log into tables. */
export async function storeManyInClear({ keys, values }: { keys: string[]; values: string[] }): Promise<void> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const opening = indexedDB.open('many', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('records');
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const padding = 'the patient was seen and the patient was well; '.repeat(40);
  await new Promise<void>((resolve, reject) => {
    const transaction = database.transaction('records', 'readwrite');
    const store = transaction.objectStore('records');
    for (const [index, value] of values.entries()) {
      const noise = Array.from(crypto.getRandomValues(new Uint32Array(1000)), (word) => word.toString(16)).join(' ');
      store.put(`${noise}${padding}${value.slice(0, 20)}${padding}${value}`, keys[index]);
    }
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
  database.close();
}
