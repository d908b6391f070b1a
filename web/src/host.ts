import { VaultError, type VaultErrorCode } from './errors.ts';
import { cryptoSteps } from './host-crypto.ts';
import { type Connection, databaseSteps } from './host-idb.ts';
import { pageSize } from './pass.ts';
import { remotes } from './remotes.ts';
import type { Slot, Slots } from './slots.ts';

/** The part of the instance's exports that the host functions need. */
export interface Core {
  mem: WebAssembly.Memory;
  page(): number;
  settle(call: number, status: number): void;
  lost(watcher: number): void;
}

/** What the host functions of one instance share with its engine. */
export interface Page {
  /** The instance's exports, while it lives. */
  core: () => Core | undefined;
  /** Whether the program has ended. A call in which it does so returns as if nothing had happened. */
  exited: () => boolean;
  died: (error: unknown) => void;
  slots: Slots;
  connections: Map<number, Connection>;
  /** What lets go of each Web Lock that the instance holds. */
  locks: Set<() => void>;
}

/** What the steps of a call are made with. */
export interface Steps {
  shared(): Uint8Array<ArrayBuffer>;
  slot(id: number): Slot;
  settle(id: number, value: unknown, status: number): void;
  enter(call: () => void): void;
  /** A value of a call's slot, or a key that is kept, by its number. */
  at(id: number, i: number): unknown;
  /** Adds a value to a call's slot and returns its place. */
  add(id: number, value: unknown): number;
  /** Copies bytes to the front of the page and returns how many. */
  copy(bytes: Uint8Array): number;
}

/** Returns the bytes of a buffer or a view from offset on; none of what is neither. */
export const view = (v: unknown, offset = 0): Uint8Array<ArrayBuffer> =>
  v instanceof ArrayBuffer
    ? new Uint8Array(v, Math.min(offset, v.byteLength))
    : ArrayBuffer.isView(v)
      ? new Uint8Array(v.buffer as ArrayBuffer, v.byteOffset, v.byteLength).subarray(offset)
      : new Uint8Array(0);

/** Returns a new buffer with the bytes of both. */
export function join(front: Uint8Array, rest: Uint8Array): ArrayBuffer {
  const joined = new Uint8Array(front.length + rest.length);
  joined.set(front);
  joined.set(rest, front.length);
  return joined.buffer;
}

/** Key handles of unlocked vaults. They outlive an instance of the Go program that dies; what is forgotten leaves a hole. */
export const keys: ({ group: string; name: string; key: CryptoKey } | undefined)[] = [];

/** What a session, once one was asked for, is told of (session.ts). */
export const session: {
  /** An unlock begins. What it returns is called when it ends, with the vault's keys in the table, and tells whether they may stay. */
  begins?: (database: string) => () => Promise<boolean>;
  /** The vault's keys were dropped. */
  ends?: (database: string) => void;
} = {};

const findKey = (group: string, name: string): number =>
  keys.findIndex((entry) => entry?.group === group && entry.name === name);

/** Whether the vault of a database is unlocked on this page, or in its worker. */
export const isUnlocked = (database: string): boolean =>
  remotes.get(database)?.unlocked || keys.some((entry) => entry?.group === database);

/** Drops the keys of the vault of a database, or the one of that name. */
export function forgetKeys(database: string, name?: string): void {
  for (let i = 0; i < keys.length; i++)
    if (keys[i]?.group === database && (!name || keys[i]?.name === name)) delete keys[i];
  if (!name) session.ends?.(database);
}

/** Whether no vault's keys are on this page. */
export const noKeys = (): boolean => !keys.some(Boolean);

/** What happened to a vault, for who watches over it. It names no record. */
export interface SecurityDetail {
  /** One of `SecurityEventType` of idbvault/keys. */
  type: string;
  at: Date;
  database: string;
  /** That records were written under; 0 where the vault was locked. */
  epoch: number;
  /** How often, or how many. */
  count: number;
}

/** Gets an event of the name `security`, a CustomEvent of {@link SecurityDetail}, for all vaults of this page. */
export const securityEvents = new EventTarget();

export const tellSecurity = (detail: SecurityDetail, target = securityEvents): void =>
  void target.dispatchEvent(new CustomEvent('security', { detail }));

/** Go's number of a key that is kept at a place, where -1 is none (jsbridge.Ref), and the place of a number. */
const flipped = (place: number): number => -2 - place;

const decoder = new TextDecoder();

/** What a step returns that threw; the call's wait then has the exception. */
export const threw = -2;

