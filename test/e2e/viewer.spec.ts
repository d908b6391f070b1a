import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { Page, Route } from '@playwright/test';
import { drawSlice } from '../../web/demo/ct-head.ts';
import { expect, field, onDisk, onlyInChromium, serve, test, unlockToSamples, Visitor } from './visitor.ts';

// The demo's viewer of a CT series.

declare global {
  /** How many slices' pixels were overwritten. */
  var wiped: number | undefined;
}

const slider = (page: Page) => page.getByRole('slider', { name: 'Slice', exact: true });
const picture = (page: Page) => page.locator('.screen canvas');
const instead = (page: Page) => page.locator('.screen .refused');
const source = (page: Page) => page.locator('.source');
const standing = (page: Page) => page.getByRole('region', { name: 'On this device' }).getByRole('status');
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const offline = (page: Page) => page.getByRole('switch', { name: 'Offline' });

/** Shows a slice, and waits until it is there. */
async function show(page: Page, n: number): Promise<void> {
  await slider(page).fill(String(n));
  await expect(picture(page)).toHaveAttribute('data-slice', String(n));
}

/** Returns the SHA-256 of the pixels on the screen. */
const pixels = (page: Page) =>
  picture(page).evaluate(async (element) => {
    const canvas = element as HTMLCanvasElement;
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
    return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  });

/** Returns the SHA-256 of the pixels that a slice has in a window. */
function expected(n: number, width: number, level: number): string {
  const rgba = new Uint8Array(512 * 512 * 4).fill(255);
  drawSlice(n).forEach((stored, at) => {
    const share = Math.min(Math.max((stored - 1024 - level) / width + 0.5, 0), 1);
    rgba.fill(Math.floor(share * 255 + 0.5), at * 4, at * 4 + 3);
  });
  return createHash('sha256').update(rgba).digest('hex');
}

/** Has the server's answers wait for slices behind one, and returns what was asked for, and what lets go. */
async function holdBehind(page: Page, last: number) {
  const asked: number[] = [];
  const held: Route[] = [];
  let holds = true;
  await page.route('**/api/series/ct-head/*', (route) => {
    const n = Number(route.request().url().split('/').pop());
    asked.push(n);
    if (holds && n > last) held.push(route);
    else void route.continue();
  });
  const go = () => {
    holds = false;
    for (const route of held.splice(0)) route.abort().catch(() => {}); // they were given up
  };
  return { asked, go };
}

/** Expects that the screen shows a slice in a window, pixel by pixel. */
async function expectPixels(page: Page, n: number, width: number, level: number): Promise<void> {
  await expect.poll(() => pixels(page)).toBe(expected(n, width, level));
}

/** What the stores' estimates give in sum, in records and in bytes. */
const estimated = (page: Page) =>
  page.evaluate(async () => {
    const index: string = '/dist/index.js';
    const { createEncryptedStorage } = (await import(index)) as typeof import('../../web/src/index.ts');
    let [records, bytes] = [0, 0];
    for (const name of ['demo', 'series', 'fetched']) {
      const storage = await createEncryptedStorage('idbvault-demo', name);
      const used = await storage.estimate();
      storage.close();
      records += used.records;
      bytes += used.bytes;
    }
    return [records, bytes].map(String);
  });

/** Expects that the gauge tells what the stores' estimates do, and returns the bytes. */
async function expectGauge(page: Page): Promise<number> {
  const row = page.getByRole('table', { name: 'The records of all stores' }).getByRole('row', { name: 'all' });
  const told = () =>
    row.evaluate((row) => [
      row.querySelector('td')?.textContent,
      row.querySelector('[data-bytes]')?.getAttribute('data-bytes'),
    ]);
  await expect(async () => expect(await told()).toEqual(await estimated(page))).toPass({ timeout: 20_000 });
  return Number((await told())[1]);
}

const axe = fs.readFileSync('node_modules/axe-core/axe.min.js', 'utf8');

/** Expects that axe finds nothing serious, and that nothing is wider than the screen. */
async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe); // by the debugger: the page's policy lets in no script
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
  expect(found).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
}

