// Builds the demo page's files into build/demo. The page runs from the built package in web/dist, as an application would:
// what the demo imports from web/src for its types is taken from there.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';

mkdirSync('build/demo', { recursive: true });

// A page has no bundler to find 'react' for web/dist/react.js, so that goes into the bundle. Both use one /dist/index.js:
// an unlocked vault is a thing of that module.
const fromDist = {
  name: 'from-dist',
  setup(b) {
    b.onResolve({ filter: /\/src\/index\.ts$|^\.\/index\.js$/ }, () => ({ path: '/dist/index.js', external: true }));
    b.onResolve({ filter: /\/src\/react\.ts$/ }, () => ({ path: resolve('web/dist/react.js') }));
  },
};

await build({
  entryPoints: ['web/demo/main.tsx'],
  outdir: 'build/demo',
  bundle: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  minify: true,
  define: { 'process.env.NODE_ENV': '"production"' },
  plugins: [fromDist],
});
copyFileSync('web/demo/demo.css', 'build/demo/demo.css');
execFileSync(
  'go',
  ['build', '-trimpath', '-ldflags=-s -w', '-o', 'build/demo/inspector.wasm', './web/demo/inspector'],
  { stdio: 'inherit', env: { ...process.env, GOOS: 'js', GOARCH: 'wasm' } },
);