/**
 * The page's half of the bridge: functions of a few lines over one browser API each, which decide nothing. `steps` are what
 * every record takes; Go imports them, and they take and return integers. `functions` take JavaScript values, and Go calls
 * them through syscall/js. Every wait ends in the export `settle`, unless the instance has died.
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
  const held: (ArrayBuffer | undefined)[] = [];
  const slot = (id: number) => slots.at(id);
  const at = (id: number, i: number) => (i < -1 ? keys[flipped(i)]?.key : slot(id).values[i]);
  const add = (id: number, value: unknown) => slot(id).values.push(value) - 1;
  /** Copies bytes to the front of the page and returns how many. */
  const copy = (bytes: Uint8Array): number => {
    shared().set(bytes);
    return bytes.length;
  };
  const shim: Steps = { shared, slot, settle, enter, at, add, copy };
  const crypt = cryptoSteps(shim);
  const database = databaseSteps(shim, connections, core);
  const steps = {
    ...crypt.steps,
    ...database.steps,
    front: (id: number, i: number, offset: number, n: number) => copy(view(slot(id).values[i], offset).subarray(0, n)),
    size: (id: number, i: number) => view(slot(id).values[i]).length,
    /** Adds a value's bytes from offset on, with its kind and the content type in the page, to the call's results. */
    pushBytes(id: number, i: number, offset: number, kind: number, type: number) {
      const { results, values } = slot(id);
      results.push({
        bytes: view(values[i], offset),
        kind,
        type: type ? decoder.decode(shared().subarray(0, type)) : '',
      });
    },
    done(id: number) {
      const call = slots.close(id);
      call.resolve(call.results);
    },
    // Copies, since the caller may change what it gets.
    hold(id: number, i: number, place: number): number {
      held[place] = (slot(id).values[i] as ArrayBuffer).slice(0);
      return 0;
    },
    recall: (id: number, place: number) => add(id, held[place]?.slice(0)),
    drop: (place: number) => delete held[place],
    /** Lets go of a buffer's memory, at once where the browser can: the collector takes its time, and hundreds of MiB pile up. */
    discard(id: number, i: number) {
      const { values } = slot(id);
      (values[i] as { transfer?(size: number): void } | undefined)?.transfer?.(0);
      values[i] = undefined;
    },
    random: (n: number) => crypto.getRandomValues(shared().subarray(0, n)),
    now: () => Date.now(),
  };
  // An exception must not unwind the program.
  const each = steps as Record<string, (id: number, ...rest: number[]) => unknown>;
  for (const name of ['hold', 'recall', ...Object.keys(database.steps)]) {
    const step = each[name] as (id: number, ...rest: number[]) => unknown;
    each[name] = (id, ...rest) => {
      try {
        return step(id, ...rest);
      } catch (error) {
        slot(id).value = error;
        return threw;
      }
    };
  }
  const functions = {
    ...crypt.functions,
    ...database.functions,
    await: wait,
    value: (id: number) => slot(id).value,
    add,
    at,
    payloads(id: number) {
      const call = slot(id);
      const ready = Promise.all(call.values).then((values) => {
        call.values = values;
      });
      void wait(id, ready);
    },
    push: (id: number, value: unknown) => slot(id).results.push(value),
    pushError: (id: number, code: VaultErrorCode, message: string) =>
      slot(id).results.push(new VaultError(code, message)),
    fail: (id: number, code: VaultErrorCode, message: string) => slots.close(id).reject(new VaultError(code, message)),
    rethrow: (id: number, error: unknown) => slots.close(id).reject(error),

    bytes: (n: number) => shared().slice(0, n).buffer,
    pause: (id: number, ms: number) => setTimeout(settle, ms, id, null, 0),
    lock(id: number, name: string, mode: LockMode) {
      let granted = false;
      const grant = () =>
        new Promise<void>((release) => {
          granted = true;
          if (!core()) return release();
          locks.add(release);
          const letGo = () => {
            locks.delete(release);
            release();
          };
          settle(id, letGo, 0);
        });
      if (!navigator.locks) return void Promise.resolve().then(grant);
      // One that is stolen rejects after it was granted, when the call has long gone on.
      navigator.locks.request(name, { mode }, grant).catch((error: unknown) => granted || settle(id, error, 1));
    },
    /** Calls the function that is value f with the bytes of value i from offset on, or with null. */
    apply: (id: number, f: number, i: number, offset: number) => {
      const { values } = slot(id);
      const argument = i < 0 ? null : view(values[i], offset);
      void wait(id, Promise.resolve(argument).then(values[f] as (x: unknown) => unknown));
    },

    keep(id: number, i: number, group: string, name: string) {
      delete keys[findKey(group, name)];
      return flipped(keys.push({ group, name, key: at(id, i) as CryptoKey }) - 1);
    },
    kept: (group: string, name: string) => flipped(findKey(group, name)),
    forget: forgetKeys,
    report: (database: string, type: string, epoch: number, count: number) =>
      tellSecurity({ type, at: new Date(), database, epoch, count }),
  };
  const locate = () => {
    address = (core() as Core).page();
  };
  /** Lets go of what the instance held of itself and for Go. */
  const clear = () => {
    held.length = 0;
    page = new Uint8Array(0);
    crypt.clear();
  };
  return { steps, functions, shared, enter, clear, locate };
}
