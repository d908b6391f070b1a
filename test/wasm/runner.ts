import { type Core, makeHost } from '../../web/src/host.ts';
import type { Connection } from '../../web/src/host-idb.ts';
import { Slots } from '../../web/src/slots.ts';

/** What of wasm_exec.js the runner uses. `_ids` has every JavaScript value that Go holds. */
interface GoProgram {
  argv: string[];
  env: Record<string, string>;
  exit: (code: number) => void;
  exited: boolean;
  importObject: WebAssembly.Imports;
  run(instance: WebAssembly.Instance): Promise<void>;
  readonly _ids: ReadonlyMap<unknown, number>;
}

/**
 * Runs a Go test program with the host functions of web/src/host.ts, as web/src/loader.ts starts the real one, and
 * returns its exit code. What a test needs beyond the host is on `idbvaultTest`; test/wasm/harness uses it.
 */
export async function run(
  module: WebAssembly.Module,
  argv: string[],
  env: Record<string, string> = {},
  started: (go: object) => void = () => {},
): Promise<number> {
  const slots = new Slots();
  const connections = new Map<number, Connection>();
  let core: Core | undefined;
  const died = (error: unknown) => {
    throw error; // as it would without an engine around it: the test fails
  };
  const host = makeHost({ core: () => core, exited: () => false, died, slots, connections, locks: new Set() });
  // Another instance of the program would have another host.
  const other = makeHost({
    core: () => undefined,
    exited: () => false,
    died,
    slots: new Slots(),
    connections: new Map(),
    locks: new Set(),
  });
  let begin: (() => void) | undefined;

  const go = new globalThis.Go() as unknown as GoProgram;
  go.argv = argv;
  go.env = env;
  const exit = new Promise<number>((resolve) => {
    go.exit = resolve;
  });

  const tools = {
    ready(f: () => void) {
      begin = f;
    },
    open(payloads: unknown[]) {
      let id = -1;
      const ended = new Promise<unknown[]>((resolve, reject) => {
        id = slots.open(payloads, resolve, reject);
      });
      return { id, ended };
    },
    deferred() {
      let resolve: (value: unknown) => void = () => {};
      let reject: (error: unknown) => void = () => {};
      const promise = new Promise((yes, no) => {
        resolve = yes;
        reject = no;
      });
      return { promise, resolve, reject };
    },
    after: (ms: number, value: unknown) => new Promise((resolve) => setTimeout(resolve, ms, value)),
    shorten(from: number, to: number) {
      const real = globalThis.setTimeout;
      globalThis.setTimeout = ((f: () => void, ms?: number, ...rest: unknown[]) =>
        real(f, ms === from ? to : ms, ...rest)) as typeof setTimeout;
      return () => {
        globalThis.setTimeout = real;
      };
    },
    recordTransactions() {
      const made: string[] = [];
      let last: IDBTransaction | undefined;
      const prototype = IDBDatabase.prototype;
      const real = prototype.transaction;
      prototype.transaction = function (names, mode, options) {
        made.push(`${[names].flat().sort().join(',')} ${mode} ${options?.durability}`);
        const transaction = real.call(this, names, mode, options);
        last = transaction;
        if (mode === 'readwrite') transaction.addEventListener('complete', () => made.push('complete'));
        return transaction;
      };
      const restore = () => {
        prototype.transaction = real;
      };
      return { made, restore, endLast: () => last?.commit() };
    },
    breakPut(name: string, times: number) {
      const prototype = IDBObjectStore.prototype;
      const real = prototype.put;
      let left = times;
      prototype.put = function (value, key) {
        const fails = left-- > 0;
        if (fails && name === 'AbortError') this.transaction.abort(); // and so cannot be aborted again
        if (fails && name) throw new DOMException('on purpose, in a test', name);
        const request = real.call(this, value, key);
        if (fails) this.transaction.abort();
        return request;
      };
      return () => {
        prototype.put = real;
      };
    },
    live: () => go._ids.size,
    memory: () => core?.mem.buffer.byteLength,
    keptElsewhere: other.functions.kept,
    atPlace: other.functions.at,
    connections: () => [...connections.values()].map(({ db }) => db),
  };
  Object.assign(globalThis, { idbvaultTest: tools });

  const instance = await WebAssembly.instantiate(module, { ...go.importObject, idbvault: host.steps });
  core = instance.exports as unknown as Core;
  Object.assign(globalThis, { idbvaultHost: host.functions });
  started(go);
  // Returns at Go's first wait, which is in harness.Main: an export called before Go has started ends the program, one
  // called by a host function is not allowed, and no test may run before the page's address is known.
  const ended = go.run(instance);
  Reflect.deleteProperty(globalThis, 'idbvaultHost');
  if (!go.exited) {
    if (!begin) throw new Error('The test program has no TestMain that calls harness.Main.');
    host.locate();
    begin();
  }
  // A program that exits inside an export leaves the promise of go.run open.
  return Promise.race([exit, ended.then(() => exit)]);
}
