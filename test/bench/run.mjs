// Measures idbvault against the floor in one headless Chromium: node test/bench/run.mjs [quick]. It prints a table and, where
// all was measured, writes results/, docs/images/performance.svg and the figures of docs/PERFORMANCE.md.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { chromium } from '@playwright/test';
import { build } from 'esbuild';
import { chart, document, startUpChart, table } from './report.mjs';

const quick = process.argv.includes('quick');
const rounds = quick ? 5 : 15;
const sizes = quick ? [100, 1000] : [100, 10_000, 100_000];

const types = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' };
const folders = { '/dist/': 'web/dist', '/bench/': 'test/bench', '/react/': 'build/bench' };

// React and the hook, on the same core.
await build({
  entryPoints: ['test/bench/hook.js'],
  outfile: 'build/bench/hook.js',
  bundle: true,
  format: 'esm',
  minify: true,
  define: { 'process.env.NODE_ENV': '"production"' },
  plugins: [
    {
      name: 'the package is beside',
      setup: (b) =>
        b.onResolve({ filter: /^\.\/(index|keys)\.js$/ }, ({ path }) => ({
          path: `/dist${path.slice(1)}`,
          external: true,
        })),
    },
  ],
});

/** Files as an application would serve them: from the browser's cache when they were loaded before. */
function serve(request, response) {
  const { pathname } = new URL(request.url, 'http://localhost');
  const headers = {
    'cross-origin-opener-policy': 'same-origin', // with the next, a clock of 5 µs
    'cross-origin-embedder-policy': 'require-corp',
    'cache-control': 'max-age=3600',
  };
  const prefix = Object.keys(folders).find((p) => pathname.startsWith(p));
  const file = prefix && path.join(folders[prefix], path.basename(pathname));
  if (file && fs.existsSync(file)) {
    response.writeHead(200, { ...headers, 'content-type': types[path.extname(file)] });
    return response.end(fs.readFileSync(file));
  }
  const script = pathname === '/load' ? '<script type="module" src="/bench/load.js"></script>' : '';
  response.writeHead(200, { ...headers, 'content-type': 'text/html' });
  response.end(`<!doctype html><title>bench</title><link rel="icon" href="data:,">${script}`);
}

const server = http.createServer(serve);
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const url = `http://127.0.0.1:${server.address().port}`;

const found = ['chromium', 'chromium-browser'].flatMap((name) =>
  process.env.PATH.split(path.delimiter).map((folder) => path.join(folder, name)),
);
const executablePath = process.env.IDBVAULT_CHROMIUM ?? found.find((file) => fs.existsSync(file));
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'idbvault-bench-'));
const browser = await chromium.launchPersistentContext(profile, {
  ...(executablePath && { executablePath }),
  chromiumSandbox: false,
  args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
});

/** Opens a page with page.js loaded, and a hand on the memory of the engine. */
async function openPage() {
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(error));
  await page.addInitScript(() => {
    const { instantiate } = WebAssembly;
    WebAssembly.instantiate = async (...args) => {
      const instance = await instantiate(...args);
      globalThis.engineMemory = instance.exports.mem;
      return instance;
    };
  });
  await page.goto(url);
  await page.evaluate(async () => {
    globalThis.bench = await import('/bench/page.js');
  });
  return page;
}

const say = (what) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${what}`);
const results = { rows: {}, growth: [], memory: {}, load: {} };

let page = await openPage();
say('warming up');
await page.evaluate((n) => bench.open(n), quick ? 3 : 12);
for (const row of [
  'setSingly',
  'setCommitted',
  'getSingly',
  'setAtOnce',
  'getAtOnce',
  'setMany',
  'getMany',
  'getHot',
  'set1MiB',
  'get1MiB',
  'set16MiB',
  'get16MiB',
  'setSeries',
  'getSlice',
  'showSlice',
]) {
  say(row);
  const n = /MiB|Series/.test(row) || quick ? rounds : 3 * rounds; // a turn of small calls takes 20 ms, and any other process shows
  results.rows[row] = await page.evaluate(([row, n]) => bench.measure(row, n), [row, n]);
}
say('hookGet');
results.rows.hookGet = await page.evaluate((n) => bench.measureHook(n), 3 * rounds);
say('longest task');
results.rows.longest = await page.evaluate((n) => bench.measureLongest(n), quick ? 3 : rounds);
say('memory');
const inspector = await browser.newCDPSession(page);
/** Bytes of the engine's memory and, when garbage has been collected, of JavaScript's. */
const memory = async () => {
  await inspector.send('HeapProfiler.collectGarbage');
  const { usedSize } = await inspector.send('Runtime.getHeapUsage');
  return { engine: await page.evaluate(() => globalThis.engineMemory.buffer.byteLength), javascript: usedSize };
};
const calls = quick ? 2000 : 100_000;
await page.evaluate((n) => bench.callOften(n), 1000);
const before = await memory();
await page.evaluate((n) => bench.callOften(n), calls);
results.memory = { calls, before, after: await memory() };
say('open');
await page.evaluate((n) => bench.makeVaults(n), rounds);
await page.close();
page = await openPage();
results.rows.open = await page.evaluate((n) => bench.measureOpen(n), rounds);
await page.close();

say('load');
const load = async (side) => {
  const loading = await browser.newPage();
  await loading.goto(`${url}/load#${side}`);
  const marks = await loading.evaluate(() => globalThis.loaded);
  await loading.close();
  return marks;
};
results.load.marks = { ours: [], floor: [] };
results.rows.load = [];
for (let round = -2; round < rounds; round++) {
  const ms = {};
  for (const side of round % 2 ? ['floor', 'ours'] : ['ours', 'floor']) {
    const marks = await load(side);
    ms[side] = marks.first;
    if (round >= 0) results.load.marks[side].push(marks);
  }
  if (round >= 0) results.rows.load.push(ms); // the first two fill vault and caches
}

page = await openPage();
for (const size of sizes) {
  say(`${size} records`);
  await page.evaluate((n) => bench.fill(n), size);
}
await page.close();
page = await openPage();
say('growth');
results.growth = await page.evaluate(([sizes, n]) => bench.measureGrowth(sizes, n), [sizes, quick ? 3 : 9]);
say('');

results.machine = {
  processor: os.cpus()[0]?.model ?? 'unknown',
  cores: os.cpus().length,
  browser: `Chromium ${browser.browser()?.version() ?? execFileSync(executablePath, ['--version'], { encoding: 'utf8' }).match(/[\d.]+/)?.[0]}`,
  date: new Date().toISOString().slice(0, 10),
  rounds,
};
await browser.close();
server.close();
fs.rmSync(profile, { recursive: true, force: true });

console.log(table(results));
if (!quick) {
  fs.mkdirSync('test/bench/results', { recursive: true });
  fs.writeFileSync('test/bench/results/latest.json', `${JSON.stringify(results)}\n`);
  fs.writeFileSync('test/bench/results/latest.svg', chart(results));
  fs.copyFileSync('test/bench/results/latest.svg', 'docs/images/performance.svg');
  fs.writeFileSync('docs/images/start-up.svg', startUpChart(results));
  document(results);
}
