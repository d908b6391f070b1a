// Serves the demo page on this machine, under the headers that an application should have in production.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = { '/demo/': join(root, 'build/demo'), '/dist/': join(root, 'web/dist') };

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.ts': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
};

const headers = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types idbvault-demo', // lets through the service worker's address, and nothing else
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store', // what was built last is what runs
};

/** Returns the file that a request's path stands for, or undefined. */
function fileOf(target) {
  let path;
  try {
    path = decodeURIComponent(new URL(target, 'http://localhost').pathname);
  } catch {
    return undefined;
  }
  if (path === '/') return join(root, 'web/index.html');
  if (path === '/sw.js') return join(root, 'build/demo/sw.js'); // whose scope is all that lies beside it
  for (const [prefix, folder] of Object.entries(folders)) {
    if (!path.startsWith(prefix) || path.includes('\0')) continue;
    // An encoded .. is still in the path.
    const file = resolve(folder, path.slice(prefix.length));
    if (file.startsWith(folder + sep)) return file;
  }
  return undefined;
}

/** The slices that were drawn, by number. */
const drawn = new Map();

/** Returns what an archive of images would answer, or undefined: a list of series, or the pixels of a slice. */
async function seriesOf(path) {
  const { series, drawSlice } = await import(pathToFileURL(join(root, 'build/demo-server/ct-head.js')).href);
  if (path === '/api/series') return { type: 'application/json', body: Buffer.from(JSON.stringify([series])) };
  const [, id, digits] = /^\/api\/series\/([^/]+)\/([1-9]\d{0,3})$/.exec(path) ?? [];
  const n = Number(digits);
  if (id !== series.id || n > series.slices) return undefined;
  if (!drawn.has(n)) drawn.set(n, Buffer.from(drawSlice(n).buffer));
  return { type: 'application/octet-stream', body: drawn.get(n) };
}

async function answer(request, response) {
  const text = (status, message) => {
    response.writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(`${message}\n`);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'Only GET and HEAD.');
  if (request.url.startsWith('/api/series')) {
    const found = await seriesOf(request.url).catch(() => undefined); // it was not built
    if (!found) return text(404, 'There is no such series. node scripts/demo.mjs builds the demo.');
    response.writeHead(200, { ...headers, 'Content-Type': found.type, 'Content-Length': found.body.length });
    return response.end(request.method === 'HEAD' ? undefined : found.body);
  }
  const file = fileOf(request.url);
  const found = file && statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile()) return text(404, 'There is no such file. node scripts/demo.mjs builds the demo.');
  const type = types[extname(file)] ?? 'application/octet-stream';
  response.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': found.size });
  if (request.method === 'HEAD') response.end();
  else
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
}

/** Serves on localhost. Port 0 takes a free one. */
export async function serve({ port = 8080 } = {}) {
  const server = createServer(answer);
  await new Promise((listening, failed) => {
    server.once('error', failed);
    server.listen(port, 'localhost', listening);
  });
  const close = () =>
    new Promise((closed) => {
      server.close(closed);
      server.closeAllConnections();
    });
  return { url: `http://localhost:${server.address().port}/`, close };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { url } = await serve({ port: Number(process.env.PORT || 8080) });
  console.log(`The demo is at ${url}`);
}
