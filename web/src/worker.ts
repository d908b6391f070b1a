// The worker that Go and the keys of one vault live in. It runs what remote.ts recorded on the page, in the same order.
import { VaultError } from './errors.ts';
import { isUnlocked, type SecurityDetail, securityEvents } from './host.ts';
import { type Engine, type Exports, program, running } from './loader.ts';
import type { CrossedError, FromWorker, Step, ToWorker } from './messages.ts';

type Core = Record<string, (...numbers: number[]) => void>;

const post = (message: FromWorker, transfer: Transferable[] = []) => postMessage(message, { transfer });

let database = '';
let starting: Promise<Engine> | undefined;

/** The one engine: the page's numbers of stores are those of this one, so none comes after it. */
function engine(): Promise<Engine> {
  starting ??= running().catch((error: unknown) => {
    starting = undefined; // so that the next call tries again
    throw error;
  });
  return starting;
}

/** Questions to the page that it has not answered. */
const questions = new Map<number, { resolve: (value: unknown) => void; reject: (stayed: object) => void }>();
let asked = 0;

/** Stands for the error of a payload, which stays on the page. */
const stayed = {};

const ask = (call: number, i: number, bytes: Uint8Array | null): Promise<unknown> =>
  new Promise((resolve, reject) => {
    questions.set(++asked, { resolve, reject });
    post({ asked, call, i, bytes: bytes && new Uint8Array(bytes) }); // without what lies before it
  });

function payloadOf(call: number, payload: unknown, i: number): unknown {
  if (payload === 'function') return (bytes: Uint8Array | null) => ask(call, i, bytes);
  if (payload !== 'promise') return payload;
  const bytes = ask(call, i, null);
  bytes.catch(() => {}); // Go waits for it in its turn
  return bytes;
}

const crossed = (error: unknown): CrossedError => {
  const { code, message } = error as VaultError;
  return error instanceof VaultError ? { code, message } : { code: 'ERR_INTERNAL', message: `A call failed: ${error}` };
};

function run(engine: Engine, core: Exports, steps: Step[], ...call: number[]): void {
  for (const [name, numbers, page] of steps) {
    if (page) engine.write(page);
    (core as unknown as Core)[name]?.(...call, ...numbers);
  }
}

async function carryOut(call: number, steps: Step[], payloads: unknown[]): Promise<void> {
  try {
    const values = payloads.map((payload, i) => payloadOf(call, payload, i));
    const on = await engine();
    const results = await on.call(values, (core, id) => run(on, core, steps, id));
    const buffers = new Set<ArrayBuffer>(); // none may be named twice
    for (const result of results) {
      const bytes = (result as { bytes?: Uint8Array<ArrayBuffer> } | null)?.bytes;
      if (bytes) buffers.add(bytes.buffer);
    }
    const plain = results.map((result) => (result instanceof Error ? crossed(result) : result));
    post({ call, results: plain, unlocked: isUnlocked(database) }, [...buffers]);
  } catch (error) {
    const unlocked = isUnlocked(database);
    post(error === stayed ? { call, unlocked } : { call, error: crossed(error), unlocked });
  }
}

securityEvents.addEventListener('security', (event) =>
  post({ security: (event as CustomEvent<SecurityDetail>).detail }),
);

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if ('database' in data) {
    database = data.database;
    program.wasmUrl = data.wasmUrl;
    const forever = () => {
      post({ held: true });
      return new Promise(() => {});
    };
    navigator.locks?.request(data.lock, forever);
  } else if ('asked' in data) {
    const question = questions.get(data.asked);
    questions.delete(data.asked);
    if (data.failed) question?.reject(stayed);
    else question?.resolve(data.value);
  } else if (data.call !== undefined) {
    void carryOut(data.call, data.steps, data.payloads);
  } else {
    const { steps } = data;
    engine().then(
      (on) => on.tell((core) => run(on, core, steps)),
      () => {},
    );
  }
});
