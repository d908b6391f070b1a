import { invalid, isUnlocked, program, remotes, tellSecurity, VaultError, type VaultErrorCode } from './index.ts';
import type { Exports } from './loader.ts';
import type { CrossedError, FromWorker, Step, Stub, ToWorker } from './messages.ts';
import { pageSize } from './pass.ts';
import type { AnyEngine, Remote } from './remotes.ts';

const locked = () => new VaultError('ERR_LOCKED', 'The vault is locked. Unlock it with its secret.');

const crashed = () =>
  new VaultError(
    'ERR_CRASHED',
    'The worker of this vault stopped during this call, and its keys went with it. Unlock the vault with its secret, and read before you repeat a write.',
  );

const notLoaded = () =>
  new VaultError(
    'ERR_LOAD',
    "The file worker.js was not loaded. Deploy the package's files beside each other, and where the page has a Content-Security-Policy, allow worker-src 'self' and, if it lists trusted-types, the name idbvault.",
  );

/** A call that the worker has not answered. */
interface Call {
  resolve: (results: unknown[]) => void;
  reject: (error: unknown) => void;
  /** Those among which some stay on the page, or none. */
  payloads: unknown[];
  /** What a payload failed with. */
  stayed?: unknown;
}

const encoder = new TextEncoder();

const stubOf = (payload: unknown): Stub | undefined =>
  typeof payload === 'function' ? 'function' : payload instanceof Promise ? 'promise' : undefined;

/** The engine in a worker, as the page sees it. What would enter Go here is recorded, and entered there in the same order. */
class RemoteEngine implements AnyEngine {
  readonly #remote: Remote;
  readonly #worker: Worker;
  readonly #calls = new Map<number, Call>();
  #latest = 0;
  #page = new Uint8Array(pageSize);
  /** Bytes that were written since the last step. */
  #written = 0;
  /** Why the worker ended. */
  #ended: VaultError | undefined;
  #heard = false;

