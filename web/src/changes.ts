/** A write that was acknowledged, or an eviction. It does not say what was written. */
export interface ChangeEvent {
  /** `delete` is also of a record that had expired; `evict` of one that went so that others have room. */
  type: 'set' | 'delete' | 'clear' | 'evict' | 'lock';
  /**
   * The record's name. Null for `clear`, which is every record of the store; for `lock`, which is the vault; and for an `evict` of
   * records whose names are not known, since they do not open, or were too many at once.
   */
  key: string | null;
  /** Whether another tab did it. */
  remote: boolean;
}

/** Is told of writes to a store, and of evictions. */
export type ChangeListener = (event: ChangeEvent) => void;

/** What tabs tell each other. */
export interface Message {
  /** Null for what concerns the vault. */
  store: string | null;
  /** `keys` brings handles of new keys, and says that the keyring changed; `channel` the name of the channel from now on. */
  type: ChangeEvent['type'] | 'keys' | 'channel';
  keys: unknown[];
}

/** Takes what concerns the vault: handles of new keys, perhaps none, or nothing where it was locked. */
export type VaultListener = (keys?: unknown[]) => void;

/** Milliseconds between two messages: one costs as much as a tenth of a write, and those of a loop go together. */
const pause = 10;

/**
 * The writes to one vault, for all who listen on this page and for the other tabs that have it unlocked. The channel's name
 * is an HMAC under a key of the vault, so that other pages cannot listen.
 */
export class Changes {
  #channel: BroadcastChannel | undefined;
  /** What the other tabs were not told yet. */
  #untold: Message[] = [];
  #told = 0;
  readonly #vault: VaultListener;
  readonly #listeners = new Set<(store: string | null, event: ChangeEvent) => void>();

  constructor(channel: string, vault: VaultListener) {
    this.#vault = vault;
    this.move(channel);
    addEventListener('pagehide', this.#post);
  }

  /** Goes on on a channel, as the other tabs do that are told to. */
  move(channel: string): void {
    byChannel.set(channel, this);
    if (!globalThis.BroadcastChannel) return;
    this.#channel?.close();
    this.#channel = new BroadcastChannel(channel);
    this.#channel.onmessage = ({ data }: MessageEvent<Message[]>) => {
      for (const message of data) this.#deliver(message, true);
    };
  }

  /** Tells the other tabs, at once, what concerns the vault. */
  send(...messages: Message[]): void {
    this.#post();
    this.#channel?.postMessage(messages);
  }

  /** Calls listener for each write to a store and returns what ends that. */
  listen(at: string, listener: ChangeListener): () => void {
    const heard = (store: string | null, event: ChangeEvent) => {
      if (store === at || store === null) listener(event);
    };
    this.#listeners.add(heard);
    return () => this.#listeners.delete(heard);
  }

  /** Tells of an acknowledged write to records, or, for `clear`, to all of a store, of evictions, or that the vault was locked. */
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
    if (type === 'channel') this.move(keys[0] as string);
    else if (type === 'keys') this.#vault(keys);
    else {
      if (type === 'lock') this.#vault();
      for (const listener of [...this.#listeners])
        for (const key of keys as (string | null)[]) listener(store, { type, key, remote });
    }
  }
}

/** The Changes of this page, by channel. */
export const byChannel = new Map<string, Changes>();

/** Returns the one Changes of a channel on this page. */
export const changesOn = (channel: string, vault: VaultListener): Changes =>
  byChannel.get(channel) ?? new Changes(channel, vault);
