import { expect, test } from '@playwright/test';
import type { ProfileBrowser } from '../atrest/launch.ts';
import { countsOf, crashTest, type Plan } from '../crash/run.ts';

// The browser itself is killed, and started again on the profile that is left. `make test-crash` does it at every step.

/** In the middle of the steps of each name that the operation asks for. */
const few: Plan = ({ short, timed }, steps) =>
  short.map((name) => {
    if (timed) return 300;
    const places = steps.flatMap((step, i) => (step === name ? i + 1 : []));
    return places[Math.floor(places.length / 2)] ?? steps.length;
  });

test('a browser that is killed loses nothing that was acknowledged', async () => {
  test.setTimeout(300_000);
  const report = await crashTest(test.info().project.name as ProfileBrowser, few, console.log);
  expect(report.faults).toEqual([]);
  expect(countsOf(report)).toMatch(/^\d+ kills, 0 lost, 0 unreadable, 0 mixed without journal, 0 other faults$/);
});
