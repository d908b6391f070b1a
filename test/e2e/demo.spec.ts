import { createHash } from 'node:crypto';
import http from 'node:http';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { drawHead } from '../../web/demo/head.ts';
import { drawUltrasound } from '../../web/demo/ultrasound.ts';
import { expect, field, image, onDisk, onlyInChromium, passphrase, test, unlock, unlockToSamples } from './visitor.ts';

/** SHA-256 of the pixels of what the demo draws: RGBA, 512 by 512. */
const drawn = {
  'ct-head': sha256(drawHead(512, { width: 80, level: 40 })),
  'us-abdomen': sha256(drawUltrasound(512)),
};

const refusedImages = (page: Page) => page.locator('.stage .refused');
const report = (page: Page) => page.locator('#read-report');

/** Returns the SHA-256 of the pixels that an image on the page has. */
async function pixels(page: Page, id: string): Promise<string> {
  return await image(page, id).evaluate(async (element) => {
    const shown = element as HTMLImageElement;
    await shown.decode();
    const canvas = document.createElement('canvas');
    canvas.width = shown.naturalWidth;
    canvas.height = shown.naturalHeight;
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    context.drawImage(shown, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
    return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  });
}

async function expectSamplesAsDrawn(page: Page): Promise<void> {
  expect(await pixels(page, 'ct-head')).toBe(drawn['ct-head']);
  expect(await pixels(page, 'us-abdomen')).toBe(drawn['us-abdomen']);
}

function sha256(bytes: Uint8ClampedArray): string {
  return createHash('sha256').update(bytes).digest('hex');
}

test.describe('on a profile of its own', () => {
  test.use({ profile: true });

  test("preferences, images and the value of the guide's component are there after a reload, and after the browser was closed", async ({
    visitor,
  }) => {
    let page = await visitor.visit();
    await expect(page.getByRole('heading', { name: 'Choose a passphrase' })).toBeVisible();
    await expect(page.locator('#disk-records')).toContainText('There is no vault on this device');
    await unlockToSamples(page);
    await expectSamplesAsDrawn(page);
    await page.getByLabel('Theme', { exact: true }).selectOption('dark');
    await page.getByLabel('Language of dates').selectOption('de');
    await page.getByLabel('Window of new CT slices').selectOption('bone');
    const stored = '{"theme":"dark","language":"de","window":"bone","overlay":true}';
    const echo = page.getByLabel('Preferences as read from the vault');
    await expect(echo).toHaveText(stored);
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
    await page.getByRole('button', { name: 'Current theme:' }).click();
    const guide = () => page.getByRole('button', { name: 'Current theme: dark' });
    await expect(guide()).toBeVisible();

    await page.reload();
    await expect(page.getByRole('heading', { name: 'Enter your passphrase' })).toBeVisible();
    await expect(onDisk(page)).toHaveCount(4); // two images, their list, the preferences
    await unlockToSamples(page);
    await expectSamplesAsDrawn(page);
    await expect(echo).toHaveText(stored);
    await expect(guide()).toBeVisible();

    await visitor.closeBrowser();
    page = await visitor.visit();
    await expect(page.getByRole('heading', { name: 'Enter your passphrase' })).toBeVisible();
    await unlockToSamples(page);
    await expectSamplesAsDrawn(page);
    await expect(page.getByLabel('Preferences as read from the vault')).toHaveText(stored);
    await expect(guide()).toBeVisible();
  });
});

test('a record with a flipped bit, or in the place of another, is refused; the others open; undo brings it back, or storing it anew', async ({
  visitor,
  browserName,
}) => {
  onlyInChromium(browserName);
  const page = await visitor.visit();
  await unlockToSamples(page);
  await page.getByLabel('Patient overlay on images').uncheck();
  await expect(onDisk(page)).toHaveCount(4);
  for (let row = 0; row < 4; row++) {
    const record = onDisk(page).nth(row);
    await record.getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Flip a bit' }).click();
    await expect(record).toContainText('bit flipped');
    await expect(record.locator('mark')).toHaveCount(1);
    await page.getByRole('button', { name: 'Read again' }).click();
    await expect(report(page)).toContainText('4 records read: 3 open, 1 refused.');
    await expect(report(page)).toContainText('ERR_INTEGRITY');
    const inGallery = (await record.textContent())?.includes('split') ? 1 : 0;
    await expect(refusedImages(page)).toHaveCount(inGallery);
    await expect(page.locator('.stage img')).toHaveCount(2 - inGallery);
    if (inGallery) await expect(refusedImages(page)).toContainText('refused: ERR_INTEGRITY');

    await page.getByRole('button', { name: 'Undo' }).click();
    await expect(page.getByText('bit flipped')).toHaveCount(0);
    await page.getByRole('button', { name: 'Read again' }).click();
    await expect(report(page)).toContainText('4 records read: all of them open.');
    await record.getByRole('checkbox').uncheck();
  }
  await expectSamplesAsDrawn(page);

  // Records that changed places are refused, both of them.
  const split = await onDisk(page).filter({ hasText: 'split' }).all();
  for (const record of split) await record.getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Swap two' }).click();
  await expect(page.locator('.record.changed')).toHaveCount(2);
  await page.getByRole('button', { name: 'Read again' }).click();
  await expect(refusedImages(page)).toHaveText([/refused: ERR_INTEGRITY/, /refused: ERR_INTEGRITY/]);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.locator('.record.changed')).toHaveCount(0);
  await page.getByRole('button', { name: 'Read again' }).click();
  await expect(refusedImages(page)).toHaveCount(0);
  await expectSamplesAsDrawn(page);

  // A refused list and refused preferences leave the images alone, and can be stored anew.
  for (const record of split) await record.getByRole('checkbox').uncheck();
  const whole = onDisk(page).filter({ hasText: 'whole' });
  for (const record of await whole.all()) await record.getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Swap two' }).click();
  await expect(page.locator('.record.changed')).toHaveCount(2);
  await page.getByRole('button', { name: 'Read again' }).click();
  await expect(report(page)).toContainText('4 records read: 2 open, 2 refused.');
  await page.getByLabel('Theme', { exact: true }).selectOption('dark');
  await expect(page.getByText('Not saved. ERR_INTEGRITY')).toBeVisible();
  await page.getByRole('button', { name: 'Store the defaults instead' }).click();
  await page.getByRole('button', { name: 'Restore it' }).click();
  await page.getByRole('button', { name: 'Read again' }).click();
  await expect(report(page)).toContainText('4 records read: all of them open.');
  await expect(page.locator('.record.changed')).toHaveCount(0);
  await page.reload();
  await unlockToSamples(page);
});

