/**
 * A cache of fetches, encrypted at rest, for a service worker. This file is whole: it has the engine in it.
 *
 * @packageDocumentation
 */
import { borrowed, hearPages, lookAtPages } from './borrowed.ts';
import { classNumber, DataClassification } from './classification.ts';
import { invalid, VaultError } from './errors.ts';
import {
  bodyOf,
  headOf,
  isWhole,
  type KeepingRules,
  mayKeep,
  plainUrl,
  readKept,
  recordName,
} from './kept-response.ts';
import { loadFrom, program } from './loader.ts';
import { fileOf, keepFiles, precached } from './precache.ts';
import { type Fetching, scope } from './service-worker-scope.ts';
import type { EncryptedStorage } from './storage.ts';
import { checkText } from './text.ts';
import { answerOf, refusal } from './vault-answer.ts';

export { DataClassification } from './classification.ts';

/** What is kept, and how it is answered. */
export interface EncryptedCacheOptions {
  /** The vault's database. A page has it unlocked and calls `shareWithServiceWorker` of idbvault/offline. */
  database: string;
  /** By default `encrypted-data`. */
  store?: string | undefined;
  /**
   * Which GET requests are answered: those whose URL the expression fits, those of this origin whose path begins with the string,
   * or those for which the function returns true.
   */
  match: RegExp | string | ((request: Request) => boolean);
  /** By default `confidential`. */
  classification?: DataClassification | undefined;
  /**
   * Milliseconds, from 1,000 to a hundred years, after which what was kept is not answered any more, whatever the device's clock is
   * set to: the record expires, as `ttlMs` of setEncrypted says. A page's `policy` does not reach here.
   */
  ttlMs?: number | undefined;
  /**
   * `network-first`, the default, asks the vault when the network fails. `cache-first` asks the network where the vault has
   * nothing or is locked, and for requests with `cache: 'reload'` or `'no-cache'`.
   */
  strategy?: 'network-first' | 'cache-first' | undefined;
  /** Whether a response that the server marks `Cache-Control: no-store` is kept all the same (`ignore`) or not (`respect`, the default). */
  noStore?: 'respect' | 'ignore' | undefined;
  /** Bytes of the largest body that is kept: it passes through memory whole. By default 64 MiB. */
  maxBytes?: number | undefined;
  /**
   * URLs of the application's own files, relative to the service worker's. They are kept in clear, since they are program, and
   * answered when the network fails. List what a page needs to start: itself, its scripts, `idbvault.wasm`.
   */
  precache?: string[] | undefined;
  /** Where `idbvault.wasm` lies, if not beside this file. */
  wasmUrl?: string | URL | undefined;
}

/** An installed cache: its options, complete. */
interface Cache extends KeepingRules {
  database: string;
  store: string;
  matches: (request: Request) => boolean;
  classification: DataClassification;
  cacheFirst: boolean;
}

function matcher(match: unknown): Cache['matches'] {
  if (typeof match === 'function') return match as Cache['matches'];
  if (match instanceof RegExp) {
    const stateless = new RegExp(match.source, match.flags.replace(/[gy]/g, ''));
    return ({ url }) => stateless.test(plainUrl(url));
  }
  if (typeof match !== 'string' || !match.startsWith('/'))
    throw invalid('The option match must be a RegExp, a path that begins with /, or a function.');
  return ({ url }) => {
    const { origin, pathname } = new URL(url);
    return origin === scope.location.origin && pathname.startsWith(match);
  };
}

function oneOf(name: string, value: unknown, usual: string, other: string): boolean {
  if (value !== undefined && value !== usual && value !== other)
    throw invalid(`The option ${name} must be '${usual}' or '${other}'.`);
  return value === other;
}

function wholeNumber(name: string, value: unknown, least: number, most: number): void {
  if (value !== undefined && !(Number.isInteger(value) && (value as number) >= least && (value as number) <= most))
    throw invalid(`The option ${name} must be a whole number from ${least} to ${most}.`);
}

/** A URL that an option gives, without a fragment. */
const absolute = (url: string): string => plainUrl(new URL(url, scope.location.href).href);

const isUrl = (url: unknown): boolean => typeof url === 'string' && URL.canParse(url, scope.location.href);

function checked(options: EncryptedCacheOptions): Cache {
  if (typeof options !== 'object' || options === null) throw invalid('The options must be an object.');
  const { database, store, match, classification, ttlMs, strategy, noStore, maxBytes, precache, wasmUrl, ...unknown } =
    options;
  for (const option in unknown) throw invalid(`There is no option ${option}. Look for how it is spelt.`);
  const usual = DataClassification.CONFIDENTIAL;
  if (classNumber(classification ?? usual) > 5) throw invalid('The option classification is none of the classes.');
  wholeNumber('ttlMs', ttlMs, 1000, 36525 * 86_400_000);
  wholeNumber('maxBytes', maxBytes, 1, 2 ** 30); // the vault takes no larger value
  if (precache !== undefined && !(Array.isArray(precache) && precache.every(isUrl)))
    throw invalid('The option precache must be a list of URLs.');
  if (wasmUrl !== undefined && !isUrl(String(wasmUrl))) throw invalid('The option wasmUrl must be a URL.');
  return {
    database: checkText(database, 1, 255, 'The name of a database'),
    store: checkText(store ?? 'encrypted-data', 1, 255, 'The name of a store'),
    matches: matcher(match),
    classification: classification ?? usual,
    cacheFirst: oneOf('strategy', strategy, 'network-first', 'cache-first'),
    ignoreNoStore: oneOf('noStore', noStore, 'respect', 'ignore'),
    ttlMs,
    maxBytes: maxBytes ?? 64 << 20,
  };
}

