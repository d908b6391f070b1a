import type { Connection } from './host-idb.ts';

/** What belongs to one call in flight. Go knows the call by its number, and nothing of this crosses over by itself. */
export interface Slot {
  resolve: (results: unknown[]) => void;
  reject: (error: unknown) => void;
  /** The call's payloads, and behind them what came of its steps. Go knows each by its place. */
  values: unknown[];
  results: unknown[];
  /** Promises of the steps under way that have not settled. */
  pending: number;
  /** Whether the call waits for requests; promises that settle meanwhile do not wake it. */
  asking?: boolean;
  /** Places of the requests that were made in the transaction and not yet waited for. */
  requests: number[];
  /** What a single wait resolved to or rejected with. */
  value?: unknown;
  /** The first of the pending promises to reject. */
  failure?: { error: unknown } | undefined;
  /** The transaction under way, and the connection that it was made on. */
  transaction?: IDBTransaction;
  connection?: Connection;
}

/** The calls in flight, by number. A number is given again when its call has ended. */
export class Slots {
  readonly #slots: (Slot | undefined)[] = [];
  readonly #free: number[] = [];

  open(payloads: unknown[], resolve: Slot['resolve'], reject: Slot['reject']): number {
    const id = this.#free.pop() ?? this.#slots.length;
    this.#slots[id] = { resolve, reject, values: payloads, results: [], pending: 0, requests: [] };
    return id;
  }

  at(id: number): Slot {
    return this.#slots[id] as Slot;
  }

  close(id: number): Slot {
    const slot = this.at(id);
    this.#slots[id] = undefined;
    this.#free.push(id);
    return slot;
  }

  /** Whether no call is in flight. */
  get idle(): boolean {
    return this.#free.length === this.#slots.length;
  }

  rejectAll(error: unknown): void {
    for (const slot of this.#slots.splice(0)) slot?.reject(error);
    this.#free.length = 0;
  }
}