test('images that are picked or dropped are stored, and deleted again', async ({ visitor, browserName }) => {
  onlyInChromium(browserName);
  const page = await visitor.visit();
  await unlockToSamples(page);
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><rect width="60" height="40"/></svg>';
  const file = { name: 'picked.svg', mimeType: 'image/svg+xml', buffer: Buffer.from(svg) };
  await page.getByLabel('Choose images').setInputFiles(file);
  await expect(page.getByRole('img', { name: 'picked.svg' })).toBeVisible();

  const dropped = await page.evaluateHandle((text) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], 'dropped.svg', { type: 'image/svg+xml' }));
    transfer.items.add(new File(['no image'], 'notes.txt', { type: 'text/plain' }));
    return transfer;
  }, svg);
  await page.locator('.gallery').dispatchEvent('drop', { dataTransfer: dropped });
  await expect(page.getByRole('img', { name: 'dropped.svg' })).toBeVisible();
  await page.getByRole('button', { name: 'Draw a CT slice' }).click();
  await expect(page.locator('.stage img')).toHaveCount(5);

  await page.reload();
  await unlockToSamples(page);
  await expect(page.locator('.stage img')).toHaveCount(5);
  const size = await page
    .getByRole('img', { name: 'dropped.svg' })
    .evaluate((element) => [(element as HTMLImageElement).naturalWidth, (element as HTMLImageElement).naturalHeight]);
  expect(size).toEqual([60, 40]);
  await page.getByRole('button', { name: 'Delete picked.svg' }).click();
  await expect(page.getByRole('img', { name: 'picked.svg' })).toHaveCount(0);
  await expect(onDisk(page)).toHaveCount(5);
});

