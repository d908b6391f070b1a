import type { Page } from '@playwright/test';
import type { EncryptedStorage, ObjectURL, StorageOptions } from '../../web/src/index.ts';
import { expect, openApp, test } from './app.ts';

// A page whose policy allows no fetch of data URLs, as CSP of app.ts: what stands in them is decoded all the same.

declare global {
  // What a test opened in an earlier evaluate.
  var pictures: { storage: EncryptedStorage; urls: (ObjectURL | null)[] };
  // A PNG of 3 × 2 pixels of one colour.
  var png: () => Promise<Blob>;
  var dataURL: (blob: Blob) => Promise<string>;
  // How many pixels wide the image at a URL is, or 'gone'.
  var look: (url: string | undefined) => Promise<number | 'gone'>;
}

// An image that is not there any more is an error to the console.
test.use({ watched: false });

test.beforeEach(({ page }) => prepare(page));

async function prepare(page: Page): Promise<void> {
  await page.evaluate(() => {
    globalThis.png = () => {
      const canvas = new OffscreenCanvas(3, 2);
      const drawing = canvas.getContext('2d');
      if (!drawing) throw new Error('no canvas');
      drawing.fillStyle = 'rgb(200, 100, 50)';
      drawing.fillRect(0, 0, 3, 2);
      return canvas.convertToBlob({ type: 'image/png' });
    };
    globalThis.dataURL = (blob) =>
      new Promise((resolve) => {
        const reader = new FileReader();
        reader.onloadend = () => resolve(reader.result as string);
        reader.readAsDataURL(blob);
      });
    globalThis.look = async (url = '') => {
      const image = new Image();
      image.src = `${url}#${Math.random()}`; // Firefox shows one of the same URL again, from its memory
      return image.decode().then(
        () => image.naturalWidth,
        () => 'gone' as const,
      );
    };
  });
}

const open = (page: Page, options: StorageOptions = {}) =>
  page.evaluate(async (options) => {
    const secret = 'correct horse battery';
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, ...options });
    await storage.setEncrypted('blob', await png(), 'phi');
    globalThis.pictures = { storage, urls: [] };
  }, options);

test('an image is decoded from a Blob, bytes or a data URL, and no object URL is made for it', async ({ page }) => {
  await open(page);
  const seen = await page.evaluate(async () => {
    const { storage } = pictures;
    const image = await png();
    await storage.setEncrypted('bytes', await image.arrayBuffer(), 'phi');
    await storage.setEncrypted('text', await dataURL(image), 'phi');
    let made = 0;
    URL.createObjectURL = () => `${made++}`;
    const pixel = async (key: string) => {
      const bitmap = await storage.getImageBitmap(key);
      const drawing = new OffscreenCanvas(3, 2).getContext('2d');
      if (!bitmap || !drawing) return 'nothing';
      drawing.drawImage(bitmap, 0, 0);
      return [bitmap.width, bitmap.height, ...drawing.getImageData(1, 1, 1, 1).data];
    };
    const wide = await storage.getImageBitmap('text', { resizeWidth: 30, resizeHeight: 4 });
    return {
      pixels: [await pixel('blob'), await pixel('bytes'), await pixel('text')],
      wide: wide?.width,
      absent: await storage.getImageBitmap('absent'),
      made,
    };
  });
  const colour = [3, 2, 200, 100, 50, 255];
  expect(seen).toEqual({ pixels: [colour, colour, colour], wide: 30, absent: null, made: 0 });
});

test('what is no image, or cut off, is ERR_INVALID and stays as it is', async ({ page }) => {
  await open(page);
  const codes = await page.evaluate(async () => {
    const { storage } = pictures;
    const url = await dataURL(await png());
    const values = {
      text: 'no image',
      bytes: new Uint8Array(100),
      cut: (await (await png()).arrayBuffer()).slice(0, 20),
      damaged: `${url.slice(0, -9)}!${url.slice(-8)}`,
      empty: 'data:image/png;base64,',
    };
    const seen: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(values)) {
      await storage.setEncrypted(key, value);
      seen[key] = await codeOf(() => storage.getImageBitmap(key));
      if (typeof value === 'string' && (await storage.getDecrypted(key)) !== value) seen[key] = 'changed';
    }
    return {
      ...seen,
      options: await codeOf(() => storage.getImageBitmap('blob', { resizeWidth: 0 })),
      key: await codeOf(() => storage.getImageBitmap('')),
      url: await codeOf(() => storage.getObjectURL('damaged')),
      urlKey: await codeOf(() => storage.getObjectURL('')),
    };
  });
  expect(new Set(Object.values(codes))).toEqual(new Set(['ERR_INVALID']));
});

