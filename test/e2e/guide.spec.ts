import fs from 'node:fs';
import path from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { type Site, serveSite } from './app.ts';
import { buildGuide, masterKey } from './vite/build.ts';

// The client's guide, pasted into an application that Vite builds, with the key in .env.local as the guide says.

type Parts = Record<'simple' | 'manual' | 'images' | 'offline', () => Promise<Record<string, unknown>>>;
declare function open(
  secret: string | (() => string),
  options?: Pick<import('../../web/src/index.ts').StorageOptions, 'session' | 'runIn'>,
): Promise<import('../../web/src/index.ts').EncryptedStorage>;
declare function destroy(): Promise<void>;
declare global {
  var parts: Parts;
  var show: (which: 'ours' | 'printed', times: number) => void;
  var unmount: () => void;
}

const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="12" height="8"><rect width="12" height="8"/></svg>';
let site: Site;
let complaints: string[];
let warnings: string[];

test.beforeAll(async () => {
  const outDir = path.resolve('build', `guide-${test.info().project.name}`);
  fs.mkdirSync('build', { recursive: true });
  await buildGuide(outDir);
  site = await serveSite({ '/assets/': `${outDir}/assets`, '/app/': outDir });
});
test.afterAll(() => site.close());

test.beforeEach(async ({ page }) => {
  complaints = [];
  warnings = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    const text = message.text();
    if (text.includes('VITE_ENCRYPTION_KEY')) warnings.push(text);
    else if (['error', 'warning'].includes(message.type())) complaints.push(text);
  });
  await page.route('**/api/image/123', (route) => route.fulfill({ contentType: 'image/svg+xml', body: svg }));
  await page.goto(`${site.url}app/index.html`);
});
test.afterEach(() => expect(complaints).toEqual([]));

test('simple encrypted storage', async ({ page }) => {
  expect(await page.evaluate(() => parts.simple().then(({ exists, parsed }) => [exists, parsed]))).toEqual([
    true,
    { theme: 'dark', lang: 'en' },
  ]);
});

test('manual encryption and decryption', async ({ page }) => {
  const { encryptedPackage, plaintext } = await page.evaluate(() => parts.manual().then((part) => ({ ...part })));
  expect(plaintext).toBe('sensitive data');
  expect(encryptedPackage).toMatchObject({ metadata: { version: '1.0', context: { patientId: 'P12345' } } });
});

test('an image as a data URL', async ({ page }) => {
  expect(await page.evaluate(() => parts.images().then(({ img }) => (img as HTMLImageElement).naturalWidth))).toBe(12);
});

test('the offline service, with an image as a data URL, also after a reload', async ({ page }) => {
  type Service = {
    initialize(): Promise<void>;
    cacheMedicalImage(id: string, data: string, metadata: object): Promise<void>;
    getCachedImage(id: string): Promise<string | null>;
  };
  const use = (imageData?: string) =>
    page.evaluate(async (imageData) => {
      const { OfflineStorageService } = (await parts.offline()) as { OfflineStorageService: new () => Service };
      const service = new OfflineStorageService();
      await service.initialize();
      if (imageData) await service.cacheMedicalImage('7', imageData, { patientId: 'P12345', imageType: 'mri' });
      const image = new Image();
      image.src = (await service.getCachedImage('7')) ?? '';
      await image.decode();
      return [image.src, image.naturalWidth];
    }, imageData);
  const imageData = `data:image/svg+xml;base64,${btoa(svg)}`;
  expect(await use(imageData)).toEqual([imageData, 12]);
  await page.reload();
  expect(await use()).toEqual([imageData, 12]);
});

const buttons = (page: Page) => page.getByRole('button').allTextContents();

for (const which of ['printed', 'ours'] as const) {
  test(`the component with the ${which} hook, under StrictMode: the value survives a reload`, async ({ page }) => {
    await page.evaluate((which) => show(which, 1), which);
    await expect(page.getByRole('button')).toHaveText('Current theme: ');
    await page.getByRole('button').click();
    await expect(page.getByRole('button')).toHaveText('Current theme: dark');
    // Once, however often the vault was opened: the printed hook opens it for each call. estimate() is of the file that warns.
    await page.evaluate((masterKey) => open(masterKey).then((storage) => storage.estimate()), masterKey);
    expect(warnings).toEqual([expect.stringContaining('it is no secret')]);
    await page.reload();
    await page.evaluate((which) => show(which, 1), which);
    await expect(page.getByRole('button')).toHaveText('Current theme: dark');
  });
}

