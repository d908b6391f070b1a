/** A write that was acknowledged. It does not say what was written. */
export interface ChangeEvent {
  type: 'set' | 'delete' | 'clear' | 'lock';
  /** The record's name; null for `clear`, which is every record of the store, and for `lock`, which is the vault. */
  key: string | null;
  /** Whether another tab wrote. */
  remote: boolean;
}

/** Is told of writes to a store. */
export type ChangeListener = (event: ChangeEvent) => void;

interface Message {
  /** Null for every store. */
  store: string | null;
  type: ChangeEvent['type'];
  keys: (string | null)[];
}

/** Milliseconds between two messages: one costs as much as a tenth of a write, and those of a loop go together. */
const pause = 10;

/**
 * The writes to one vault, for all who listen on this page and for the other tabs that have it unlocked. The channel's name
 * is an HMAC under a key of the vault, so that other pages cannot listen.
 */
export class Changes {
  readonly #channel: BroadcastChannel | undefined;
  /** What the other tabs were not told yet. */
  #untold: Message[] = [];
  #told = 0;
  readonly #locked: () => void;
  readonly #listeners = new Set<(store: string | null, event: ChangeEvent) => void>();

  constructor(channel: string, locked: () => void) {
    this.#locked = locked;
    if (!globalThis.BroadcastChannel) return;
    this.#channel = new BroadcastChannel(channel);
    addEventListener('pagehide', this.#post);
    this.#channel.onmessage = ({ data }: MessageEvent<Message[]>) => {
      for (const message of data) this.#deliver(message, true);
    };
  }

  /** Calls listener for each write to a store and returns what ends that. */
  listen(at: string, listener: ChangeListener): () => void {
    const heard = (store: string | null, event: ChangeEvent) => {
      if (store === at || store === null) listener(event);
    };
    this.#listeners.add(heard);
    return () => this.#listeners.delete(heard);
  }

  /** Tells of an acknowledged write to records, or, for `clear`, to all of a store, or that the vault was locked. */
  tell(store: string | null, type: ChangeEvent['type'], keys: (string | null)[]): void {
    const message = { store, type, keys };
    if (this.#untold.push(message) === 1) setTimeout(this.#post, this.#told + pause - performance.now());
    this.#deliver(message, false);
  }

  readonly #post = () => {
    if (this.#untold.length > 0) this.#channel?.postMessage(this.#untold);
    this.#untold = [];
    this.#told = performance.now();
  };

  #deliver({ store, type, keys }: Message, remote: boolean): void {
    if (type === 'lock') this.#locked();
    for (const listener of [...this.#listeners]) for (const key of keys) listener(store, { type, key, remote });
  }
}

const byChannel = new Map<string, Changes>();

/** Returns the one Changes of a channel on this page, which calls `locked` when the vault is locked, here or in another tab. */
export function changesOn(channel: string, locked: () => void): Changes {
  const changes = byChannel.get(channel) ?? new Changes(channel, locked);
  byChannel.set(channel, changes);
  return changes;
}
