import { expect, test } from '@playwright/test';
import type { ProfileBrowser } from '../atrest/launch.ts';
import { CrashTest, type Plan } from './run.ts';

const wanted = Number(process.env.IDBVAULT_KILLS ?? 220);

/** Spreads an operation's part of all kills evenly over its steps and its end, and goes round again where there are more. */
const spread: Plan = ({ share, timed }, steps, all) => {
  const kills = Math.ceil((wanted * share) / all.reduce((sum, { share }) => sum + share, 0));
  const places = steps.length + 1;
  return Array.from({ length: kills }, (_, i) => {
    if (timed) return Math.round(20 + Math.random() * 1500);
    return kills > places ? 1 + (i % places) : 1 + Math.floor(((i + 0.5) * places) / kills);
  });
};

test('a browser that is killed anywhere loses nothing that was acknowledged', async () => {
  test.setTimeout(0);
  const crashes = new CrashTest(test.info().project.name as ProfileBrowser);
  await crashes.run(spread);
  console.log(crashes.counts);
  expect(crashes.kills).toBeGreaterThanOrEqual(wanted);
  expect(crashes.faults).toEqual([]);
});