test('slices are shown as they were drawn, in the window that is chosen, and nothing is fetched for that', async ({
  visitor,
}) => {
  const page = await visitor.visit();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await unlockToSamples(page);
  await expect(picture(page)).toHaveAttribute('data-slice', '30');
  await expectPixels(page, 30, 80, 40);
  await expect(source(page)).toHaveText('from the network');

  await slider(page).press('ArrowRight');
  await expect(picture(page)).toHaveAttribute('data-slice', '31');
  asked.length = 0;
  await button(page, 'Bone').click();
  await expectPixels(page, 31, 2000, 500);
  for (const [name, typed] of Object.entries({ Window: '350', Level: '-50' })) {
    await page.getByRole('spinbutton', { name }).press('ControlOrMeta+a');
    await page.keyboard.type(typed);
  }
  await expectPixels(page, 31, 350, -50);
  await picture(page).hover();
  const { x, y } = (await picture(page).boundingBox()) as { x: number; y: number };
  await page.mouse.move(x + 100, y + 100);
  await page.mouse.down();
  await page.mouse.move(x + 120, y + 90);
  await page.mouse.up();
  await expect(page.getByRole('spinbutton', { name: 'Window' })).toHaveValue('385');
  await expectPixels(page, 31, 385, -67);
  expect(asked).toEqual([]);

  await page.mouse.wheel(0, 100);
  await expect(picture(page)).toHaveAttribute('data-slice', '32');
  await expectPixels(page, 32, 385, -67);
  await slider(page).press('End');
  await expect(picture(page)).toHaveAttribute('data-slice', '60');
  await button(page, 'Ask to keep it').click(); // what the browser answers is its own affair
  await expect(page.locator('.storage')).toContainText(/The browser does not promise it\.|it is kept/);
});

test('a keeping is stopped and gone on with; offline, the rest says that it is not kept', async ({
  visitor,
  browserName,
}) => {
  onlyInChromium(browserName);
  const page = await visitor.visit();
  await expect(field(page)).toBeVisible();
  await expectAccessible(page);
  await unlockToSamples(page);
  const before = await expectGauge(page);
  const { asked, go } = await holdBehind(page, 20);
  await button(page, 'Keep offline').click();
  await expect(page.getByRole('progressbar', { name: 'Fetched' })).toHaveJSProperty('value', 20);
  await expect(page.getByRole('progressbar', { name: 'Encrypted and stored' })).toHaveJSProperty('value', 18);
  await button(page, 'Cancel').click();
  await expect(standing(page)).toContainText('18 of 60 slices are kept, encrypted, until');
  await expect(button(page, 'Go on')).toBeFocused();

  await offline(page).press('Space');
  asked.length = 0;
  await show(page, 18);
  await expect(source(page)).toHaveText('from the vault');
  await expectPixels(page, 18, 80, 40);
  await slider(page).press('ArrowRight');
  await expect(instead(page)).toHaveText('Slice 19 is not kept on this deviceThe page is offline.');
  await expect(picture(page)).toHaveCount(0);
  expect(asked).toEqual([]);
  await offline(page).click();
  await expect(picture(page)).toHaveAttribute('data-slice', '19');
  await page.context().setOffline(true);
  await expect(offline(page)).toHaveAttribute('aria-checked', 'true');
  await expect(instead(page)).toContainText('Slice 19 is not kept');
  await page.context().setOffline(false);
  await expect(offline(page)).toHaveAttribute('aria-checked', 'false');
  await expect(picture(page)).toHaveAttribute('data-slice', '19');

  go();
  asked.length = 0;
  await button(page, 'Go on').click();
  await expect(standing(page)).toContainText('All 60 slices are kept');
  expect(asked.sort((a, b) => a - b)).toEqual(Array.from({ length: 42 }, (_, i) => i + 19));
  expect(await expectGauge(page)).toBeGreaterThan(before + 60 * 512 * 512 * 2);
  await page.setViewportSize({ width: 390, height: 844 });
  await expectAccessible(page);
  await page.getByLabel('Theme', { exact: true }).selectOption('dark');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expectAccessible(page);
});

