import { test as bare, expect, type Page } from '@playwright/test';
import { openApp, serveSite, test } from './app.ts';

const secret = 'correct horse battery';

test('a bad secret is refused before anything is made', async ({ page }) => {
  const codes = await page.evaluate(async () => {
    const { createEncryptedStorage: open } = idbvault;
    const bad: Record<string, unknown> = {
      nul: 'with a \0 character',
      surrogate: 'with a \ud800 alone',
      short: '1234567',
      shortAfterNFKC: '\u1100\u1161'.repeat(7), // 14 conjoining jamo make 7 syllables
      fewBytes: new Uint8Array(7),
      number: 12345678,
      null: null,
      object: { secret: 'x' },
      fromFunction: () => '',
    };
    const codes: Record<string, string> = {};
    for (const [name, value] of Object.entries(bad))
      codes[name] = await codeOf(() => open('db', 'store', { secret: value as string }));
    codes.none = await codeOf(() => open('db', 'store'));
    codes.made = String((await indexedDB.databases()).length);
    return codes;
  });
  const { none, null: absent, made, ...others } = codes;
  expect([none, absent, made]).toEqual(['ERR_NO_SECRET', 'ERR_NO_SECRET', '0']);
  expect(new Set(Object.values(others))).toEqual(new Set(['ERR_INVALID']));
});

test('a passphrase is the same in every normal form', async ({ page, site }) => {
  const open = async (secret: string) => {
    await openApp(page, site.url);
    return page.evaluate((secret) => codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret })), secret);
  };
  expect(await open('Gr\u00fcn fish \ufb01\u0301 42')).toBe('no error');
  expect(await open('Gru\u0308n fish fi\u0301 42')).toBe('no error');
  expect(await open('Grun fish fi\u0301 42')).toBe('ERR_WRONG_SECRET');
});

