import type { Page } from '@playwright/test';
import { expect, test } from './app.ts';
import { attempt, fill, type Keys, openTab, prepare } from './session-page.ts';

test.beforeEach(({ page }) => prepare(page));

test.skip(({ browserName }) => browserName !== 'chromium', 'no engine has a part in it');

const names = (page: Page, ...calls: unknown[][]) =>
  page.evaluate(async (calls) => {
    const { vaultFor } = (await import(`${location.origin}/some/folder/keys.js`)) as Keys;
    const name = async (call: unknown[]) => {
      try {
        return await vaultFor(...(call as [string]));
      } catch (error) {
        return (error as { code: string }).code ?? String(error);
      }
    };
    return Promise.all(calls.map(name));
  }, calls);

test('names are those of docs/FORMAT.md, ids are taken as they are, and what is no id is ERR_INVALID', async ({
  page,
}) => {
  expect(await names(page, ['dr.müller@example.org'])).toEqual([
    'medical-imaging-viewer-62c2f115f0644b3d7bac5629eb4ffd4d',
  ]);
  const calls = [['a'], ['A'], ['a '], ['é'], ['e\u0301'], ['a', 'db'], ['ba', 'd'], ['a\0'], ['x'.repeat(1024)]];
  const all = await names(page, ...calls, ['a', 'd'.repeat(222)]);
  expect(new Set(all).size).toBe(calls.length + 1);
  for (const name of all) expect(name).toMatch(/^(medical-imaging-viewer|d+b?)-[0-9a-f]{32}$/);
  expect(await names(page, ...calls)).toEqual(all.slice(0, -1));
  const wrong = [[''], ['\ud800'], ['x'.repeat(1025)], ['é'.repeat(513)], [7], [null], [], ['a', ''], ['a', 7]];
  const long = ['a', 'é'.repeat(112)];
  expect(await names(page, ...wrong, long)).toEqual(Array(wrong.length + 1).fill('ERR_INVALID'));
});

test("two users of one machine never meet each other's vault", async ({ page, context, site }) => {
  const [first, second] = (await names(page, ['dr.a'], ['dr.b'])) as [string, string];
  await fill(page, {}, first, "the first one's");
  const tab = await openTab(context, site.url);
  expect(await attempt(tab, 'another passphrase', {}, second)).toEqual([1, null]);
  expect(await attempt(tab, 'another passphrase', { secret: 'another passphrase' }, first)).toEqual([
    0,
    'ERR_WRONG_SECRET',
  ]);
  const databases = await tab.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
  expect(databases.sort()).toEqual([first, second].sort());
  expect(databases.join()).not.toContain('dr.');
});
