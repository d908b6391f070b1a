import { VaultError } from './errors.ts';
import { type Core, makeHost } from './host.ts';
import type { Connection } from './host-idb.ts';
import { Slots } from './slots.ts';
import { importTrouble } from './trouble-later.ts';

/** The exports that are calls on an open store. */
export type StoreCall =
  | 'set'
  | 'setEach'
  | 'get'
  | 'getEach'
  | 'metadata'
  | 'exists'
  | 'remove'
  | 'names'
  | 'count'
  | 'usage'
  | 'clear'
  | 'forget'
  | 'update'
  | 'purge'
  | 'setStream'
  | 'adopt'
  | 'adoptStream'
  | 'stream'
  | 'chunks';

/**
 * Iterations, names, durability, expectVault, bytes of the cache, bits of the classes that it leaves out, 1 for a storage that
 * was open, days until keys are due, bits of the classes to forget, and, where records may be evicted, the policy, bits of the
 * classes that are protected, and MiB and further bytes that records may take (`open`). What is not there is 0.
 */
export type OpenNumbers = [number, number, number, number, ...number[]];

/** The calls that the Go program exports (the files of wasm/). Arguments are integers. */
export interface Exports extends Core, Record<StoreCall, (call: number, store: number, ...numbers: number[]) => void> {
  item(
    call: number,
    classification: number,
    kind: number,
    name: number,
    contentType: number,
    context: number,
    size: number,
    ttlMs: number,
  ): void;
  open(call: number, ...options: OpenNumbers): void;
  destroy(call: number): void;
  sweep(call: number): void;
  evicted(call: number): void;
  rekey(call: number): void;
  heard(store: number, name: number): void;
  lock(database: number): void;
  release(storeOrService: number): void;
  service(call: number, iterations: number): void;
  encrypt(call: number, service: number, classification: number, context: number): void;
  decrypt(call: number, service: number, metadata: number, size: number): void;
}

/** wasm_exec.js of the Go distribution, loaded beside this file. */
interface GoRuntime {
  importObject: WebAssembly.Imports;
  exited: boolean;
  run(instance: WebAssembly.Instance): Promise<void>;
}

declare global {
  var Go: new () => GoRuntime;
}

const crashed = () =>
  new VaultError(
    'ERR_CRASHED',
    'The engine stopped during this call. The next one starts it anew; read before you repeat a write.',
  );

const encoder = new TextEncoder();

