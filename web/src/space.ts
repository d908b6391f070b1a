import { DataClassification } from './classification.ts';
import type { Inside, SpaceEstimate, SpaceOf } from './later-names.ts';
import { checkText } from './text.ts';

// The room that records take, and that the browser leaves them.

export async function estimate(
  [, , call]: Inside,
  filter: { prefix?: string | undefined } = {},
): Promise<SpaceEstimate> {
  const { prefix = '' } = filter ?? {};
  checkText(prefix, 0, 1024, 'The prefix');
  const { storage } = navigator;
  const [numbers, origin, persisted] = await Promise.all([
    call('usage', [{ name: prefix }]) as Promise<number[]>,
    silent(() => storage?.estimate?.()),
    silent(() => storage?.persisted?.()),
  ]);
  // Those whose header says no class come first (wasm/exports.go, usage).
  const [unknown, ...each] = Array.from({ length: 6 }, (_, i) => spaceOf(numbers, 2 * i)) as [SpaceOf, ...SpaceOf[]];
  const names = Object.values(DataClassification);
  const sum = each.reduce((a, b) => ({ records: a.records + b.records, bytes: a.bytes + b.bytes }), unknown);
  return {
    ...sum,
    classes: Object.fromEntries(names.map((name, i) => [name, each[i]])) as SpaceEstimate['classes'],
    quota: origin?.quota,
    usage: origin?.usage,
    persisted,
  };
}

export const requestPersistence = async (): Promise<boolean> =>
  (await silent(() => navigator.storage?.persist?.())) === true;

const spaceOf = (numbers: number[], at: number): SpaceOf => ({
  records: numbers[at] as number,
  bytes: numbers[at + 1] as number,
});

/** What the browser says, or nothing where it refuses to, as it may in a frame or in a private window. */
async function silent<T>(ask: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await ask();
  } catch {
    return undefined;
  }
}
