import { tellGone } from './gone.ts';
import { engineOf, isUnlocked } from './internal.ts';
import type { Inside } from './later-names.ts';
import { passItem } from './pass.ts';

// Deletes what has expired, a page of records for each call, so that other calls come between (wasm/purge.go).

/** Where a step begins: null at the first record, and after the last. */
type Place = ArrayBuffer | null;

/** Takes the results of a step, and tells listeners of the records that are gone. Returns where to go on, and how many it deleted. */
function took(results: unknown[]): [from: Place, deleted: number] {
  const [from, deleted, channel, ...gone] = results as [Place, number, string, ...string[]];
  tellGone(channel, 'delete', gone);
  return [from, deleted];
}

export async function purgeExpired([, , call]: Inside): Promise<number> {
  let all = 0;
  let from: Place = null;
  do {
    const [next, deleted] = took(await call('purge', [], [from]));
    from = next;
    all += deleted;
  } while (from);
  return all;
}

const soon = 15_000; // the page has something else to do when it opens a vault
const hour = 3_600_000;

const after = (ms: number) => new Promise<unknown>((resolve) => setTimeout(resolve, ms));

/** Waits until the page is idle. Safari cannot tell, nor can a worker. */
const idle = () =>
  'requestIdleCallback' in globalThis
    ? new Promise<unknown>((resolve) => requestIdleCallback(resolve, { timeout: 60_000 }))
    : after(100);

/** Databases that are looked after until they are locked. */
const looked = new Set<string>();

/** Sweeps a vault while the page is idle, soon and each hour, as long as it is unlocked. Whether a sweep is due, Go knows. */
export async function sweep(database: string): Promise<void> {
  if (looked.has(database)) return;
  looked.add(database);
  await after(soon);
  while (isUnlocked(database)) {
    await round(database).catch(() => {}); // the next one tries again
    await after(hour);
  }
  looked.delete(database);
}

async function round(database: string): Promise<void> {
  let from: Place = null;
  do {
    await idle();
    if (!isUnlocked(database)) return;
    const engine = await engineOf(database);
    const results = await engine.call([from], (core, id) => {
      passItem(engine, core, id, { name: database });
      core.sweep(id);
    });
    [from] = took(results);
  } while (from);
}