test('a second tab shows what the first one writes and deletes', async ({ visitor, browserName }) => {
  onlyInChromium(browserName);
  const first = await visitor.visit();
  await unlockToSamples(first);
  const second = await visitor.visit();
  await unlockToSamples(second);
  await first.getByLabel('Theme', { exact: true }).selectOption('dark');
  await expect(second.getByLabel('Theme', { exact: true })).toHaveValue('dark');
  await expect(second.locator('html')).toHaveAttribute('data-theme', 'dark');
  await second.getByRole('button', { name: 'Delete Abdomen, drawn' }).click();
  await expect(image(first, 'us-abdomen')).toHaveCount(0);
  await first.getByRole('button', { name: 'Current theme:' }).click();
  await expect(second.getByRole('button', { name: 'Current theme: dark' })).toBeVisible();
  await expect(onDisk(second)).toHaveCount(3);
});

test('a short or wrong passphrase is refused with its code; who forgot it deletes the vault and begins anew', async ({
  visitor,
  browserName,
}) => {
  onlyInChromium(browserName);
  const page = await visitor.visit();
  await unlock(page, 'short');
  await expect(page.getByRole('alert')).toContainText('ERR_INVALID');
  await unlockToSamples(page);
  await page.getByRole('button', { name: 'Lock' }).click();
  await unlock(page, 'wrong horse battery');
  await expect(page.getByRole('alert')).toContainText('ERR_WRONG_SECRET');
  await expect(field(page)).toBeFocused();
  await unlockToSamples(page);
  await page.reload();
  await page.getByRole('button', { name: 'Delete the vault' }).click();
  await page.getByRole('button', { name: 'Keep it' }).click();
  await expect(onDisk(page)).toHaveCount(3);
  await page.getByRole('button', { name: 'Delete the vault' }).click();
  await page.getByRole('button', { name: 'Delete everything' }).click();
  await expect(page.getByRole('heading', { name: 'Choose a passphrase' })).toBeVisible();
  await expect(page.locator('#disk-records')).toContainText('There is no vault on this device');

  // On the same page, another passphrase makes another vault, and it is deleted while it is open.
  await unlock(page, 'another passphrase');
  await expect(image(page, 'ct-head')).toBeVisible();
  await page.getByRole('button', { name: 'Current theme:' }).click();
  await expect(page.getByRole('button', { name: 'Current theme: dark' })).toBeVisible();
  await page.getByRole('button', { name: 'Delete the vault' }).click();
  await page.getByRole('button', { name: 'Delete everything' }).click();
  await expect(page.getByRole('heading', { name: 'Choose a passphrase' })).toBeVisible();
  await unlockToSamples(page);
  await expect(page.getByRole('button', { name: 'Current theme:', exact: true })).toBeVisible();
});

test('the page works by keyboard alone', async ({ visitor }) => {
  const page = await visitor.visit();
  await field(page).focus();
  await page.keyboard.type(passphrase);
  await page.keyboard.press('Enter');
  await expect(image(page, 'us-abdomen')).toBeVisible();
  await page.getByRole('button', { name: 'Delete Head phantom' }).focus();
  await page.keyboard.press('Enter');
  await expect(image(page, 'ct-head')).toHaveCount(0);
  await expect(page.getByRole('heading', { name: 'Images' })).toBeFocused();
  await expect(onDisk(page)).toHaveCount(2);
  await onDisk(page).first().getByRole('checkbox').focus();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Flip a bit' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.locator('.record.changed')).toHaveCount(1);
  await page.getByRole('button', { name: 'Read again' }).focus();
  await page.keyboard.press('Enter');
  await expect(report(page)).toContainText('2 records read: 1 open, 1 refused.');
});

test('the policy holds: what breaks it is reported', async ({ visitor }) => {
  const page = await visitor.visit();
  await expect(field(page)).toBeVisible();
  await page.evaluate(() => {
    const image = document.createElement('img');
    image.src = 'https://example.invalid/tracker.png';
    document.body.append(image);
  });
  await expect.poll(() => visitor.complaints.join()).toContain('CSP: img-src');
  visitor.complaints.length = 0;
});

