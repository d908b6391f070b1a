import { VaultError, type VaultErrorCode } from './errors.ts';
import type { Slots } from './slots.ts';

/** The part of the instance's exports that the host functions need. */
export interface Core {
  mem: WebAssembly.Memory;
  page(): number;
  settle(call: number, status: number): void;
  lost(watcher: number): void;
}

/** Bytes of the page that both sides read and write (jsbridge.PageSize). */
const pageSize = 512 << 10;

/** What the host functions of one instance share with its engine. */
export interface Page {
  /** The instance's exports, while it lives. */
  core: () => Core | undefined;
  /** Whether the program has ended. A call in which it does so returns as if nothing had happened. */
  exited: () => boolean;
  died: (error: unknown) => void;
  slots: Slots;
  connections: Set<IDBDatabase>;
  /** What lets go of each Web Lock that the instance holds. */
  locks: Set<() => void>;
}

type Bytes = ArrayBuffer | ArrayBufferView<ArrayBuffer>;

const view = (v: unknown, offset = 0): Uint8Array<ArrayBuffer> =>
  v instanceof ArrayBuffer
    ? new Uint8Array(v, offset)
    : ArrayBuffer.isView(v)
      ? new Uint8Array(v.buffer as ArrayBuffer, v.byteOffset + offset, v.byteLength - offset)
      : new Uint8Array(0);

/** Key handles of unlocked vaults, by database and label. They outlive an instance of the Go program that dies. */
const keys = new Map<string, Map<string, CryptoKey>>();

/** Whether the vault of a database is unlocked on this page. */
export const isUnlocked = (database: string): boolean => keys.has(database);

/**
 * The page's half of the bridge: bound functions that Go calls with integers, each a few lines over one browser API. They
 * decide nothing. Every wait ends in the export `settle`, unless the instance has died.
 */
export function makeHost({ core, exited, died, slots, connections, locks }: Page) {
  // A call into a program that traps, or had exited before, throws.
  const enter = (call: () => void) => {
    try {
      call();
      if (exited()) died('exited');
    } catch (error) {
      died(error);
    }
  };
  const settle = (id: number, value: unknown, status: number) => {
    const exports = core();
    if (!exports) return;
    slots.at(id).value = value;
    enter(() => exports.settle(id, status));
  };
  const wait = (id: number, promise: PromiseLike<unknown>) =>
    promise.then(
      (value) => settle(id, value, 0),
      (error) => settle(id, error, 1),
    );
  // The page's address stays, and is asked for before Go runs: an export must not be called from within a host function.
  // Memory that grew has a new buffer, so the view is made anew when it has.
  let page = new Uint8Array(0);
  let address = 0;
  const shared = (): Uint8Array<ArrayBuffer> => {
    const { mem } = core() as Core;
    if (page.buffer !== mem.buffer) page = new Uint8Array(mem.buffer as ArrayBuffer, address, pageSize);
    return page;
  };
  return {
    shared,
    locate() {
      address = (core() as Core).page();
    },
    await: wait,
    value: (id: number) => slots.at(id).value,
    payload: (id: number, i: number) => slots.at(id).payloads[i],
    payloads(id: number) {
      const slot = slots.at(id);
      const ready = Promise.all(slot.payloads).then((values) => {
        slot.payloads = values;
      });
      void wait(id, ready);
    },
    push: (id: number, value: unknown) => void slots.at(id).results.push(value),
    // A copy where something lies in front of the value: the caller may send or store the buffer as a whole.
    pushBytes: (id: number, buffer: ArrayBuffer, offset: number) =>
      void slots.at(id).results.push(new Uint8Array(offset ? buffer.slice(offset) : buffer)),
    done(id: number) {
      const slot = slots.close(id);
      slot.resolve(slot.results);
    },
    fail: (id: number, code: VaultErrorCode, message: string) => slots.close(id).reject(new VaultError(code, message)),
    rethrow: (id: number, error: unknown) => slots.close(id).reject(error),

    bytes: (n: number) => shared().slice(0, n).buffer,
    join(n: number, tail: Bytes | undefined) {
      const rest = view(tail);
      const joined = new Uint8Array(n + rest.length);
      joined.set(shared().subarray(0, n));
      joined.set(rest, n);
      return joined.buffer;
    },
    front(v: unknown, offset: number, n: number) {
      const part = view(v).subarray(offset, offset + n);
      shared().set(part);
      return part.length;
    },
    size: (v: unknown) => view(v).length,
    view: (v: Bytes, offset: number) => view(v, offset),
    gcm(algorithm: AesGcmParams, iv: number, aad: number) {
      // Copies: memory may grow before Go makes the call, and a view of it would then be empty.
      const bytes = shared();
      algorithm.iv = bytes.slice(0, iv);
      algorithm.additionalData = bytes.slice(iv, iv + aad);
    },

    request(id: number, request: IDBRequest, blockedMs: number) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      request.onsuccess = () => {
        clearTimeout(timer);
        settle(id, undefined, 0);
      };
      request.onerror = (event) => {
        clearTimeout(timer);
        event.preventDefault(); // an error that no one prevents is reported to the page
        settle(id, request.error, 1);
      };
      if (!blockedMs) return;
      // Not from onblocked: a request behind a deletion that is blocked hears nothing.
      timer = setTimeout(() => {
        request.onsuccess = () => (request.result as IDBDatabase | undefined)?.close();
        request.onerror = (event) => event.preventDefault();
        settle(id, new DOMException('', 'BlockedError'), 1);
      }, blockedMs);
    },
    complete(id: number, transaction: IDBTransaction) {
      transaction.oncomplete = () => settle(id, undefined, 0);
      // A full disk may abort with no error at all.
      transaction.onabort = () => settle(id, transaction.error ?? new DOMException('', 'QuotaExceededError'), 1);
    },
    lock(id: number, name: string) {
      if (!navigator.locks) {
        void wait(
          id,
          Promise.resolve(() => {}),
        );
        return;
      }
      let granted = false;
      const held = navigator.locks.request(
        name,
        () =>
          new Promise<void>((release) => {
            granted = true;
            if (!core()) return release();
            locks.add(release);
            const letGo = () => {
              locks.delete(release);
              release();
            };
            settle(id, letGo, 0);
          }),
      );
      // One that is stolen rejects after it was granted, when the call has long gone on.
      held.catch((error: unknown) => granted || settle(id, error, 1));
    },
    apply: (id: number, i: number, argument: unknown) =>
      void wait(id, Promise.resolve(argument).then(slots.at(id).payloads[i] as (x: unknown) => unknown)),

    keep(group: string, name: string, key: CryptoKey) {
      const kept = keys.get(group) ?? new Map<string, CryptoKey>();
      keys.set(group, kept.set(name, key));
    },
    kept: (group: string, name: string) => keys.get(group)?.get(name),
    forget: (group: string) => void keys.delete(group),
    random: (n: number) => void crypto.getRandomValues(shared().subarray(0, n)),
    upgrade(request: IDBOpenDBRequest, stores: string, create: boolean) {
      request.onupgradeneeded = () => {
        if (create) for (const name of stores.split(',')) request.result.createObjectStore(name);
        else request.transaction?.abort();
      };
    },
    watch(db: IDBDatabase, watcher: number) {
      connections.add(db);
      db.onversionchange = db.onclose = () => {
        connections.delete(db);
        db.close();
        enter(() => core()?.lost(watcher));
      };
    },
  };
}
