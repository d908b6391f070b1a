import type { EncryptedStorage } from '../src/index.ts';
import { type KeepingProgress, KeptSeries } from './kept-series.ts';
import { type Reading, told } from './records.ts';
import { askForSeries, askForSlice, type Series, sliceBytes } from './series-api.ts';
import { type SliceReading, Slices, wipe } from './slices.ts';
import { openStore } from './vaults.ts';

export interface View {
  /** Whether the network is asked for nothing: `chosen` here, or since the browser has none. */
  offline: boolean;
  chosen: boolean;
  /** Absent where neither the network nor the vault has one. */
  series: Reading<Series>;
  /** The number of the slice that is asked for; 0 before there is one. */
  slice: number;
  /** What stands in the picture's place: what was asked for last and has come. */
  shown: { n: number; reading: SliceReading } | null;
  /** The slices that the vault has. */
  kept: ReadonlySet<number>;
  expiresAt: Date | null;
  keeping: KeepingProgress | null;
  /** What the last keeping or removing failed with. */
  trouble: unknown;
  /** What came of reading each kept slice, where that was asked for, by the record's name. */
  checked: ReadonlyMap<string, Reading<true>>;
}

const none: ReadonlySet<number> = new Set();

/** A CT series that is looked at: from the vault where it is kept there, else from the network. */
export class Viewing {
  view: View = {
    offline: !navigator.onLine,
    chosen: false,
    series: { state: 'reading' },
    slice: 0,
    shown: null,
    kept: none,
    expiresAt: null,
    keeping: null,
    trouble: null,
    checked: new Map(),
  };
  readonly #storage: EncryptedStorage;
  readonly #kept: KeptSeries;
  readonly #slices: Slices;
  readonly #listeners = new Set<() => void>();
  readonly #end = new AbortController();
  #keeping: AbortController | null = null;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  private constructor(storage: EncryptedStorage) {
    this.#storage = storage;
    this.#kept = new KeptSeries(storage);
    this.#slices = new Slices({
      read: (n, signal) => this.#readSlice(n, signal),
      isKept: (n) => this.view.kept.has(n),
      arrived: (n, reading) => this.#show({ shown: { n, reading } }),
    });
    this.#kept.onChange((n, exists) => {
      if (n === 0) return void this.#lookForKept();
      const kept = new Set(this.view.kept);
      if (exists) kept.add(n);
      else kept.delete(n);
      const checked = new Map(this.view.checked);
      if (this.view.series.state === 'opened') checked.delete(`ct:${this.view.series.value.id}:${n}`);
      this.#show({ kept, checked });
      this.#slices.forget(n);
    });
    storage.subscribe(null, ({ type }) => type === 'lock' && this.close());
    const { signal } = this.#end;
    for (const event of ['online', 'offline']) addEventListener(event, () => this.#network(), { signal });
  }

  /** Opens the vault's store for series; the vault is unlocked on this page. */
  static async open(): Promise<Viewing> {
    const viewing = new Viewing(await openStore('series'));
    void viewing.look();
    return viewing;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Looks for the series: in the vault, and where the network is there, at the server. */
  async look(): Promise<void> {
    const kept = await this.#lookForKept();
    if (kept.state === 'opened') await this.#open(kept); // and does not wait for the network
    const { signal } = this.#end;
    const asked = this.view.offline ? null : await askForSeries(signal).catch(() => null);
    if (asked) await this.#open({ state: 'opened', value: asked });
    else if (kept.state !== 'opened' && !signal.aborted) this.#show({ series: kept });
  }

  /** Shows a slice, or the next one that there is. */
  goTo(n: number): void {
    const { series } = this.view;
    if (series.state !== 'opened' || this.#end.signal.aborted) return;
    const slice = Math.min(Math.max(n, 1), series.value.slices);
    this.#show({ slice });
    this.#slices.want(slice);
  }

  /** Asks the network for nothing any more, or does so again. */
  setOffline(chosen: boolean): void {
    this.#show({ chosen });
    this.#network();
  }

  /** Stores the series in the vault, or goes on with it. */
  async keep(): Promise<void> {
    const { series, kept, offline } = this.view;
    if (this.#keeping || offline || series.state !== 'opened') return;
    const stop = new AbortController();
    this.#keeping = stop;
    this.#show({ keeping: { fetched: kept.size, stored: kept.size }, trouble: null });
    const tell = (keeping: KeepingProgress) => {
      if (this.#keeping === stop) this.#show({ keeping });
    };
    await this.#try(() => this.#kept.keep(series.value, stop.signal, tell), stop.signal);
    this.#keeping = null;
    stop.abort(); // what is still fetched where one failed
    this.#show({ keeping: null });
  }

  /** Stops a keeping. What was stored stays. */
  stop(): void {
    this.#keeping?.abort();
  }

  /** Fetches a slice that is refused, and stores it in the place of what the vault has. */
  async renew(n: number): Promise<void> {
    const { series } = this.view;
    const { signal } = this.#end;
    if (series.state === 'opened') await this.#try(() => this.#kept.renew(series.value, n, signal), signal);
  }

  async remove(): Promise<void> {
    const { series } = this.view;
    if (series.state === 'opened') await this.#try(() => this.#kept.remove(series.value), this.#end.signal);
  }

  /** Reads what is kept once more, the picture that is shown among it. */
  async readAgain(): Promise<void> {
    const { series, kept } = this.view;
    if (series.state !== 'opened') return void this.look();
    this.#show({ checked: new Map() });
    this.#again();
    if (kept.size === 0) return;
    const { id } = series.value;
    const checked = new Map<string, Reading<true>>();
    checked.set(`ct:${id}`, await outcome(() => this.#kept.description()));
    for (const n of kept) checked.set(`ct:${id}:${n}`, await outcome(() => this.#kept.read(series.value, n)));
    this.#show({ checked });
  }

  /** Drops all that was decrypted. */
  close(): void {
    this.#end.abort();
    this.#keeping?.abort();
    clearTimeout(this.#expiry);
    this.#slices.close();
    if (this.view.shown) wipe(this.view.shown.reading);
    this.#show({ shown: null, series: { state: 'reading' } });
    this.#storage.close();
  }

  async #open(series: Reading<Series> & { state: 'opened' }): Promise<void> {
    const kept = await this.#kept.numbers(series.value).catch(() => none);
    if (this.#end.signal.aborted) return;
    const known = this.view.series.state === 'opened';
    this.#show({ series: known ? this.view.series : series, kept });
    if (!known) this.goTo(this.view.slice || Math.ceil(series.value.slices / 2));
  }

  /** Looks at the description that is kept, and until when. */
  async #lookForKept(): Promise<Reading<Series>> {
    clearTimeout(this.#expiry);
    try {
      const found = await this.#kept.description();
      if (this.#end.signal.aborted || !found) {
        this.#show({ expiresAt: null });
        return { state: 'absent' };
      }
      this.#show({ expiresAt: found.expiresAt });
      const left = (found.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY) - Date.now();
      if (left < 2 ** 31) this.#expiry = setTimeout(() => this.#expired(), left + 1000);
      return { state: 'opened', value: found.series };
    } catch (error) {
      return { state: 'refused', ...told(error) };
    }
  }

  #expired(): void {
    this.#again();
    void this.look();
  }

  /** The network came or went, or is to be used or not. */
  #network(): void {
    const offline = this.view.chosen || !navigator.onLine;
    if (offline === this.view.offline) return;
    this.#show({ offline });
    if (offline) this.stop();
    if (this.view.series.state === 'opened') this.#again();
    else void this.look();
  }

  #again(): void {
    this.#show({ shown: null });
    this.#slices.clear();
    this.goTo(this.view.slice);
  }

  async #readSlice(n: number, signal: AbortSignal): Promise<SliceReading | null> {
    const { series, offline } = this.view;
    if (series.state !== 'opened') return null;
    try {
      const kept = await this.#kept.read(series.value, n);
      if (kept) return { state: 'opened', pixels: pixelsOf(series.value, kept), from: 'vault' };
    } catch (error) {
      return { state: 'refused', ...told(error) }; // and no picture from elsewhere in its place
    }
    if (offline) return { state: 'absent' };
    try {
      const fetched = await askForSlice(series.value, n, signal);
      return { state: 'opened', pixels: pixelsOf(series.value, fetched), from: 'network' };
    } catch {
      return signal.aborted ? null : { state: 'unreachable' };
    }
  }

  async #try(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      await work();
      this.#show({ trouble: null });
    } catch (trouble) {
      if (!signal.aborted) this.#show({ trouble });
    }
  }

  #show(part: Partial<View>): void {
    this.view = { ...this.view, ...part };
    for (const listener of this.#listeners) listener();
  }
}

function pixelsOf(series: Series, bytes: Uint8Array<ArrayBuffer>): Uint16Array {
  if (bytes.length !== sliceBytes(series)) throw new Error('The slice has another size than its series says.');
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
}

async function outcome(read: () => Promise<unknown>): Promise<Reading<true>> {
  try {
    return (await read()) === null ? { state: 'absent' } : { state: 'opened', value: true };
  } catch (error) {
    return { state: 'refused', ...told(error) };
  }
}
