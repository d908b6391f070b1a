import { expect, openApp, test } from './app.ts';

const secret = 'correct horse battery';

test('a cached value is read without the database, until its record is written or the storage closed', async ({
  page,
}) => {
  const seen = await page.evaluate(async (secret) => {
    let looked = 0;
    const { get } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.get = function (key) {
      looked++;
      return get.call(this, key);
    };
    const open = (cache?: object) =>
      idbvault.createEncryptedStorage('db', 'store', { secret, ...(cache && { cache: cache as never }) });
    const plain = await open();
    const cached = await open({ maxBytes: 3 << 20, except: ['phi'] });
    const large = new Uint8Array(1 << 20).fill(7);
    await plain.setEncrypted('text', 'täxt', 'pii');
    await plain.setEncrypted('large', large, 'pii');
    await plain.setEncrypted('blob', new Blob(['image'], { type: 'image/png' }), 'pii');
    await plain.setEncrypted('phi', 'never kept', 'phi');
    /** What a read gives, and how many look-ups it took. */
    const read = async (call: () => Promise<unknown>) => {
      looked = 0;
      const value = await call();
      const what = value instanceof Uint8Array ? `${value.length} of ${value[0]} and ${value.at(-1)}` : value;
      return `${what instanceof Blob ? `${what.type} ${await what.text()}` : what}: ${looked}`;
    };
    const reads: string[] = [];
    const twice = async (call: () => Promise<unknown>) => reads.push(await read(call), await read(call));
    await twice(() => plain.getDecrypted('text'));
    await twice(() => cached.getDecrypted('text'));
    await twice(() => cached.getDecryptedBytes('large'));
    await twice(() => cached.getDecryptedBlob('blob'));
    await twice(() => cached.getDecrypted('phi'));
    // Who writes into the bytes, or sends them away, writes into its own.
    const bytes = (await cached.getDecryptedBytes('large')) as Uint8Array<ArrayBuffer>;
    bytes.fill(0);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    await twice(() => cached.getDecryptedBytes('large'));
    reads.push(await read(() => cached.getManyDecrypted(['text', 'blob'])));
    reads.push(await read(() => Promise.all([cached.getDecrypted('text'), cached.getDecrypted('blob')])));
    await plain.setEncrypted('text', 'new', 'pii');
    await twice(() => cached.getDecrypted('text'));
    void cached.setEncrypted('text', 'newer', 'pii');
    await twice(() => cached.getDecrypted('text'));
    await plain.clear();
    await twice(() => cached.getDecrypted('blob'));
    cached.close();
    reads.push(await codeOf(() => cached.getDecrypted('text')));
    return reads;
  }, secret);
  expect(seen).toEqual([
    'täxt: 1',
    'täxt: 1',
    'täxt: 1',
    'täxt: 0',
    // Its head says that the value lies apart; then both are read together.
    '1048576 of 7 and 7: 2',
    '1048576 of 7 and 7: 0',
    'image/png image: 1',
    'image/png image: 0',
    'never kept: 1',
    'never kept: 1',
    '1048576 of 7 and 7: 0',
    '1048576 of 7 and 7: 0',
    'täxt,image: 0',
    'täxt,image: 0',
    'new: 1',
    'new: 0',
    'newer: 1',
    'newer: 0',
    'null: 1',
    'null: 1',
    'ERR_CLOSED',
  ]);
});

test('a write of another tab, and its clear, put an end to a cached value', async ({ page, site }) => {
  await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, cache: { maxBytes: 100_000 } });
    await storage.setManyEncrypted([
      { key: 'a', value: '1' },
      { key: 'b', value: '2' },
    ]);
    const heard = (wanted: string) =>
      new Promise<void>((resolve) => {
        const end = storage.subscribe(null, ({ type, remote }) => {
          if (!remote || type !== wanted) return;
          end();
          resolve();
        });
      });
    Object.assign(globalThis, { storage, heard });
  }, secret);
  const read = () =>
    page.evaluate(async () => {
      const { storage } = globalThis as unknown as { storage: { getDecrypted(key: string): Promise<string> } };
      return [await storage.getDecrypted('a'), await storage.getDecrypted('b')];
    });
  expect(await read()).toEqual(['1', '2']);
  const other = await page.context().newPage();
  await openApp(other, site.url);
  await other.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    Object.assign(globalThis, { storage });
  }, secret);
  for (const [type, work, want] of [
    ['set', (s: { setEncrypted: (k: string, v: string) => Promise<void> }) => s.setEncrypted('a', 'new'), ['new', '2']],
    ['clear', (s: { clear: () => Promise<void> }) => s.clear(), [null, null]],
  ] as const) {
    const heard = page.evaluate(
      (type) => (globalThis as unknown as { heard(t: string): Promise<void> }).heard(type),
      type,
    );
    await other.evaluate(`(${work})(storage)`);
    await heard;
    expect(await read(), type).toEqual(want);
  }
});

