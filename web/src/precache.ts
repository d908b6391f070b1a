// The application's own files, in clear: they are program, not data. They are fetched when a service worker is installed and
// take effect, as one, when it is activated; until then the one before it serves its own.
import { scope } from './service-worker-scope.ts';

const current = `idbvault files of ${scope.registration?.scope}`;
const next = `${current}, next`;

/** What is fetched may have been redirected, and a page must not be: it is answered as if it lay there. */
const direct = async (response: Response): Promise<Response> =>
  response.redirected
    ? new Response(await response.arrayBuffer(), { status: 200, headers: response.headers })
    : response;

async function fill(urls: Set<string>): Promise<void> {
  await caches.delete(next); // of an installation that failed
  if (urls.size === 0) return;
  const cache = await caches.open(next);
  const add = async (url: string) => {
    const response = await fetch(url, { cache: 'reload' });
    if (!response.ok) throw new Error(`${url} of precache was answered with HTTP ${response.status}.`);
    await cache.put(url, await direct(response));
  };
  await Promise.all([...urls].map(add));
}

async function takeEffect(): Promise<void> {
  if (!(await caches.has(next))) return void (await caches.delete(current));
  const from = await caches.open(next);
  const to = await caches.open(current);
  const fresh = await from.keys();
  for (const request of fresh) await to.put(request, (await from.match(request, anyHeaders)) as Response);
  const urls = new Set(fresh.map(({ url }) => url));
  for (const request of await to.keys()) if (!urls.has(request.url)) await to.delete(request, anyHeaders);
  await caches.delete(next);
}

const anyHeaders = { ignoreVary: true };

/** Returns the file of a URL, or undefined. */
export const precached = (url: string): Promise<Response | undefined> =>
  caches.match(url, { cacheName: current, ...anyHeaders });

/** Answers with the network's file, or with the one that is kept. */
export const fileOf = (request: Request): Promise<Response> =>
  fetch(request).catch(async () => (await precached(request.url)) ?? Response.error());

/** Has the files kept that are in the set when the service worker is installed. */
export function keepFiles(urls: Set<string>): void {
  scope.addEventListener('install', (event) => event.waitUntil(fill(urls)));
  scope.addEventListener('activate', (event) => event.waitUntil(takeEffect()));
}
