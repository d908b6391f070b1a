import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, openApp, serveSite, test } from './app.ts';
import { attempt, fill, inNewTab, type Keys, lock, locked, openTab, prepare, secret } from './session-page.ts';

test.beforeEach(({ page }) => prepare(page));

test('a second tab is not asked, and without the option it is', async ({ page, context, site }) => {
  await fill(page);
  expect(await inNewTab(context, site.url)).toEqual([0, 'kept']);
  expect(await inNewTab(context, site.url, { secret: undefined })).toEqual([0, 'kept']);
  expect(await inNewTab(context, site.url, { session: 'page' })).toEqual([1, 'kept']);
  expect(await inNewTab(context, site.url, { session: undefined })).toEqual([1, 'kept']);
  expect(await inNewTab(context, site.url, { session: 'page', secret: undefined })).toEqual([0, 'ERR_NO_SECRET']);
  // A tab that had it from the session hands on nothing that it lacks.
  const second = await openTab(context, site.url);
  expect(await attempt(second, secret)).toEqual([0, 'kept']);
  await second.evaluate(() => opened.setEncrypted('a', 'of the second', 'phi'));
  await page.close();
  expect(await inNewTab(context, site.url)).toEqual([0, 'of the second']);
});

test('a lone tab that is reloaded is asked only where shared workers do not outlive it', async ({
  page,
  site,
  browserName,
}) => {
  await fill(page);
  await openApp(page, site.url);
  await prepare(page);
  expect(await attempt(page, secret)).toEqual([browserName === 'chromium' ? 0 : 1, 'kept']);
});

test('a lock in one tab ends it in all, and the next unlock begins it anew', async ({ page, context, site }) => {
  await fill(page);
  const second = await openTab(context, site.url);
  expect(await attempt(second, secret)).toEqual([0, 'kept']);
  await lock(page);
  await expect.poll(() => locked(second)).toBe(true);
  expect(await page.evaluate(() => held('db'))).toEqual([]);
  const third = await openTab(context, site.url);
  expect(await attempt(third, 'wrong horse battery')).toEqual([1, 'ERR_WRONG_SECRET']);
  expect(await attempt(third, secret)).toEqual([1, 'kept']);
  expect(await attempt(second, secret)).toEqual([0, 'kept']);

  await lock(second); // which had its keys from the session
  await expect.poll(() => locked(third)).toBe(true);
  expect(await page.evaluate(() => held('db'))).toEqual([]);
  await page.evaluate((secret) => opened.unlock(keyOf(secret)), secret);
  expect(await inNewTab(context, site.url)).toEqual([0, 'kept']);
});

test('a vault that is deleted ends it, and its keys open no other', async ({ page, context, site }) => {
  await fill(page);
  const other = await openTab(context, site.url);
  expect(await attempt(other, secret)).toEqual([0, 'kept']);
  await other.evaluate(() => idbvault.destroyVault('db'));
  expect(await page.evaluate(() => held('db'))).toEqual([]);
  expect(await attempt(other, 'another passphrase')).toEqual([1, null]);
  await other.evaluate(() => opened.setEncrypted('a', 'new'));
  expect(await attempt(page, 'no secret at all')).toEqual([0, 'new']);

  // Where no tab that knows of the session saw the vault being replaced, it holds keys of one that is gone.
  const watcher = await openTab(context, site.url);
  await watcher.evaluate(() => held('db')); // keeps the worker alive
  await page.close();
  await other.close();
  await watcher.evaluate(async () => {
    await idbvault.destroyVault('db');
    const storage = await idbvault.createEncryptedStorage('db', 'store', {
      secret: keyOf('the third passphrase'),
      iterations: 250_000,
    });
    await storage.setEncrypted('a', 'newest');
  });
  expect(await watcher.evaluate(async () => (await held('db')).length)).toBeGreaterThan(0);
  const tab = await openTab(context, site.url);
  expect(await attempt(tab, '', { secret: undefined })).toEqual([0, 'ERR_NO_SECRET']);
  expect(await inNewTab(context, site.url)).toEqual([1, 'ERR_WRONG_SECRET']);
  expect(await attempt(tab, 'the third passphrase')).toEqual([1, 'newest']);
  const next = await openTab(context, site.url);
  expect(await attempt(next, 'no secret at all')).toEqual([0, 'newest']);
});

