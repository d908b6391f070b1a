import { expect, test } from '@playwright/test';
import type { ProfileBrowser } from '../atrest/launch.ts';
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
  test.setTimeout(600_000);
  const crashes = new CrashTest(test.info().project.name as ProfileBrowser);
  await crashes.run(few);
  expect(crashes.kills).toBeGreaterThanOrEqual(8);
  expect(crashes.faults).toEqual([]);
});