test('a cache that cannot be is ERR_INVALID', async ({ page }) => {
  const codes = await page.evaluate(async (secret) => {
    const open = (cache: unknown) =>
      codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret, cache } as never));
    const all = {
      none: await open(undefined),
      null: await open(null),
      'the least': await open({ maxBytes: 1024 }),
      'no size': await open({}),
      true: await open(true),
      'a size alone': await open(4096),
      'too little': await open({ maxBytes: 1023 }),
      'too much': await open({ maxBytes: 2 ** 31 }),
      'no number': await open({ maxBytes: '4096' }),
      'no whole number': await open({ maxBytes: 4096.5 }),
      infinite: await open({ maxBytes: Number.POSITIVE_INFINITY }),
      'no class': await open({ maxBytes: 4096, except: ['secret'] }),
      'no list of classes': await open({ maxBytes: 4096, except: 'phi' }),
    };
    return Object.entries(all).map(([what, code]) => `${what}: ${code}`);
  }, secret);
  expect(codes.slice(0, 3)).toEqual(['none: no error', 'null: no error', 'the least: no error']);
  expect(codes.slice(3).filter((line) => !line.endsWith(': ERR_INVALID'))).toEqual([]);
});

test('without memory for a copy, a read goes on without the cache', async ({ page }) => {
  const reads = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, cache: { maxBytes: 10 << 20 } });
    await storage.setEncrypted('large', new Uint8Array(1 << 20).fill(7));
    const read = async () => (await storage.getDecryptedBlob('large'))?.size;
    const { slice } = ArrayBuffer.prototype;
    const starve = () => {
      ArrayBuffer.prototype.slice = function (...all) {
        if (this.byteLength > 1 << 20) throw new RangeError('Array buffer allocation failed');
        return slice.apply(this, all);
      };
    };
    const sizes = [];
    starve();
    sizes.push(await read(), await read()); // not kept
    ArrayBuffer.prototype.slice = slice;
    sizes.push(await read(), await read());
    starve();
    sizes.push(await read()); // kept, and not served
    ArrayBuffer.prototype.slice = slice;
    return [...sizes, await read()];
  }, secret);
  expect(reads).toEqual(Array(6).fill(1 << 20));
});

test('an engine that dies takes its cache along, and the next one keeps one too', async ({ page, complaints }) => {
  const reads = await page.evaluate(async (secret) => {
    let looked = 0;
    const { get } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.get = function (key) {
      looked++;
      return get.call(this, key);
    };
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, cache: { maxBytes: 100_000 } });
    await storage.setEncrypted('k', 'v');
    const read = async () => {
      looked = 0;
      return `${await storage.getDecrypted('k')}: ${looked}`;
    };
    const reads = [await read(), await read()];
    const real = crypto.getRandomValues;
    crypto.getRandomValues = () => {
      throw new Error('a fault in the page');
    };
    for (let i = 0; i < 300; i++) await storage.setEncrypted('another', 'v').catch((e) => reads.push(e.code));
    crypto.getRandomValues = real;
    reads.push(await read(), await read());
    // One that is closed while it is opened anew stays closed.
    crypto.getRandomValues = () => {
      throw new Error('a fault in the page');
    };
    for (let i = 0; i < 300; i++) await storage.setEncrypted('another', 'v').catch(() => {});
    crypto.getRandomValues = real;
    const late = codeOf(() => storage.getDecrypted('k'));
    storage.close();
    return [...reads, await late];
  }, secret);
  expect(reads.slice(0, 2)).toEqual(['v: 1', 'v: 0']);
  expect(reads.slice(2, -3)).toContain('ERR_CRASHED');
  expect(reads.at(-3)).toMatch(/^v: [1-9]/);
  expect(reads.slice(-2)).toEqual(['v: 0', 'ERR_CLOSED']);
  complaints.length = 0; // the engine says that it stopped
});
