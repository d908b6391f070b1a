import { expect, openApp, test } from './app.ts';

const secret = 'correct horse battery';

test('text, bytes and Blobs come back as they were, also after a reload', async ({ page, site }) => {
  await page.evaluate(async (secret) => {
    const { createEncryptedStorage, DataClassification } = idbvault;
    const storage = await createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('text', '\ufeffGrüße, 世界 🩻\0', DataClassification.PHI, {
      patientId: 'P1',
      n: [1, null],
    });
    await storage.setEncrypted('empty', '');
    await storage.setEncrypted('buffer', new Uint8Array([0, 255, 128]).buffer);
    await storage.setEncrypted('floats', new Float32Array([1.5, -2]).subarray(1), DataClassification.INTERNAL);
    await storage.setEncrypted('blob', new Blob(['<svg/>'], { type: 'image/svg+xml' }), DataClassification.PII);
    await storage.setJSON('json', { a: [1, 'x', null], b: { c: true } });
  }, secret);
  await openApp(page, site.url);
  const read = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    const floats = await storage.getDecryptedBytes('floats');
    const blob = await storage.getDecryptedBlob('blob');
    return {
      text: await storage.getDecrypted('text'),
      empty: await storage.getDecrypted('empty'),
      buffer: [...((await storage.getDecryptedBytes('buffer')) ?? [])],
      float: floats && new Float32Array(floats.slice().buffer)[0],
      blob: [blob?.type, await blob?.text()],
      textAsBlob: (await storage.getDecryptedBlob('text'))?.type,
      bytesAsBlob: (await storage.getDecryptedBlob('buffer'))?.type,
      json: await storage.getJSON('json'),
      absent: [
        await storage.getDecrypted('no'),
        await storage.getDecryptedBytes('no'),
        await storage.getDecryptedBlob('no'),
      ],
      absentToo: [await storage.getMetadata('no'), await storage.getJSON('no')],
      metadata: await storage.getMetadata('text'),
      many: await storage.getManyDecrypted(['empty', 'no', 'text', 'empty']),
      notText: await codeOf(() => storage.getDecrypted('buffer')),
      notJSON: await codeOf(() => storage.getJSON('text')),
    };
  }, secret);
  expect(read).toMatchObject({
    text: '\ufeffGrüße, 世界 🩻\0',
    empty: '',
    buffer: [0, 255, 128],
    float: -2,
    blob: ['image/svg+xml', '<svg/>'],
    textAsBlob: 'text/plain;charset=utf-8',
    bytesAsBlob: 'application/octet-stream',
    json: { a: [1, 'x', null], b: { c: true } },
    absent: [null, null, null],
    absentToo: [null, null],
    many: ['', null, '\ufeffGrüße, 世界 🩻\0', ''],
    notText: 'ERR_INVALID',
    notJSON: 'ERR_INVALID',
  });
  expect(read.metadata).toMatchObject({
    classification: 'phi',
    context: { patientId: 'P1', n: [1, null] },
    contentType: '',
    size: 24,
    expiresAt: null,
    epoch: 1,
  });
  expect(Math.abs(Date.now() - Number(read.metadata?.encryptedAt))).toBeLessThan(600_000);
});

test('values around the split at 64 KiB come back, and a smaller one takes the place of a larger one', async ({
  page,
}) => {
  const result = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    const value = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) & 255);
    const wrong: string[] = [];
    // The head of the name "v" with no type and no context is 18 bytes long.
    for (const size of [0, 1, 65_517, 65_518, 65_519, 70_000, 3 << 20, 10]) {
      await storage.setEncrypted('v', value(size));
      const read = await storage.getDecryptedBytes('v');
      if (read?.length !== size || !value(size).every((byte, i) => read[i] === byte)) wrong.push(`${size}`);
      if ((await storage.getMetadata('v'))?.size !== size) wrong.push(`size of ${size}`);
      const chunks = (await raw.entries('db', 'chunks')).length;
      if (chunks !== (size > 65_518 ? 1 : 0)) wrong.push(`${chunks} chunks at ${size}`);
    }
    await storage.setEncrypted('w', value(100_000));
    await storage.delete('w');
    await storage.setManyEncrypted([
      { key: 'x', value: value(100_000) },
      { key: 'x', value: 'the later one' },
    ]);
    const left = (await raw.entries('db', 'chunks')).length;
    return { wrong, left, x: await storage.getDecrypted('x') };
  }, secret);
  expect(result).toEqual({ wrong: [], left: 0, x: 'the later one' });
});

