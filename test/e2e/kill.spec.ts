import fs from 'node:fs';
import { expect, test } from '@playwright/test';
import type { ProfileBrowser } from '../atrest/launch.ts';
import { judge, type Write } from '../crash/model.ts';
import type { Look } from '../crash/page.ts';
import { CrashTest, type Plan } from '../crash/run.ts';

// The browser itself is killed, and started again on the profile that is left. `make test-crash` does it at every step.

/** In the middle of the steps of each name that the operation asks for. */
const few: Plan = ({ short, timed }, steps) =>
  short.map((name) => {
    if (timed) return 300;
    const places = steps.flatMap((step, i) => (step === name ? i + 1 : []));
    return places[Math.floor(places.length / 2)] ?? steps.length;
  });

test('a browser that is killed loses nothing that was acknowledged', async () => {
  test.skip(!fs.existsSync('/proc/self/stat'), 'where there is no /proc, its processes are not found');
  test.setTimeout(600_000);
  const crashes = new CrashTest(test.info().project.name as ProfileBrowser);
  await crashes.run(few);
  expect(crashes.kills).toBeGreaterThanOrEqual(13);
  expect(crashes.faults).toEqual([]);
});

// No kill of a library that keeps its word shows that the judge would tell of one that does not.
test('what is lost, unreadable, mixed or half there is told', () => {
  const write = (key: string, label: string): Write => ({ store: 'a', key, label, size: 9 });
  const before = [write('k', 'old k'), write('l', 'old l')];
  const writes = [write('k', 'first'), write('k', 'second'), { ...write('m', 'm'), batch: 'b' }, write('l', 'new l')];
  const last = { ...write('n', 'n'), batch: 'b' };
  const values = { 'a/k': 'old k', 'a/l': 'old l', 'a/m': null, 'a/n': null };
  const whole: Look = {
    codes: ['no error', 'ERR_WRONG_SECRET'],
    values,
    epochs: { 'a/k': 1, 'a/l': 1 },
    counts: { a: [2, 2] },
    failures: [],
    state: 'none',
  };
  const told = (change: Partial<Look>, ...acked: string[]) =>
    judge({ ...whole, ...change }, before, [...writes, last], new Set(acked)).map(({ kind }) => kind);

  expect(told({})).toEqual([]);
  expect(told({ values: { ...values, 'a/k': 'first' } })).toEqual([]);
  expect(told({ values: { ...values, 'a/k': 'second' } }, 'first')).toEqual([]);
  expect(told({ values: { ...values, 'a/k': 'first' } }, 'first', 'second')).toEqual(['lost']);
  expect(told({}, 'first')).toEqual(['lost']);
  expect(told({ values: { ...values, 'a/l': 'new k' } })).toEqual(['lost']);
  expect(told({ values: { ...values, 'a/l': null }, counts: { a: [1, 1] } })).toEqual(['lost']);
  expect(told({ values: { ...values, 'a/m': 'm' }, counts: { a: [3, 3] } })).toEqual(['other']);
  expect(told({ counts: { a: [3, 2] } })).toEqual(['other']);
  expect(told({ failures: ['a/k: ERR_INTEGRITY'] })).toEqual(['unreadable']);
  expect(told({ codes: ['ERR_INTEGRITY', 'ERR_WRONG_SECRET'] })).toEqual(['unreadable']);
  expect(told({ codes: ['ERR_EVICTED', 'ERR_EVICTED'] })).toEqual(['unreadable']);
  expect(told({ epochs: { 'a/k': 1, 'a/l': 2 } })).toEqual(['mixed']);
  expect(told({ epochs: { 'a/k': 1, 'a/l': 2 }, state: 'rotating' })).toEqual([]);
});