test('what the worker holds can neither be exported nor unwrap; object keys alone derive', async ({
  page,
  context,
  site,
}) => {
  await fill(page);
  const tab = await openTab(context, site.url);
  const kept = await tab.evaluate(async () => {
    const wrapping = await crypto.subtle.generateKey({ name: 'AES-KW', length: 256 }, false, ['wrapKey']);
    return Promise.all(
      (await held('db')).map(async ({ group, name, key }) => ({
        group,
        name,
        is: `${key instanceof CryptoKey} ${key.algorithm.name} ${key.extractable} ${[...key.usages].sort()}`,
        out: [
          await crypto.subtle.exportKey('raw', key).then(() => 'out', String),
          await crypto.subtle.wrapKey('raw', key, wrapping, 'AES-KW').then(() => 'out', String),
        ].includes('out'),
      })),
    );
  });
  expect(kept.map(({ is }) => is).sort()).toEqual([
    ...Array(6).fill('true AES-GCM false decrypt,encrypt'),
    ...Array(5).fill('true HKDF false deriveKey'),
    ...Array(2).fill('true HMAC false sign,verify'),
  ]);
  expect(kept.some(({ group, out }) => out || group !== 'db')).toBe(false);
});

test('nothing of it is stored', async ({ page, context, site }) => {
  await fill(page);
  const tab = await openTab(context, site.url);
  expect(await attempt(tab, secret)).toEqual([0, 'kept']);
  const stored = await tab.evaluate(async () => {
    const types: string[] = [];
    for (const table of ['keyring', 'records', 'chunks', 'journal', 'audit'])
      for (const entry of await raw.entries('db', table))
        for (const part of entry) types.push(`${table} ${part.constructor.name}`);
    return {
      types: [...new Set(types)],
      databases: (await indexedDB.databases()).map(({ name }) => name),
      caches: await caches.keys(),
      local: localStorage.length + sessionStorage.length,
      cookies: document.cookie,
      workers: (await navigator.serviceWorker.getRegistrations()).length,
    };
  });
  expect(stored).toEqual({
    types: ['keyring ArrayBuffer', 'records ArrayBuffer', 'journal ArrayBuffer', 'audit ArrayBuffer'],
    databases: ['db'],
    caches: [],
    local: 0,
    cookies: '',
    workers: 0,
  });
});

test('a page that is left with onPageHide ends it, and leaves other tabs open', async ({ page, context, site }) => {
  await fill(page);
  const left = await openTab(context, site.url);
  expect(await attempt(left, secret, { autoLock: { onPageHide: true } })).toEqual([0, 'kept']);
  await left.goto('about:blank');
  await expect.poll(() => page.evaluate(() => held('db'))).toEqual([]);
  expect(await locked(page)).toBe(false);
  // What stayed open does not let the one that was left in again.
  expect(await attempt(page, secret)).toEqual([0, 'kept']);
  await openApp(left, site.url);
  await prepare(left);
  expect(await attempt(left, secret)).toEqual([1, 'kept']);

  const lone = await openTab(context, site.url);
  expect(await attempt(lone, secret, { autoLock: { onPageHide: true } })).toEqual([0, 'kept']);
  await page.close();
  await left.close();
  await openApp(lone, site.url);
  await prepare(lone);
  expect(await attempt(lone, secret)).toEqual([1, 'kept']);
});