test('a slice that was tampered with is refused, and no other; a lock in another tab clears the screen', async ({
  visitor,
  browserName,
}) => {
  onlyInChromium(browserName);
  const page = await visitor.visit();
  await unlockToSamples(page);
  const { asked } = await holdBehind(page, 12);
  await button(page, 'Keep offline').click();
  await expect(page.getByRole('progressbar', { name: 'Encrypted and stored' })).toHaveJSProperty('value', 12);
  await button(page, 'Cancel').click();
  await button(page, 'series').click();
  await expect(onDisk(page)).toHaveCount(16);
  const series = page.locator('.store:has-text("series") ~ .record');
  const record = series.filter({ hasText: 'split' }).first();
  await record.getByRole('checkbox').check();
  await button(page, 'Flip a bit').click();
  await expect(record).toContainText('bit flipped');
  await button(page, 'Read again').click();
  await expect(page.locator('.verdict')).toContainText('16 records read: 15 open, 1 refused.');
  const name = await page.locator('.refusals code').textContent();
  const n = Number(name?.match(/^ct:ct-head:(\d+)$/)?.[1]);
  asked.length = 0;
  await slider(page).fill(String(n));
  await expect(instead(page)).toContainText(`Slice ${n} is refused: ERR_INTEGRITY`);
  await expect(picture(page)).toHaveCount(0);
  const other = n === 12 ? 11 : n + 1;
  await show(page, other);
  await expectPixels(page, other, 80, 40);
  expect(asked).toEqual([]);
  await slider(page).fill(String(n));
  await button(page, 'Fetch it again').click();
  await expectPixels(page, n, 80, 40);
  await expect(source(page)).toHaveText('from the vault');
  expect(asked).toEqual([n]);

  // Where the description was changed, and the server does not answer, there is no series.
  await record.getByRole('checkbox').uncheck();
  const description = series.filter({ hasText: 'whole' });
  await description.getByRole('checkbox').check();
  await button(page, 'Flip a bit').click();
  await expect(description).toContainText('bit flipped');
  await page.context().route('**/api/series', (route) => route.abort());
  const second = await visitor.visit();
  await unlockToSamples(second);
  await expect(second.getByRole('region', { name: 'Viewer' })).toContainText('ERR_INTEGRITY The data on this device');
  visitor.complaints.length = 0; // the server did not answer
  const canvas = await picture(page).elementHandle();
  await page.evaluate(() => {
    const { fill } = Uint16Array.prototype;
    Uint16Array.prototype.fill = function (this: Uint16Array, ...all) {
      globalThis.wiped = (globalThis.wiped ?? 0) + 1;
      return fill.apply(this, all);
    };
  });
  await button(second, 'Lock').click();
  await expect(page.getByRole('heading', { name: 'Enter your passphrase' })).toBeVisible();
  await expect(picture(page)).toHaveCount(0);
  expect(await canvas?.evaluate((element) => (element as HTMLCanvasElement).width)).toBe(0);
  expect(await page.evaluate(() => globalThis.wiped)).toBeGreaterThan(4); // those beside it, too
});

test('a series that was kept is shown when the server is gone, after a reload, with a service worker', async ({
  browser,
}) => {
  const site = await serve({ port: 0 });
  const visitor = new Visitor({ site, browser, serviceWorkers: true });
  const page = await visitor.visit();
  await unlockToSamples(page);
  await button(page, 'Keep offline').click();
  await expect(standing(page)).toContainText('All 60 slices are kept, encrypted, until');
  const tomorrow = new Date(Date.now() + 24 * 3600 * 1000);
  const day = tomorrow.toLocaleDateString('en-GB', { day: 'numeric', month: 'long' });
  await expect(standing(page)).toContainText(`until ${day}`);
  await page.waitForFunction(() => navigator.serviceWorker.controller?.state === 'activated');
  // The page is gone on with as it came from the service worker: the vault has what it fetched.
  await page.reload();
  await unlockToSamples(page);
  await expect(button(page, 'fetched')).toBeVisible();
  expect(visitor.complaints).toEqual([]);

  await site.close();
  await page.reload();
  await unlockToSamples(page);
  for (const n of [1, 30, 60]) {
    await show(page, n);
    await expectPixels(page, n, 80, 40);
    await expect(source(page)).toHaveText('from the vault');
  }
  const answer = () =>
    page.evaluate(async () => {
      const response = await fetch('/api/series');
      return [response.headers.has('idbvault-kept'), (await response.text()).slice(0, 17)];
    });
  await expect.poll(answer).toEqual([true, '[{"id":"ct-head",']);
  await button(page, 'Remove from this device').click();
  await expect(instead(page)).toHaveText('Slice 60 is not kept on this deviceThe server does not answer.');
  await visitor.leave();
});
