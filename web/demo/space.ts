import type { DataClassification, EncryptedStorage, SpaceEstimate } from '../src/index.ts';
import { openStore } from './vaults.ts';

/** What the demo's records take, and what the browser says of the origin. */
export type SpaceUsed = Pick<SpaceEstimate, 'records' | 'bytes' | 'classes' | 'quota' | 'usage' | 'persisted'>;

/** Milliseconds without a write after which it is asked anew. */
const quiet = 250;

/** The room that all stores of the demo's vault take, asked anew after each write of this tab and of others. */
export class Space {
  used: SpaceUsed | null = null;
  readonly #stores: EncryptedStorage[];
  readonly #listeners = new Set<() => void>();
  #asking: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  private constructor(stores: EncryptedStorage[], changed: () => void) {
    this.#stores = stores;
    for (const store of stores)
      store.subscribe(null, ({ type }) => {
        clearTimeout(this.#asking);
        if (type === 'lock') return this.close();
        this.#asking = setTimeout(() => this.ask(), quiet);
        changed();
      });
  }

  /** @param changed is called after each write, of this tab and of others */
  static async open(changed: () => void): Promise<Space> {
    const stores = await Promise.all([openStore('store'), openStore('series'), openStore('fetched')]);
    const space = new Space(stores, changed);
    void space.ask();
    return space;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async ask(): Promise<void> {
    try {
      const each = await Promise.all(this.#stores.map((store) => store.estimate()));
      if (!this.#closed) this.#show(each.reduce(sum));
    } catch {
      // It was locked meanwhile, or something is wrong with the disk, which what reads and writes tells.
    }
  }

  /** Asks the browser to keep the origin's data. Resolves to whether it promised. */
  async persist(): Promise<boolean> {
    const promised = (await this.#stores[0]?.requestPersistence()) === true;
    await this.ask();
    return promised;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#asking);
    for (const store of this.#stores) store.close();
  }

  #show(used: SpaceUsed): void {
    this.used = used;
    for (const listener of this.#listeners) listener();
  }
}

function sum(a: SpaceUsed, b: SpaceUsed): SpaceUsed {
  const classes = { ...a.classes };
  for (const name of Object.keys(classes) as DataClassification[]) {
    const [one, other] = [a.classes[name], b.classes[name]];
    classes[name] = { records: one.records + other.records, bytes: one.bytes + other.bytes };
  }
  return { ...b, records: a.records + b.records, bytes: a.bytes + b.bytes, classes };
}
