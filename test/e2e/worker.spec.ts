import type { Page } from '@playwright/test';
import { CSP, expect, openApp, serveSite, test } from './app.ts';

type Storage = Awaited<ReturnType<typeof import('../../web/src/index.ts').createEncryptedStorage>>;

declare global {
  // What a test opened in an earlier evaluate.
  var own: { storage: Storage; heard: string[] };
}

const secret = 'correct horse battery';

const openVault = (page: Page) =>
  page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { runIn: 'worker', secret });
    const heard: string[] = [];
    storage.subscribe(null, ({ type, key, remote }) => heard.push(`${type} ${key} ${remote}`));
    globalThis.own = { storage, heard };
  }, secret);

/** Lets a test end a worker from within, where no inspector reaches: it closes, or the Go program in it stops. */
async function openMortal(page: Page): Promise<(how: 'closes' | 'stops') => Promise<void>> {
  const hand = `
    const instantiate = WebAssembly.instantiate;
    let exports;
    WebAssembly.instantiate = async (...all) => {
      const instance = await instantiate(...all);
      exports = instance.exports;
      return instance;
    };
    new BroadcastChannel('end').onmessage = ({ data }) => {
      if (data === 'closes') self.close();
      else try { exports.settle(1 << 20, 0); } catch {}
    };`;
  await page.route('**/worker.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: hand + (await response.text()) });
  });
  await openVault(page);
  return (how) => page.evaluate((how) => new BroadcastChannel('end').postMessage(how), how);
}

test('every call does in a worker what it does on the page', async ({ page }) => {
  const seen = await page.evaluate(async (secret) => {
    const all = async (runIn: 'main' | 'worker') => {
      const options = { runIn, secret, cache: { maxBytes: 1 << 20 } };
      const storage = await idbvault.createEncryptedStorage(`db ${runIn}`, 'store', options);
      const heard: string[] = [];
      storage.subscribe(null, ({ type, key, remote }) => heard.push(`${type} ${key} ${remote}`));
      const large = new Uint8Array(20 << 20).fill(7);
      const context = { study: 'CT-7', täxt: ['x', null] };
      await storage.setEncrypted('text', 'täxt', 'phi', context);
      await storage.setEncrypted('empty', '');
      await storage.setEncrypted('bytes', large.subarray(5, 10));
      await storage.setEncrypted('large', large);
      await storage.setEncrypted('blob', new Blob(['image'], { type: 'image/png' }));
      await storage.setManyEncrypted([
        { key: 'm1', value: 'one' },
        { key: 'm2', value: new Blob(['two']), context },
      ]);
      await storage.setJSON('json', { a: [1, null] });
      await storage.update('text', async (text) => `${text} and more`);
      await storage.update('m1', (text) => (text === 'one' ? null : 'kept'));
      await storage.update('new', (text) => new Blob([`was ${text}`], { type: 'text/html' }));
      const blob = (await storage.getDecryptedBlob('blob')) as Blob;
      const read = (await storage.getDecryptedBytes('large')) as Uint8Array<ArrayBuffer>;
      const twice = await Promise.all([storage.getDecryptedBytes('bytes'), storage.getDecryptedBytes('bytes')]);
      twice[0]?.fill(0);
      const metadata = await storage.getMetadata('text');
      const thrown = new Error('of the caller');
      const seen = [
        [large.length, read.length, read.buffer.byteLength, read.every((byte) => byte === 7)],
        [await storage.getDecrypted('text'), await storage.getDecrypted('empty'), await storage.getDecrypted('absent')],
        [...twice.map((bytes) => bytes?.join())],
        [blob.type, await blob.text(), await (await storage.getDecryptedBlob('new'))?.text()],
        await storage.getManyDecrypted(['m1', 'm2', 'bytes']),
        await storage.getJSON('json'),
        { ...metadata, encryptedAt: metadata?.encryptedAt instanceof Date },
        (await storage.keys({ prefix: 'm' })).concat(await storage.keys({ classification: 'phi' })),
        [await storage.exists('text'), await storage.exists('m1'), await storage.count(), storage.locked],
        await storage.update('text', () => Promise.reject(thrown)).catch((error) => error === thrown),
        await codeOf(() => storage.getJSON('text')),
        await codeOf(() => storage.setEncrypted('x', 'y', 'secret' as never)),
        await codeOf(() => storage.setEncrypted('x'.repeat(1025), 'y')),
        // One that fails among those of the same turn fails alone.
        await Promise.all([
          storage.getDecrypted('text'),
          codeOf(() => storage.setEncrypted('ü'.repeat(1000), 'y')),
          codeOf(() => storage.setEncrypted('x', 'y')),
        ]),
      ];
      await storage.delete('text');
      seen.push(await storage.getDecrypted('text'));
      await storage.clear();
      seen.push(await storage.count(), heard);
      storage.close();
      return [...seen, await codeOf(() => storage.getDecrypted('text'))];
    };
    return [await all('worker'), await all('main')] as const;
  }, secret);
  expect(seen[0]).toEqual(seen[1]);
  expect(JSON.stringify(seen[0])).toContain('täxt and more');
  expect(page.workers().length).toBe(1);
});

