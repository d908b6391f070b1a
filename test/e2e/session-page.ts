import { type BrowserContext, expect, type Page } from '@playwright/test';
import { openApp } from './app.ts';

// Pages with a vault in a session.

export const secret = 'correct horse battery';

type Package = typeof import('../../web/src/index.ts');
export type Options = Parameters<Package['createEncryptedStorage']>[2];
export type Keys = typeof import('../../web/src/keys.ts');
export type Answer = import('../../web/src/session-worker.ts').SessionAnswer;

declare global {
  var opened: Awaited<ReturnType<Package['createEncryptedStorage']>>;
  // The random key that a word stands for. It needs fewer iterations than a passphrase.
  var keyOf: (word: string) => Uint8Array;
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
export async function prepare(page: Page): Promise<Page> {
  await page.evaluate(() => {
    globalThis.keyOf = (word) => Uint8Array.from({ length: 32 }, (_, i) => word.charCodeAt(i % word.length));
    globalThis.tryOpen = async (secret, options = {}, database = 'db') => {
      let asked = 0;
      const ask = () => {
        asked++;
        return keyOf(secret);
      };
      try {
        const all = { secret: ask, session: 'origin', iterations: 250_000, ...options } as NonNullable<Options>;
        if (typeof all.secret === 'string') all.secret = keyOf(all.secret);
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

export async function openTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await openApp(page, url);
  return prepare(page);
}

export const attempt = (page: Page, given: string, options: Options = {}, database = 'db') =>
  page.evaluate(([given, options, database]) => globalThis.tryOpen(given, options, database), [
    given,
    options,
    database,
  ] as const);

/** Opens the vault and stores a record. */
export async function fill(page: Page, options: Options = {}, database = 'db', value = 'kept'): Promise<void> {
  expect(await attempt(page, secret, options, database)).toEqual([1, null]);
  await page.evaluate((value) => opened.setEncrypted('a', value, 'phi'), value);
}

export const locked = (page: Page) => page.evaluate(() => opened.locked);
export const lock = (page: Page) => page.evaluate(() => opened.lock());

/** Opens a tab, tries there, and closes it. */
export async function inNewTab(context: BrowserContext, url: string, options: Options = {}, database = 'db') {
  const tab = await openTab(context, url);
  const result = await attempt(tab, secret, options, database);
  await tab.close();
  return result;
}