test('the server gives out what it should and nothing else', async ({ site, browserName }) => {
  onlyInChromium(browserName);
  const { port } = new URL(site.url);
  const ask = (target: string, method = 'GET') =>
    new Promise<http.IncomingMessage>((resolve, reject) => {
      // Not fetch, which would tidy the path.
      const request = http.request({ host: 'localhost', port, path: target, method }, (response) => {
        response.resume();
        resolve(response);
      });
      request.on('error', reject).end();
    });
  const wasm = await ask('/dist/idbvault.wasm');
  expect(wasm.statusCode).toBe(200);
  expect(wasm.headers).toMatchObject({
    'content-type': 'application/wasm',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  });
  expect((await ask('/')).headers['content-security-policy']).toContain("default-src 'none'");
  const slice = await ask('/api/series/ct-head/60');
  expect(slice.headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-length': String(512 * 512 * 2),
    'cache-control': 'no-store',
  });
  const outside = [
    '/demo/../../package.json',
    '/demo/%2e%2e/%2e%2e/package.json',
    '/dist/..%2f..%2fpackage.json',
    '/dist/..%5c..%5cpackage.json',
    '/demo//etc/passwd',
    '/demo/%2fetc/passwd',
    '/demo/%00',
    '/demo/',
    '/demo-server/ct-head.js',
    '/api/series/',
    '/api/series/ct-head',
    '/api/series/ct-head/0',
    '/api/series/ct-head/61',
    '/api/series/ct-head/1/..',
    '/api/series/other/1',
    '/%',
    '/package.json',
    '//',
  ];
  for (const target of outside) expect((await ask(target)).statusCode, target).toBe(404);
  expect((await ask('/', 'POST')).statusCode).toBe(405);
});

test('the pictures of the README', async ({ visitor, browserName }, info) => {
  onlyInChromium(browserName);
  const keep = process.env.UPDATE_SCREENSHOTS === '1';
  const take = async (name: string) => {
    expect(visitor.complaints).toEqual([]);
    const file = keep ? path.join('docs/images', name) : info.outputPath(name);
    await expectPicture(page, await page.screenshot({ path: file }));
  };
  const page = await visitor.visit();
  await page.setViewportSize({ width: 1280, height: 1400 });
  await unlockToSamples(page);
  await page.getByLabel('Language of dates').selectOption('fr');
  await page.getByLabel('Language of dates').selectOption('en');
  await page.getByRole('button', { name: 'Keep offline' }).click();
  await expect(page.getByText('All 60 slices are kept')).toBeVisible();
  await expect(page.locator('.storage tfoot')).toContainText('65');
  await expect(page.locator('.store')).toContainText(['4 records', '61 records']);
  await page.mouse.move(0, 0);
  await take('demo.png');

  await page.getByRole('button', { name: 'series', exact: true }).click();
  const record = page.locator('.store:has-text("series") ~ .record').filter({ hasText: 'split' }).first();
  await record.getByRole('checkbox').check();
  await page.getByRole('button', { name: 'demo', exact: true }).click();
  await page.getByRole('button', { name: 'Flip a bit' }).click();
  await expect(record).toContainText('bit flipped');
  await page.getByRole('button', { name: 'Read again' }).click();
  const name = await report(page).locator('.refusals code').textContent();
  await page.getByRole('slider', { name: 'Slice', exact: true }).fill(name?.split(':').pop() ?? '');
  await expect(page.locator('.screen .refused')).toContainText('ERR_INTEGRITY');
  await take('inspector-refusal.png');
});

/** Expects a PNG that is not blank: it has many colours, and no one of them covers nearly all of it. */
async function expectPicture(page: Page, png: Buffer): Promise<void> {
  const { colours, most } = await page.evaluate(async (base64) => {
    const shown = new Image();
    shown.src = `data:image/png;base64,${base64}`;
    await shown.decode();
    const canvas = document.createElement('canvas');
    canvas.width = shown.naturalWidth;
    canvas.height = shown.naturalHeight;
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    context.drawImage(shown, 0, 0);
    const data = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    const counts = new Map<number, number>();
    for (const colour of data) counts.set(colour, (counts.get(colour) ?? 0) + 1);
    return { colours: counts.size, most: Math.max(...counts.values()) / data.length };
  }, png.toString('base64'));
  expect(colours).toBeGreaterThan(300);
  expect(most).toBeLessThan(0.9);
}
