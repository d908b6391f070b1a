// Builds the npm package's files into web/dist: the shim, the React hook, wasm_exec.js and the types. The core wasm is built
// beside them by the Makefile.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

mkdirSync('web/dist', { recursive: true });

const indexIsBeside = {
  name: 'index-is-beside',
  setup(b) {
    b.onResolve({ filter: /^\.\/index\.ts$/ }, () => ({ path: './index.js', external: true }));
  },
};

const common = { bundle: true, format: 'esm', target: 'es2022', minify: true, sourcemap: true, outdir: 'web/dist' };
await build({ ...common, entryPoints: ['web/src/index.ts'], external: ['./wasm_exec.js'] });
await build({ ...common, entryPoints: ['web/src/react.ts'], external: ['react'], plugins: [indexIsBeside] });
copyFileSync('web/wasm_exec.js', 'web/dist/wasm_exec.js');
execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });

// The declarations name the files as they are published.
for (const name of readdirSync('web/dist').filter((file) => file.endsWith('.d.ts'))) {
  const file = `web/dist/${name}`;
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/(from '\.\/[\w-]+)\.ts'/g, "$1.js'"));
}
