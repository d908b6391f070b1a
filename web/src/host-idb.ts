import { type Core, join, type Steps, view } from './host.ts';

/** An open database and the names of its object stores, which Go knows by their places. */
export interface Connection {
  db: IDBDatabase;
  stores: string[];
  /** The transaction that was made last, where it is for reading and has not completed. */
  latest?: IDBTransaction | undefined;
  /** Whether what was asked for in it has been answered, and nothing since. */
  idle?: boolean;
}

/**
 * The steps of IndexedDB. A call has one transaction at a time; keys lie in the shared page, and IndexedDB copies them when it
 * is asked. Requests of one transaction end in their order, so a call waits for the last only.
 */
export function databaseSteps(
  { shared, slot, settle, enter, add, copy }: Steps,
  connections: Map<number, Connection>,
  core: () => Core | undefined,
) {
  const relaxed = { durability: 'relaxed' } as const;
  const strict = { durability: 'strict' } as const;
  const use = (id: number, connection: Connection, transaction: IDBTransaction) =>
    Object.assign(slot(id), { connection, transaction, requests: [] });
  const store = (id: number, table: number): IDBObjectStore => {
    const { transaction, connection } = slot(id);
    return (transaction as IDBTransaction).objectStore((connection as Connection).stores[table] as string);
  };
  const asked = (id: number, request: IDBRequest): number => {
    const at = add(id, request);
    slot(id).requests.push(at);
    return at;
  };

  return {
    steps: {
      /** Makes a transaction over one object store, or over two where second is not negative. */
      begin(id: number, connection: number, first: number, second: number, write: number, durable: number) {
        const on = connections.get(connection) as Connection;
        const name = on.stores[first] as string;
        const scope = second < 0 ? name : [name, on.stores[second] as string];
        const made = on.db.transaction(scope, write ? 'readwrite' : 'readonly', durable ? strict : relaxed);
        on.latest = write ? undefined : made;
        on.idle = false;
        if (!write)
          made.oncomplete = () => {
            if (on.latest === made) on.latest = undefined;
          };
        use(id, on, made);
        return 0;
      },
      /** Takes the transaction that was made last, where it is idle, and says whether it is. It may have ended. */
      again(id: number, connection: number) {
        const on = connections.get(connection) as Connection;
        if (!on.latest || !on.idle) return 0;
        on.idle = false;
        use(id, on, on.latest);
        return 1;
      },
      get: (id: number, table: number, key: number) => asked(id, store(id, table).get(shared().slice(0, key).buffer)),
      /** Puts front bytes that lie behind the key in the page, with value i behind them; either may be missing. */
      put(id: number, table: number, key: number, front: number, i: number) {
        const page = shared();
        const value = slot(id).values[i];
        const entry = front ? join(page.subarray(key, key + front), view(value)) : value;
        store(id, table).put(entry, page.slice(0, key).buffer);
        return 0;
      },
      remove(id: number, table: number, key: number) {
        store(id, table).delete(shared().slice(0, key).buffer);
        return 0;
      },
      /** Asks for up to limit keys (what = 0) or values (1) or for the number (2) of a range, or deletes it (3). */
      range(id: number, table: number, from: number, to: number, limit: number, what: number) {
        const page = shared();
        const first = page.slice(0, from).buffer;
        const range = to
          ? IDBKeyRange.bound(first, page.slice(from, from + to).buffer, false, true)
          : IDBKeyRange.lowerBound(first);
        const s = store(id, table);
        if (what === 3) {
          s.delete(range);
          return 0;
        }
        return asked(
          id,
          what === 0 ? s.getAllKeys(range, limit) : what === 1 ? s.getAll(range, limit) : s.count(range),
        );
      },
      /**
       * Waits for the first n requests that have not been waited for, unless they have been answered (0); each value becomes
       * what its request found.
       */
      requested(id: number, n: number): number {
        const call = slot(id);
        const { values, requests } = call;
        const places = requests.splice(0, n);
        const last = values[places.at(-1) as number] as IDBRequest;
        const take = () => {
          call.asking = false;
          for (const at of places) values[at] = (values[at] as IDBRequest).result;
          const on = call.connection as Connection;
          on.idle = on.latest === call.transaction && !requests.length;
        };
        if (last.readyState === 'done') {
          if (last.error) throw last.error;
          take();
          return 0;
        }
        call.asking = true;
        last.onsuccess = () => {
          take();
          settle(id, null, 0);
        };
        last.onerror = (event) => {
          event.preventDefault(); // an error that no one prevents is reported to the page
          call.asking = false;
          settle(id, last.error, 1);
        };
        return 1;
      },
      complete(id: number) {
        const transaction = slot(id).transaction as IDBTransaction;
        try {
          transaction.commit(); // or it would end a round trip later, when the last request has answered
        } catch {} // it was aborted, as onabort will hear
        let failed: DOMException | null;
        transaction.onerror = ({ target }) => {
          const { error } = target as IDBRequest;
          if (error?.name !== 'AbortError') failed ??= error; // which is all that Firefox's transaction says after commit()
        };
        transaction.oncomplete = () => settle(id, null, 0);
        // A full disk may abort with no error at all.
        transaction.onabort = () =>
          settle(id, failed ?? transaction.error ?? new DOMException('', 'QuotaExceededError'), 1);
      },
      abort(id: number) {
        slot(id).transaction?.abort();
        return 0;
      },
      /** Copies the first n bytes of what a look-up found into the page and returns its size; -1 where it found nothing. */
      found(id: number, i: number, n: number) {
        const value = slot(id).values[i];
        if (value === undefined) return -1;
        const bytes = view(value);
        copy(bytes.subarray(0, n));
        return bytes.length;
      },
      /** The number that value i is, or has as its length. */
      number(id: number, i: number) {
        const value = slot(id).values[i] as number | unknown[];
        return typeof value === 'number' ? value : value.length;
      },
      /** Adds element k of the list that is value i to the values. */
      pick: (id: number, i: number, k: number) => add(id, (slot(id).values[i] as unknown[])[k]),
    },
    functions: {
      request(id: number, request: IDBRequest, blockedMs: number) {
        let timer: ReturnType<typeof setTimeout> | undefined;
        request.onsuccess = () => {
          clearTimeout(timer);
          settle(id, null, 0);
        };
        request.onerror = (event) => {
          clearTimeout(timer);
          event.preventDefault();
          settle(id, request.error, 1);
        };
        if (!blockedMs) return;
        // Not from onblocked: a request behind a deletion that is blocked hears nothing.
        timer = setTimeout(() => {
          request.onsuccess = () => (request.result as IDBDatabase | undefined)?.close();
          request.onerror = (event) => event.preventDefault();
          settle(id, new DOMException('', 'BlockedError'), 1);
        }, blockedMs);
      },
      upgrade(request: IDBOpenDBRequest, stores: string, create: boolean) {
        request.onupgradeneeded = () => {
          if (create) for (const name of stores.split(',')) request.result.createObjectStore(name);
          else request.transaction?.abort();
        };
      },
      watch(db: IDBDatabase, stores: string, watcher: number) {
        connections.set(watcher, { db, stores: stores.split(',') });
        db.onversionchange = db.onclose = () => {
          connections.delete(watcher);
          db.close();
          enter(() => core()?.lost(watcher));
        };
      },
      close(watcher: number) {
        connections.get(watcher)?.db.close();
        connections.delete(watcher);
      },
    },
  };
}