test('calls for one name take effect in the order they were made, awaited or not', async ({ page }) => {
  const result = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    const calls: Promise<unknown>[] = [];
    calls.push(storage.setEncrypted('a', new Uint8Array(16 << 20)));
    calls.push(storage.setEncrypted('a', '16 bytes of text'));
    calls.push(storage.setEncrypted('b', new Blob([new Uint8Array(4 << 20)]))); // has to be read first
    const readBetween = storage.getMetadata('b');
    calls.push(storage.setEncrypted('b', 'after the Blob'));
    calls.push(storage.setEncrypted('c', new Uint8Array(4 << 20)));
    calls.push(storage.delete('c'));
    calls.push(
      storage.setManyEncrypted([
        { key: 'd', value: new Uint8Array(4 << 20) },
        { key: 'e', value: 'e' },
      ]),
    );
    calls.push(storage.setEncrypted('d', 'd'));
    const listed = storage.keys();
    const counted = storage.count();
    calls.push(storage.delete('e'));
    await Promise.all(calls);
    const settled = await storage.getManyDecrypted(['a', 'b', 'c', 'd', 'e']);
    const cleared = [
      storage.setEncrypted('f', new Uint8Array(4 << 20)),
      storage.clear(),
      storage.setEncrypted('g', 'g'),
    ];
    await Promise.all(cleared);
    return {
      settled,
      between: (await readBetween)?.size,
      listed: (await listed).sort(),
      counted: await counted,
      afterClear: await storage.keys(),
    };
  }, secret);
  expect(result).toEqual({
    settled: ['16 bytes of text', 'after the Blob', null, 'd', null],
    between: 4 << 20,
    listed: ['a', 'b', 'd', 'e'],
    counted: 4,
    afterClear: ['g'],
  });
});

test('a value is taken as it was when the call was made', async ({ page }) => {
  const read = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    const bytes = new Uint8Array([1, 2, 3]);
    const context = { step: 'before' };
    const written = storage.setEncrypted('k', bytes, 'internal', context);
    bytes.fill(9);
    context.step = 'after';
    await written;
    return [[...((await storage.getDecryptedBytes('k')) ?? [])], (await storage.getMetadata('k'))?.context];
  }, secret);
  expect(read).toEqual([[1, 2, 3], { step: 'before' }]);
});

test('bytes come without what was sealed with them, and random bytes may be given by a function again', async ({
  page,
}) => {
  const result = await page.evaluate(async () => {
    const bytes32 = crypto.getRandomValues(new Uint8Array(32));
    const options = { secret: () => bytes32, iterations: 100_000 };
    const storage = await idbvault.createEncryptedStorage('db', 'store', options);
    await storage.setEncrypted('patient:P1', new Float32Array([1.5]), 'internal', { study: 'CT-7' });
    const again = await idbvault.createEncryptedStorage('db', 'store', options);
    const bytes = await again.getDecryptedBytes('patient:P1');
    return [bytes?.buffer.byteLength, bytes && new Float32Array(bytes.buffer)[0]];
  });
  expect(result).toEqual([4, 1.5]);
});