/** Fetches past the browser's own cache, which lies on the disk in clear. */
function fetchOnly(request: Request): Promise<Response> {
  // A request of an element, made anew, loses its Range unless it is one to this origin.
  if (request.mode !== 'no-cors' || !request.headers.has('range')) return fetch(request, { cache: 'no-store' });
  const own = new URL(request.url).origin === scope.location.origin;
  return own ? fetch(request, { cache: 'no-store', mode: 'same-origin' }) : fetch(request);
}

/** Opens the vault. A service worker's own fetches pass it by, so that it must look for the engine itself. */
async function open({ database, store }: Cache): Promise<EncryptedStorage> {
  loadFrom(async (url) => (await precached(String(url))) ?? fetch(url));
  return borrowed(database, store);
}

/** Returns the vault's answer, or null where it has none. */
async function fromVault(cache: Cache, request: Request): Promise<Response | null> {
  const storage = await open(cache);
  const kept = await readKept(storage, recordName(request.url));
  return kept && answerOf(kept, request);
}

/** Keeps a response, or forgets the one before where this one is not to be kept. */
async function keep(cache: Cache, name: string, response: Response | null): Promise<void> {
  try {
    const storage = await open(cache);
    const body = response && (await bodyOf(response, cache.maxBytes));
    if (body) await storage.setEncrypted(name, body, cache.classification, headOf(response), { ttlMs: cache.ttlMs });
    else await storage.delete(name);
  } catch (error) {
    await response?.body?.cancel().catch(() => {});
    // A page that locked its vault meanwhile, or a connection that broke, is nothing to tell of.
    if (error instanceof VaultError && error.code !== 'ERR_LOCKED')
      console.warn(`idbvault kept no response: ${error.code}. ${error.message}`);
  }
}

async function answer(event: Fetching, cache: Cache): Promise<Response> {
  const { request } = event;
  let trouble: unknown;
  const ask = () =>
    fromVault(cache, request).catch((error: unknown) => {
      trouble = error;
      return null;
    });
  const vaultFirst = cache.cacheFirst && request.cache !== 'reload' && request.cache !== 'no-cache';
  const early = vaultFirst ? await ask() : null;
  if (early) return early;
  try {
    const response = await fetchOnly(request);
    if (!request.headers.has('range') && isWhole(response))
      event.waitUntil(keep(cache, recordName(request.url), mayKeep(response, cache) ? response.clone() : null));
    return response;
  } catch {
    const late = vaultFirst ? null : await ask();
    if (late) return late;
    return trouble instanceof VaultError ? refusal(trouble) : Response.error();
  }
}

const installed: Cache[] = [];
/** The URLs of the application's own files. */
const files = new Set<string>();

function listen(): void {
  scope.addEventListener('fetch', (event) => {
    const { request } = event;
    event.waitUntil(lookAtPages());
    if (request.method !== 'GET') return;
    const cache = installed.find(({ matches }) => matches(request));
    if (cache) event.respondWith(answer(event, cache));
    else if (files.has(plainUrl(request.url))) event.respondWith(fileOf(request));
  });
  scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));
  keepFiles(files);
  hearPages();
}

/**
 * Answers fetches from an encrypted vault. Call it when the service worker's script is first run, before anything is awaited, once
 * for each cache; where several match a request, the first answers it. The pages that are open are taken over when the service
 * worker is activated.
 *
 * The service worker has no secret and stores no key: an open page that it controls lends it the key handles of its unlocked vault
 * (`shareWithServiceWorker` of idbvault/offline). It has them in memory while that page is open and the vault is unlocked there, and
 * no longer than until the browser stops the service worker. Without them nothing is kept, and what the network can't answer is
 * answered with 503, a sentence, and the header `Idbvault-Code: ERR_LOCKED`. What the vault answers has the header `Idbvault-Kept`,
 * with the time that it is of.
 *
 * @throws VaultError `ERR_INVALID`
 */
export function installEncryptedCache(options: EncryptedCacheOptions): void {
  const cache = checked(options);
  const { precache = [], wasmUrl } = options;
  for (const url of precache) files.add(absolute(url));
  if (wasmUrl !== undefined) program.wasmUrl = absolute(String(wasmUrl));
  if (installed.push(cache) === 1) listen();
}