test('calls that are not awaited keep their order, behind a Blob that is being read, too', async ({ page }) => {
  await openVault(page);
  const seen = await page.evaluate(async () => {
    const { storage } = own;
    const wrong: unknown[] = [];
    for (let i = 0; i < 20; i++) {
      const blob = storage.setEncrypted('k', new Blob([new Uint8Array(1 << 20)]));
      const text = storage.setEncrypted('k', `text ${i}`);
      const read = storage.getDecrypted('k');
      const change = storage.update('k', async (current) => `${current} changed`);
      const again = storage.update('k', (current) => `${current} twice`);
      await Promise.all([blob, text, change, again]);
      const all = [await read, await storage.getDecrypted('k')].join();
      if (all !== `text ${i},text ${i} changed twice`) wrong.push(all);
    }
    // A Blob that cannot be read fails its own call, and what comes behind it goes on.
    const broken = new Blob(['x']);
    broken.arrayBuffer = () => Promise.reject(new DOMException('', 'NotReadableError'));
    const failed = codeOf(() => storage.setEncrypted('k', broken));
    const after = storage.getDecrypted('k');
    return { wrong, failed: await failed, after: await after };
  });
  expect(seen).toEqual({ wrong: [], failed: 'ERR_INVALID', after: 'text 19 changed twice' });
});

test('the storages of a database share a worker, and wherever runIn is left out, too', async ({ page }) => {
  await openVault(page);
  const read = await page.evaluate(async (secret) => {
    const { createEncryptedStorage } = idbvault;
    const second = await createEncryptedStorage('db', 'store');
    const third = await createEncryptedStorage('db', 'another', { runIn: 'worker', secret });
    await own.storage.setEncrypted('k', 'v');
    await third.setEncrypted('k', 'of another');
    return [await second.getDecrypted('k'), await third.getDecrypted('k')];
  }, secret);
  expect(read).toEqual(['v', 'of another']);
  expect(page.workers().length).toBe(1);
  await page.evaluate(async (secret) => {
    await idbvault.createEncryptedStorage('db2', 'store', { runIn: 'worker', secret });
    await own.storage.lock();
  }, secret);
  await expect.poll(() => page.workers().length).toBe(1); // the one of the other database
});

test('writes are heard of between tabs, and end what a cache has', async ({ page, site }) => {
  const other = await page.context().newPage();
  await openApp(other, site.url);
  await openVault(page);
  await other.evaluate(async (secret) => {
    const options = { runIn: 'worker', secret, cache: { maxBytes: 100_000 } } as const;
    const storage = await idbvault.createEncryptedStorage('db', 'store', options);
    const heard: string[] = [];
    storage.subscribe('k', ({ type, key, remote }) => heard.push(`${type} ${key} ${remote}`));
    await storage.setEncrypted('k', 'old');
    await storage.getDecrypted('k');
    globalThis.own = { storage, heard };
  }, secret);
  await page.evaluate(() => own.storage.setEncrypted('k', 'new'));
  await expect.poll(() => other.evaluate(() => own.heard.at(-1))).toBe('set k true');
  expect(await other.evaluate(() => own.storage.getDecrypted('k'))).toBe('new');
  // A lock reaches the other tab's worker.
  await page.evaluate(() => own.storage.lock());
  await other.waitForFunction(() => own.storage.locked);
  await expect.poll(() => page.workers().length + other.workers().length).toBe(0);
  expect(await other.evaluate(() => codeOf(() => own.storage.getDecrypted('k')))).toBe('ERR_LOCKED');
});

