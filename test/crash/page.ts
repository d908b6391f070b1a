import type { EncryptedStorage, StorageOptions } from '../../web/src/index.ts';
import type { VaultKeys } from '../../web/src/keys.ts';
import type { Write } from './model.ts';

// What is installed in the page before the library is loaded. It must stand by itself: its source is what the page gets.

/** What a vault looks like from the outside. Records go by `store/key`. */
export interface Look {
  /** What opening it with each of the secrets came to: `no error`, or a code. */
  codes: string[];
  /** The label of the write whose value it has, or null where there is no record. */
  values: Record<string, string | null>;
  epochs: Record<string, number>;
  /** Of each store: how many records it counts, and how many it lists. */
  counts: Record<string, [number, number]>;
  /** What could not be read, and why. */
  failures: string[];
  /** That of rotationStatus. */
  state: string;
}

/** What came of an operation that nothing killed. */
export interface Ran {
  steps: string[];
  error?: string;
}

export interface Crash {
  /** Does an operation and names its steps. Before step number `at`, if there is one, the browser is killed. */
  run(at: number, operation: () => Promise<unknown>): Promise<Ran>;
  /** Tells the test that something was acknowledged. What it tells is on its way when it returns a promise, whatever comes then. */
  ack(what: string): Promise<void>;
  secret(text: string): Uint8Array<ArrayBuffer>;
  open(db: string, store: string, secret: string, options?: StorageOptions): Promise<EncryptedStorage>;
  /** Writes the records of each store at once. */
  fill(db: string, secret: string, writes: Write[]): Promise<void>;
  set(storage: EncryptedStorage, write: Write): Promise<void>;
  rotation(db: string): VaultKeys;
  /** Looks at the records that any of the writes is of. */
  look(db: string, secrets: string[], writes: Write[]): Promise<Look>;
}

declare global {
  // The exports of idbvault/keys.
  var keysOf: typeof import('../../web/src/keys.ts');
  var crash: Crash;
  var textOf: (label: string, size: number) => string;
}

/** The value of a record: its label, over and over. */
export function text(label: string, size: number): string {
  return `${label} `.repeat(Math.ceil(size / (label.length + 1))).slice(0, size);
}

function install(): void {
  let steps: string[] | undefined;
  let end = 0;
  const tell = (path: string, body: string) => fetch(path, { method: 'POST', body, keepalive: true });
  const step = (name: string) => {
    const count = steps?.push(name) ?? 0;
    if (!end || count < end) return;
    void tell('/step', `step ${count}, ${name}`);
    // Not a synchronous request: Firefox delivers events while it waits for one, and ends the transaction that is being filled.
    for (;;);
  };

  const patch = (target: object, names: string[], after?: (result: unknown) => void) => {
    for (const name of names) {
      const original = Reflect.get(target, name) as (...all: unknown[]) => unknown;
      Reflect.set(target, name, function (this: unknown, ...all: unknown[]) {
        step(name);
        const result = original.apply(this, all);
        after?.(result);
        return result;
      });
    }
  };
  patch(IDBFactory.prototype, ['open']);
  patch(IDBObjectStore.prototype, ['put', 'delete']);
  patch(IDBTransaction.prototype, ['commit']);
  // It is the first listener, so the library has not heard of the end.
  patch(IDBDatabase.prototype, ['transaction'], (made) =>
    (made as IDBTransaction).addEventListener('complete', () => step('complete')),
  );
  patch(SubtleCrypto.prototype, ['importKey', 'deriveKey', 'deriveBits', 'generateKey', 'wrapKey', 'unwrapKey']);
  patch(SubtleCrypto.prototype, ['sign', 'encrypt']);

  const codeOf = async (attempt: () => Promise<unknown>) => {
    try {
      await attempt();
      return 'no error';
    } catch (error) {
      return String((error as { code?: string }).code ?? error);
    }
  };

  globalThis.crash = {
    async run(at, operation) {
      steps = [];
      end = at;
      const code = await codeOf(operation);
      const ran = { steps };
      steps = undefined;
      return code === 'no error' ? ran : { ...ran, error: code };
    },
    async ack(what) {
      const told = tell('/ack', what);
      step('acknowledged');
      await told;
    },
    // 32 bytes may have few iterations: what is tested here is not PBKDF2.
    secret: (text) => new TextEncoder().encode(text.padEnd(32, '.')),
    open: (db, store, secret, options = {}) =>
      idbvault.createEncryptedStorage(db, store, { secret: crash.secret(secret), iterations: 150_000, ...options }),
    async fill(db, secret, writes) {
      for (const store of new Set(writes.map((w) => w.store))) {
        const storage = await crash.open(db, store, secret);
        const own = writes.filter((w) => w.store === store);
        await storage.setManyEncrypted(
          own.map((w) => ({ key: w.key, value: textOf(w.label, w.size), classification: 'internal' })),
        );
      }
    },
    async set(storage, { key, label, size }) {
      await storage.setEncrypted(key, textOf(label, size), 'public');
      await crash.ack(label);
    },
    rotation(db) {
      return new keysOf.VaultKeys(db);
    },
    async look(db, secrets, writes) {
      const look: Look = { codes: [], values: {}, epochs: {}, counts: {}, failures: [], state: 'none' };
      const noted = async (what: string, attempt: () => Promise<void>) => {
        const code = await codeOf(attempt);
        if (code !== 'no error') look.failures.push(`${what}: ${code}`);
      };
      for (const secret of secrets)
        look.codes.push(await codeOf(() => crash.open(db, 'a', secret, { expectVault: true })));
      if (!look.codes.includes('no error')) return look;
      for (const store of new Set(writes.map((w) => w.store))) {
        const storage = await idbvault.createEncryptedStorage(db, store);
        await noted(store, async () => {
          look.counts[store] = [await storage.count(), (await storage.keys()).length];
        });
        const own = writes.filter((w) => w.store === store);
        const one = (key: string) =>
          noted(`${store}/${key}`, async () => {
            const value = await storage.getDecrypted(key);
            const written = own.find(
              (w) => w.key === key && w.size === value?.length && textOf(w.label, w.size) === value,
            );
            look.values[`${store}/${key}`] = value && (written?.label ?? `what nobody wrote, ${value.length} long`);
            const metadata = await storage.getMetadata(key);
            if (metadata) look.epochs[`${store}/${key}`] = metadata.epoch;
          });
        await Promise.all([...new Set(own.map((w) => w.key))].map(one));
      }
      await noted('rotationStatus', async () => {
        look.state = (await crash.rotation(db).rotationStatus()).state;
      });
      return look;
    },
  };
}

export const script = `globalThis.textOf = ${text}; (${install})();`;
