import type { Page } from '@playwright/test';
import type { ProfileBrowser } from '../atrest/launch.ts';
import { absent, type Fault, judge, type Write } from './model.ts';
import { type After, type Operation, operations, type Vault } from './operations.ts';
import type { Look } from './page.ts';
import { rotations } from './rotation.ts';
import { Victim } from './victim.ts';

export interface Report {
  kills: number;
  faults: (Fault & { where: string })[];
}

/**
 * Chooses where to kill: numbers of steps from 1 on, or milliseconds where the operation is timed. It is given the names of all
 * steps, as one run had them, and all operations that are tested.
 */
export type Plan = (operation: Operation, steps: string[], all: Operation[]) => number[];

/** Kills a browser again and again, in the midst of every operation, and looks at what is left each time. */
export async function crashTest(browser: ProfileBrowser, plan: Plan, log: (line: string) => void): Promise<Report> {
  const report: Report = { kills: 0, faults: [] };
  const victim = new Victim(browser);
  const earlier: Seen[] = [];
  try {
    let page = await victim.tab();
    // Goes away with the cast in page.ts.
    const rotates = await page.evaluate(() => crash.rotation('any') !== undefined);
    const all = rotates ? [...operations, ...rotations] : operations;
    for (const operation of all) {
      const began = Date.now();
      const steps = operation.timed ? [] : await countSteps(page, operation);
      const places = plan(operation, steps, all);
      for (const [turn, at] of places.entries())
        page = await killOnce(victim, page, { operation, steps, turn, at }, report, earlier);
      const each = (Date.now() - began) / 1000 / places.length;
      log(`${browser}: ${operation.name}: ${steps.length} steps, ${places.length} kills, ${each.toFixed(1)} s each`);
    }
    // The later kills have left alone what the earlier ones had.
    for (const { look, vault, operation, where } of earlier) {
      const fault: After['fault'] = (kind, what) => report.faults.push({ kind, what, where: `at the end, ${where}` });
      const now = await lookAt(page, vault, operation);
      for (const what of now.failures) fault('unreadable', what);
      if (JSON.stringify(now) !== JSON.stringify(look)) fault('lost', 'is not what it was after its own kill');
    }
  } finally {
    await victim.end();
  }
  return report;
}

/** A vault as it was after its kill. */
interface Seen {
  look: Look;
  vault: Vault;
  operation: Operation;
  where: string;
}

const vaultOf = (operation: Operation, turn: number): Vault => {
  const db = `${operation.name} ${turn}`;
  return { db, secret: `old secret of ${db}`, newSecret: `new secret of ${db}` };
};

interface Case {
  operation: Operation;
  steps: string[];
  turn: number;
  at: number;
}

/** Runs an operation on a vault of its own, kills the browser, and examines what is left in the next one, whose page it returns. */
async function killOnce(
  victim: Victim,
  first: Page,
  { operation, steps, turn, at }: Case,
  report: Report,
  earlier: Seen[],
): Promise<Page> {
  const vault = vaultOf(operation, turn);
  const tabs = [first];
  while (tabs.length < (operation.tabs ?? 1)) tabs.push(await victim.tab());
  await prepare(first, operation, vault);
  victim.acked.clear();
  const [place, failure] = await victim.killDuring(
    () => tabs.map((tab, i) => operation.run(tab, { vault, at, writes: operation.writes, tab: i })),
    operation.timed ? at : undefined,
  );
  report.kills++;
  const where = `${operation.name} ${turn}, killed at ${place}, of ${steps.length} steps`;
  const fault: After['fault'] = (kind, what) => report.faults.push({ kind, what, where });
  if (failure) fault('other', `it failed: ${failure}`);

  const page = await victim.tab();
  const look = await examine(victim, page, operation, vault, turn, fault);
  earlier.push({ look, vault, operation, where });
  return page;
}

async function countSteps(page: Page, operation: Operation): Promise<string[]> {
  const vault = vaultOf(operation, -1);
  await prepare(page, operation, vault);
  const { steps, error } = await operation.run(page, { vault, at: 0, writes: operation.writes, tab: 0 });
  if (error) throw new Error(`${operation.name} fails when nothing is killed: ${error}`);
  return steps;
}

async function prepare(page: Page, operation: Operation, vault: Vault): Promise<void> {
  await page.evaluate(({ vault, before }) => crash.fill(vault.db, vault.secret, before), {
    vault,
    before: operation.before,
  });
  await operation.prepare?.(page, vault);
}

const afterwards: Write = { store: 'a', key: 'afterwards', label: 'still in use', size: 100 };

/** Judges what is left of a vault after a kill, and leaves it whole and in use. */
async function examine(
  victim: Victim,
  page: Page,
  operation: Operation,
  vault: Vault,
  turn: number,
  fault: After['fault'],
): Promise<Look> {
  const acked = new Set(victim.acked);
  const judged = async () => {
    const look = await lookAt(page, vault, operation);
    for (const { kind, what } of judge(look, operation.before, operation.writes, acked)) fault(kind, what);
    return look;
  };
  const after: After = {
    page,
    vault,
    look: await judged(),
    done: acked.has('done'),
    turn,
    fault,
    async again() {
      await victim.reload(page);
      after.look = await judged();
    },
  };
  await operation.check(after);

  // What was killed takes writes again; where there is no vault, one can be made.
  const opening = absent(after.look) ? 0 : after.look.codes.indexOf('no error');
  const secret = [vault.secret, vault.newSecret][opening] ?? '';
  const { error } = await page.evaluate(
    ({ db, secret, write }) => crash.run(0, async () => crash.set(await crash.open(db, 'a', secret), write)),
    { db: vault.db, secret, write: afterwards },
  );
  if (error) fault('unreadable', `does not work afterwards: ${error}`);
  const look = await lookAt(page, vault, operation);
  if (look.values['a/afterwards'] !== afterwards.label) fault('lost', 'a record that was written afterwards');
  return look;
}

function lookAt(page: Page, vault: Vault, { before, writes }: Operation): Promise<Look> {
  return page.evaluate(({ db, secrets, writes }) => crash.look(db, secrets, writes), {
    db: vault.db,
    secrets: [vault.secret, vault.newSecret],
    writes: [...before, ...writes, afterwards],
  });
}

export function countsOf({ kills, faults }: Report): string {
  const of = (kind: Fault['kind']) => faults.filter((fault) => fault.kind === kind).length;
  return `${kills} kills, ${of('lost')} lost, ${of('unreadable')} unreadable, ${of('mixed')} mixed without journal, ${of('other')} other faults`;
}
