import { expect } from './app.ts';
import {
  type Answered,
  appFiles,
  fill,
  get,
  locked,
  openTab,
  outcome,
  register,
  share,
  start,
  test,
  unlock,
} from './service-worker-site.ts';

const canary = 'finding CANARY-7 of patient P12345';

test('after a lock it drops the keys: 503, with a sentence and a code, and what the network answers is not kept', async ({
  page,
  site,
}) => {
  await start(page);
  await fill(page, site, '/data/a', { body: canary });
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe(`200 ${canary}`);
  await page.evaluate(() => cached.lock());
  const answer = (await get(page, '/data/a')) as Answered;
  expect(answer.status).toBe(503);
  expect(answer.body).toMatch(/^No open page has this vault unlocked .*\.\n$/);
  expect(answer.headers).toEqual({
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'idbvault-code': 'ERR_LOCKED',
  });
  expect(await outcome(page, '/data/a', { headers: { range: 'bytes=0-3' } })).toBe(locked);
  site.down = false;
  site.data.set('/data/a', { body: 'newer' });
  site.data.set('/data/b', { body: 'new' });
  expect(await outcome(page, '/data/a')).toBe('200 newer');
  expect(await outcome(page, '/data/b')).toBe('200 new');
  await page.evaluate(() => tellWorker('lose patience')); // with pages that have not answered: this one has
  await unlock(page);
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe(`200 ${canary}`);
  expect(await outcome(page, '/data/b')).toBe('TypeError');
});

test('a lock in another tab reaches it', async ({ page, context, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  const tab = await openTab(context, site);
  await unlock(tab);
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe('200 kept');
  await page.evaluate(() => endSharing()); // the one that locks need not be one that lends
  expect(await outcome(page, '/data/a')).toBe('200 kept');
  await page.evaluate(() => cached.lock());
  await expect.poll(() => tab.evaluate(() => cached.locked)).toBe(true);
  expect(await outcome(page, '/data/a')).toBe(locked);
  expect(await outcome(tab, '/data/a')).toBe(locked);
});

for (const call of ['lock', 'lockAndForget'] as const)
  test(`what was being read or kept when a call of ${call} came is neither given nor kept`, async ({ page, site }) => {
    await start(page);
    await fill(page, site, '/data/a');
    site.data.set('/data/b', { body: 'kept' });
    const seen = await page.evaluate(async (call) => {
      await tellWorker('hold');
      const sealing = heard('encrypt');
      await (await fetch('/data/b')).text();
      await sealing;
      return call;
    }, call);
    expect(seen).toBe(call);
    site.down = true;
    const answer = await page.evaluate(async (call) => {
      const opening = heard('decrypt');
      const fetching = fetch('/data/a');
      await opening;
      const locked = heard('locked heard');
      await (call === 'lock' ? cached.lock() : cached.lockAndForget('confidential'));
      await locked;
      await tellWorker('go');
      const response = await fetching;
      return [response.status, response.headers.get('idbvault-code'), (await response.text()).includes('kept')];
    }, call);
    expect(answer).toEqual([503, 'ERR_LOCKED', false]);
    await unlock(page);
    expect(await outcome(page, '/data/a')).toBe(call === 'lock' ? '200 kept' : 'TypeError');
    expect(await outcome(page, '/data/b')).toBe('TypeError');
    expect(await page.evaluate(() => cached.count())).toBe(call === 'lock' ? 1 : 0);
  });

test('keys that were on their way when the lock came are not taken', async ({ page, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  site.down = true;
  const seen = await page.evaluate(async () => {
    // The service worker has them already: let it ask again.
    endSharing();
    const file = `${location.origin}/some/folder/offline.js`;
    const { shareWithServiceWorker } = (await import(file)) as typeof import('../../web/src/offline.ts');
    globalThis.endSharing = shareWithServiceWorker('db');
    const post = MessagePort.prototype.postMessage as (message: unknown) => void;
    let send: () => void = () => {};
    const held = new Promise<unknown[]>((resolve) => {
      MessagePort.prototype.postMessage = function (this: MessagePort, message: unknown[]) {
        send = () => post.call(this, message);
        resolve(message);
      };
    });
    const locked = heard('locked heard');
    const fetching = fetch('/data/a');
    const handles = await held;
    await cached.lock();
    await locked;
    send();
    MessagePort.prototype.postMessage = post;
    return [handles.length > 0, (await fetching).status];
  });
  expect(seen).toEqual([true, 503]);
  expect(await outcome(page, '/data/a')).toBe(locked);
});

test('with the last page that is unlocked its keys go, whoever else is open', async ({ page, context, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  const second = await openTab(context, site);
  const third = await openTab(context, site);
  await unlock(second);
  site.down = true;
  expect(await outcome(third, '/data/a')).toBe('200 kept');
  await page.close();
  expect(await outcome(third, '/data/a')).toBe('200 kept');
  await second.close();
  expect(await outcome(third, '/data/a')).toBe(locked);
});

test('it looks at its pages itself: one that is gone without a word lends nothing any more', async ({
  page,
  context,
  site,
}) => {
  await start(page);
  await fill(page, site, '/data/a');
  await page.evaluate(() => {
    ServiceWorker.prototype.postMessage = () => {};
  });
  const second = await openTab(context, site);
  site.down = true;
  expect(await outcome(second, '/data/a')).toBe('200 kept');
  await page.close();
  expect(await outcome(second, '/data/a')).toBe(locked);
});

test('a page that does not share, or no longer, lends nothing', async ({ page, site }) => {
  await register(page, { precache: appFiles });
  await unlock(page);
  site.down = true;
  expect(await outcome(page, '/data/a')).toBe(locked);
  await share(page);
  expect(await outcome(page, '/data/a')).toBe('TypeError'); // it is open, and has nothing
  await page.evaluate(() => endSharing());
  expect(await outcome(page, '/data/a')).toBe(locked);
});

test('a page gives its keys to the service worker that controls it, and to no other', async ({
  page,
  context,
  site,
}) => {
  await start(page);
  const other = await context.newPage();
  await other.goto(`${site.url}other/`);
  // A service worker of this origin that controls another page asks all of them.
  const stolen = await other.evaluate(async () => {
    const { trustedTypes } = globalThis as unknown as {
      trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } };
    };
    const trusted = trustedTypes?.createPolicy('test', { createScriptURL: (own: string) => own });
    const url = '/other/thief.js';
    const { installing } = await navigator.serviceWorker.register(trusted?.createScriptURL(url) ?? url);
    const { port1, port2 } = new MessageChannel();
    const answered = new Promise((resolve) => {
      port1.onmessage = ({ data }) => resolve(data);
    });
    installing?.postMessage('steal', [port2]);
    return answered;
  });
  expect(stolen).toEqual(['nothing', 'nothing']);
  // Nor does a page that is opened by it, or an event that a script made.
  const forged = await page.evaluate(async () => {
    const ask = { idbvault: 'keys', database: 'db' };
    const answers: unknown[] = [];
    const port = () => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => answers.push(data);
      return port2;
    };
    window.postMessage(ask, location.origin, [port()]);
    const source = navigator.serviceWorker.controller;
    navigator.serviceWorker.dispatchEvent(new MessageEvent('message', { data: ask, source, ports: [port()] }));
    navigator.serviceWorker.controller?.postMessage(ask, [port()]);
    await fetch('/data/none'); // the service worker asks, and is answered
    await new Promise((resolve) => setTimeout(resolve, 300));
    return answers;
  });
  expect(forged).toEqual([]);
});

