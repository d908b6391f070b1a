/** What belongs to one call in flight. Go knows the call by its number, and nothing of this crosses over by itself. */
export interface Slot {
  resolve: (results: unknown[]) => void;
  reject: (error: unknown) => void;
  payloads: unknown[];
  value: unknown;
  results: unknown[];
}

/** The calls in flight, by number. A number is given again when its call has ended. */
export class Slots {
  readonly #slots: (Slot | undefined)[] = [];
  readonly #free: number[] = [];

  open(payloads: unknown[], resolve: Slot['resolve'], reject: Slot['reject']): number {
    const id = this.#free.pop() ?? this.#slots.length;
    this.#slots[id] = { resolve, reject, payloads, value: undefined, results: [] };
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

  rejectAll(error: unknown): void {
    for (const slot of this.#slots.splice(0)) slot?.reject(error);
    this.#free.length = 0;
  }
}
