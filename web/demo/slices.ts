/** Where a slice came from. */
export type Source = 'vault' | 'network';

/** What came of asking for a slice. */
export type SliceReading =
  | { state: 'opened'; pixels: Uint16Array; from: Source }
  /** It is not kept, and the network is not asked. */
  | { state: 'absent' }
  /** It is not kept, and the network does not answer. */
  | { state: 'unreachable' }
  | { state: 'refused'; code: string; message: string };

/** Slices that are held decrypted: 10 MB. */
const most = 20;

/** Slices on each side of the one that is shown which are read before they are asked for. */
const ahead = 4;

interface Origin {
  /** Null where the signal ended it. */
  read(n: number, signal: AbortSignal): Promise<SliceReading | null>;
  isKept(n: number): boolean;
  /** Called with the slice that is wanted. */
  arrived(n: number, reading: SliceReading): void;
}

/** Decrypted slices around the one that is shown, in memory. They are read one at a time, and the one that is wanted always next. */
export class Slices {
  readonly #origin: Origin;
  readonly #held = new Map<number, SliceReading>();
  #wanted = 0;
  /** `stale` where what it brings is from before it was dropped. */
  #loading: { n: number; stop: AbortController; stale: boolean } | null = null;

  constructor(origin: Origin) {
    this.#origin = origin;
  }

  /** Asks for a slice. `arrived` is called with it, at once where it is held. */
  want(n: number): void {
    this.#wanted = n;
    const held = this.#held.get(n);
    if (held?.state === 'unreachable')
      this.#held.delete(n); // perhaps it answers now
    else if (held) this.#origin.arrived(n, held);
    if (this.#loading && this.#loading.n !== n) this.#loading.stop.abort();
    void this.#load();
  }

  /** Drops a slice that was written or deleted. */
  forget(n: number): void {
    this.#held.delete(n);
    if (this.#loading?.n === n) this.#loading.stale = true;
    if (n === this.#wanted) void this.#load();
  }

  /** Drops all of them, and their pixels. */
  clear(): void {
    if (this.#loading) this.#loading.stale = true;
    this.#loading?.stop.abort();
    for (const held of this.#held.values()) wipe(held);
    this.#held.clear();
  }

  /** Drops all of them, and reads none any more. */
  close(): void {
    this.#wanted = 0;
    this.clear();
  }

  async #load(): Promise<void> {
    if (this.#loading) return; // it goes on with the next
    for (let n = this.#next(); n !== undefined; n = this.#next()) {
      const loading = { n, stop: new AbortController(), stale: false };
      this.#loading = loading;
      const reading = await this.#origin.read(n, loading.stop.signal);
      this.#loading = null;
      if (loading.stale) wipe(reading ?? undefined);
      else if (reading) this.#hold(n, reading);
    }
  }

  /** The one that is wanted, then those beside it, as far as the vault has them. */
  #next(): number | undefined {
    const needed = (n: number) => !this.#held.has(n);
    if (this.#wanted === 0) return undefined;
    if (needed(this.#wanted)) return this.#wanted;
    for (let step = 1; step <= ahead; step++)
      for (const n of [this.#wanted + step, this.#wanted - step]) if (needed(n) && this.#origin.isKept(n)) return n;
    return undefined;
  }

  #hold(n: number, reading: SliceReading): void {
    this.#held.set(n, reading);
    if (n === this.#wanted) this.#origin.arrived(n, reading);
    if (this.#held.size <= most) return;
    const distance = (other: number) => Math.abs(other - this.#wanted);
    this.#held.delete([...this.#held.keys()].reduce((a, b) => (distance(b) > distance(a) ? b : a)));
  }
}

/** Overwrites pixels. */
export function wipe(reading: SliceReading | undefined): void {
  if (reading?.state === 'opened') reading.pixels.fill(0);
}