test('names, values, classes, contexts and options that do not fit are ERR_INVALID, and nothing is written', async ({
  page,
}) => {
  const result = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('k', 'kept');
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    const deep = (levels: number) => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
    const open =
      (...args: unknown[]) =>
      () =>
        idbvault.createEncryptedStorage(...(args as Parameters<typeof idbvault.createEncryptedStorage>));
    const set =
      (...args: unknown[]) =>
      () =>
        storage.setEncrypted(...(args as Parameters<typeof storage.setEncrypted>));
    const attempts: Record<string, () => unknown> = {
      'empty name': set('', 'x'),
      'name of 1025 bytes': set('é'.repeat(513), 'x'),
      'name too long by far': set('x'.repeat(2_000_000), 'x'),
      'name with a surrogate': set('\udc00', 'x'),
      'name no string': set(7, 'x'),
      'get of an empty name': () => storage.getDecrypted(''),
      'exists of no string': () => storage.exists(undefined as never),
      'keys with a bad class': () => storage.keys({ classification: 'secret' as never }),
      'deleteMany of no list': () => storage.deleteMany('k' as never),
      'getMany with a hole': () => storage.getManyDecrypted(new Array(2)),
      'deleteMany with a hole': () => storage.deleteMany(new Array(1)),
      // biome-ignore lint/suspicious/noSparseArray: that is the point
      'setMany with a hole': () => storage.setManyEncrypted([, { key: 'k', value: 'x' }] as never),
      'setMany with null': () => storage.setManyEncrypted([null] as never),
      'keys with a bad filter': () => storage.keys({ prefix: 7 } as never),
      'update with no function': () => storage.update('k', 5 as never),
      'update with a bad class': () => storage.update('k', () => null, 'secret' as never),
      'subscribe with no listener': () => storage.subscribe('k', 5 as never),
      'value detached': () => {
        const buffer = new ArrayBuffer(8);
        structuredClone(buffer, { transfer: [buffer] });
        return storage.setEncrypted('k', buffer);
      },
      'class null': set('k', 'x', null),
      'context that turns into a list': set('k', 'x', 'phi', Object.create({ toJSON: () => [1, 2] })),
      'options null': open('db', 'store', null),
      'store name with NUL in a new database': open('db2', 'a\0b', { secret }),
      'store name too long in a new database': open('db2', 'é'.repeat(200), { secret }),
      'Blob with a long type': set('k', new Blob(['x'], { type: `a/${'x'.repeat(300)}` })),
      'Blob with a very long type': set('k', new Blob(['x'], { type: `a/${'x'.repeat(60_000)}` })),
      'value undefined': set('k', undefined),
      'value null': set('k', null),
      'value a number': set('k', 1),
      'value an object': set('k', { a: 1 }),
      'text with a surrogate': set('k', 'a\ud800'),
      'class unknown': set('k', 'x', 'secret'),
      'class in capitals': set('k', 'x', 'PHI'),
      'class of the prototype': set('k', 'x', 'toString'),
      'class a number': set('k', 'x', 5),
      'context cyclic': set('k', 'x', 'phi', cyclic),
      'context an array': set('k', 'x', 'phi', []),
      'context a string': set('k', 'x', 'phi', 'x'),
      'context with NaN': set('k', 'x', 'phi', { a: Number.NaN }),
      'context with a BigInt': set('k', 'x', 'phi', { a: 1n }),
      'context with a function': set('k', 'x', 'phi', { a: () => 1 }),
      'context with a Date': set('k', 'x', 'phi', { a: new Date() }),
      'context with a Map': set('k', 'x', 'phi', { a: new Map() }),
      'context with a hole': set('k', 'x', 'phi', { a: [undefined] }),
      'context of 65 levels': set('k', 'x', 'phi', deep(65)),
      'context too large': set('k', 'x', 'phi', { a: 'x'.repeat(65_536) }),
      'context too large in UTF-8': set('k', 'x', 'phi', { a: 'é'.repeat(40_000) }),
      'one bad of many': () =>
        storage.setManyEncrypted([
          { key: 'k', value: 'overwritten' },
          { key: '', value: 'x' },
        ]),
      'JSON of undefined': () => storage.setJSON('k', undefined),
      'JSON of a cycle': () => storage.setJSON('k', cyclic),
      'database name empty': open('', 'store', { secret }),
      'database name with NUL': open('a\0b', 'store', { secret }),
      'database name too long': open('é'.repeat(128), 'store', { secret }),
      'store name too long': open('db', 'x'.repeat(256)),
      'iterations under the floor': open('db2', 'store', { secret, iterations: 599_999 }),
      'iterations over the ceiling': open('db2', 'store', { secret, iterations: 10_000_001 }),
      'iterations no whole number': open('db2', 'store', { secret, iterations: 600_000.5 }),
      'iterations NaN': open('db2', 'store', { secret, iterations: Number.NaN }),
      'iterations for random bytes': open('db2', 'store', { secret: new Uint8Array(32).fill(7), iterations: 99_999 }),
      'names neither': open('db2', 'store', { secret, names: 'secret' }),
      'names other than made': open('db', 'store', { secret, names: 'clear' }),
      'durability neither': open('db2', 'store', { secret, durability: 'yes' }),
      'expectVault a string': open('db2', 'store', { secret, expectVault: 'yes' }),
    };
    const codes: Record<string, string> = {};
    for (const [name, attempt] of Object.entries(attempts)) codes[name] = await codeOf(attempt);
    await storage.setEncrypted('x'.repeat(1024), 'longest name', 'phi', deep(64));
    await storage.setEncrypted('largest context', '', 'phi', { a: 'x'.repeat(65_528) });
    return {
      codes: Object.entries(codes).filter(([, code]) => code !== 'ERR_INVALID'),
      kept: [await storage.getDecrypted('k'), await storage.count(), await storage.getDecrypted('x'.repeat(1024))],
      largest: JSON.stringify((await storage.getMetadata('largest context'))?.context).length,
      databases: (await indexedDB.databases()).length,
    };
  }, secret);
  expect(result).toEqual({ codes: [], kept: ['kept', 3, 'longest name'], largest: 65_536, databases: 1 });
});

