// How a response lies in a vault: its body is the value; its status, headers and URL are the sealed context.
import type { EncryptedStorage } from './storage.ts';
import type { Context } from './value.ts';

/** The context of a record. */
interface KeptHead {
  /** Where the body came from; after a redirect, not what was asked for. */
  url: string;
  status: number;
  statusText: string;
  headers: [string, string][];
  /** Milliseconds since 1970. */
  keptAt: number;
}

export interface Kept {
  head: KeptHead;
  body: Uint8Array<ArrayBuffer>;
}

/** What is decided of what is kept. */
export interface KeepingRules {
  ignoreNoStore: boolean;
  ttlMs: number | undefined;
  /** Bytes of a body that is kept. */
  maxBytes: number;
}

/** Headers that a kept body, which is decoded and whole, does not fit, and those that are no one's to keep. */
const dropped = new Set(['content-encoding', 'content-length', 'content-range', 'set-cookie', 'set-cookie2']);

const has = (headers: Headers, name: string, word: string): boolean =>
  (headers.get(name) ?? '').split(',').some((part) => part.trim().toLowerCase() === word);

/** A URL without its fragment, which no server sees. */
export const plainUrl = (url: string): string => url.replace(/#.*/s, '');

/** The name of the record of a URL. */
export const recordName = (url: string): string => `fetch:${plainUrl(url)}`;

/** Whether a response is one that tells what the resource is: a whole one, and not opaque. */
export const isWhole = ({ status, type }: Response): boolean => status === 200 && (type === 'basic' || type === 'cors');

/** Whether the server lets it be kept. */
export const mayKeep = ({ headers }: Response, { ignoreNoStore }: KeepingRules): boolean =>
  !has(headers, 'vary', '*') && (ignoreNoStore || !has(headers, 'cache-control', 'no-store'));

/** Returns the body's bytes, or null where there are more than so many. A Blob of them might be paged to the disk. */
export async function bodyOf(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
    size += part.value.length;
    if (size > maxBytes) {
      await reader?.cancel();
      return null;
    }
    parts.push(part.value);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

/** Returns what is kept of a response beside its body. */
export function headOf({ url, status, statusText, headers }: Response): Context {
  const kept: [string, string][] = [...headers].filter(([name]) => !dropped.has(name));
  return { url, status, statusText, headers: kept, keptAt: Date.now() } satisfies KeptHead;
}

/** Reads what is kept under a name; null where there is nothing, or what has expired. */
export async function readKept(storage: EncryptedStorage, name: string): Promise<Kept | null> {
  // Calls for one name that are made together see one state of it, but for a write of another tab, which the size may tell.
  const [metadata, body] = await Promise.all([storage.getMetadata(name), storage.getDecryptedBytes(name)]);
  const head = metadata?.context as KeptHead | null | undefined;
  return metadata && body && Array.isArray(head?.headers) && metadata.size === body.length ? { head, body } : null;
}