test('secrets: a wrong one, a change of it, and a reload', async ({ page, site }) => {
  await openVault(page);
  await page.evaluate(async (secret) => {
    const { VaultKeys } = (await import(
      `${location.origin}/some/folder/keys.js`
    )) as typeof import('../../web/src/keys.ts');
    const keys = new VaultKeys('db');
    await keys.changeSecret(secret, 'another passphrase');
    const { recoveryKey } = await keys.addSlot({ kind: 'recovery', secret: 'another passphrase' });
    const slots = (await keys.listSlots()).map(({ kind }) => kind).join();
    if (slots !== 'secret,recovery' || recoveryKey.length < 56) throw new Error(slots);
    await own.storage.lock();
    const locked = await codeOf(() => keys.listSlots());
    if (locked !== 'ERR_NO_SECRET') throw new Error(locked);
  }, secret);
  await page.reload();
  await openApp(page, site.url);
  const codes = await page.evaluate(async (secret) => {
    const open = (secret?: string | (() => string)) =>
      codeOf(() => idbvault.createEncryptedStorage('db', 'store', { runIn: 'worker', secret }));
    return [await open(), await open(secret), await open(() => 'another passphrase'), await open()];
  }, secret);
  expect(codes).toEqual(['ERR_NO_SECRET', 'ERR_WRONG_SECRET', 'no error', 'no error']);
});

test('a lock ends the worker: calls in flight and later ones fail, none hangs, and unlock starts another', async ({
  page,
}) => {
  await openVault(page);
  const result = await page.evaluate(async (secret) => {
    const { storage } = own;
    const second = await idbvault.createEncryptedStorage('db', 'another');
    await storage.setEncrypted('k', 'kept');
    await second.setEncrypted('k', 'kept, too');
    const outcomes = new Set<string>();
    const wrong: unknown[] = [];
    for (let round = 0; round < 10; round++) {
      const calls = [
        () => storage.setManyEncrypted([1, 2, 3].map((n) => ({ key: `${n}`, value: `${round}` }))),
        () => storage.setEncrypted('large', new Uint8Array(4 << 20)),
        () => storage.setEncrypted('blob', new Blob(['x'])),
        () => storage.update('k', (text) => new Promise((resolve) => setTimeout(resolve, 20, text))),
        () => second.getDecrypted('k'),
      ].map(codeOf);
      if (round % 2) await new Promise((resolve) => setTimeout(resolve, 3 * round));
      await storage.lock();
      for (const code of await Promise.all(calls)) outcomes.add(code);
      const later = [storage.locked, await codeOf(() => storage.count()), await codeOf(() => second.getDecrypted('k'))];
      if (String(later) !== 'true,ERR_LOCKED,ERR_LOCKED') wrong.push(later);
      const refused = await codeOf(() => storage.unlock('wrong horse battery'));
      if (refused !== 'ERR_WRONG_SECRET' || !storage.locked) wrong.push(refused);
      await storage.unlock(secret);
      if (storage.locked) wrong.push('locked');
      const read = [await storage.getDecrypted('k'), await second.getDecrypted('k')];
      if (read.join() !== 'kept,kept, too') wrong.push(read);
      const values = new Set(await storage.getManyDecrypted(['1', '2', '3']));
      if (values.size !== 1) wrong.push([...values]); // whole, or not at all
    }
    await storage.lock();
    return { outcomes: [...outcomes].sort(), wrong };
  }, secret);
  expect(result.wrong).toEqual([]);
  expect(result.outcomes.filter((code) => code !== 'no error')).toEqual(['ERR_LOCKED']);
  await expect.poll(() => page.workers().length).toBe(0);
  // A call on a vault that is locked starts none.
  expect(await page.evaluate(() => codeOf(() => own.storage.count()))).toBe('ERR_LOCKED');
  expect(page.workers().length).toBe(0);
});

test('a lock while the vault is being opened leaves it locked', async ({ page }) => {
  const states = await page.evaluate(async (secret) => {
    const open = () => idbvault.createEncryptedStorage('db', 'store', { runIn: 'worker', secret });
    const storage = await open();
    const states: unknown[] = [];
    for (const ms of [0, 5, 20, 40]) {
      for (const unlock of [() => storage.unlock(secret), open]) {
        await storage.lock();
        const unlocking = codeOf(unlock);
        if (ms) await new Promise((resolve) => setTimeout(resolve, ms));
        await storage.lock();
        const code = await unlocking;
        if (code !== 'ERR_LOCKED' && code !== 'no error') states.push(`${ms} ms: ${code}`);
        if (!storage.locked || (await codeOf(() => storage.count())) !== 'ERR_LOCKED') states.push(`${ms} ms: open`);
      }
    }
    return states;
  }, secret);
  expect(states).toEqual([]);
});