test('a Blob that cannot be read is ERR_INVALID, and the next call goes on', async ({ page }) => {
  const result = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    const broken = new Blob(['x']);
    broken.arrayBuffer = () => Promise.reject(new DOMException('gone', 'NotReadableError'));
    const [first, second] = [codeOf(() => storage.setEncrypted('k', broken)), storage.setEncrypted('k', 'v')];
    await second;
    return [await first, await storage.getDecrypted('k')];
  }, secret);
  expect(result).toEqual(['ERR_INVALID', 'v']);
});

test('use after close is ERR_CLOSED for every method', async ({ page }) => {
  const codes = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    storage.close();
    storage.close();
    const calls: (() => unknown)[] = [
      () => storage.setEncrypted('k', 'v'),
      () => storage.setManyEncrypted([]),
      () => storage.setJSON('k', 1),
      () => storage.getDecrypted('k'),
      () => storage.getDecryptedBytes('k'),
      () => storage.getDecryptedBlob('k'),
      () => storage.getManyDecrypted([]),
      () => storage.getJSON('k'),
      () => storage.getMetadata('k'),
      () => storage.update('k', () => 'v'),
      () => storage.exists('k'),
      () => storage.delete('k'),
      () => storage.deleteMany([]),
      () => storage.keys(),
      () => storage.count(),
      () => storage.clear(),
      () => storage.subscribe(null, () => {}),
    ];
    return Promise.all(calls.map((call) => codeOf(call)));
  }, secret);
  expect(codes).toEqual(Array(17).fill('ERR_CLOSED'));
});

test('a class that demands more iterations than the vault has is ERR_WEAK', async ({ page }) => {
  const codes = await page.evaluate(async () => {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, iterations: 150_000 });
    const set = (classification: 'internal' | 'pii' | 'phi') =>
      codeOf(() => storage.setEncrypted(classification, 'x', classification));
    return [await set('internal'), await set('pii'), await set('phi'), await storage.count()];
  });
  expect(codes).toEqual(['no error', 'no error', 'ERR_WEAK', 2]);
});

test('a database that is not a vault is refused and left untouched, by open and by destroyVault', async ({ page }) => {
  const result = await page.evaluate(async (secret) => {
    const make = (name: string, version: number, stores: string[]) =>
      new Promise<void>((resolve) => {
        const request = indexedDB.open(name, version);
        request.onupgradeneeded = () => {
          for (const store of stores) request.result.createObjectStore(store).put('theirs', 'key');
        };
        request.onsuccess = () => {
          request.result.close();
          resolve();
        };
      });
    await make('other stores', 1, ['encrypted-data']);
    await make('higher version', 3, ['keyring', 'records', 'chunks', 'journal', 'audit']);
    await make('one more', 1, ['keyring', 'records', 'chunks', 'journal', 'audit', 'theirs']);
    const codes: string[] = [];
    for (const name of ['other stores', 'higher version', 'one more']) {
      codes.push(await codeOf(() => idbvault.createEncryptedStorage(name, 'store', { secret })));
      codes.push(await codeOf(() => idbvault.destroyVault(name)));
    }
    const kept = await new Promise<unknown>((resolve) => {
      indexedDB.open('other stores').onsuccess = (event) => {
        const db = (event.target as IDBOpenDBRequest).result;
        db.transaction('encrypted-data').objectStore('encrypted-data').get('key').onsuccess = (e) =>
          resolve((e.target as IDBRequest).result);
      };
    });
    const versions = (await indexedDB.databases()).map((d) => `${d.name} ${d.version}`).sort();
    return { codes, kept, versions };
  }, secret);
  expect(result).toEqual({
    codes: Array(6).fill('ERR_NOT_A_VAULT'),
    kept: 'theirs',
    versions: ['higher version 3', 'one more 1', 'other stores 1'],
  });
});

