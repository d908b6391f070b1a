import type { BrowserContext, Page } from '@playwright/test';
import { expect, openApp, test } from './app.ts';

const secret = 'correct horse battery';

type Storage = Awaited<ReturnType<typeof import('../../web/src/index.ts').createEncryptedStorage>>;
type AutoLock = import('../../web/src/index.ts').AutoLock;

declare global {
  var guarded: Storage;
  // Messages of use that a tab heard.
  var uses: number;
}

/** Opens a tab, with a vault that locks by itself. The test moves the clock of all tabs. */
async function guard(context: BrowserContext, url: string, autoLock: AutoLock): Promise<Page> {
  const page = await context.newPage();
  await openApp(page, url);
  await page.evaluate(
    async ([secret, autoLock]) => {
      globalThis.guarded = await idbvault.createEncryptedStorage('db', 'store', { secret, autoLock });
      await guarded.setEncrypted('a', 'kept');
    },
    [secret, autoLock] as const,
  );
  return page;
}

test.beforeEach(({ context }) => context.clock.install()); // once: it would set the time back

const locked = (page: Page) => page.evaluate(() => guarded.locked);

/** Makes a tab be hidden, or visible, as far as it can tell. */
const hide = (page: Page, hidden: boolean) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);

test('a vault that no one uses is locked, and once it is unlocked again, again', async ({ context, site }) => {
  const page = await guard(context, site.url, { idleMs: 600_000 });
  for (const use of [() => page.keyboard.press('a'), () => page.mouse.move(5, 5), () => page.mouse.down()]) {
    await context.clock.fastForward(500_000);
    expect(await locked(page)).toBe(false);
    await use();
  }
  for (let round = 0; round < 2; round++) {
    await context.clock.fastForward(500_000);
    expect(await locked(page)).toBe(false);
    await context.clock.fastForward(110_000);
    expect(await locked(page)).toBe(true);
    expect(await page.evaluate(() => codeOf(() => guarded.getDecrypted('a')))).toBe('ERR_LOCKED');
    await page.evaluate((secret) => guarded.unlock(secret), secret);
    await page.keyboard.press('a');
  }
});

test('a computer that wakes locks before it takes a key', async ({ context, site }) => {
  const page = await guard(context, site.url, { idleMs: 600_000 });
  const result = await page.evaluate(() => {
    const { now } = Date;
    Date.now = () => now() + 3_600_000; // no timer has run
    const before = guarded.locked;
    dispatchEvent(new KeyboardEvent('keydown', { key: 'a' }));
    return [before, guarded.locked];
  });
  expect(result).toEqual([false, true]);
});

test('the use of one tab keeps the vault open in the other, and the lock of one reaches the other', async ({
  context,
  site,
}) => {
  const [idle, used] = [
    await guard(context, site.url, { idleMs: 600_000 }),
    await guard(context, site.url, { idleMs: 600_000 }),
  ];
  await idle.evaluate(() => {
    globalThis.uses = 0;
    new BroadcastChannel('idbvault use db').onmessage = ({ data }) => {
      if (data === 'used') globalThis.uses++;
    };
  });
  for (let round = 0; round < 3; round++) {
    await context.clock.fastForward(400_000); // in both
    await used.keyboard.press('a');
    await expect.poll(() => idle.evaluate(() => globalThis.uses)).toBe(round + 1);
    expect([await locked(idle), await locked(used)]).toEqual([false, false]);
  }
  await context.clock.fastForward(610_000);
  await expect.poll(() => locked(idle)).toBe(true);
  await expect.poll(() => locked(used)).toBe(true);
});

test('a vault that no tab shows is locked, and one that some tab shows is not', async ({ context, site }) => {
  const page = await guard(context, site.url, { hiddenMs: 200_000 });
  await context.clock.fastForward(1_000_000);
  expect(await locked(page)).toBe(false);
  await hide(page, true);
  await context.clock.fastForward(150_000);
  expect(await locked(page)).toBe(false);
  await hide(page, false);
  await hide(page, true);
  await context.clock.fastForward(150_000);
  expect(await locked(page)).toBe(false);
  const other = await guard(context, site.url, { hiddenMs: 200_000 });
  await page.evaluate(() => {
    globalThis.uses = 0;
    new BroadcastChannel('idbvault use db').onmessage = () => globalThis.uses++;
  });
  await context.clock.fastForward(110_000); // it says that it is visible
  await expect.poll(() => page.evaluate(() => globalThis.uses)).toBeGreaterThan(0);
  await context.clock.fastForward(150_000);
  expect(await locked(page)).toBe(false);
  await hide(other, true);
  await context.clock.fastForward(210_000);
  expect(await locked(page)).toBe(true);
  await expect.poll(() => locked(other)).toBe(true);
});

test('a page that is left is locked, and no other', async ({ context, site }) => {
  const [left, other] = [
    await guard(context, site.url, { onPageHide: true }),
    await guard(context, site.url, { idleMs: 600_000 }),
  ];
  await left.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
  expect(await locked(left)).toBe(true);
  await other.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)));
  expect(await locked(other)).toBe(false);
});

test('what is said later counts, and what cannot be is ERR_INVALID', async ({ context, site }) => {
  const page = await guard(context, site.url, { idleMs: 600_000 });
  const codes = await page.evaluate(async (secret) => {
    const open = (autoLock: unknown) =>
      codeOf(() => idbvault.createEncryptedStorage('db2', 'store', { secret, autoLock } as never));
    const codes = [
      await open({ idleMs: 999 }),
      await open({ hiddenMs: 2 ** 31 }),
      await open({ idleMs: '60000' }),
      await open({ hiddenMs: Number.NaN }),
      await open({ onPageHide: 'yes' }),
      await open(60_000),
    ];
    await idbvault.createEncryptedStorage('db', 'another', { secret });
    return [...codes, (await indexedDB.databases()).length];
  }, secret);
  expect(codes).toEqual([...Array(6).fill('ERR_INVALID'), 1]);
  await context.clock.fastForward(500_000);
  expect(await locked(page)).toBe(false); // a storage that says nothing leaves it
  await page.evaluate(
    (secret) =>
      idbvault.createEncryptedStorage('db', 'store', { secret, autoLock: { idleMs: 6_000_000 } }).then(() => {}),
    secret,
  );
  await context.clock.fastForward(5_000_000);
  expect(await locked(page)).toBe(false);
  await context.clock.fastForward(1_100_000);
  expect(await locked(page)).toBe(true);
});