test('a worker that is ended from outside fails its calls, and the vault is locked', async ({ page }) => {
  const end = await openMortal(page);
  await page.evaluate(() => {
    const { storage } = own;
    // They wait in the worker until that ends.
    const calls = ['k', 'k', 'l'].map((key) => () => storage.update(key, () => new Promise<string>(() => {})));
    Object.assign(own, { codes: Promise.all(calls.map(codeOf)) });
  });
  await end('closes');
  const codes = await page.evaluate(async (secret) => {
    const { storage, codes } = own as typeof own & { codes: Promise<string[]> };
    const seen = [...new Set(await codes), storage.locked, await codeOf(() => storage.getDecrypted('k'))];
    await storage.unlock(secret);
    await storage.setEncrypted('k', 'new');
    return [...seen, await storage.getDecrypted('k')];
  }, secret);
  expect(codes).toEqual(['ERR_CRASHED', true, 'ERR_LOCKED', 'new']);
});

test('a vault that is destroyed is closed, and made anew', async ({ page }) => {
  await openVault(page);
  const codes = await page.evaluate(async (secret) => {
    const { storage } = own;
    await storage.setEncrypted('k', 'v');
    await idbvault.destroyVault('db');
    const codes = [storage.locked, await codeOf(() => storage.getDecrypted('k'))];
    const next = await idbvault.createEncryptedStorage('db', 'store', { secret: `${secret} anew` });
    return [...codes, await next.getDecrypted('k')];
  }, secret);
  expect(codes).toEqual([true, 'ERR_CLOSED', null]);
  expect(page.workers().length).toBe(1);
});

test('a vault runs in one place at a time, and changes it when it is locked', async ({ page }) => {
  const codes = await page.evaluate(async (secret) => {
    const open = (runIn: unknown) =>
      codeOf(() => idbvault.createEncryptedStorage('db', 'store', { runIn: runIn as 'main', secret }));
    const wrong = [await open('Worker'), await open(null), await open(true)];
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('k', 'v');
    const onMain = [await open('worker'), await open('main')];
    await storage.lock();
    const moved = [await open('worker'), await open('main'), await storage.getDecrypted('k')];
    await storage.lock();
    const back = [await open('main'), await open('worker'), await storage.getDecrypted('k')];
    return { wrong, onMain, moved, back };
  }, secret);
  expect(codes).toEqual({
    wrong: ['ERR_INVALID', 'ERR_INVALID', 'ERR_INVALID'],
    onMain: ['ERR_INVALID', 'no error'],
    moved: ['no error', 'ERR_INVALID', 'v'],
    back: ['no error', 'ERR_INVALID', 'v'],
  });
});

test('the page derives nothing, opens no database and compiles nothing', async ({ page }) => {
  const used = await page.evaluate(async (secret) => {
    const used = new Set<string>();
    const watch = (of: object, name: string, calls: string[]) => {
      const target = of as Record<string, (...all: unknown[]) => unknown>;
      for (const call of calls) {
        const plain = target[call];
        target[call] = function (...all) {
          const { name: algorithm = '' } = (all.find((x) => x && (x as { name?: string }).name) ?? {}) as CryptoKey &
            Algorithm;
          used.add(`${name}.${call} ${all.includes('PBKDF2') ? 'PBKDF2' : algorithm}`);
          return plain?.apply(this, all);
        };
      }
    };
    const methods = Object.getOwnPropertyNames(SubtleCrypto.prototype).filter((name) => name !== 'constructor');
    watch(
      SubtleCrypto.prototype,
      'subtle',
      methods.filter((name) => name !== 'sign'),
    );
    watch(IDBFactory.prototype, 'indexedDB', ['open']);
    watch(WebAssembly, 'WebAssembly', ['instantiate', 'compile', 'compileStreaming', 'instantiateStreaming']);
    const { sign } = SubtleCrypto.prototype;
    SubtleCrypto.prototype.sign = function (algorithm, key, data) {
      used.add(`subtle.sign with a key that ${key.extractable ? 'can' : 'cannot'} be exported`);
      return sign.call(this, algorithm, key, data);
    };
    const storage = await idbvault.createEncryptedStorage('db', 'store', { runIn: 'worker', secret });
    await storage.setEncrypted('k', 'v', 'phi', { a: 1 });
    await storage.getDecrypted('k');
    await storage.update('k', () => 'w');
    await storage.lock();
    await storage.unlock(secret);
    await storage.keys();
    return [...used].sort();
  }, secret);
  expect(used).toEqual([
    'subtle.generateKey HMAC',
    'subtle.importKey PBKDF2',
    'subtle.sign with a key that cannot be exported',
  ]);
});

