import { invalid } from '../index.ts';
import { decode, encode, hasBytes } from './clone.ts';
import { Place } from './place.ts';

/** Values of the types that IndexedDB keeps, under names with a prefix. */
export class Kept {
  readonly #place: Place;

  constructor(...place: ConstructorParameters<typeof Place>) {
    this.#place = new Place(...place);
  }

  /** Undefined where there is none. */
  async get(name: string): Promise<unknown> {
    const bytes = await this.#place.bytes(name);
    return bytes ? decode(bytes) : undefined;
  }

  async set(name: string, value: unknown): Promise<void> {
    await this.#place.set(name, encode(value));
  }

  /** All or none. */
  async setMany(entries: [name: string, value: unknown][]): Promise<void> {
    await this.#place.setMany(entries.map(([name, value]) => [name, encode(value)]));
  }

  remove(names: string[]): Promise<void> {
    return this.#place.remove(names);
  }

  /**
   * Changes a value in one step. `f` is called again when another write came between.
   *
   * @throws VaultError `ERR_INVALID` where there are bytes in the value: they reach `f` as text, or not at all
   */
  update(name: string, f: (value: unknown) => unknown): Promise<void> {
    return this.#place.update(name, (text) => {
      if (text !== null && hasBytes(text)) throw invalid('The value has bytes in it. Change it with get and set.');
      return encode(f(text === null ? undefined : decode(new TextEncoder().encode(text))));
    });
  }

  names(under?: string): Promise<string[]> {
    return this.#place.names(under);
  }

  clear(under?: string): Promise<void> {
    return this.#place.clear(under);
  }

  /** Reads the values of names, a few at a time. */
  async *entries(names: string[]): AsyncGenerator<[name: string, value: unknown]> {
    for (let i = 0; i < names.length; i += 16) {
      const some = names.slice(i, i + 16);
      const values = await Promise.all(some.map((name) => this.#place.bytes(name)));
      for (const [j, name] of some.entries()) {
        const bytes = values[j];
        if (bytes) yield [name, decode(bytes)]; // but of one that was deleted meanwhile
      }
    }
  }
}
