import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { BrowserContext, Page } from '@playwright/test';
import { expect, openApp, serveSite, test } from './app.ts';

const secret = 'correct horse battery';

type Package = typeof import('../../web/src/index.ts');
type Options = Parameters<Package['createEncryptedStorage']>[2];
type Keys = typeof import('../../web/src/keys.ts');
type Answer = import('../../web/src/session-worker.ts').SessionAnswer;

declare global {
  var opened: Awaited<ReturnType<Package['createEncryptedStorage']>>;
  // Opens 'store' with a secret that is asked for; returns how often it was, and the error's code or what 'a' holds.
  var tryOpen: (secret: string, options?: Options, database?: string) => Promise<[number, string | null]>;
  // What the session's worker holds, as any page of the origin can ask for it.
  var held: (database: string) => Promise<Answer['keys']>;
  // Holds messages of a type to the worker back, from now on; what it returns lets them go.
  var holdBack: (type: string) => { waits: () => boolean; go: () => void };
  var back: ReturnType<typeof holdBack>;
  var opening: Promise<[number, string | null]>;
}

/** Makes the page's functions above. */
async function prepare(page: Page): Promise<Page> {
  await page.evaluate(() => {
    globalThis.tryOpen = async (secret, options = {}, database = 'db') => {
      let asked = 0;
      const ask = () => {
        asked++;
        return secret;
      };
      try {
        const all = { secret: ask, session: 'origin', ...options } as Options;
        globalThis.opened = await idbvault.createEncryptedStorage(database, 'store', all);
        return [asked, await opened.getDecrypted('a')];
      } catch (error) {
        return [asked, (error as { code: string }).code ?? String(error)];
      }
    };
    globalThis.held = async (database) => {
      const { trustedTypes } = globalThis as unknown as {
        trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } };
      };
      const url = `${location.origin}/some/folder/session-worker.js?no-inline`;
      const trusted = trustedTypes?.createPolicy('test', { createScriptURL: (own: string) => own });
      const options = { name: 'idbvault session 1', type: 'module', extendedLifetime: true } as const;
      const { port } = new SharedWorker(trusted?.createScriptURL(url) ?? url, options);
      return new Promise((resolve) => {
        port.onmessage = ({ data }: MessageEvent<Answer>) => resolve(data.keys);
        port.postMessage({ database, type: 'take' });
      });
    };
    globalThis.holdBack = (type) => {
      const post = MessagePort.prototype.postMessage as (message: unknown) => void;
      const waiting: (() => void)[] = [];
      MessagePort.prototype.postMessage = function (this: MessagePort, message: { type?: string }) {
        const send = () => post.call(this, message);
        if (message.type === type || waiting.length > 0) waiting.push(send);
        else send();
      };
      return {
        waits: () => waiting.length > 0,
        go: () => {
          MessagePort.prototype.postMessage = post;
          for (const send of waiting.splice(0)) send();
        },
      };
    };
  });
  return page;
}

async function openTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await openApp(page, url);
  return prepare(page);
}

const attempt = (page: Page, given: string, options: Options = {}, database = 'db') =>
  page.evaluate(([given, options, database]) => globalThis.tryOpen(given, options, database), [
    given,
    options,
    database,
  ] as const);

/** Opens the vault and stores a record. */
async function fill(page: Page, options: Options = {}, database = 'db', value = 'kept'): Promise<void> {
  expect(await attempt(page, secret, options, database)).toEqual([1, null]);
  await page.evaluate((value) => opened.setEncrypted('a', value, 'phi'), value);
}

const locked = (page: Page) => page.evaluate(() => opened.locked);
const lock = (page: Page) => page.evaluate(() => opened.lock());

/** Opens a tab, tries there, and closes it. */
async function inNewTab(context: BrowserContext, url: string, options: Options = {}, database = 'db') {
  const tab = await openTab(context, url);
  const result = await attempt(tab, secret, options, database);
  await tab.close();
  return result;
}

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

test('a secret that is given is checked', async ({ page, context, site }) => {
  await fill(page);
  const tab = await openTab(context, site.url);
  expect(await attempt(tab, '', { secret: 'wrong horse battery' })).toEqual([0, 'ERR_WRONG_SECRET']);
  expect(await attempt(tab, '', { secret: undefined, session: undefined })).toEqual([0, 'ERR_NO_SECRET']); // still locked
  expect(await attempt(tab, '', { secret })).toEqual([0, 'kept']);
  expect(await inNewTab(context, site.url)).toEqual([0, 'kept']);
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
  await page.evaluate((secret) => opened.unlock(secret), secret);
  expect(await inNewTab(context, site.url)).toEqual([0, 'kept']);
});

test('a change of secret leaves it', async ({ page, context, site }) => {
  await fill(page);
  await page.evaluate(async (secret) => {
    const { VaultKeys } = (await import(`${location.origin}/some/folder/keys.js`)) as Keys;
    await new VaultKeys('db').changeSecret(secret, 'another passphrase');
  }, secret);
  const tab = await openTab(context, site.url);
  expect(await attempt(tab, '')).toEqual([0, 'kept']);
  expect(await attempt(tab, '', { secret })).toEqual([0, 'ERR_WRONG_SECRET']);
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
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret: 'the third passphrase' });
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

test('stale keys are found and replaced by fresh ones', async ({ page, context, site }) => {
  await fill(page);
  const watcher = await openTab(context, site.url);
  await watcher.evaluate(() => held('db'));
  await page.close();
  await watcher.evaluate(async () => {
    await idbvault.destroyVault('db');
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret: 'another passphrase' });
    await storage.setEncrypted('a', 'new');
  });
  // All in one call: the keys that were taken are refused by the vault, and the secret is asked after all.
  const tab = await openTab(context, site.url);
  expect(await attempt(tab, 'another passphrase')).toEqual([1, 'new']);
  const next = await openTab(context, site.url);
  expect(await attempt(next, 'no secret at all')).toEqual([0, 'new']);
});

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
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.lock(); // this page knows of no session yet
    globalThis.opened = storage;
  }, secret);
  await expect.poll(() => locked(page)).toBe(true);
  await page.evaluate((secret) => opened.unlock(secret), secret);
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

test('the vault that no one uses is locked in all tabs, and the next one is asked', async ({ page, context, site }) => {
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

test('what the option cannot be is ERR_INVALID', async ({ page }) => {
  const codes = [];
  for (const session of ['tab', '', null, true, {}]) codes.push((await attempt(page, secret, { session } as never))[1]);
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

test.describe('vaultFor', () => {
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

  test('the vector of docs/FORMAT.md', async ({ page }) => {
    expect(await names(page, ['dr.müller@example.org'])).toEqual([
      'medical-imaging-viewer-62c2f115f0644b3d7bac5629eb4ffd4d',
    ]);
  });

  test('ids are taken as they are, and so is the application', async ({ page }) => {
    const calls = [['a'], ['A'], ['a '], ['é'], ['e\u0301'], ['a', 'db'], ['ba', 'd'], ['a\0'], ['x'.repeat(1024)]];
    const all = await names(page, ...calls, ['a', 'd'.repeat(222)]);
    expect(new Set(all).size).toBe(calls.length + 1);
    for (const name of all) expect(name).toMatch(/^(medical-imaging-viewer|d+b?)-[0-9a-f]{32}$/);
    expect(await names(page, ...calls)).toEqual(all.slice(0, -1));
  });

  test('what is no id is ERR_INVALID', async ({ page }) => {
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
});
