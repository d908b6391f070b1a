// The keys of vaults, as long as an open page lends them. A service worker has none of its own, writes none anywhere, and begins
// without any whenever the browser has stopped it.
import { VaultError } from './errors.ts';
import { isUnlocked, noKeys, keys as table } from './host.ts';
import { lockVault } from './link.ts';
import { current } from './loader.ts';
import type { KeysAsked, PageSays } from './offline-messages.ts';
import { createEncryptedStorage } from './open.ts';
import { type PageClient, scope } from './service-worker-scope.ts';
import type { SessionKey } from './session-worker.ts';
import type { EncryptedStorage } from './storage.ts';

/** Milliseconds after which a page that does not answer counts as one that lends nothing. */
const patience = 3000;

/** Pages that did not answer in time, and have not since. They are asked, and not waited for. */
const silent = new Set<string>();

/** The id of the page whose handles the table has, by database. */
const lenders = new Map<string, string>();
/** How often keys were dropped, by database. */
const drops = new Map<string, number>();
const borrowing = new Map<string, Promise<void>>();
/** The storages that are open, or about to be, by database and then by store. */
const opened = new Map<string, Map<string, Promise<EncryptedStorage>>>();
/** Resolves when the engine that was let go of has ended. */
let stopping: Promise<void> | undefined;

const locked = () =>
  new VaultError(
    'ERR_LOCKED',
    'No open page has this vault unlocked and shares it with the service worker. Unlock it on the page, and try again.',
  );

function closeAll(database: string): void {
  for (const opening of opened.get(database)?.values() ?? [])
    opening.then(
      (storage) => storage.close(),
      () => {},
    );
  opened.delete(database);
}

/** Drops the keys of a vault, and what was read with them. The pages' own stay. */
function drop(database: string): void {
  drops.set(database, (drops.get(database) ?? 0) + 1);
  lenders.delete(database);
  closeAll(database);
  lockVault(database);
  if (noKeys()) stopping = current()?.stop();
}

/** Asks a page for its handles. Rejects where it has none. */
async function ask(page: PageClient, database: string): Promise<{ lender: string; handles: SessionKey[] }> {
  const handles = await new Promise<SessionKey[]>((resolve) => {
    const giveUp = () => {
      silent.add(page.id);
      resolve([]);
    };
    const waiting = setTimeout(giveUp, silent.has(page.id) ? 0 : patience);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }: MessageEvent<SessionKey[]>) => {
      clearTimeout(waiting);
      silent.delete(page.id);
      port1.close();
      resolve(data);
    };
    page.postMessage({ idbvault: 'keys', database } satisfies KeysAsked, [port2]);
  });
  if (!handles.length) throw locked();
  return { lender: page.id, handles };
}

async function borrow(database: string, pages: PageClient[]): Promise<void> {
  const before = drops.get(database);
  const { lender, handles } = await Promise.any(pages.map((page) => ask(page, database))).catch(() => {
    throw locked();
  });
  if (drops.get(database) !== before) throw locked(); // while they were on their way
  table.push(...handles.filter(({ group }) => group === database));
  lenders.set(database, lender);
}

/** Looks at the pages that are open, and drops what those lent that are gone. */
export async function lookAtPages(): Promise<PageClient[]> {
  const pages = await scope.clients.matchAll();
  const isGone = (id: string) => !pages.some((page) => page.id === id);
  for (const [database, id] of lenders) if (isGone(id)) drop(database);
  for (const id of silent) if (isGone(id)) silent.delete(id);
  return pages;
}

/**
 * Returns a store of the vault of a database, opened with the handles of an open page. Once that page is gone, its handles are,
 * and those that are left are asked.
 *
 * @throws VaultError `ERR_LOCKED` where no open page lends any, or none that fit
 */
export async function borrowed(database: string, store: string): Promise<EncryptedStorage> {
  const pages = await lookAtPages();
  if (!isUnlocked(database)) {
    closeAll(database); // a lock came by the vault's channel
    await stopping;
    const asking = borrowing.get(database) ?? borrow(database, pages).finally(() => borrowing.delete(database));
    borrowing.set(database, asking);
    await asking;
  }
  const stores = opened.get(database) ?? new Map<string, Promise<EncryptedStorage>>();
  opened.set(database, stores);
  const secret = () => {
    throw locked(); // the handles do not fit the vault that is there
  };
  const opening = stores.get(store) ?? createEncryptedStorage(database, store, { secret });
  stores.set(store, opening);
  opening.catch(() => {
    if (stores.get(store) === opening) stores.delete(store); // the next one tries again
  });
  return opening;
}

/** Listens to what pages say. */
export function hearPages(): void {
  scope.addEventListener('message', ({ data, source }) => {
    const { idbvault: says, database = '' } = (data ?? {}) as Partial<PageSays>;
    const id = (source as unknown as PageClient | null)?.id ?? '';
    if (says === 'shares') silent.delete(id);
    if (says === 'locked' && (lenders.has(database) || borrowing.has(database))) drop(database);
    if (says === 'leaves' && lenders.get(database) === id) drop(database);
  });
}