test('update counts right under concurrent updates, keeps class and context, and deletes', async ({ page }) => {
  const result = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('n', '0', 'phi', { unit: 'mSv' });
    let calls = 0;
    const increment = (current: string | null) => {
      calls++;
      return String(Number(current) + 1);
    };
    await Promise.all(Array.from({ length: 20 }, () => storage.update('n', increment)));
    const { classification, context } = (await storage.getMetadata('n')) ?? {};
    const total = await storage.getDecrypted('n');
    await storage.update('n', (current) => `${current}!`, 'pii', { unit: 'none' });
    const changed = await storage.getMetadata('n');
    await storage.update('fresh', (current) => (current === null ? 'made' : 'wrong'));
    // The function may use the storage, the very record included.
    await storage.update('fresh', async (current) => `${current} ${await storage.getDecrypted('fresh')}`);
    await storage.update('n', () => null);
    const boom = new Error('from the function');
    const thrown = await storage.update('fresh', () => Promise.reject(boom)).catch((error: unknown) => error === boom);
    return {
      total,
      retried: calls > 20,
      classification,
      context,
      changed: [changed?.classification, changed?.context],
      fresh: await storage.getDecrypted('fresh'),
      freshClass: (await storage.getMetadata('fresh'))?.classification,
      deleted: await storage.exists('n'),
      thrown,
      wrongType: await codeOf(() => storage.update('fresh', () => 1 as unknown as string)),
      always: await codeOf(() =>
        storage.update('fresh', async () => {
          await storage.setEncrypted('fresh', 'came between');
          return 'never written';
        }),
      ),
      after: await storage.getDecrypted('fresh'),
    };
  }, secret);
  expect(result).toEqual({
    total: '20',
    retried: true,
    classification: 'phi',
    context: { unit: 'mSv' },
    changed: ['pii', { unit: 'none' }],
    fresh: 'made made',
    freshClass: 'confidential',
    deleted: false,
    thrown: true,
    wrongType: 'ERR_INVALID',
    always: 'ERR_CONFLICT',
    after: 'came between',
  });
});

for (const names of ['hidden', 'clear'] as const) {
  test(`keys, count, exists and clear of a vault with ${names} names`, async ({ page }) => {
    const result = await page.evaluate(
      async ([secret, names]) => {
        const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, names });
        const other = await idbvault.createEncryptedStorage('db', 'store2');
        const entries = Array.from({ length: 600 }, (_, i) => ({
          key: `${i % 2 ? 'image' : 'note'}:${i}`,
          value: `${i}`,
          classification: i % 3 ? ('phi' as const) : ('internal' as const),
        }));
        await storage.setManyEncrypted(entries);
        await other.setEncrypted('image:1', 'of the other store');
        const sorted = (list: string[]) => [...list].sort().join();
        const all = entries.map((e) => e.key);
        const images = all.filter((k) => k.startsWith('image:'));
        const wanted = entries
          .filter((e) => e.key.startsWith('image:') && e.classification === 'phi')
          .map((e) => e.key);
        const right = [
          sorted(await storage.keys()) === sorted(all),
          sorted(await storage.keys({ prefix: 'image:' })) === sorted(images),
          sorted(await storage.keys({ prefix: 'image:', classification: 'phi' })) === sorted(wanted),
          sorted(await storage.keys({ prefix: 'zzz' })) === '',
        ];
        const counted = [await storage.count(), await other.count()];
        const existing = [
          await storage.exists('image:1'),
          await storage.exists('image:0'),
          await storage.exists('image'),
        ];
        await storage.deleteMany(['image:1', 'not there', 'note:0']);
        const afterDelete = await storage.count();
        await storage.clear();
        return { right, counted, existing, afterDelete, end: [await storage.keys(), await other.keys()] };
      },
      [secret, names] as const,
    );
    expect(result).toEqual({
      right: [true, true, true, true],
      counted: [600, 1],
      existing: [true, false, false],
      afterDelete: 598,
      end: [[], ['image:1']],
    });
  });
}