test('after a lock, a heap snapshot of the page has neither the secret nor what was read', async ({
  page,
  browserName,
}) => {
  test.skip(browserName !== 'chromium', 'no other inspector takes heap snapshots');
  // The page builds them from numbers: no source text and no argument has them.
  const canaries = ['the secret of 7 ravens', 'a value of 7 swans', 'a context of 7 geese'];
  const numbers = canaries.map((text) => [...text].map((c) => c.charCodeAt(0) ^ 1));
  const inspector = await page.context().newCDPSession(page);
  const found = async () => {
    let snapshot = '';
    const add = ({ chunk }: { chunk: string }) => {
      snapshot += chunk;
    };
    inspector.on('HeapProfiler.addHeapSnapshotChunk', add);
    await inspector.send('HeapProfiler.collectGarbage');
    await inspector.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
    inspector.off('HeapProfiler.addHeapSnapshotChunk', add);
    return canaries.filter((text) => snapshot.includes(text));
  };
  await page.evaluate(async (numbers) => {
    const [secret, value, context] = numbers.map((codes) => String.fromCharCode(...codes.map((c) => c ^ 1)));
    const storage = await idbvault.createEncryptedStorage('db', 'store', {
      runIn: 'worker',
      secret: secret as string,
      cache: { maxBytes: 100_000 },
      autoLock: { idleMs: 1_000_000 },
    });
    await storage.setEncrypted('k', value as string, 'phi', { text: context as string });
    await storage.update('k', (text) => text);
    const held = [secret, await storage.getDecrypted('k'), (await storage.getMetadata('k'))?.context?.text];
    Object.assign(globalThis, { held });
    globalThis.own = { storage, heard: [] };
  }, numbers);
  expect(await found()).toEqual(canaries); // or it would find nothing anyhow
  await page.evaluate(async () => {
    Object.assign(globalThis, { held: null });
    await own.storage.lock();
  });
  expect(await found()).toEqual([]);
  await page.evaluate(async (codes = []) => {
    await own.storage.unlock(String.fromCharCode(...codes.map((c) => c ^ 1)));
    await own.storage.getDecrypted('k');
    await own.storage.lock();
  }, numbers[0]);
  expect(await found()).toEqual([]);
});

test.describe('a worker that cannot be had', () => {
  test.use({ watched: false }); // the browser says so on the console

  const open = (secret: string) =>
    codeOf(() => idbvault.createEncryptedStorage('db', 'store', { runIn: 'worker', secret }));

  for (const [what, policy] of [
    ['forbids workers', "; worker-src 'none'"],
    ["lists trusted types without the package's", '; trusted-types another'],
  ] as const)
    test(`because the policy ${what}`, async ({ page, browserName }) => {
      test.skip(policy.includes('trusted') && browserName !== 'chromium', 'it may not know them');
      const strict = await serveSite({ '/some/folder/': 'web/dist' }, CSP + policy);
      await openApp(page, strict.url);
      expect(await page.evaluate(open, secret)).toBe('ERR_LOAD');
      const message = () =>
        idbvault.createEncryptedStorage('db', 'store', { runIn: 'worker', secret: 'correct horse' }).catch(String);
      expect(await page.evaluate(message)).toContain("worker-src 'self'");
      await strict.close();
    });

  test('because its file is not there; the next call tries again', async ({ page }) => {
    for (const file of ['worker.js', 'idbvault.wasm']) {
      await page.route(`**/${file}`, (route) => route.fulfill({ status: 404 }));
      expect(await page.evaluate(open, secret)).toBe('ERR_LOAD');
      await page.unroute(`**/${file}`);
    }
    expect(await page.evaluate(open, secret)).toBe('no error');
  });

  test('because the program in it stopped: its calls fail, and the vault is locked', async ({ page }) => {
    const end = await openMortal(page);
    await page.evaluate(() => own.storage.setEncrypted('k', 'v'));
    await end('stops');
    const codes = await page.evaluate(async (secret) => {
      const { storage } = own;
      const calls = [() => storage.count(), () => storage.getDecrypted('k'), () => storage.keys()];
      let ended: string[] = ['no error'];
      // The message is on its way; calls succeed until it is there.
      while (ended.includes('no error')) ended = await Promise.all(calls.map(codeOf));
      const codes = [...new Set(ended), storage.locked, await codeOf(() => storage.count())];
      await storage.unlock(secret);
      return [...codes, await storage.getDecrypted('k')];
    }, secret);
    expect(codes).toEqual(['ERR_CRASHED', true, 'ERR_LOCKED', 'v']);
  });
});