test('expectVault on an absent or emptied vault is ERR_EVICTED, and leaves no database behind', async ({
  page,
  site,
}) => {
  const first = await page.evaluate(async (secret) => {
    const absent = await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret, expectVault: true }));
    const asked = await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { expectVault: true }));
    const databases = (await indexedDB.databases()).length;
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('k', 'v');
    return [absent, asked, databases];
  }, secret);
  expect(first).toEqual(['ERR_EVICTED', 'ERR_EVICTED', 0]);
  await openApp(page, site.url);
  const noSecret = () => codeOf(() => idbvault.createEncryptedStorage('db', 'store', { expectVault: true }));
  expect(await page.evaluate(noSecret)).toBe('ERR_NO_SECRET');
  const open = () =>
    page.evaluate(
      (secret) => codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret, expectVault: true })),
      secret,
    );
  expect(await open()).toBe('no error');
  await openApp(page, site.url);
  await page.evaluate(() => idbvault.destroyVault('db'));
  expect(await open()).toBe('ERR_EVICTED');
});

test('destroyVault deletes a forgotten vault, closes what used it, and a new one can be made', async ({ page }) => {
  const result = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('k', 'v');
    await idbvault.destroyVault('db');
    const after = await codeOf(() => storage.getDecrypted('k'));
    const noSecret = await codeOf(() => idbvault.createEncryptedStorage('db', 'store'));
    const absent = await codeOf(() => idbvault.destroyVault('db'));
    const again = await idbvault.createEncryptedStorage('db', 'store', { secret: 'another passphrase' });
    return [after, noSecret, absent, await again.count()];
  }, secret);
  expect(result).toEqual(['ERR_CLOSED', 'ERR_NO_SECRET', 'no error', 0]);
});

// What the page lacks. The complaints of a browser about a broken policy or a 404 are what these tests ask for, so they
// use a page that is not watched.

const opened = (page: Page) =>
  page.evaluate(async (secret) => {
    const first = await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret }));
    const service = await codeOf(() => new idbvault.EncryptionService('your-master-key').initialize());
    return [first, service];
  }, secret);

bare('a CSP without wasm-unsafe-eval is ERR_UNSUPPORTED', async ({ page }) => {
  const site = await serveSite(
    { '/some/folder/': 'web/dist' },
    "default-src 'none'; script-src 'self'; connect-src 'self'",
  );
  await openApp(page, site.url);
  expect(await opened(page)).toEqual(['ERR_UNSUPPORTED', 'ERR_UNSUPPORTED']);
  const message = await page.evaluate(
    (secret) => idbvault.createEncryptedStorage('db', 'store', { secret }).catch((e: Error) => e.message),
    secret,
  );
  expect(message).toContain("'wasm-unsafe-eval'");
  await site.close();
});

const responses: Record<string, { status: number; contentType: string; body: string }> = {
  'is not there': { status: 404, contentType: 'text/html', body: 'not found' },
  'is a page of the application': { status: 200, contentType: 'text/html', body: '<!doctype html>' },
  'is cut off': { status: 200, contentType: 'application/wasm', body: '\0asm\x01\0\0\0\x01' },
};
for (const [what, response] of Object.entries(responses)) {
  bare(`a wasm file that ${what} is ERR_LOAD, and the next call tries again`, async ({ page }) => {
    const site = await serveSite({ '/some/folder/': 'web/dist' });
    await page.route('**/idbvault.wasm', (route) => route.fulfill(response));
    await openApp(page, site.url);
    expect(await opened(page)).toEqual(['ERR_LOAD', 'ERR_LOAD']);
    const message = await page.evaluate(() => idbvault.preload().catch((e: Error) => e.message));
    // What Vite 7's dev server answers for the file of a package that it has bundled beforehand.
    expect(String(message).includes('optimizeDeps')).toBe(what === 'is a page of the application');
    await page.unroute('**/idbvault.wasm');
    expect(await opened(page)).toEqual(['no error', 'no error']);
    await site.close();
  });
}

