// Builds the demo page's files into build/demo. The page runs from the built package in web/dist, as an application would:
// what the demo imports from web/src for its types is taken from there.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';

mkdirSync('build/demo', { recursive: true });

// A page has no bundler to find 'react' for web/dist/react.js, so that goes into the bundle. Both use one /dist/index.js:
// an unlocked vault is a thing of that module.
const fromDist = {
  name: 'from-dist',
  setup(b) {
    b.onResolve({ filter: /\/src\/index\.ts$|^\.\/index\.js$/ }, () => ({ path: '/dist/index.js', external: true }));
    b.onResolve({ filter: /\/src\/service-worker\.ts$/ }, () => ({ path: '/dist/service-worker.js', external: true }));
    b.onResolve({ filter: /\/src\/react\.ts$/ }, () => ({ path: resolve('web/dist/react.js') }));
  },
};

const common = { bundle: true, format: 'esm', target: 'es2022', plugins: [fromDist] };

await build({
  ...common,
  entryPoints: ['web/demo/main.tsx'],
  outdir: 'build/demo',
  jsx: 'automatic',
  minify: true,
  define: { 'process.env.NODE_ENV': '"production"' },
});
copyFileSync('web/demo/demo.css', 'build/demo/demo.css');
execFileSync(
  'go',
  ['build', '-trimpath', '-ldflags=-s -w', '-o', 'build/demo/inspector.wasm', './web/demo/inspector'],
  { stdio: 'inherit', env: { ...process.env, GOOS: 'js', GOARCH: 'wasm' } },
);
execFileSync('node', ['scripts/pack.mjs', 'build/demo/inspector.wasm']);

// What draws the series is the server's.
await build({ ...common, entryPoints: ['web/demo/ct-head.ts'], outdir: 'build/demo-server' });

// The service worker has a list of the files that the page starts with. With any of them its bytes change, so that a browser
// fetches all of them anew.
const files = {
  '/': 'web/index.html',
  ...inFolder('/demo/', 'build/demo', /^(main|demo|inspector)\./),
  ...inFolder('/dist/', 'web/dist', /^(?!(worker|session-worker|service-worker|cornerstone|react)\.).+\.(js|wasm)$/),
};
const hash = createHash('sha256');
for (const file of Object.values(files)) hash.update(readFileSync(file));
await build({
  ...common,
  entryPoints: ['web/demo/sw.ts'],
  outdir: 'build/demo',
  define: { appFiles: JSON.stringify(Object.keys(files)) },
  banner: { js: `// Of files with the SHA-256 ${hash.digest('hex')}.` },
});

function inFolder(prefix, folder, names) {
  const found = readdirSync(folder).filter((name) => names.test(name));
  return Object.fromEntries(found.map((name) => [prefix + name, `${folder}/${name}`]));
}