test('a vault is unlocked once a page, and joined with the same secret or with none', async ({ page }) => {
  const result = await page.evaluate(async (secret) => {
    let derivations = 0;
    const derive = crypto.subtle.deriveKey.bind(crypto.subtle);
    crypto.subtle.deriveKey = (...args: Parameters<typeof derive>) => {
      derivations++;
      return derive(...args);
    };
    const { createEncryptedStorage } = idbvault;
    const opened = [
      createEncryptedStorage('db', 'store', { secret }),
      createEncryptedStorage('db', 'store', { secret }),
    ];
    const [first] = await Promise.all(opened);
    await first?.setEncrypted('k', 'v');
    first?.close();
    const noSecret = await createEncryptedStorage('db', 'store');
    const sameBytes = await createEncryptedStorage('db', 'store', { secret: new TextEncoder().encode(secret) });
    let asked = false;
    await createEncryptedStorage('db', 'other', {
      secret: () => {
        asked = true;
        return 'never asked for';
      },
    });
    const before = derivations;
    const wrong = await codeOf(() => createEncryptedStorage('db', 'store', { secret: 'another passphrase' }));
    return {
      derivations: before,
      read: [await noSecret.getDecrypted('k'), await sameBytes.getDecrypted('k')],
      asked,
      wrong,
      derivationsOfAWrongOne: derivations,
      closed: await codeOf(() => first?.getDecrypted('k')),
    };
  }, secret);
  expect(result).toEqual({
    derivations: 1,
    read: ['v', 'v'],
    asked: false,
    wrong: 'ERR_WRONG_SECRET',
    derivationsOfAWrongOne: 2,
    closed: 'ERR_CLOSED',
  });
});

test('subscribe tells of the writes of this tab, once they are acknowledged', async ({ page }) => {
  const events = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    const seen: string[] = [];
    const note = (who: string) => (e: { type: string; key: string | null; remote: boolean }) =>
      seen.push(`${who} ${e.type} ${e.key} ${e.remote}`);
    storage.subscribe(null, note('all'));
    const end = storage.subscribe('a', note('a'));
    await storage.setManyEncrypted([
      { key: 'a', value: '1' },
      { key: 'b', value: '2' },
    ]);
    await storage.update('a', () => null);
    await storage.clear();
    end();
    await storage.setEncrypted('a', '3');
    await codeOf(() => storage.setEncrypted('', 'refused'));
    const second = await idbvault.createEncryptedStorage('db', 'store');
    second.subscribe('a', note('second'));
    await storage.delete('a');
    return seen;
  }, secret);
  expect(events).toEqual([
    'all set a false',
    'all set b false',
    'a set a false',
    'all delete a false',
    'a delete a false',
    'all clear null false',
    'a clear null false',
    'all set a false',
    'all delete a false',
    'second delete a false',
  ]);
});

test('calls of one turn share a transaction, and each succeeds or fails by itself', async ({ page }) => {
  const result = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('warm', 'up', 'phi');
    let transactions = 0;
    const { transaction } = IDBDatabase.prototype;
    IDBDatabase.prototype.transaction = function (...args: Parameters<typeof transaction>) {
      transactions++;
      return transaction.apply(this, args);
    };
    const names = Array.from({ length: 100 }, (_, i) => `n${i}`);
    const sets = names.map((name) => codeOf(() => storage.setEncrypted(name, `value of ${name}`, 'phi')));
    sets.push(codeOf(() => storage.setEncrypted('bad', 'x', 'none' as 'phi')));
    sets.push(codeOf(() => storage.setEncrypted('é'.repeat(600), 'x', 'phi'))); // only Go counts the bytes
    const written = await Promise.all(sets);
    const forSets = transactions;
    transactions = 0;
    const values = await Promise.all(names.map((name) => storage.getDecrypted(name)));
    const forGets = transactions;
    IDBDatabase.prototype.transaction = transaction;

    // One record that was tampered with fails its own read.
    const [[key]] = (await raw.entries('db', 'records')) as [[ArrayBuffer, ArrayBuffer]];
    await raw.put('db', 'records', key, new Uint8Array(200).fill(1).buffer);
    const read = await Promise.all(['warm', ...names].map((name) => codeOf(() => storage.getDecrypted(name))));
    return {
      refused: written.slice(100),
      failed: written.slice(0, 100).filter((code) => code !== 'no error'),
      right: values.every((value, i) => value === `value of n${i}`),
      shared: forSets <= 3 && forGets <= 2,
      tampered: read.filter((code) => code !== 'no error'),
    };
  }, secret);
  expect(result).toEqual({
    refused: ['ERR_INVALID', 'ERR_INVALID'],
    failed: [],
    right: true,
    shared: true,
    tampered: ['ERR_INTEGRITY'],
  });
});

