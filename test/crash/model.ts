import type { Look } from './page.ts';

// What a vault may look like after a kill, given what was acknowledged before it.

/** A record that is written. Its value is its label over and over; the label also says that it was acknowledged. */
export interface Write {
  store: string;
  key: string;
  label: string;
  size: number;
  /** Those of one batch are there all or none. */
  batch?: string;
  /** The tab that writes it, where several write one record. */
  tab?: number;
}

export interface Fault {
  kind: 'lost' | 'unreadable' | 'mixed' | 'other';
  what: string;
}

const place = (w: Write) => `${w.store}/${w.key}`;

/** Judges the records: `before` were there when the operation began, and `writes` are what it wrote, in its order. */
export function judge(look: Look, before: Write[], writes: Write[], acked: Set<string>): Fault[] {
  const faults: Fault[] = look.failures.map((what) => ({ kind: 'unreadable', what }));
  if (before.length === 0 && absent(look)) return []; // whether it may be, the operation knows
  if (!look.codes.includes('no error')) return [{ kind: 'unreadable', what: `no secret opens it: ${look.codes}` }];
  const failed = new Set(look.failures.map((what) => what.slice(0, what.indexOf(': '))));

  for (const at of new Set([...before, ...writes].map(place))) {
    if (failed.has(at)) continue;
    const allowed = allowedAt(at, before, writes, acked);
    const found = look.values[at] ?? null;
    if (!allowed.has(found))
      faults.push({
        kind: 'lost',
        what: `${at} is ${found ?? 'not there'}, not ${[...allowed].slice(0, 3).join(' or ')}`,
      });
  }
  for (const batch of new Set(writes.flatMap((w) => w.batch ?? []))) {
    const there = writes.filter((w) => w.batch === batch).map((w) => look.values[place(w)] === w.label);
    if (there.includes(true) && there.includes(false))
      faults.push({ kind: 'other', what: `half of ${batch} is there` });
  }
  for (const [store, [counted, listed]] of Object.entries(look.counts)) {
    const read = Object.entries(look.values).filter(([at, v]) => at.startsWith(`${store}/`) && v !== null).length;
    if (counted !== read || listed !== read)
      faults.push({
        kind: 'other',
        what: `${store} counts ${counted} and lists ${listed}, of which ${read} can be read`,
      });
  }
  if (look.state === 'none' && epochsOf(look).length > 1)
    faults.push({ kind: 'mixed', what: `epochs ${epochsOf(look)} without a journal` });
  return faults;
}

/** Whether there is no vault at all, to which ERR_EVICTED is the answer. */
export const absent = (look: Look) => look.codes.every((code) => code === 'ERR_EVICTED');

export const epochsOf = (look: Look) => [...new Set(Object.values(look.epochs))].sort((a, b) => a - b);

/**
 * What a record may be: of each tab the last write that was acknowledged, or one that it made after that. What was there before
 * only where none was acknowledged.
 */
function allowedAt(at: string, before: Write[], writes: Write[], acked: Set<string>): Set<string | null> {
  const here = writes.filter((w) => place(w) === at);
  const allowed = new Set<string | null>();
  for (const tab of new Set(here.map((w) => w.tab))) {
    const own = here.filter((w) => w.tab === tab);
    const last = own.findLastIndex((w) => acked.has(w.label));
    for (const w of own.slice(Math.max(last, 0))) allowed.add(w.label);
  }
  if (!here.some((w) => acked.has(w.label))) {
    const old = before.findLast((w) => place(w) === at);
    allowed.add(old?.label ?? null);
  }
  return allowed;
}
