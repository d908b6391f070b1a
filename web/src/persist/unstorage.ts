/**
 * A driver for unstorage.
 *
 * @packageDocumentation
 */
import type { Value } from '../index.ts';
import { copyOf, type PersistOptions, Place, type StorageGiven } from './place.ts';

export type { PersistOptions, StorageGiven } from './place.ts';

/** What unstorage passes on to a driver. */
interface CallOptions {
  /** Seconds after which what is written expires. */
  ttl?: number;
}

/** A driver, as unstorage's `createStorage` and `mount` take it. */
export interface UnstorageDriver {
  name: string;
  options: PersistOptions;
  flags: { ttl: boolean };
  hasItem(key: string): Promise<boolean>;
  getItem(key: string): Promise<string | null>;
  getItemRaw(key: string): Promise<Uint8Array<ArrayBuffer> | null>;
  setItem(key: string, value: string, options?: CallOptions): Promise<void>;
  setItemRaw(key: string, value: unknown, options?: CallOptions): Promise<void>;
  removeItem(key: string): Promise<void>;
  getKeys(base?: string): Promise<string[]>;
  getMeta(key: string): Promise<{ mtime: Date; size: number; ttl?: number } | null>;
  clear(base?: string): Promise<void>;
  dispose(): void;
  watch(callback: (event: 'update' | 'remove', key: string) => void): Promise<() => void>;
}

/**
 * Keeps what unstorage stores in a vault: `createStorage({ driver: unstorageDriver(vault) })`. The names of its records begin with the
 * prefix, `unstorage:` where none is given. A raw value is text, bytes or a Blob, and is read as bytes. `watch` hears of writes in other
 * tabs, too; `dispose` ends that, and leaves the storage open.
 *
 * @throws VaultError `ERR_INVALID` for arguments that do not fit
 */
export function unstorageDriver(storage: StorageGiven, options: PersistOptions = {}): UnstorageDriver {
  const place = new Place(storage, options, 'unstorage:');
  const watches = new Set<() => void>();
  const inMs = ({ ttl }: CallOptions = {}) => (ttl === undefined ? undefined : ttl * 1000);

  return {
    name: 'idbvault',
    options,
    flags: { ttl: true },
    hasItem: (key) => place.call((vault) => vault.exists(place.key(key))),
    getItem: (key) => place.text(key),
    getItemRaw: (key) => place.bytes(key),
    setItem: (key, value, asked) => place.set(key, value, inMs(asked)),
    setItemRaw: (key, value, asked) => place.set(key, asItIs(value), inMs(asked)),
    removeItem: (key) => place.remove([key]),
    getKeys: (base) => place.names(base),

    async getMeta(key) {
      const found = await place.call((vault) => vault.getMetadata(place.key(key)));
      if (!found) return null;
      const { encryptedAt: mtime, size, expiresAt } = found;
      if (!expiresAt) return { mtime, size };
      return { mtime, size, ttl: Math.max(0, Math.round((expiresAt.getTime() - Date.now()) / 1000)) };
    },

    clear: (base) => place.clear(base),

    dispose() {
      for (const end of watches) end();
      watches.clear();
    },

    watch: (callback) =>
      place.call((vault) => {
        const end = vault.subscribe(null, ({ type, key }) => {
          const start = place.key('');
          if (key?.startsWith(start)) callback(type === 'set' ? 'update' : 'remove', key.slice(start.length));
        });
        watches.add(end);
        return () => {
          watches.delete(end);
          end();
        };
      }),
  };
}

/** A copy of bytes: the caller may change them before a vault that is still being opened has taken them. */
function asItIs(value: unknown): Value {
  if (ArrayBuffer.isView(value)) return copyOf(value);
  return (value instanceof ArrayBuffer ? value.slice(0) : value) as Value;
}
