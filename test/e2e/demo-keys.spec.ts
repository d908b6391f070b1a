import type { Page } from '@playwright/test';
import { expect, field, image, onlyInChromium, passphrase, test, unlock, unlockToSamples } from './visitor.ts';

// The demo's panel for keys, and its lock.

const other = 'another horse battery';

declare global {
  /** What the progress showed, and how high the panel was meanwhile. */
  var seen: { words: string[]; heights: number[] };
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const rotation = (page: Page) => page.getByRole('form', { name: 'Rotate the keys' });
const change = (page: Page) => page.getByRole('form', { name: 'Change the passphrase' });
const state = (page: Page) => rotation(page).locator('[data-state]');
const secret = (page: Page) => page.getByLabel('Passphrase of the vault');

/** Stores so many records where the page does not show them: a rotation goes over some hundred at a time. */
async function fill(page: Page, n: number): Promise<void> {
  await page.evaluate(async (n) => {
    const index: string = '/dist/index.js';
    const { createEncryptedStorage } = (await import(index)) as typeof import('../../web/src/index.ts');
    const storage = await createEncryptedStorage('idbvault-demo', 'more');
    await storage.setManyEncrypted(Array.from({ length: n }, (_, i) => ({ key: `record:${i}`, value: `value ${i}` })));
    storage.close();
  }, n);
}

/** Notes what the progress shows, and with `stop` clicks Stop at its first step. */
async function watchProgress(page: Page, stop: boolean): Promise<void> {
  await page.evaluate((stop) => {
    globalThis.seen = { words: [], heights: [] };
    const running = document.querySelector('.running') as HTMLElement;
    const look = () => {
      const progress = running.querySelector('progress') as HTMLProgressElement;
      if (running.dataset.shown !== 'true') return;
      seen.heights.push((document.querySelector('.keys') as HTMLElement).offsetHeight);
      seen.words.push(running.querySelector('p')?.textContent ?? '');
      if (stop && progress.value > 0) running.querySelector('button')?.click();
    };
    new MutationObserver(look).observe(running, { subtree: true, attributes: true, characterData: true });
  }, stop);
}

async function changePassphrase(page: Page, from: string, to: string): Promise<void> {
  await page.getByLabel('Current passphrase').fill(from);
  await page.getByLabel('New passphrase', { exact: true }).fill(to);
  await button(page, 'Change it').click();
}

test('a changed passphrase opens both vaults after a reload, and the old one none', async ({ visitor }) => {
  const page = await visitor.visit();
  await unlockToSamples(page);
  await page.getByRole('button', { name: 'Current theme:' }).click();
  await changePassphrase(page, 'wrong horse battery', other);
  await expect(change(page).getByRole('alert')).toHaveText(
    'ERR_WRONG_SECRET The secret does not open this vault. Ask for it again; nothing was changed.',
  );
  await changePassphrase(page, passphrase, other);
  await expect(change(page).getByRole('status')).toContainText('Changed.');
  await expect(page.getByLabel('Current passphrase')).toHaveValue('');
  await page.reload();
  await unlock(page);
  await expect(page.getByRole('alert')).toContainText('ERR_WRONG_SECRET');
  await unlock(page, other);
  await expect(image(page, 'ct-head')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Current theme: dark' })).toBeVisible();
});

test('a rotation is looked at before, shows how far it is, moves nothing, and is committed', async ({ visitor }) => {
  const page = await visitor.visit();
  await unlockToSamples(page);
  await fill(page, 700);
  await button(page, 'What would it meet?').click();
  await expect(rotation(page).getByRole('status')).toHaveText(/^It would meet:Records703Size.+Takes about.+read0$/);
  await expect(state(page)).toHaveAttribute('data-state', 'none');

  await secret(page).fill('wrong horse battery');
  await button(page, 'Rotate').click();
  await expect(rotation(page).getByRole('alert')).toContainText(
    'ERR_WRONG_SECRET The secret does not open this vault.',
  );

  // Beside it stand the age of the keys and the log.
  const status = page.getByRole('region', { name: 'Key status' });
  await expect(status.getByRole('row')).toHaveCount(6);
  const log = page.getByRole('region', { name: 'Audit log' }).first();
  await expect(log.getByRole('heading')).toContainText('whole');
  const rows = log.getByRole('row');
  const before = await rows.count();

  await watchProgress(page, false);
  await secret(page).fill(passphrase);
  await secret(page).press('Enter');
  await expect(state(page)).toHaveAttribute('data-state', 'rotated');
  await expect(status.getByRole('heading')).toContainText('epoch 2');
  await expect.poll(() => rows.count()).toBeGreaterThan(before);
  await expect(rotation(page).getByRole('status')).toContainText('Every record is re-encrypted');
  await expect(page.getByRole('heading', { name: 'Rotate the keys' })).toBeFocused();
  const { words, heights } = await page.evaluate(() => seen);
  expect(words).toContainEqual(expect.stringMatching(/^Pass 1 of 2: re-encrypting\d+ of 703$/));
  expect(words).toContainEqual(expect.stringMatching(/^Pass 2 of 2: reading all again\d+ of 703$/));
  expect(new Set(heights).size).toBe(1);

  await secret(page).fill(passphrase);
  await button(page, 'Commit').click();
  await expect(state(page)).toContainText('703 records lie under epoch 2.');
  await expect(rotation(page).getByRole('status')).toContainText('The old keys are destroyed');
  await page.reload();
  await unlockToSamples(page);
  await expect(state(page)).toHaveAttribute('data-state', 'none');
});

test('a rotation that was stopped is resumed after a reload, and rolled back', async ({ visitor, browserName }) => {
  onlyInChromium(browserName);
  const page = await visitor.visit();
  await unlockToSamples(page);
  await fill(page, 700);
  await watchProgress(page, true);
  await secret(page).fill(passphrase);
  await button(page, 'Rotate').click();
  await expect(rotation(page).getByRole('status')).toContainText('Stopped.');
  await expect(state(page)).toHaveAttribute('data-state', 'rotating');
  await page.reload();
  await unlockToSamples(page);
  await expect(state(page)).toHaveText('A rotation from epoch 1 to 2 is not finished. What was done is kept.');
  await secret(page).fill(passphrase);
  await button(page, 'Resume').click();
  await expect(state(page)).toHaveAttribute('data-state', 'rotated');
  await secret(page).fill(passphrase);
  await button(page, 'Roll back').click();
  await expect(state(page)).toContainText('703 records lie under epoch 1.');
  await page.reload();
  await unlockToSamples(page);
});

test('a record that can’t be read holds up the commit until it is given up', async ({ visitor, browserName }) => {
  onlyInChromium(browserName);
  const page = await visitor.visit();
  await unlockToSamples(page);
  await page.locator('#disk-records .record').filter({ hasText: 'split' }).first().getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Flip a bit' }).click();
  await expect(page.locator('.record.changed')).toHaveCount(1);
  await secret(page).fill(passphrase);
  await button(page, 'Rotate').click();
  await expect(rotation(page).getByRole('status')).toContainText('All is re-encrypted that can be read');
  await secret(page).fill(passphrase);
  await button(page, 'Commit').click();
  await expect(rotation(page).getByRole('alert')).toContainText('ERR_INTEGRITY');
  await page.getByLabel('Delete the records that can’t be read').check();
  await button(page, 'Commit').click();
  await expect(state(page)).toContainText('2 records lie under epoch 2.');
});

test('a rotation to a new passphrase locks the other tab, and the new one opens both vaults', async ({
  visitor,
  browserName,
}) => {
  onlyInChromium(browserName);
  const page = await visitor.visit();
  await unlockToSamples(page);
  const second = await visitor.visit();
  await unlockToSamples(second);
  await secret(page).fill(passphrase);
  await page.getByLabel('New passphrase, if it is to change').fill(other);
  await button(page, 'Rotate').click();
  await expect(state(page)).toHaveAttribute('data-state', 'rotated');
  await unlock(second);
  await expect(second.getByRole('alert')).toContainText('ERR_WRONG_SECRET');
  await unlock(second, other);
  await expect(image(second, 'ct-head')).toBeVisible();
  await second.getByRole('button', { name: 'Current theme:' }).click();
  await expect(page.getByRole('button', { name: 'Current theme: dark' })).toBeVisible();
  await secret(page).fill(other);
  await button(page, 'Commit').click();
  await expect(state(page)).toHaveAttribute('data-state', 'none');
});

test('a lock in one tab asks for the passphrase in both, without a reload, and unlocking brings all back', async ({
  visitor,
}) => {
  const tabs = [await visitor.visit(), await visitor.visit()] as const;
  for (const tab of tabs) {
    await unlockToSamples(tab);
    await tab.evaluate(() => document.body.setAttribute('data-since', 'before'));
  }
  await tabs[0].getByRole('button', { name: 'Current theme:' }).click();
  await tabs[0].getByLabel('Theme', { exact: true }).selectOption('dark');
  await expect(tabs[1].locator('html')).toHaveAttribute('data-theme', 'dark');
  await tabs[0].bringToFront();
  await button(tabs[0], 'Lock').focus();
  await tabs[0].keyboard.press('Enter');
  for (const tab of tabs) {
    await expect(tab.getByRole('heading', { name: 'Enter your passphrase' })).toBeVisible();
    await expect(image(tab, 'ct-head')).toHaveCount(0);
    await expect(tab.locator('#keys')).toBeEmpty();
    await expect(tab.locator('#read-report')).toContainText('The vault is locked');
    await expect(tab.locator('html')).not.toHaveAttribute('data-theme');
  }
  await expect(field(tabs[0])).toBeFocused();
  await expect(tabs[1].locator('.bar')).toContainText('Another tab locked the vault.');
  for (const tab of tabs) {
    await unlockToSamples(tab);
    await expect(tab.getByRole('button', { name: 'Current theme: dark' })).toBeVisible();
    await expect(tab.locator('body')).toHaveAttribute('data-since', 'before');
  }
});

test('the vault locks itself when no one uses it, after the time that was chosen', async ({ visitor, browserName }) => {
  onlyInChromium(browserName);
  const clock = await visitor.clock();
  const page = await visitor.visit();
  await unlockToSamples(page);
  await page.getByLabel('Without use').selectOption('After 5 minutes');
  await expect(page.getByLabel('Preferences as read from the vault')).toContainText('"autoLock":5');
  await page.reload(); // it is kept
  await unlockToSamples(page);
  await expect(page.getByLabel('Without use')).toHaveValue('5');
  await clock.fastForward(250_000);
  await expect(button(page, 'Lock')).toBeVisible();
  await page.mouse.move(5, 5);
  await clock.fastForward(250_000);
  await expect(button(page, 'Lock')).toBeVisible();
  await clock.fastForward(60_000);
  await expect(page.getByRole('heading', { name: 'Enter your passphrase' })).toBeVisible();
  await expect(page.locator('.bar')).toContainText('Nobody was there');

  await unlockToSamples(page);
  await page.getByLabel('Without use').selectOption('Off');
  await expect(page.getByLabel('Preferences as read from the vault')).toContainText('"autoLock":0');
  await clock.fastForward(4_000_000);
  await expect(button(page, 'Lock')).toBeVisible();
});
