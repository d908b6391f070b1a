import type { Item } from './pass.ts';

/** Carries out the calls of a group. Its results are aligned with the items; an Error among them is that call's. */
export type CarryOut = (items: Item[], payloads: unknown[]) => Promise<unknown[]>;

interface Group {
  carryOut: CarryOut;
  items: Item[];
  payloads: unknown[];
  size: number;
  waiting: { resolve: (result: unknown) => void; reject: (error: unknown) => void }[];
}

/** Bytes of values that one group carries at most: they share a transaction. */
const maxSize = 4 << 20;

// One for the page: a call of another kind, or on another store, comes after it.
let open: Group | undefined;

/**
 * Makes a call together with those of its kind that are made in the same turn: one crossing and one transaction serve them
 * all. `carryOut` is the same function for calls that may go together.
 */
export function join(carryOut: CarryOut, item: Item, payload?: unknown): Promise<unknown> {
  if (open?.carryOut !== carryOut || open.size > maxSize) {
    endGroup();
    open = { carryOut, items: [], payloads: [], size: 0, waiting: [] };
    Promise.resolve().then(endGroup);
  }
  const { items, payloads, waiting } = open;
  items.push(item);
  payloads.push(payload);
  open.size += item.size ?? 0;
  return new Promise((resolve, reject) => {
    waiting.push({ resolve, reject });
  });
}

/** Starts the calls that wait for the end of the turn. Every other call does so first, so that calls keep their order. */
export function endGroup(): void {
  if (!open) return;
  const { carryOut, items, payloads, waiting } = open;
  open = undefined;
  carryOut(items, payloads).then(
    (results) => {
      for (let i = 0; i < waiting.length; i++) {
        const result = results[i];
        if (result instanceof Error) waiting[i]?.reject(result);
        else waiting[i]?.resolve(result);
      }
    },
    (error) => {
      for (const { reject } of waiting) reject(error);
    },
  );
}