test('calls of one turn keep their order across kinds, storages and close', async ({ page }) => {
  const result = await page.evaluate(async (secret) => {
    const one = await idbvault.createEncryptedStorage('db', 'store', { secret });
    const two = await idbvault.createEncryptedStorage('db', 'store');
    const calls = [
      one.setEncrypted('a', '1'),
      one.getDecrypted('a'),
      two.setEncrypted('a', '2'),
      one.getDecrypted('a'),
      one.delete('a'),
      two.getDecrypted('a'),
      one.setEncrypted('a', '3'),
      one.setManyEncrypted([{ key: 'a', value: '4' }]),
      two.getDecrypted('a'),
      one.setEncrypted('b', 'before close'),
    ];
    one.close();
    const results = await Promise.all(calls);
    return [...results.filter((_, i) => [1, 3, 5, 8].includes(i)), await two.getDecrypted('b')];
  }, secret);
  expect(result).toEqual(['1', '2', null, '4', 'before close']);
});

test('many calls leave neither memory nor live references behind', async ({ page, site }) => {
  await page.addInitScript(() => {
    const instantiate = WebAssembly.instantiate as (m: WebAssembly.Module, i?: WebAssembly.Imports) => Promise<object>;
    let Go: (new () => object) | undefined;
    Object.defineProperty(globalThis, 'Go', {
      configurable: true,
      get: () => Go,
      set(original: new () => object) {
        Go = class extends original {
          constructor() {
            super();
            Object.assign(globalThis, { goProgram: this });
          }
        };
      },
    });
    Object.assign(WebAssembly, {
      instantiate: async (module: WebAssembly.Module, imports?: WebAssembly.Imports) => {
        const instance = (await instantiate(module, imports)) as WebAssembly.Instance;
        Object.assign(globalThis, { goMemory: instance.exports.mem });
        return instance;
      },
    });
  });
  await openApp(page, site.url);
  const result = await page.evaluate(async (secret) => {
    const { goProgram, goMemory } = globalThis as unknown as {
      goProgram?: { _ids: Map<unknown, number> };
      goMemory?: WebAssembly.Memory;
    };
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    const { goProgram: program, goMemory: memory } = globalThis as unknown as {
      goProgram: { _ids: Map<unknown, number> };
      goMemory: WebAssembly.Memory;
    };
    const round = async (times: number) => {
      for (let i = 0; i < times; i++) {
        const names = Array.from({ length: 20 }, (_, k) => `n${k}`);
        await Promise.all(names.map((name) => storage.setEncrypted(name, `value ${i}`, 'phi', { i })));
        await Promise.all(names.map((name) => storage.getDecrypted(name)));
        await storage.setEncrypted('alone', new Uint8Array(100_000), 'phi');
        await storage.getDecryptedBytes('alone');
        await codeOf(() => storage.getDecrypted('alone\0'.repeat(1000)));
      }
      return { references: program._ids.size, memory: memory.buffer.byteLength };
    };
    const before = await round(30);
    const after = await round(150);
    return { early: goProgram ?? goMemory, before, after };
  }, secret);
  expect(result.early).toBeUndefined();
  expect(result.before.references).toBeGreaterThan(20);
  expect(result.after.references).toBeLessThanOrEqual(result.before.references + 5);
  expect(result.after.memory).toBeLessThanOrEqual(result.before.memory + (4 << 20));
});

test('the WebAssembly is loaded once a page, when it is first needed or asked for', async ({ page, site }) => {
  const loads: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('.wasm')) loads.push(request.url());
  });
  await openApp(page, site.url);
  expect(loads.length).toBe(0);
  await page.evaluate(() => Promise.all([idbvault.preload(), idbvault.preload()]).then(() => {}));
  expect(loads.length).toBe(1);
  await page.evaluate(async (secret) => {
    await idbvault.createEncryptedStorage('db', 'store', { secret });
    await new idbvault.EncryptionService('your-master-key').initialize();
    await idbvault.preload();
  }, secret);
  expect(loads.length).toBe(1);
});
