import type { Page } from '@playwright/test';
import { absent, type Fault, type Write } from './model.ts';
import type { Look, Ran } from './page.ts';

/** A vault for one kill. */
export interface Vault {
  db: string;
  secret: string;
  newSecret: string;
}

/** What the check of an operation has before it: the browser was killed and started again, and the records were judged. */
export interface After {
  page: Page;
  vault: Vault;
  look: Look;
  /** Whether the operation was acknowledged. */
  done: boolean;
  /** Counts kills, so that a check can do now this, now that. */
  turn: number;
  fault(kind: Fault['kind'], what: string): void;
  /** Looks again, in a page that has nothing unlocked, and judges the records again. */
  again(): Promise<void>;
}

export interface Operation {
  name: string;
  /** The short set kills once at each of these steps: in the middle of those that have the name. */
  short: string[];
  /** Its part of the kills of the long set. */
  share: number;
  /** Killed after a random time and not at a step. */
  timed?: boolean;
  tabs?: number;
  before: Write[];
  writes: Write[];
  /** Runs in a page where the records of before have been written. */
  prepare?: (page: Page, vault: Vault) => Promise<void>;
  /** Runs in each tab. What it acknowledges are the labels of `writes`, and `done`. */
  run: (page: Page, given: { vault: Vault; at: number; writes: Write[]; tab: number }) => Promise<Ran>;
  check: (after: After) => Promise<void> | void;
}

export const write = (store: string, key: string, label: string, size = 100): Write => ({ store, key, label, size });
export const several = (n: number, one: (i: number) => Write) => Array.from({ length: n }, (_, i) => one(i));

const some = [...several(5, (i) => write('a', `k${i}`, `old ${i}`)), write('a', 'long', 'old long', 150_000)];

/** Exactly one secret opens the vault, and it is one of `which`. */
export function opensWith({ look, fault }: After, ...which: ('secret' | 'newSecret')[]): void {
  const expected: string[] = which.map((name) =>
    name === 'secret' ? 'no error,ERR_WRONG_SECRET' : 'ERR_WRONG_SECRET,no error',
  );
  if (expected.includes(String(look.codes))) return;
  const both = look.codes.every((code) => code === 'no error');
  fault(both ? 'other' : 'lost', `the old secret and the new come to ${look.codes}`);
}

const setAll: Operation['run'] = (page, given) =>
  page.evaluate(
    ({ vault, at, writes }) =>
      crash.run(at, async () => {
        const storage = await crash.open(vault.db, 'a', vault.secret);
        await Promise.all(writes.map((w) => crash.set(storage, w)));
        await crash.ack('done');
      }),
    given,
  );

const create: Operation = {
  name: 'create',
  short: ['generateKey', 'put'],
  share: 36,
  before: [],
  writes: [],
  run: (page, given) =>
    page.evaluate(
      ({ vault, at }) =>
        crash.run(at, async () => {
          await crash.open(vault.db, 'a', vault.secret);
          await crash.ack('done');
        }),
      given,
    ),
  check(after) {
    if (!absent(after.look)) return opensWith(after, 'secret');
    if (after.done) after.fault('lost', 'the vault that was made is not there');
  },
};

export const set: Operation = {
  name: 'set, unawaited',
  short: ['put'],
  share: 24,
  before: some,
  writes: [
    write('a', 'k0', 'first'),
    write('a', 'k0', 'second'),
    write('a', 'k1', 'other'),
    write('a', 'new', 'new'),
    write('a', 'k0', 'third'),
    write('a', 'long', 'now short'),
  ],
  run: setAll,
  check: (after) => opensWith(after, 'secret'),
};

const setLarge: Operation = {
  ...set,
  name: 'set of 200 KB',
  short: ['commit'],
  share: 20,
  writes: [write('a', 'k0', 'now long', 200_000), write('a', 'long', 'longer', 200_000)],
};

const batch = [write('a', 'k0', 'm0'), write('a', 'k1', 'm1', 80_000), write('a', 'n', 'm2'), write('a', 'long', 'm3')];

const setMany: Operation = {
  ...set,
  name: 'setMany',
  short: ['complete'],
  share: 20,
  writes: batch.map((w) => ({ ...w, batch: 'setMany' })),
  run: (page, given) =>
    page.evaluate(
      ({ vault, at, writes }) =>
        crash.run(at, async () => {
          const storage = await crash.open(vault.db, 'a', vault.secret);
          await storage.setManyEncrypted(
            writes.map(({ key, label, size }) => ({ key, value: textOf(label, size), classification: 'public' })),
          );
          await Promise.all(writes.map(({ label }) => crash.ack(label)));
          await crash.ack('done');
        }),
      given,
    ),
};

const changeSecret: Operation = {
  ...set,
  name: 'changeSecret',
  short: ['put', 'complete'],
  share: 24,
  writes: [],
  run: (page, given) =>
    page.evaluate(
      ({ vault, at }) =>
        crash.run(at, async () => {
          const keys = new keysOf.VaultKeys(vault.db);
          const iterations = 150_000;
          await keys.changeSecret(crash.secret(vault.secret), crash.secret(vault.newSecret), { iterations });
          await crash.ack('done');
        }),
      given,
    ),
  check: (after) => (after.done ? opensWith(after, 'newSecret') : opensWith(after, 'secret', 'newSecret')),
};

// Each tab writes records of its own and one that is both tabs'; every tenth is a long one.
const streamOf = (tab: number) =>
  several(1000, (i) => ({
    ...write('a', i % 4 ? `tab ${tab}:${i % 4}` : 'shared', `${tab}:${i}`, i % 10 ? 300 : 70_000),
    tab,
  }));

const stream: Operation = {
  ...set,
  name: 'sets from two tabs',
  short: ['time'],
  share: 36,
  timed: true,
  tabs: 2,
  writes: [...streamOf(0), ...streamOf(1)],
  run: (page, given) =>
    page.evaluate(
      ({ vault, writes, tab }) =>
        crash.run(0, async () => {
          const storage = await crash.open(vault.db, 'a', vault.secret);
          const own = writes.filter((w) => w.tab === tab);
          for (let i = 0; i < own.length; i += 3)
            await Promise.all(own.slice(i, i + 3).map((w) => crash.set(storage, w)));
        }),
      given,
    ),
};

export const operations: Operation[] = [create, set, setLarge, setMany, changeSecret, stream];