test.describe(() => {
  test.skip(({ browserName }) => browserName !== 'chromium', 'no engine has a part in it');

  test('a secret that is given is checked', async ({ page, context, site }) => {
    await fill(page);
    const tab = await openTab(context, site.url);
    expect(await attempt(tab, '', { secret: 'wrong horse battery' })).toEqual([0, 'ERR_WRONG_SECRET']);
    expect(await attempt(tab, '', { secret: undefined, session: undefined })).toEqual([0, 'ERR_NO_SECRET']); // still locked
    expect(await attempt(tab, '', { secret })).toEqual([0, 'kept']);
    expect(await inNewTab(context, site.url)).toEqual([0, 'kept']);
  });

  test('a change of secret leaves it', async ({ page, context, site }) => {
    await fill(page);
    await page.evaluate(async (secret) => {
      const { VaultKeys } = (await import(`${location.origin}/some/folder/keys.js`)) as Keys;
      await new VaultKeys('db').changeSecret(keyOf(secret), keyOf('another passphrase'));
    }, secret);
    const tab = await openTab(context, site.url);
    expect(await attempt(tab, '')).toEqual([0, 'kept']);
    expect(await attempt(tab, '', { secret })).toEqual([0, 'ERR_WRONG_SECRET']);
  });

  test('stale keys are found and replaced by fresh ones', async ({ page, context, site }) => {
    await fill(page);
    const watcher = await openTab(context, site.url);
    await watcher.evaluate(() => held('db'));
    await page.close();
    await watcher.evaluate(async () => {
      await idbvault.destroyVault('db');
      const secret = keyOf('another passphrase');
      const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, iterations: 250_000 });
      await storage.setEncrypted('a', 'new');
    });
    // All in one call: the keys that were taken are refused by the vault, and the secret is asked after all.
    const tab = await openTab(context, site.url);
    expect(await attempt(tab, 'another passphrase')).toEqual([1, 'new']);
    const next = await openTab(context, site.url);
    expect(await attempt(next, 'no secret at all')).toEqual([0, 'new']);
  });

  test('two databases are kept apart', async ({ page, context, site }) => {
    await fill(page, {}, 'db', 'first');
    await fill(page, {}, 'db2', 'second');
    const tab = await openTab(context, site.url);
    expect(await attempt(tab, secret, {}, 'db2')).toEqual([0, 'second']);
    expect(await attempt(tab, secret, {}, 'db')).toEqual([0, 'first']);
    await lock(tab); // db
    expect(await inNewTab(context, site.url, {}, 'db2')).toEqual([0, 'second']);
    expect(await inNewTab(context, site.url, {}, 'db')).toEqual([1, 'first']);
    expect(await inNewTab(context, site.url, {}, 'db3')).toEqual([1, null]);
  });

  test('the vault that no one uses is locked in all tabs, and the next one is asked', async ({
    page,
    context,
    site,
  }) => {
    await context.clock.install();
    const idle = await openTab(context, site.url);
    await fill(idle, { autoLock: { idleMs: 600_000 } });
    const second = await openTab(context, site.url);
    expect(await attempt(second, secret)).toEqual([0, 'kept']);
    await context.clock.fastForward(610_000);
    await expect.poll(() => locked(idle)).toBe(true);
    await expect.poll(() => locked(second)).toBe(true);
    expect(await page.evaluate(() => held('db'))).toEqual([]);
    expect(await inNewTab(context, site.url)).toEqual([1, 'kept']);
  });

  test('what the option cannot be is ERR_INVALID', async ({ page }) => {
    const codes = [];
    for (const session of ['tab', '', null, true, {}])
      codes.push((await attempt(page, secret, { session } as never))[1]);
    expect(codes).toEqual(Array(5).fill('ERR_INVALID'));
    expect(await page.evaluate(async () => (await indexedDB.databases()).length)).toBe(0);
  });

  test('without SharedWorker it has no effect', async ({ page, context, site }) => {
    await fill(page);
    const tab = await openTab(context, site.url);
    await tab.evaluate(() => Object.assign(globalThis, { SharedWorker: undefined }));
    expect(await attempt(tab, secret)).toEqual([1, 'kept']);
    await tab.evaluate(() => opened.lock());
    expect(await attempt(tab, secret)).toEqual([1, 'kept']);
  });

  test('a worker that does not answer is waited for and done without', async ({ page, context, site }) => {
    await fill(page);
    const tab = await openTab(context, site.url);
    await tab.evaluate(() => {
      MessagePort.prototype.postMessage = () => {};
    });
    expect(await attempt(tab, secret)).toEqual([1, 'kept']);
  });

  test.describe(() => {
    test.use({ watched: false });
    test('a worker that is not there is told of on the console and done without', async ({ context }) => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'idbvault-session-'));
      fs.cpSync('web/dist', folder, { recursive: true });
      fs.rmSync(path.join(folder, 'session-worker.js'));
      const site = await serveSite({ '/some/folder/': folder });
      const page = await openTab(context, site.url);
      const errors: string[] = [];
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      expect(await attempt(page, secret)).toEqual([1, null]);
      expect(errors.join()).toContain('session-worker.js was not loaded');
      await lock(page);
      expect(await attempt(page, secret)).toEqual([1, null]);
      await site.close();
      fs.rmSync(folder, { recursive: true });
    });
  });
});
