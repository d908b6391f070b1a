import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Page } from '@playwright/test';
import type { ProfileBrowser } from '../atrest/launch.ts';
import { absent, type Fault, judge, type Write } from './model.ts';
import { type After, type Operation, operations, type Vault } from './operations.ts';
import type { Look } from './page.ts';
import { rotations } from './rotation.ts';
import { Victim } from './victim.ts';

/**
 * Chooses where to kill: numbers of steps from 1 on, or milliseconds where the operation is timed. It is given the names of all
 * steps, as one run had them, and all operations that are tested.
 */
export type Plan = (operation: Operation, steps: string[], all: Operation[]) => number[];

/** A vault for one kill, and what it was like when it had been seen to. */
interface Seen {
  vault: Vault;
  operation: Operation;
  where: string;
  look?: Look;
}

const afterwards: Write = { store: 'a', key: 'afterwards', label: 'still in use', size: 100 };

/** Kills a browser again and again, in the midst of every operation, and looks at what is left each time. */
export class CrashTest {
  kills = 0;
  profiles = 1;
  readonly faults: (Fault & { where: string })[] = [];
  readonly #browser: ProfileBrowser;
  readonly #victim: Victim;
  readonly #seen: Seen[] = [];

  constructor(browser: ProfileBrowser) {
    this.#browser = browser;
    this.#victim = new Victim(browser);
  }

  async run(plan: Plan): Promise<void> {
    try {
      let page = await this.#victim.tab();
      const all = [...operations, ...rotations];
      for (const operation of all) {
        const began = Date.now();
        const steps = operation.timed ? [] : await countSteps(page, operation);
        const places = plan(operation, steps, all);
        for (const [turn, at] of places.entries()) page = await this.#killOnce(page, operation, turn, at);
        const each = ((Date.now() - began) / 1000 / places.length).toFixed(1);
        this.#log(`${operation.name}: ${steps.length} steps, ${places.length} kills, ${each} s each`);
      }
      await this.#lookAgain(page);
    } finally {
      await this.#victim.end();
    }
  }

  /** The later kills have left alone what the earlier ones on the same profile had. */
  async #lookAgain(page: Page): Promise<void> {
    for (const { look, vault, operation, where } of this.#seen.splice(0)) {
      if (!look) continue;
      const now = await lookAt(page, vault, operation);
      const fault = this.#faultAt(`at the end, ${where}`);
      for (const what of now.failures) fault('unreadable', what);
      if (!isDeepStrictEqual(now, look)) fault('lost', 'is not what it was after its own kill');
    }
  }

  /** The counts. Of those after the profiles all must be 0. */
  get counts(): string {
    const of = (kind: Fault['kind']) => this.faults.filter((fault) => fault.kind === kind).length;
    const found = `${of('lost')} lost, ${of('unreadable')} unreadable, ${of('mixed')} mixed without journal`;
    return `${this.#browser}: ${this.kills} kills on ${this.profiles} profiles, ${found}, ${of('other')} other faults`;
  }

  /** Runs an operation on a vault of its own and kills the browser. What is left is examined in the next, whose page is returned. */
  async #killOnce(first: Page, operation: Operation, turn: number, at: number): Promise<Page> {
    const victim = this.#victim;
    const vault = vaultOf(operation, turn);
    const tabs = [first];
    while (tabs.length < (operation.tabs ?? 1)) tabs.push(await victim.tab());
    await prepare(first, operation, vault);
    victim.acked.clear();
    const [place, failure] = await victim.killDuring(
      () => tabs.map((tab, i) => operation.run(tab, { vault, at, writes: operation.writes, tab: i })),
      operation.timed ? at : undefined,
    );
    this.kills++;
    const seen: Seen = { vault, operation, where: `${operation.name} ${turn}, killed at ${place}` };
    this.#seen.push(seen);
    const fault = this.#faultAt(seen.where);
    if (failure) fault('other', `it failed: ${failure}`);
    const page = await victim.tab();
    const late = setTimeout(120_000, 'no answer', { ref: false });
    const ended = await Promise.race([this.#examine(page, seen, turn, fault).catch(String), late]);
    if (ended) fault('unreadable', ended);
    if (!victim.torn) return page;
    this.#log(`${victim.torn} was torn by the kill (${seen.where}); the browser would lose all on this profile`);
    await this.#lookAgain(page);
    this.profiles++;
    return victim.renew();
  }

  /** Judges what is left of a vault after a kill, and leaves it whole and in use. */
  async #examine(page: Page, seen: Seen, turn: number, fault: After['fault']): Promise<void> {
    const { vault, operation } = seen;
    const acked = new Set(this.#victim.acked);
    const judged = async () => {
      const look = await lookAt(page, vault, operation);
      for (const { kind, what } of judge(look, operation.before, operation.writes, acked)) fault(kind, what);
      return look;
    };
    const again = async () => {
      await this.#victim.reload(page);
      after.look = await judged();
    };
    const after: After = { page, vault, look: await judged(), done: acked.has('done'), turn, fault, again };
    await operation.check(after);

    // What was killed takes writes again; where there is no vault, one can be made.
    const opening = absent(after.look) ? 0 : after.look.codes.indexOf('no error');
    const { error } = await page.evaluate(
      ({ db, secret, write }) => crash.run(0, async () => crash.set(await crash.open(db, 'a', secret), write)),
      { db: vault.db, secret: [vault.secret, vault.newSecret][opening] ?? '', write: afterwards },
    );
    if (error) fault('unreadable', `it takes no writes: ${error}`);
    seen.look = await lookAt(page, vault, operation);
    if (seen.look.values['a/afterwards'] !== afterwards.label) fault('lost', 'a record that was written afterwards');
  }

  #faultAt(where: string): After['fault'] {
    return (kind, what) => {
      this.faults.push({ kind, what, where });
      this.#log(`${kind}: ${what} (${where})`);
    };
  }

  #log(line: string): void {
    console.log(`${this.#browser}: ${line}`);
  }
}

const vaultOf = (operation: Operation, turn: number): Vault => {
  const db = `${operation.name} ${turn}`;
  return { db, secret: `old secret of ${db}`, newSecret: `new secret of ${db}` };
};

async function countSteps(page: Page, operation: Operation): Promise<string[]> {
  const vault = vaultOf(operation, -1);
  await prepare(page, operation, vault);
  const { steps, error } = await operation.run(page, { vault, at: 0, writes: operation.writes, tab: 0 });
  if (error) throw new Error(`${operation.name} fails when nothing is killed: ${error}`);
  return steps;
}

async function prepare(page: Page, operation: Operation, vault: Vault): Promise<void> {
  const given = { vault, before: operation.before };
  await page.evaluate(({ vault, before }) => crash.fill(vault.db, vault.secret, before), given);
  await operation.prepare?.(page, vault);
}

function lookAt(page: Page, vault: Vault, { before, writes }: Operation): Promise<Look> {
  return page.evaluate(({ db, secrets, writes }) => crash.look(db, secrets, writes), {
    db: vault.db,
    secrets: [vault.secret, vault.newSecret],
    writes: [...before, ...writes, afterwards],
  });
}