test('an image that has expired is null', async ({ page }) => {
  await open(page, { policy: { internal: { maxTtlMs: 1000 } } });
  const seen = await page.evaluate(async () => {
    const { storage } = pictures;
    await storage.setEncrypted('short', await png(), 'internal');
    while (await storage.exists('short')) await new Promise((resolve) => setTimeout(resolve, 100));
    return [await storage.getImageBitmap('short'), await storage.getObjectURL('short')];
  });
  expect(seen).toEqual([null, null]);
});

/** Makes two object URLs and looks at them. */
const makeURLs = (page: Page) =>
  page.evaluate(async () => {
    const { storage } = pictures;
    await storage.setEncrypted('text', await dataURL(await png()), 'phi');
    pictures.urls = [await storage.getObjectURL('blob'), await storage.getObjectURL('text')];
    return Promise.all(pictures.urls.map((made) => look(made?.url)));
  });

const lookAgain = (page: Page) => page.evaluate(() => Promise.all(pictures.urls.map((made) => look(made?.url))));

test('an object URL shows an image until it is revoked, once or twice', async ({ page }) => {
  await open(page);
  expect(await makeURLs(page)).toEqual([3, 3]);
  await page.evaluate(() => {
    pictures.urls[0]?.revoke();
    pictures.urls[0]?.revoke();
  });
  expect(await lookAgain(page)).toEqual(['gone', 3]);
  expect(await page.evaluate(() => pictures.storage.getObjectURL('absent'))).toBe(null);
});

test('closing a storage revokes its object URLs, and no other storage’s', async ({ page }) => {
  await open(page);
  await makeURLs(page);
  const seen = await page.evaluate(async () => {
    const { storage, urls } = pictures;
    const another = await idbvault.createEncryptedStorage('db', 'store');
    urls.push(await another.getObjectURL('blob'));
    const late = codeOf(() => storage.getObjectURL('blob'));
    storage.close();
    storage.close();
    return [await late, await codeOf(() => storage.getObjectURL('blob'))];
  });
  expect(seen).toEqual(['ERR_CLOSED', 'ERR_CLOSED']);
  expect(await lookAgain(page)).toEqual(['gone', 'gone', 3]);
});

for (const runIn of ['main', 'worker'] as const)
  test(`a lock revokes the object URLs of the vault on this page, which runs in: ${runIn}`, async ({ page }) => {
    await open(page, { runIn });
    await makeURLs(page);
    const late = await page.evaluate(async () => {
      const { storage } = pictures;
      const another = await idbvault.createEncryptedStorage('db', 'another');
      const late = codeOf(() => storage.getObjectURL('blob'));
      await another.lock();
      return late;
    });
    expect(['ERR_LOCKED', 'ERR_CRASHED']).toContain(late);
    expect(await lookAgain(page)).toEqual(['gone', 'gone']);
  });

test('a lock in another tab revokes the object URLs of this one', async ({ page, site }) => {
  await open(page);
  await makeURLs(page);
  const other = await page.context().newPage();
  await openApp(other, site.url);
  await prepare(other);
  await open(other);
  await other.evaluate(() => pictures.storage.lock());
  await expect.poll(() => lookAgain(page)).toEqual(['gone', 'gone']);
});

test('a lock, or a close, between the read and the URL leaves no URL behind', async ({ page }) => {
  await open(page);
  const seen = await page.evaluate(async () => {
    const { storage } = pictures;
    await (await storage.getObjectURL('blob'))?.revoke();
    let made = 0;
    URL.createObjectURL = () => `blob:${made++}`;
    // A data URL is made a Blob after it was read: a way into the midst of the call.
    await storage.setEncrypted('text', await dataURL(await png()), 'phi');
    const { decode } = TextDecoder.prototype;
    const during = async (act: () => unknown) => {
      TextDecoder.prototype.decode = function (...all: Parameters<typeof decode>) {
        TextDecoder.prototype.decode = decode;
        act();
        return decode.apply(this, all);
      };
      return codeOf(() => storage.getObjectURL('text'));
    };
    const codes = [await during(() => storage.lock())];
    await storage.unlock('correct horse battery');
    codes.push(await during(() => storage.close()));
    return { codes, made };
  });
  expect(seen).toEqual({ codes: ['ERR_LOCKED', 'ERR_CLOSED'], made: 0 });
});