bare('preload says where the wasm is, from the address of the page, for workers too', async ({ page, browserName }) => {
  test.skip(browserName !== 'chromium', 'no engine has a part in it');
  const site = await serveSite({ '/some/folder/': 'web/dist', '/elsewhere/': 'web/dist' });
  await page.route('**/some/folder/idbvault.wasm', (route) => route.abort());
  await openApp(page, site.url);
  expect(await page.evaluate(() => codeOf(() => idbvault.preload({ wasmUrl: 'http://' })))).toBe('ERR_LOAD');
  const codes = await page.evaluate(async (secret) => {
    const preloaded = codeOf(() => idbvault.preload({ wasmUrl: 'elsewhere/idbvault.wasm' }));
    const open = (runIn: 'main' | 'worker') => idbvault.createEncryptedStorage(runIn, 'store', { secret, runIn });
    const here = codeOf(() => open('main')); // not awaited before: the calls keep their order
    return [await preloaded, await here, await codeOf(() => open('worker'))];
  }, secret);
  expect(codes).toEqual(['no error', 'no error', 'no error']);
  await openApp(page, site.url);
  expect(await opened(page)).toEqual(['ERR_LOAD', 'ERR_LOAD']); // it is remembered by nobody
  await site.close();
});

bare('a wasm file of the wrong type but the right bytes is used', async ({ page }) => {
  const site = await serveSite({ '/some/folder/': 'web/dist' });
  await page.route('**/idbvault.wasm', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, headers: { ...response.headers(), 'content-type': 'application/octet-stream' } });
  });
  await openApp(page, site.url);
  expect(await opened(page)).toEqual(['no error', 'no error']);
  await site.close();
});

bare('a service loads its file when it is first used, and ERR_LOAD where that fails', async ({ page }) => {
  const site = await serveSite({ '/some/folder/': 'web/dist' });
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.route('**/sealer.js', (route) => route.abort());
  const sealed = async () => {
    await openApp(page, site.url);
    await page.evaluate(async (secret) => {
      const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
      await storage.setEncrypted('k', 'v');
      Object.assign(globalThis, { service: new idbvault.EncryptionService('a master key') });
    }, secret);
    expect(asked.filter((path) => path.endsWith('sealer.js'))).toEqual([]);
    const code = await page.evaluate(() =>
      codeOf(() => (globalThis as unknown as { service: { initialize(): Promise<void> } }).service.initialize()),
    );
    expect(asked.splice(0).filter((path) => path.endsWith('sealer.js'))).toEqual(['/some/folder/sealer.js']);
    return code;
  };
  expect(await sealed()).toBe('ERR_LOAD');
  await page.unroute('**/sealer.js');
  expect(await sealed()).toBe('no error');
  await site.close();
});

bare('a network that fails is ERR_LOAD', async ({ page }) => {
  const site = await serveSite({ '/some/folder/': 'web/dist' });
  await page.route('**/idbvault.wasm', (route) => route.abort());
  await openApp(page, site.url);
  expect(await opened(page)).toEqual(['ERR_LOAD', 'ERR_LOAD']);
  await site.close();
});

const lacks: Record<string, () => void> = {
  'no IndexedDB': () => Object.defineProperty(globalThis, 'indexedDB', { value: undefined }),
  'no WebAssembly': () => Object.defineProperty(globalThis, 'WebAssembly', { value: undefined }),
  'no SubtleCrypto': () => Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined }),
  'no secure context': () => Object.defineProperty(globalThis, 'isSecureContext', { value: false }),
};
for (const [what, remove] of Object.entries(lacks)) {
  bare(`a page with ${what} is ERR_UNSUPPORTED`, async ({ page }) => {
    const site = await serveSite({ '/some/folder/': 'web/dist' });
    await openApp(page, site.url);
    expect(await page.evaluate(() => idbvault.isSupported())).toBe(true);
    await page.evaluate(remove);
    expect(await page.evaluate(() => idbvault.isSupported())).toBe(false);
    expect(await opened(page)).toEqual(['ERR_UNSUPPORTED', 'ERR_UNSUPPORTED']);
    await site.close();
  });
}
