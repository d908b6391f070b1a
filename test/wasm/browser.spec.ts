import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { build } from 'esbuild';

// The Go tests of the packages that stand on the browser, in the browser: SubtleCrypto, IndexedDB and Web Locks are the
// real ones, and the page has the Content-Security-Policy that the README asks for.

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";

/** The packages, how many tests each has at least, and lines that its tests print. */
const PACKAGES = [
  { folder: 'jsbridge', atLeast: 30, lines: [] },
  {
    folder: 'jsbridge/subtle',
    atLeast: 20,
    lines: [
      'vectors: Wycheproof AES-GCM: 66 cases, 39 opened, 27 refused, 39 sealed',
      'vectors: NIST encrypt: 375 cases, 375 opened, 0 refused, 375 sealed',
      'vectors: NIST decrypt: 375 cases, 184 opened, 191 refused, 184 sealed',
      'vectors: Wycheproof PBKDF2: 60 cases, ',
      'vectors: Wycheproof HKDF: 86 cases, 83 matched, 3 refused, 61 with an unwrapped key',
      'vectors: Wycheproof AES-KW: 68 cases, 13 unwrapped, 54 refused, 1 acceptable, 16 of 40 bytes as each kind',
      'vectors: Wycheproof HMAC: 174 cases, 66 matched, 108 others',
    ],
  },
  { folder: 'idb', atLeast: 25, lines: [] },
];

const root = path.resolve(import.meta.dirname, '../..');

// As the Makefile builds the core, so that what is tested is what is shipped.
const GO_FLAGS = ['-trimpath', '-ldflags=-s -w'];
const GO_ENV = { GOOS: 'js', GOARCH: 'wasm', GOEXPERIMENT: 'nogreenteagc' };

function buildPrograms(into: string) {
  fs.mkdirSync(into, { recursive: true });
  const packages = PACKAGES.map(({ folder }) => `./${folder}`);
  execFileSync('go', ['test', '-c', ...GO_FLAGS, '-o', `${into}/`, ...packages], {
    cwd: root,
    env: { ...process.env, ...GO_ENV },
    stdio: 'inherit',
  });
}

const programOf = (folder: string) => path.basename(folder);

function testsOf(folder: string): string[] {
  const files = fs.readdirSync(path.join(root, folder)).filter((name) => name.endsWith('_test.go'));
  const source = files.map((name) => fs.readFileSync(path.join(root, folder, name), 'utf8')).join('\n');
  return [...source.matchAll(/^func (Test\w+)\(\w+ \*testing\.T\)/gm)].map((match) => match[1] as string);
}

async function serve(programs: string): Promise<http.Server> {
  const bundle = await build({
    entryPoints: [path.join(root, 'test/wasm/browser.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  const scripts = '<script src="/wasm_exec.js"></script><script type="module" src="/browser.js"></script>';
  const files: Record<string, [type: string, content: () => string | Uint8Array]> = {
    '/': ['text/html', () => `<!doctype html><title>tests</title>${scripts}`],
    '/wasm_exec.js': ['text/javascript', () => fs.readFileSync(path.join(root, 'web/wasm_exec.js'))],
    '/browser.js': ['text/javascript', () => bundle.outputFiles[0]?.contents ?? ''],
  };
  for (const { folder } of PACKAGES) {
    const name = `${programOf(folder)}.test`;
    files[`/${name}`] = ['application/wasm', () => fs.readFileSync(path.join(programs, name))];
  }
  const server = http.createServer((request, response) => {
    const file = files[request.url ?? ''];
    if (!file) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': file[0], 'content-security-policy': POLICY });
    return response.end(file[1]());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

let server: http.Server;

test.beforeAll(async ({ browserName }) => {
  test.setTimeout(300_000); // the standard library is compiled the first time
  const programs = path.join(root, 'build/wasm-tests', browserName);
  buildPrograms(programs);
  server = await serve(programs);
});

test.afterAll(() => server?.close());

for (const { folder, atLeast, lines } of PACKAGES) {
  test(`go test ./${folder}`, async ({ page }) => {
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/#${programOf(folder)}`);
    await page.waitForFunction(() => 'testOutcome' in globalThis);
    const { code, output } = await page.evaluate(() => globalThis.testOutcome);

    const printed = output.join('\n');
    expect(code, printed).toBe(0);
    // What cannot run on Node must run here.
    expect(printed).not.toMatch(/--- SKIP|only a browser can run/);
    const passed = output.flatMap((line) => line.match(/^--- PASS: (\w+) /)?.[1] ?? []);
    expect(passed.sort()).toEqual(testsOf(folder).sort());
    expect(passed.length).toBeGreaterThanOrEqual(atLeast);
    for (const line of lines) expect(printed).toContain(line);
    // The report shows how long each engine took, and what it counted.
    for (const line of output.filter((text) => /vectors: |values held: /.test(text))) console.log(line.trim());
  });
}
