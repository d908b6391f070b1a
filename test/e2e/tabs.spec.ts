import type { Page } from '@playwright/test';
import { expect, openApp, test } from './app.ts';

const secret = 'correct horse battery';

async function secondTab(page: Page, url: string): Promise<Page> {
  const tab = await page.context().newPage();
  await openApp(tab, url);
  return tab;
}

test('two tabs that make one vault at the same moment end up with one keyring', async ({ page, site }) => {
  const tabs = [page, await secondTab(page, site.url), await secondTab(page, site.url)];
  for (let round = 0; round < 4; round++) {
    const write = (tab: Page, i: number) =>
      tab.evaluate(
        async ([secret, database, key]) => {
          const storage = await idbvault.createEncryptedStorage(database, 'store', { secret });
          await storage.setEncrypted(key, `written by ${key}`, 'phi');
        },
        [secret, `db${round}`, `tab ${i}`] as const,
      );
    await Promise.all(tabs.map(write));
    for (const tab of tabs) {
      const read = await tab.evaluate(async (database) => {
        const storage = await idbvault.createEncryptedStorage(database, 'store');
        return [
          await storage.getManyDecrypted(['tab 0', 'tab 1', 'tab 2']),
          (await raw.entries(database, 'keyring')).length,
        ];
      }, `db${round}`);
      expect(read).toEqual([['written by tab 0', 'written by tab 1', 'written by tab 2'], 1]);
    }
  }
});

test('a browser without Web Locks ends up with one keyring, too', async ({ page, site }) => {
  const tabs = [page, await secondTab(page, site.url)];
  const open = (tab: Page, i: number) =>
    tab.evaluate(
      async ([secret, key]) => {
        Object.defineProperty(navigator, 'locks', { value: undefined });
        const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
        await storage.setEncrypted(key, key, 'phi');
      },
      [secret, `tab ${i}`] as const,
    );
  await Promise.all(tabs.map(open));
  const read = await page.evaluate(async () => {
    const storage = await idbvault.createEncryptedStorage('db', 'store');
    return storage.getManyDecrypted(['tab 0', 'tab 1']);
  });
  expect(read).toEqual(['tab 0', 'tab 1']);
});

test('a second store opens while another tab holds the first, and writes reach the other tab', async ({
  page,
  site,
}) => {
  await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'first', { secret });
    await storage.setEncrypted('a', 'a');
    const seen: string[] = [];
    storage.subscribe(null, (e) => seen.push(`${e.type} ${e.key} ${e.remote}`));
    Object.assign(globalThis, { seen, storage });
  }, secret);
  const other = await secondTab(page, site.url);
  await other.evaluate(async (secret) => {
    const second = await idbvault.createEncryptedStorage('db', 'second', { secret });
    await second.setEncrypted('b', 'b');
    const first = await idbvault.createEncryptedStorage('db', 'first');
    await first.setManyEncrypted([
      { key: 'a', value: 'from the other tab' },
      { key: 'large', value: new Uint8Array(100_000) },
    ]);
    await first.delete('gone');
    await first.clear();
    await first.setEncrypted('large', new Uint8Array(100_000));
  }, secret);
  const seen = ['set a true', 'set large true', 'delete gone true', 'clear null true', 'set large true'];
  await expect.poll(() => page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen)).toEqual(seen);
  // This tab has never seen the large value that the other one wrote, and must delete it none the less.
  const left = await page.evaluate(async () => {
    const { storage } = globalThis as unknown as { storage: import('../../web/src/index.ts').EncryptedStorage };
    await storage.setEncrypted('large', 'small now');
    return [await storage.getDecrypted('large'), (await raw.entries('db', 'chunks')).length];
  });
  expect(left).toEqual(['small now', 0]);
});

