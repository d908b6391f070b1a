import type { Page } from '@playwright/test';
import { expect, test } from './app.ts';
import {
  type Answer,
  attempt,
  fill,
  inNewTab,
  lock,
  locked,
  type Options,
  openTab,
  prepare,
  secret,
} from './session-page.ts';

test.beforeEach(({ page }) => prepare(page));

test.skip(({ browserName }) => browserName !== 'chromium', 'no engine has a part in it');

/** Makes a tab deaf to the lock of others, but for the worker. */
const deafen = (page: Page) => page.evaluate(() => Object.assign(globalThis, { BroadcastChannel: undefined }));

/** Begins to open in a tab whose messages of a type are held back, until one is. */
async function beginHeld(page: Page, type: string, options: Options = {}): Promise<void> {
  await page.evaluate(
    ([type, secret, options]) => {
      globalThis.back = holdBack(type);
      globalThis.opening = globalThis.tryOpen(secret, options);
    },
    [type, secret, options] as const,
  );
  await page.waitForFunction(() => back.waits());
}

const letGo = (page: Page) =>
  page.evaluate(() => {
    back.go();
    return opening;
  });

test('a lock wins against a tab that has taken the keys and is opening', async ({ page, context, site }) => {
  await fill(page);
  const tab = await openTab(context, site.url);
  await deafen(tab);
  await beginHeld(tab, 'give');
  await lock(page);
  expect(await letGo(tab)).toEqual([0, 'ERR_LOCKED']);
  expect(await attempt(tab, '', { secret: undefined, session: undefined })).toEqual([0, 'ERR_NO_SECRET']);
  expect(await page.evaluate(() => held('db'))).toEqual([]);
  expect(await attempt(tab, secret)).toEqual([1, 'kept']);
});

test('a lock wins against a tab that is unlocking with the secret: it hands in nothing', async ({
  page,
  context,
  site,
}) => {
  await fill(page);
  const tab = await openTab(context, site.url);
  await deafen(tab);
  await beginHeld(tab, 'give', { secret });
  await lock(page);
  expect(await letGo(tab)).toEqual([0, 'kept']);
  expect(await page.evaluate(() => held('db'))).toEqual([]);
  expect(await attempt(tab, '', { secret: undefined })).toEqual([0, 'kept']); // nor later
  expect(await page.evaluate(() => held('db'))).toEqual([]);
  expect(await inNewTab(context, site.url)).toEqual([1, 'kept']);
});

test('a lock on a page wins against keys that are on their way to it', async ({ page, context, site }) => {
  await fill(page);
  const late = await openTab(context, site.url);
  await late.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret: keyOf(secret) });
    await storage.lock(); // this page knows of no session yet
    globalThis.opened = storage;
  }, secret);
  await expect.poll(() => locked(page)).toBe(true);
  await page.evaluate((secret) => opened.unlock(keyOf(secret)), secret);
  const result = await late.evaluate(async () => {
    const storage = opened;
    const deliver = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'onmessage') as PropertyDescriptor;
    let seen = 0;
    const locks = new Promise<void>((resolve) => {
      Object.defineProperty(MessagePort.prototype, 'onmessage', {
        ...deliver,
        set(listener: (event: MessageEvent<Answer>) => void) {
          deliver.set?.call(this, (event: MessageEvent<Answer>) => {
            if (event.data.keys.length > 0 && seen++ === 0) void storage.lock().then(resolve);
            listener(event);
          });
        },
      });
    });
    let unlockedMeanwhile = false;
    const ask = async () => {
      await locks;
      unlockedMeanwhile = !storage.locked;
      throw new Error('not given');
    };
    const opening = idbvault.createEncryptedStorage('db', 'store', { secret: ask, session: 'origin' });
    const outcome = await opening.then(
      () => 'opened',
      (error) => error.message,
    );
    return { outcome, unlockedMeanwhile, seen };
  });
  expect(result).toEqual({ outcome: 'not given', unlockedMeanwhile: false, seen: 1 });
});
