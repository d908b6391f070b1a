import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { serveSite } from './app.ts';

// A server that keeps one archive, as a file as it came, beside an application that is made of the examples in docs/.

const csp = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self'; connect-src 'self'";

/** What a request meets: an answer without its work being done, or an end of the connection in the midst of what it gets. */
export type Fault = 500 | 412 | 'cut';

export class SyncServer {
  /** What the next requests of a method meet. */
  readonly faults: Record<string, Fault[]> = { GET: [], PUT: [] };
  /** Whether connections end in the midst of what is sent, however often it is sent: Chromium tries again by itself. */
  cutsUploads = false;
  /** All that came over its connections. */
  readonly heard: Buffer[] = [];
  /** What happens once, between the arrival of an archive and the look at what is there. */
  meanwhile: (() => Promise<unknown>) | undefined;
  /** How often an archive was kept. */
  kept = 0;
  /** What is served beside, by path. */
  readonly files = new Map<string, { type: string; body: string | Buffer }>();
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sync-'));
  readonly archive = path.join(this.#folder, 'archive');
  #url = '';
  #end: () => Promise<void> = async () => {};

  get url(): string {
    return this.#url;
  }

  async start(): Promise<void> {
    const site = await serveSite({ '/some/folder/': 'web/dist' }, csp);
    for (const [name, body] of await examples()) this.files.set(name, { type: 'text/javascript', body });
    const server = http.createServer((request, response) => {
      if (request.url === '/archive') return this.#answer(request, response);
      const file = this.files.get(request.url ?? '');
      if (file) return response.writeHead(200, { 'content-type': file.type }).end(file.body);
      http.get(new URL(request.url ?? '', site.url), (from) => {
        response.writeHead(from.statusCode ?? 500, from.headers);
        from.pipe(response);
      });
    });
    server.on('connection', (socket) => socket.on('data', (bytes) => this.heard.push(bytes)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    this.#end = async () => {
      await site.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      fs.rmSync(this.#folder, { recursive: true });
    };
  }

  close(): Promise<void> {
    return this.#end();
  }

  #etag(): string | undefined {
    if (!fs.existsSync(this.archive)) return undefined;
    return `"${createHash('sha256').update(fs.readFileSync(this.archive)).digest('hex')}"`;
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const fault = this.faults[request.method ?? '']?.shift();
    if (typeof fault === 'number') {
      request.resume().on('end', () => response.writeHead(fault).end());
    } else if (request.method === 'PUT') {
      if (this.cutsUploads) request.once('data', () => request.socket.destroy());
      else this.#put(request, response);
    } else {
      const etag = this.#etag();
      if (!etag) return void response.writeHead(404).end();
      if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
      const body = fs.readFileSync(this.archive);
      response.writeHead(200, { etag, 'content-length': body.length, 'content-type': 'application/octet-stream' });
      if (fault) response.write(body.subarray(0, body.length / 2), () => request.socket.destroy());
      else response.end(body);
    }
  }

  #put(request: http.IncomingMessage, response: http.ServerResponse): void {
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', async () => {
      const { meanwhile } = this;
      this.meanwhile = undefined;
      await meanwhile?.();
      const { 'if-match': match, 'if-none-match': none } = request.headers;
      const now = this.#etag();
      if (none === '*' ? now : match !== now) return response.writeHead(412).end();
      fs.writeFileSync(this.archive, Buffer.concat(parts));
      this.kept++;
      response.writeHead(204, { etag: this.#etag() }).end();
    });
  }
}

/** The examples, each bundled for itself, with the package's files beside the application. */
async function examples(): Promise<[string, string][]> {
  const { outputFiles } = await build({
    entryPoints: fs.readdirSync('docs/examples').map((name) => `docs/examples/${name}`),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    outdir: '/examples',
    write: false,
    plugins: [
      {
        name: 'the package',
        setup: (b) =>
          b.onResolve({ filter: /^idbvault/ }, ({ path: name }) => ({
            path: `/some/folder/${name.slice('idbvault/'.length) || 'index'}.js`,
            external: true,
          })),
      },
    ],
  });
  return outputFiles.map(({ path: name, text }) => [name, text]);
}

interface Entry {
  table: number;
  key: Buffer;
  value: Buffer;
}

const lp = (part: Buffer) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(part.length);
  return Buffer.concat([length, part]);
};
const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

/** What a server can make of an archive: entries that it changed, under links that are right. */
export function forged(archive: Buffer, change: (entry: Entry) => void): Buffer {
  let at = 0;
  const take = (n: number) => {
    at += n;
    return archive.subarray(at - n, at);
  };
  const takeLong = () => take(take(4).readUInt32BE());
  take(17);
  takeLong();
  takeLong();
  const parts = [archive.subarray(0, at)];
  let link = sha256(parts[0] as Buffer);
  let count = 0;
  for (let table = take(1); table[0]; table = take(1), count++) {
    const entry = { table: table[0], key: takeLong(), value: Buffer.from(takeLong()) };
    change(entry);
    link = sha256(link, table, lp(entry.key), sha256(entry.value));
    parts.push(table, lp(entry.key), lp(entry.value));
  }
  const end = Buffer.alloc(9);
  end.writeUInt32BE(count, 5);
  return Buffer.concat([...parts, end, link]);
}