  constructor(remote: Remote, database: string) {
    this.#remote = remote;
    this.#worker = newWorker();
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data, lock);
    this.#worker.onerror = (event) => {
      event.preventDefault(); // the calls fail with it
      this.end(this.#heard ? crashed() : notLoaded());
    };
    const lock = `idbvault worker ${crypto.randomUUID()}`;
    this.#post({ database, lock, wasmUrl: absolute(program.wasmUrl) });
  }

  get alive(): boolean {
    return !this.#ended;
  }

  call(payloads: unknown[], enter: (core: Exports, id: number) => void): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      const steps = this.#record((core) => enter(core, 0));
      for (const step of steps) step[1].shift(); // the worker has a number of its own for the call
      const call = ++this.#latest;
      const stay = payloads.map(stubOf);
      this.#calls.set(call, { resolve, reject, payloads: stay.some(Boolean) ? payloads : [] });
      const own = payloads.map((payload) => (ArrayBuffer.isView(payload) ? payload.buffer : payload));
      const buffers = own.filter((payload) => payload instanceof ArrayBuffer);
      this.#post({ call, steps, payloads: payloads.map((payload, i) => stay[i] ?? payload) }, buffers);
    });
  }

  tell(enter: (core: Exports) => void): void {
    if (!this.#ended) this.#post({ steps: this.#record(enter), payloads: [] });
  }

  write(part: string | Uint8Array, at = 0): number {
    const page = this.#page.subarray(at);
    let length = part.length;
    if (typeof part === 'string') length = encoder.encodeInto(part, page).written;
    else page.set(part);
    this.#written = at + length;
    return length;
  }

  /** Ends the worker. What is under way fails, and so does what comes. */
  end(why: VaultError): void {
    if (this.#ended) return;
    this.#ended = why;
    this.#worker.terminate();
    this.#remote.unlocked = false;
    this.#page = new Uint8Array(0);
    for (const { reject } of this.#calls.values()) reject(why);
    this.#calls.clear();
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #record(enter: (core: Exports) => void): Step[] {
    const steps: Step[] = [];
    const step = (name: string, numbers: number[]) => {
      steps.push([name, numbers, this.#written ? this.#page.slice(0, this.#written) : undefined]);
      this.#written = 0;
    };
    const get =
      (_: unknown, name: string) =>
      (...numbers: number[]) =>
        step(name, numbers);
    enter(new Proxy({}, { get }) as Exports);
    return steps;
  }

  #hear(message: FromWorker, lock: string): void {
    this.#heard = true;
    if ('held' in message) {
      // A worker that ends lets go of its lock; nothing else tells of every end.
      void navigator.locks.request(lock, () => this.end(crashed()));
    } else if ('security' in message) {
      tellSecurity(message.security);
    } else if ('asked' in message) {
      void this.#answer(message);
    } else {
      const { call, results, error, unlocked } = message;
      const { resolve, reject, stayed } = this.#calls.get(call) ?? {};
      this.#calls.delete(call);
      if (!this.#ended) this.#remote.unlocked = unlocked;
      if (results) resolve?.(results.map(resultOf));
      else reject?.(error ? errorOf(error) : stayed);
      if (error?.code === 'ERR_CRASHED') this.end(crashed());
    }
  }

  async #answer({ asked, call, i, bytes }: { asked: number; call: number; i: number; bytes: unknown }) {
    const of = this.#calls.get(call);
    const payload = of?.payloads[i];
    try {
      const value = await (typeof payload === 'function' ? payload(bytes) : payload);
      const buffers = [value].flat().filter((part) => part instanceof ArrayBuffer);
      this.#post({ asked, value }, buffers);
    } catch (error) {
      if (of) of.stayed = error;
      this.#post({ asked, failed: true });
    }
  }
}

/** What fetch takes a URL for on this page; one that is none, it refuses in the worker, too. */
function absolute(url: string | URL | undefined): string | undefined {
  if (url === undefined) return;
  try {
    return new URL(url, document.baseURI).href;
  } catch {
    return String(url);
  }
}

const errorOf = ({ code, message }: CrossedError) => new VaultError(code as VaultErrorCode, message);

const resultOf = (result: unknown): unknown =>
  (result as Partial<CrossedError> | null)?.code ? errorOf(result as CrossedError) : result;

/** The expression that bundlers know a worker by. */
const bundled = () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });

interface TrustedTypes {
  createPolicy(name: string, rules: object): { createScriptURL(url: string): string };
}

let policy: ReturnType<TrustedTypes['createPolicy']> | undefined;
let trusted = '';

/** Makes a worker, also where the page demands trusted types: the URL that a bundler left above becomes one on its way. */
function newWorker(): Worker {
  const { trustedTypes, Worker } = globalThis as typeof globalThis & { trustedTypes?: TrustedTypes };
  try {
    if (!trustedTypes) return bundled();
    // Whoever gets hold of the policy can have this one URL of it.
    policy ??= trustedTypes.createPolicy('idbvault', { createScriptURL: () => trusted });
    const made = policy;
    const construct = (_: unknown, [url, options]: [URL, WorkerOptions]) => {
      trusted = url.href;
      return new Worker(made.createScriptURL(trusted), options);
    };
    globalThis.Worker = new Proxy(Worker, { construct }) as typeof Worker;
    return bundled();
  } catch {
    throw notLoaded();
  } finally {
    globalThis.Worker = Worker;
  }
}

class Vault implements Remote {
  readonly #database: string;
  #engine: RemoteEngine | undefined;
  unlocked = false;

  constructor(database: string) {
    this.#database = database;
  }

  running(again?: boolean): AnyEngine {
    if (!this.#engine?.alive) {
      if (again) throw locked();
      this.#engine = new RemoteEngine(this, this.#database);
    }
    return this.#engine;
  }

  lock(): void {
    if (this.unlocked) tellSecurity({ type: 'locked', at: new Date(), database: this.#database, epoch: 0, count: 1 });
    this.#engine?.end(locked());
  }
}

/**
 * Decides where the vault of a database runs, from its next unlock on.
 *
 * @throws VaultError `ERR_INVALID`
 */
export function runIn(database: string, where: unknown): void {
  if (where !== 'main' && where !== 'worker') throw invalid("The option runIn must be 'main' or 'worker'.");
  const inWorker = where === 'worker';
  if (inWorker === remotes.has(database)) return;
  if (isUnlocked(database))
    throw invalid(
      `The vault of this database is unlocked ${inWorker ? 'on the main thread' : 'in a worker'}. Lock it before it is opened elsewhere, or leave runIn out.`,
    );
  remotes.get(database)?.lock(); // it may be about to be unlocked
  if (inWorker) remotes.set(database, new Vault(database));
  else remotes.delete(database);
}