test("two components on one key show one value, and another tab's write", async ({ page, context }) => {
  await page.evaluate(() => show('ours', 2));
  await expect(page.getByRole('button')).toHaveCount(2);
  await page.getByRole('button').nth(1).click();
  await expect.poll(() => buttons(page)).toEqual(['Current theme: dark', 'Current theme: dark']);
  const other = await context.newPage();
  await other.goto(`${site.url}app/index.html`);
  await other.evaluate(() => parts.simple()); // deletes the record in the end
  await expect.poll(() => buttons(page)).toEqual(['Current theme: ', 'Current theme: ']);
});

test('unmounting while it loads, and mounting again, is all right', async ({ page }) => {
  await page.evaluate(() => {
    show('ours', 1);
    unmount();
    show('ours', 1);
    setTimeout(() => {
      unmount();
      show('ours', 1);
    });
  });
  await expect(page.getByRole('button')).toHaveText('Current theme: ');
});

test('the key of .env.local is what opens the vault, and nothing else does', async ({ page }) => {
  await page.evaluate(() => parts.simple());
  await page.reload();
  const codes = await page.evaluate(async (masterKey) => {
    const code = (secret: string) =>
      open(secret).then(
        () => 'opened',
        (error: { code: string }) => error.code,
      );
    return [await code('another passphrase'), await code(masterKey)];
  }, masterKey);
  expect(codes).toEqual(['ERR_WRONG_SECRET', 'opened']);
});

test('a bundled application has one session for all tabs', async ({ page, context }) => {
  await page.evaluate((masterKey) => open(masterKey, { session: 'origin' }), masterKey);
  const other = await context.newPage();
  await other.goto(`${site.url}app/index.html`);
  const isLocked = other.evaluate(async () => {
    const refuse = () => {
      throw new Error('asked');
    };
    return (await open(refuse, { session: 'origin' })).locked;
  });
  expect(await isLocked).toBe(false);
});

test('a worker is found where the bundler put it', async ({ page }) => {
  const read = await page.evaluate(async (masterKey) => {
    const storage = await open(masterKey, { runIn: 'worker' });
    await storage.setEncrypted('k', 'of a worker');
    return storage.getDecrypted('k');
  }, masterKey);
  expect(read).toBe('of a worker');
  expect(page.workers().length).toBe(1);
  await page.evaluate(() => show('ours', 1)); // the hook shares it
  await page.getByRole('button').click();
  await expect(page.getByRole('button')).toHaveText('Current theme: dark');
});

test('a hook that was there before the vault was unlocked, or through its deletion, goes on', async ({ page }) => {
  // A vault under another passphrase: what the hook finds in .env.local does not open it.
  await page.evaluate(() => open('another passphrase'));
  await page.reload();
  await page.evaluate(() => show('ours', 1));
  await expect.poll(() => complaints.length).toBeGreaterThan(0);
  expect(complaints.splice(0).join()).toContain('Failed to load encrypted value');
  await expect(page.getByRole('button')).toHaveText('Current theme: ');
  await page.evaluate(() => destroy());
  await page.evaluate((masterKey) => open(masterKey), masterKey); // what the application does when it has the right one
  await page.getByRole('button').click();
  await expect(page.getByRole('button')).toHaveText('Current theme: dark');
  await page.evaluate(() => destroy());
  await page.getByRole('button').click(); // it still shows the deleted value: nobody told it
  const stored = () =>
    page.evaluate(async (masterKey) => (await open(masterKey)).getDecrypted('user-preferences'), masterKey);
  await expect.poll(stored).toBe('{"theme":"dark"}');
  await page.reload();
  await page.evaluate(() => show('ours', 1));
  await expect(page.getByRole('button')).toHaveText('Current theme: dark');
});
