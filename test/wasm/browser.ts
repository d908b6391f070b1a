// The page in which browser.spec.ts runs a test program. Its name is the fragment of the address.
import { run } from './runner.ts';

declare global {
  var testOutcome: Promise<{ code: number; output: string[] }>;
}

// wasm_exec.js writes what Go prints with console.log, line by line.
const output: string[] = [];
const log = console.log;
console.log = (...line: unknown[]) => {
  output.push(line.join(' '));
  log(...line);
};

async function main(name: string) {
  const module = await WebAssembly.compileStreaming(fetch(`/${name}.test`));
  // A throw in a host function or a trap in Go would leave the program waiting.
  const broken = new Promise<never>((_, reject) => {
    addEventListener('unhandledrejection', (event) => reject(event.reason));
    addEventListener('error', (event) => reject(event.error));
  });
  const code = await Promise.race([run(module, ['test', '-test.v', '-test.timeout=100s']), broken]).catch((error) => {
    output.push(String(error), String(error?.stack));
    return -1;
  });
  return { code, output };
}

globalThis.testOutcome = main(location.hash.slice(1));
