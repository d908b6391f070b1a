// Holds web/wasm_exec.js against two witnesses: the toolchain that compiles the wasm, and the loader that
// github.com/syumai/workers generates for the same Go version. The latter differs by a Proxy around globalThis and by
// nothing else, so taking the Proxy out must give the very same file.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';

const ours = readFileSync('web/wasm_exec.js', 'utf8');
const goroot = execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim();
if (ours !== readFileSync(`${goroot}/lib/wasm/wasm_exec.js`, 'utf8')) {
  fail("is not the toolchain's; copy $(go env GOROOT)/lib/wasm/wasm_exec.js over it");
}

rmSync('build/assets', { recursive: true, force: true });
execFileSync('go', ['tool', 'workers-assets-gen', '-mode', 'go', '-o', 'build/assets'], { stdio: 'inherit' });
const generated = readFileSync('build/assets/wasm_exec.js', 'utf8');
const withoutProxy = generated
  .replace('async run(instance, context) {', 'async run(instance) {')
  .replace(/\t\t\tconst globalProxy = new Proxy\(globalThis, \{\n(\t{4}.*\n)*?\t\t\t\}\)\n/, '')
  .replace('\t\t\t\tglobalProxy,\n', '\t\t\t\tglobalThis,\n')
  .replace('[globalProxy, 5],', '[globalThis, 5],');
if (withoutProxy === generated) fail('cannot be compared: the generated loader has no Proxy any more');
if (withoutProxy !== ours)
  fail("differs from the generated loader in more than the Proxy; loader and compiler don't belong together");
console.log("web/wasm_exec.js: the toolchain's own, and the generated loader agrees");

function fail(why) {
  console.error(`web/wasm_exec.js ${why}`);
  process.exit(1);
}
