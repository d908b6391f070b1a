// Builds the npm package's files into web/dist: the shim, the React hook, the loader for cornerstone, wasm_exec.js
// and the types. The core wasm is built beside them by the Makefile.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { build } from 'esbuild';
import { minify } from 'terser';

mkdirSync('web/dist/persist', { recursive: true });

/** Lets a bundle import a file that lies beside it, in the place of modules. */
const beside = (modules, path) => ({
  name: `${path} is beside`,
  setup(b) {
    b.onResolve({ filter: modules }, () => ({ path, external: true }));
  },
});

// What has a state or a class of its own is index.js's; other files import it from there.
const indexIsBeside = beside(/^\.\/(index|errors|internal|link|loader|openings|secret)\.ts$/, './index.js');
const indexIsAbove = beside(/^\.\.\/index\.ts$/, '../index.js');

/** Has a bundle import once from a module, where esbuild does for each file of the source. Lines stay where they are, for the map. */
function mergeImports(text) {
  const statement = /^import \{([^}]*)\} from ("[^"]*");/gm;
  const names = {};
  for (const [, list, module] of text.matchAll(statement)) names[module] = `${names[module] ?? ''}${list},`;
  return text.replace(statement, (all, _, module) => {
    const lines = '\n'.repeat(all.split('\n').length - 1);
    const first = names[module] ? `import {${names[module].replaceAll('\n', '')}} from ${module};` : '';
    delete names[module];
    return first + lines;
  });
}

/** Bundles a file of web/src as web/dist/<name>.js. terser leaves 5 % less than esbuild does. */
async function bundle(name, options) {
  const common = { bundle: true, format: 'esm', target: 'es2022', sourcemap: 'external', write: false };
  const built = await build({ ...common, outdir: 'web/dist', entryPoints: [`web/src/${name}.ts`], ...options });
  const [map, { text }] = built.outputFiles;
  // terser drops a directive that it does not know.
  const [preamble] = /^'use client';/.exec(readFileSync(`web/src/${name}.ts`, 'utf8')) ?? [];
  const { code, map: smallMap } = await minify(mergeImports(text), {
    format: { preamble },
    module: true,
    ecma: 2022,
    compress: {
      passes: 3,
      hoist_funs: true,
      keep_fargs: false,
      pure_getters: true,
      unsafe_arrows: true,
      lhs_constants: false,
    },
    sourceMap: { content: map.text, includeSources: true, url: `${basename(name)}.js.map` },
  });
  writeFileSync(`web/dist/${name}.js`, code);
  writeFileSync(`web/dist/${name}.js.map`, smallMap);
}

// Other files import them when they are needed.
const lazy = ['trouble', 'sealer', 'extras', 'autolock', 'session', 'remote', 'rotation', 'audit', 'later'];
const lazyIsBeside = lazy.map((name) => beside(new RegExp(`^\\./${name}\\.ts$`), `./${name}.js`));
const persisters = ['idb-keyval', 'localforage', 'redux-persist', 'tanstack-query', 'unstorage', 'zustand'];
await bundle('index', {
  external: ['./wasm_exec.js'],
  plugins: lazyIsBeside,
});
for (const name of [...lazy, 'session-worker', 'keys', 'offline', 'archive'])
  await bundle(name, { plugins: [indexIsBeside, ...lazyIsBeside] });
for (const name of persisters) await bundle(`persist/${name}`, { plugins: [indexIsAbove] });
await bundle('react', { external: ['react'], plugins: [indexIsBeside, beside(/^\.\/keys\.ts$/, './keys.js')] });
await bundle('cornerstone', { external: ['dicom-parser'], plugins: [indexIsBeside] });
// A bundler that makes one file of a worker, as Vite does, must find no import in it that is made later. So it has it all.
const wasmExecIsInside = {
  name: 'wasm_exec.js',
  setup: (b) => b.onResolve({ filter: /wasm_exec/ }, () => ({ path: resolve('web/wasm_exec.js') })),
};
const troubleIsInside = {
  name: 'trouble.ts',
  setup: (b) => b.onResolve({ filter: /trouble-later/ }, () => ({ path: resolve('web/src/trouble-inside.ts') })),
};
const allInside = [wasmExecIsInside, troubleIsInside];
await bundle('worker', { plugins: allInside });
// Nor may a service worker import later. Of the options whose files these are, it gives none.
const unused = {
  name: 'what a service worker does not use',
  setup(b) {
    b.onResolve({ filter: /^\.\/(autolock|remote|session)\.ts$/ }, ({ path }) => ({ path, namespace: 'unused' }));
    b.onLoad({ filter: /./, namespace: 'unused' }, () => ({ contents: '' }));
  },
};
await bundle('service-worker', { plugins: [...allInside, unused] });
copyFileSync('web/wasm_exec.js', 'web/dist/wasm_exec.js');
execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });

// The declarations name the files as they are published.
for (const name of readdirSync('web/dist', { recursive: true }).filter((file) => file.endsWith('.d.ts'))) {
  const file = `web/dist/${name}`;
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/(from '\.\.?\/[\w-]+)\.ts'/g, "$1.js'"));
}