/** One running instance of the Go program. */
export class Engine {
  readonly #slots = new Slots();
  readonly #connections = new Map<number, Connection>();
  readonly #locks = new Set<() => void>();
  readonly #host = makeHost({
    core: () => this.#core,
    exited: () => this.#go?.exited === true,
    died: (error) => this.#die(error),
    slots: this.#slots,
    connections: this.#connections,
    locks: this.#locks,
  });
  #core: Exports | undefined;
  #go: GoRuntime | undefined;

  get alive(): boolean {
    return this.#core !== undefined;
  }

  /** Instantiates a compiled program and lets it run until it serves. */
  async start(module: WebAssembly.Module): Promise<void> {
    const go = new globalThis.Go();
    this.#go = go;
    const instance = await WebAssembly.instantiate(module, { ...go.importObject, idbvault: this.#host.steps });
    this.#core = instance.exports as unknown as Exports;
    const page = globalThis as { idbvaultHost?: object };
    page.idbvaultHost = this.#host.functions; // Go finds its host functions when it starts, and keeps them
    const ended = go.run(instance);
    delete page.idbvaultHost;
    this.#host.locate();
    const died = (error: unknown) => this.#die(error);
    ended.then(died, died);
  }

  /**
   * Makes a call: `enter` writes its arguments and starts it. The promise resolves to the results that Go pushed, or
   * rejects with a {@link VaultError}.
   */
  call(payloads: unknown[], enter: (core: Exports, id: number) => void): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const core = this.#core;
      if (!core) return reject(crashed());
      const id = this.#slots.open(payloads, resolve, reject);
      this.#host.enter(() => enter(core, id));
    });
  }

  /** Runs an export that settles nothing. */
  tell(enter: (core: Exports) => void): void {
    const core = this.#core;
    if (core) this.#host.enter(() => enter(core));
  }

  /** Writes a string or bytes into the shared page and returns how many bytes that took. */
  write(part: string | Uint8Array, at = 0): number {
    const page = this.#host.shared().subarray(at);
    if (typeof part === 'string') return encoder.encodeInto(part, page).written;
    page.set(part);
    return part.length;
  }

  /** Lets go of the program and its memory when its last call has ended; the next call of anyone starts another. */
  async stop(): Promise<void> {
    while (!this.#slots.idle) await new Promise((resolve) => setTimeout(resolve, 5));
    this.#end();
  }

  #die(error: unknown): void {
    if (!this.#core) return;
    console.error('idbvault stopped', error);
    this.#end();
  }

  #end(): void {
    this.#core = undefined;
    this.#go = undefined;
    this.#host.clear();
    for (const { db } of this.#connections.values()) db.close();
    this.#connections.clear();
    for (const release of this.#locks) release(); // or no page could make this vault any more
    this.#locks.clear();
    this.#slots.rejectAll(crashed());
  }
}

let live: Engine | undefined;
let starting: Promise<Engine> | undefined;
let compiled: Promise<WebAssembly.Module> | undefined;

/** Returns the running engine, or nothing. */
export const current = (): Engine | undefined => live;

/** Returns the running engine, and starts one if there is none or the last one died. */
export function running(): Promise<Engine> {
  if (live?.alive) return Promise.resolve(live);
  starting ??= begin().finally(() => {
    starting = undefined;
  });
  return starting;
}

async function begin(): Promise<Engine> {
  compiled ??= load();
  const module = await compiled.catch((error: unknown) => {
    compiled = undefined; // so that the next call tries again
    throw error;
  });
  const engine = new Engine();
  await engine.start(module);
  live = engine;
  return engine;
}

const trouble = () => loaded('./trouble.js', importTrouble());

/**
 * Whether this page, or this worker, has what idbvault needs: a secure context, SubtleCrypto, IndexedDB and WebAssembly. It loads
 * nothing. Where it is false, calls reject with `ERR_UNSUPPORTED` and say what is missing. A Content-Security-Policy that forbids
 * WebAssembly is only noticed when that is loaded.
 */
export function isSupported(): boolean {
  const { isSecureContext, crypto, indexedDB, WebAssembly } = globalThis;
  return !!(isSecureContext && crypto?.subtle && indexedDB && WebAssembly);
}

/** @throws VaultError `ERR_UNSUPPORTED` where the page lacks something that idbvault needs */
export async function requirePlatform(): Promise<void> {
  if (!isSupported()) throw (await trouble()).lacking();
}

const notLoaded = (url: string | URL, why = 'it could not be fetched') =>
  new VaultError(
    'ERR_LOAD',
    `The file ${url} or wasm_exec.js was not loaded: ${why}. Deploy the package's files beside each other.`,
  );

/** Waits for a file of the package that is imported when it is needed. */
export const loaded = <T>(file: string, importing: Promise<T>): Promise<T> =>
  importing.catch(() => {
    throw notLoaded(file);
  });

/** Where the package's WebAssembly is. */
export interface WasmPlace {
  /**
   * The URL of idbvault.wasm, from the page's own address, where it is not beside the package's files. It holds for what is loaded
   * from then on, in workers of `runIn` too.
   */
  wasmUrl?: string | URL | undefined;
}

export const program: WasmPlace = {};

async function load(get: (url: string | URL) => Promise<Response> = fetch): Promise<WebAssembly.Module> {
  await requirePlatform();
  const url = program.wasmUrl ?? new URL('./idbvault.wasm', import.meta.url);
  const failed = () => {
    throw notLoaded(url);
  };
  // The browser compiles while the rest of the file comes, and while the runtime is loaded.
  const compiling = get(url).then((response) => compile(url, response), failed);
  const [module] = await Promise.all([compiling, loadRuntime().catch(failed)]);
  return module;
}

/** Has the engine, if none was loaded yet, made of a program that comes in another way. */
export function loadFrom(get: (url: string | URL) => Promise<Response>): void {
  if (compiled) return;
  compiled = load(get);
  compiled.catch(() => {}); // reported to the call that needs it
}

/**
 * Loads wasm_exec.js, which defines Go and stand-ins for Node's globals. The program has no use for `process` and `path`,
 * and a page should not meet them: libraries take a `process` for Node and reach for its `env`.
 */
async function loadRuntime(): Promise<void> {
  const page = globalThis as unknown as Record<string, unknown>;
  const introduced = ['process', 'path'].filter((name) => !(name in page));
  await import('./wasm_exec.js');
  for (const name of introduced) delete page[name];
}

async function compile(url: string | URL, response: Response): Promise<WebAssembly.Module> {
  if (!response.ok) throw notLoaded(url, `HTTP ${response.status}`);
  const type = response.headers.get('content-type');
  try {
    return await (type === 'application/wasm'
      ? WebAssembly.compileStreaming(response)
      : WebAssembly.compile(await response.arrayBuffer()));
  } catch (error) {
    const { forbidden, unlike } = await trouble();
    throw forbidden(error) ?? notLoaded(url, unlike(type));
  }
}
