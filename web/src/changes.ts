/** A write that was acknowledged. It does not say what was written. */
export interface ChangeEvent {
  type: 'set' | 'delete' | 'clear';
  /** The record's name; null for `clear`, which is every record of the store. */
  key: string | null;
  /** Whether another tab wrote. */
  remote: boolean;
}

/** Is told of writes to a store. */
export type ChangeListener = (event: ChangeEvent) => void;

interface Message {
  store: string;
  type: ChangeEvent['type'];
  keys: string[];
}

/**
 * The writes to one vault, for all who listen on this page and for the other tabs that have it unlocked. The channel's name
 * is an HMAC under a key of the vault, so that other pages cannot listen.
 */
export class Changes {
  readonly #channel: BroadcastChannel | undefined;
  readonly #listeners = new Map<string, Set<(type: ChangeEvent['type'], keys: string[], remote: boolean) => void>>();

  constructor(channel: string) {
    if (typeof BroadcastChannel === 'undefined') return;
    this.#channel = new BroadcastChannel(channel);
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => this.#deliver(data, true);
  }

  /** Calls listener for each write to a store, with all names of a batch at once, and returns what ends that. */
  listen(store: string, listener: (type: ChangeEvent['type'], keys: string[], remote: boolean) => void): () => void {
    const listeners = this.#listeners.get(store) ?? new Set();
    this.#listeners.set(store, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  tell(store: string, type: ChangeEvent['type'], keys: string[]): void {
    const message: Message = { store, type, keys };
    this.#channel?.postMessage(message);
    this.#deliver(message, false);
  }

  #deliver({ store, type, keys }: Message, remote: boolean): void {
    for (const listener of [...(this.#listeners.get(store) ?? [])]) listener(type, keys, remote);
  }
}

const byChannel = new Map<string, Changes>();

/** Returns the one Changes of a channel on this page. */
export function changesOn(channel: string): Changes {
  const changes = byChannel.get(channel) ?? new Changes(channel);
  byChannel.set(channel, changes);
  return changes;
}
