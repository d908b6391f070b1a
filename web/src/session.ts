import { session as hooks, invalid, remotes, running, keys as table } from './internal.ts';
import type { SessionAnswer, SessionKey, SessionRequest } from './session-worker.ts';
import { workerUrl } from './worker-url.ts';

/** Milliseconds after which a worker that does not answer counts as none. */
const patience = 3000;

let port: MessagePort | undefined;

/** What waits for an answer, in the order in which they come. */
const waiting: ((answer?: SessionAnswer) => void)[] = [];

/** Whether the worker did not answer in time, and has not since. It is told all the same. */
let silent = false;

/** The databases for which a session was asked for. */
const shared = new Set<string>();
/** Those whose keys came from the session, by the generation, until the vault is open and the session is still there. */
const taken = new Map<string, number>();
/** Those whose keys were handed in, or came from there. It is done once an unlock: what ended a session since, ended it. */
const settled = new Set<string>();
/** How often keys were dropped on this page. */
let drops = 0;

const keysOf = (database: string) =>
  table.filter((entry): entry is SessionKey => entry !== undefined && entry.group === database);

/** Tells the worker something; nothing is answered where it does not live. */
function ask(request: SessionRequest): Promise<SessionAnswer | undefined> {
  return new Promise((resolve) => {
    if (!port) return resolve(undefined);
    waiting.push(resolve);
    port.postMessage(request);
    if (silent) return resolve(undefined);
    setTimeout(() => {
      silent ||= waiting.includes(resolve);
      resolve(undefined);
    }, patience);
  });
}

function connect(): MessagePort | undefined {
  try {
    const options = { name: 'idbvault session 1', type: 'module', extendedLifetime: true } as const;
    // Vite would put so small a file into a data: URL, whose worker no other tab shares.
    const url = workerUrl(new URL('./session-worker.js?no-inline', import.meta.url));
    const worker = new SharedWorker(url, options);
    worker.onerror = failed;
    worker.port.onmessage = ({ data }: MessageEvent<SessionAnswer>) => {
      worker.onerror = null; // it lives, and must hear of every lock
      silent = false;
      waiting.shift()?.(data);
    };
    return worker.port;
  } catch (error) {
    failed(error);
  }
}

/** A vault must open all the same. */
function failed(error: unknown): void {
  console.error('The file session-worker.js was not loaded: every tab asks for the secret', error);
  port = undefined;
  shared.clear();
  for (const resolve of waiting.splice(0)) resolve();
}

/**
 * Joins the session of the vault of a database, where the option asks for one: takes its keys, where this page has none and no
 * secret was given that is to be checked, and from then on hands in what is unlocked and tells when it is locked.
 *
 * @throws VaultError `ERR_INVALID`
 */
export async function joinSession(option: unknown, database: string, secret: unknown): Promise<void> {
  if (option !== 'page' && option !== 'origin') throw invalid("The option session must be 'page' or 'origin'.");
  if (option === 'page') return;
  if (remotes.has(database))
    throw invalid(
      "A vault that runs in a worker has no session: its keys do not leave it. Leave out session, or runIn: 'worker'.",
    );
  if (!globalThis.SharedWorker) return;
  port ??= connect();
  if (!port) return;
  shared.add(database);
  hooks.begins = begins;
  hooks.ends = ends;
  running().catch(() => {}); // meanwhile; the call that needs it reports it
  if (typeof secret !== 'function' && secret !== undefined) return;
  if (keysOf(database).length > 0) return;
  const before = drops;
  const found = await ask({ database, type: 'take' });
  // Meanwhile there may have been an unlock on this page, or a lock, after which none of it must be used.
  if (!found?.keys.length || drops !== before || keysOf(database).length > 0) return;
  table.push(...found.keys);
  taken.set(database, found.generation);
}

function begins(database: string): () => Promise<boolean> {
  if (!shared.has(database) || settled.has(database)) return async () => true;
  const took = taken.get(database);
  const began = took === undefined ? ask({ database, type: 'look' }) : undefined;
  return async () => {
    const generation = took ?? (await began)?.generation;
    const now = await ask({ database, type: 'give', generation, keys: keysOf(database) });
    if (took !== undefined && now?.generation !== took) return false; // locked, when this page could not hear of it yet
    taken.delete(database);
    settled.add(database);
    return true;
  };
}

function ends(database: string): void {
  drops++;
  taken.delete(database);
  settled.delete(database);
  if (shared.has(database)) void ask({ database, type: 'drop' });
}
