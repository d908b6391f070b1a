// Runs a Go test program for js/wasm on Node, with the real host functions and fake-indexeddb:
//
//   GOOS=js GOARCH=wasm go test -exec="node $PWD/test/wasm/run-node.mjs" ./jsbridge/... ./idb
//
// go test starts it in the folder of the package, hence the absolute path.
import 'fake-indexeddb/auto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const file = (name) => fileURLToPath(new URL(name, import.meta.url));

// What wasm_exec.js takes from Node, as in wasm_exec_node.js of the Go distribution.
Object.assign(globalThis, { fs, path });
globalThis.navigator ??= {}; // Node has it from version 21 on; host.ts looks for Web Locks there
await import('../../web/wasm_exec.js');

// fake-indexeddb takes an array of names, but not the DOMStringList that a browser takes as well.
const { transaction } = IDBDatabase.prototype;
IDBDatabase.prototype.transaction = function (names, ...rest) {
  return transaction.call(this, typeof names === 'string' ? names : [...names], ...rest);
};
// It asks a buffer whether it is detached, which Node knows from version 21 on, or takes an empty key for that.
if (!('detached' in ArrayBuffer.prototype))
  Object.defineProperty(ArrayBuffer.prototype, 'detached', { get: () => false });

const { outputFiles } = await build({
  entryPoints: [file('runner.ts')],
  bundle: true,
  format: 'esm',
  target: 'es2022',
  sourcemap: 'inline',
  write: false,
});
const { run } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);

const argv = process.argv.slice(2);
const module = await WebAssembly.compile(fs.readFileSync(argv[0]));
// The environment is left out: with the arguments it must not be longer than 8 KB.
const code = await run(module, argv, { TMPDIR: os.tmpdir() }, (go) => {
  process.on('exit', (status) => {
    if (status !== 13 || go.exited) return; // 13: the await below can never end
    // Nothing is left that could wake the program. It prints where its goroutines wait.
    go._pendingEvent = { id: 0 };
    go._resume();
  });
});
process.exit(code);