test.describe(() => {
  test.skip(
    ({ browserName }) => browserName !== 'chromium',
    'Playwright has no way to stop a service worker of Firefox',
  );

  test('one that was stopped asks again', async ({ page, context, site }) => {
    await start(page, { precache: appFiles });
    await fill(page, site, '/data/a');
    site.down = true;
    const cdp = await context.newCDPSession(page);
    await cdp.send('ServiceWorker.enable');
    const asked = () =>
      page.evaluate(() => {
        const state = globalThis as { asks?: number };
        if (state.asks === undefined) {
          state.asks = 0;
          navigator.serviceWorker.addEventListener('message', () => {
            state.asks = (state.asks ?? 0) + 1;
          });
        }
        return state.asks;
      });
    expect(await asked()).toBe(0);
    expect(await outcome(page, '/data/a')).toBe('200 kept');
    expect(await asked()).toBe(0);
    await cdp.send('ServiceWorker.stopAllWorkers');
    expect(await outcome(page, '/data/a')).toBe('200 kept');
    expect(await asked()).toBe(1);
    await page.evaluate(() => cached.lock());
    await cdp.send('ServiceWorker.stopAllWorkers');
    expect(await outcome(page, '/data/a')).toBe(locked);
  });
});

test('what a page says to it gets nothing and opens nothing', async ({ page, context, site }) => {
  await start(page);
  await fill(page, site, '/data/a');
  await page.evaluate(() => cached.lock());
  const second = await openTab(context, site);
  site.down = true;
  const said = await page.evaluate(() => {
    const heard: unknown[] = [];
    navigator.serviceWorker.addEventListener('message', ({ data }) => heard.push(data));
    const worker = navigator.serviceWorker.controller;
    for (const message of [null, 7, {}, { idbvault: 'keys', database: 'db', keys: [] }, { idbvault: 'leaves' }])
      worker?.postMessage(message);
    return heard;
  });
  expect(said).toEqual([]);
  expect(await outcome(second, '/data/a')).toBe(locked);
});