test('update loses no write of two tabs', async ({ page, site }) => {
  const tabs = [page, await secondTab(page, site.url)];
  await Promise.all(
    tabs.map((tab) =>
      tab.evaluate(async (secret) => {
        const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
        for (let i = 0; i < 25; i++) await storage.update('n', (n) => String(Number(n) + 1));
      }, secret),
    ),
  );
  expect(
    await page.evaluate(async () => (await idbvault.createEncryptedStorage('db', 'store')).getDecrypted('n')),
  ).toBe('50');
});

test('destroyVault in one tab closes the vault in the other', async ({ page, site }) => {
  await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('a', 'a');
    Object.assign(globalThis, { storage });
  }, secret);
  const other = await secondTab(page, site.url);
  await other.evaluate(() => idbvault.destroyVault('db'));
  const codes = await page.evaluate(async () => {
    const { storage } = globalThis as unknown as { storage: import('../../web/src/index.ts').EncryptedStorage };
    return [
      await codeOf(() => storage.getDecrypted('a')),
      await codeOf(() => storage.setEncrypted('a', 'a')),
      await codeOf(() => idbvault.createEncryptedStorage('db', 'store')),
      (await indexedDB.databases()).length,
    ];
  });
  expect(codes).toEqual(['ERR_CLOSED', 'ERR_CLOSED', 'ERR_NO_SECRET', 0]);
});

test('a connection that will not close is ERR_BLOCKED', async ({ page, site }) => {
  const other = await secondTab(page, site.url);
  await page.evaluate((secret) => idbvault.createEncryptedStorage('db', 'store', { secret }).then(() => {}), secret);
  await other.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const request = indexedDB.open('db');
        Object.assign(globalThis, { request }); // kept, and without a versionchange handler
        request.onsuccess = () => resolve();
      }),
  );
  await page.evaluate(() => {
    const { setTimeout } = globalThis;
    globalThis.setTimeout = ((f: () => void, ms: number) => setTimeout(f, ms / 10)) as typeof setTimeout; // it waits for 10 s
  });
  expect(await page.evaluate(() => codeOf(() => idbvault.destroyVault('db')))).toBe('ERR_BLOCKED');
  // What comes behind a deletion that waits hears of nothing, and must not wait for ever.
  const open = () => codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret: 'correct horse battery' }));
  expect(await page.evaluate(open)).toBe('ERR_BLOCKED');
  await other.close();
  expect(await page.evaluate(open)).toBe('no error');
});

test('a vault that another tab replaced while this one was opening it opens with its own secret', async ({
  page,
  site,
}) => {
  const other = await secondTab(page, site.url);
  await page.evaluate((secret) => idbvault.createEncryptedStorage('db', 'store', { secret }).then(() => {}), secret);
  await openApp(page, site.url);
  const first = page.evaluate(
    (secret) => codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret, expectVault: true })),
    secret,
  );
  await other.evaluate(async () => {
    await idbvault.destroyVault('db');
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret: 'another passphrase' });
    await storage.setEncrypted('k', 'of the new vault');
  });
  expect(['no error', 'ERR_CLOSED', 'ERR_WRONG_SECRET', 'ERR_EVICTED']).toContain(await first);
  const read = await page.evaluate(async () => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret: () => 'another passphrase' });
    return storage.getDecrypted('k');
  });
  expect(read).toBe('of the new vault');
});

test('a tab that reads without end keeps no other tab from writing', async ({ page, site }) => {
  await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('a', 'before');
    const reads = { going: true, last: '' as string | null };
    Object.assign(globalThis, { reads });
    void (async () => {
      while (reads.going) reads.last = await storage.getDecrypted('a');
    })();
  }, secret);
  const other = await secondTab(page, site.url);
  await other.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    for (let i = 0; i < 20; i++) await storage.setEncrypted('a', `after ${i}`);
  }, secret);
  const last = await page.evaluate(async () => {
    const { reads } = globalThis as unknown as { reads: { going: boolean; last: string } };
    await new Promise((resolve) => setTimeout(resolve, 100));
    reads.going = false;
    return reads.last;
  });
  expect(last).toBe('after 19');
});
