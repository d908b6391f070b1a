import type { ChangeEvent } from './changes.ts';
import type { SecurityDetail } from './host.ts';
import { byChannel, engineOf, securityEvents } from './internal.ts';
import { passItem } from './pass.ts';

// Records that nobody deleted by a call: listeners hear of them, here and in other tabs, and caches drop them.

/** Tells of records that are gone: store and name of each, by turns. An empty name stands for those whose names are not known. */
export function tellGone(channel: string, type: ChangeEvent['type'], gone: string[]): void {
  const stores = new Map<string, (string | null)[]>();
  for (let i = 0; i < gone.length; i += 2) {
    const [store, name] = gone.slice(i, i + 2) as [string, string];
    const names = stores.get(store) ?? [];
    names.push(name || null);
    stores.set(store, names);
  }
  for (const [store, names] of stores) byChannel.get(channel)?.tell(store, type, names);
}

/** Has Go say which records were evicted. */
async function tellEvicted(database: string): Promise<void> {
  const engine = await engineOf(database);
  const results = await engine.call([], (core, id) => {
    passItem(engine, core, id, { name: database });
    core.evicted(id);
  });
  const [channel, ...gone] = results as [string, ...string[]];
  tellGone(channel, 'evict', gone);
}

securityEvents.addEventListener('security', (event) => {
  const { type, database } = (event as CustomEvent<SecurityDetail>).detail;
  if (type === 'records-evicted') tellEvicted(database).catch(() => {}); // a lock came before, of which listeners hear
});
