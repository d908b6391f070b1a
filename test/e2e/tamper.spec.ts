import { expect, openApp, test } from './app.ts';

// What someone who can write to the disk may try. Each attempt is put back before the next.

const secret = 'correct horse battery';

test('a record that was changed, moved, cut or dropped is refused, and the others still read', async ({ page }) => {
  const result = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    const other = await idbvault.createEncryptedStorage('db', 'store2');
    await storage.setEncrypted('a', 'value of a', 'phi', { patientId: 'P1' });
    const nameOfA = (await raw.entries('db', 'records'))[0]?.[0] as ArrayBuffer;
    await storage.setEncrypted('b', 'value of b', 'phi');
    await other.setEncrypted('a', 'of the other store', 'phi');
    const hex = (b: ArrayBuffer) => Array.from(new Uint8Array(b), (x) => x.toString(16).padStart(2, '0')).join('');
    const records = await raw.entries('db', 'records');
    const entry = (store: string, isA: boolean) =>
      records.find(([key]) => {
        const bytes = new Uint8Array(key);
        const named = new TextDecoder().decode(bytes.subarray(1, 1 + (bytes[0] ?? 0))) === store;
        return named && (store !== 'store' || (hex(key) === hex(nameOfA)) === isA);
      }) as [ArrayBuffer, ArrayBuffer];
    const [keyA, valueA] = entry('store', true);
    const [keyB, valueB] = entry('store', false);
    const [, valueOther] = entry('store2', true);

    const surprises: string[] = [];
    const attempt = async (what: string, value: unknown, expected: string[] = ['ERR_INTEGRITY']) => {
      await raw.put('db', 'records', keyA, value);
      for (const [call, read] of Object.entries({
        get: () => storage.getDecrypted('a'),
        metadata: () => storage.getMetadata('a'),
        many: () => storage.getManyDecrypted(['b', 'a']),
        keys: () => storage.keys(),
        update: () => storage.update('a', () => 'overwritten'),
      })) {
        const code = await codeOf(read);
        if (!expected.includes(code)) surprises.push(`${what}: ${call} gave ${code}`);
      }
      if ((await storage.getDecrypted('b')) !== 'value of b') surprises.push(`${what}: b does not read`);
      await raw.put('db', 'records', keyA, valueA);
    };
    for (let i = 0; i < valueA.byteLength; i++) {
      const changed = new Uint8Array(valueA.slice(0));
      changed[i] = (changed[i] ?? 0) ^ (1 << (i % 8));
      await attempt(`bit ${i % 8} of byte ${i}`, changed.buffer, i < 2 ? ['ERR_VERSION'] : ['ERR_INTEGRITY']);
    }
    await attempt('the record of b in its place', valueB);
    await attempt('the record of the other store in its place', valueOther);
    await attempt('without its last byte', valueA.slice(0, -1));
    await attempt('with a byte more', new Uint8Array([...new Uint8Array(valueA), 0]).buffer);
    await attempt('the header alone', valueA.slice(0, 36));
    await attempt('nothing', new ArrayBuffer(0));
    await attempt('a string', 'value of a');
    await attempt('an object', { value: 'value of a' });

    // A swap of two records.
    await raw.put('db', 'records', keyA, valueB);
    await raw.put('db', 'records', keyB, valueA);
    const swapped = [await codeOf(() => storage.getDecrypted('a')), await codeOf(() => storage.getDecrypted('b'))];
    await raw.put('db', 'records', keyA, valueA);
    await raw.put('db', 'records', keyB, valueB);
    return { surprises, swapped, bytes: valueA.byteLength, end: await storage.getManyDecrypted(['a', 'b']) };
  }, secret);
  expect(result.surprises).toEqual([]);
  expect(result.bytes).toBeGreaterThan(80);
  expect(result).toMatchObject({ swapped: ['ERR_INTEGRITY', 'ERR_INTEGRITY'], end: ['value of a', 'value of b'] });
});

test('a large value that was changed, moved, cut, dropped or put to another head is refused', async ({ page }) => {
  const result = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    const value = (fill: number) => new Uint8Array(100_000).fill(fill);
    await storage.setEncrypted('a', value(1), 'phi');
    const [[keyA, oldHead]] = (await raw.entries('db', 'records')) as [[ArrayBuffer, ArrayBuffer]];
    const [[chunkA, oldValue]] = (await raw.entries('db', 'chunks')) as [[ArrayBuffer, ArrayBuffer]];
    await storage.setEncrypted('a', value(2), 'phi');
    const [[, newHead]] = (await raw.entries('db', 'records')) as [[ArrayBuffer, ArrayBuffer]];
    const [[, newValue]] = (await raw.entries('db', 'chunks')) as [[ArrayBuffer, ArrayBuffer]];
    const attempt = async (head: ArrayBuffer, chunk: ArrayBuffer | null) => {
      await raw.put('db', 'records', keyA, head);
      if (chunk) await raw.put('db', 'chunks', chunkA, chunk);
      else await raw.remove('db', 'chunks', chunkA);
      return codeOf(() => storage.getDecryptedBytes('a'));
    };
    const flipped = new Uint8Array(newValue.slice(0));
    flipped[50_000] = (flipped[50_000] ?? 0) ^ 1;
    const codes = {
      'old head, new value': await attempt(oldHead, newValue),
      'new head, old value': await attempt(newHead, oldValue),
      'a flipped bit': await attempt(newHead, flipped.buffer),
      'cut short': await attempt(newHead, newValue.slice(0, -1)),
      'no value': await attempt(newHead, null),
      'as it was': await attempt(newHead, newValue),
    };
    return { codes, read: (await storage.getDecryptedBytes('a'))?.[99_999] };
  }, secret);
  expect(result.codes).toEqual({
    'old head, new value': 'ERR_INTEGRITY',
    'new head, old value': 'ERR_INTEGRITY',
    'a flipped bit': 'ERR_INTEGRITY',
    'cut short': 'ERR_INTEGRITY',
    'no value': 'ERR_INTEGRITY',
    'as it was': 'no error',
  });
  expect(result.read).toBe(2);
});

test('a keyring that was changed, cut or deleted is refused at the next open, and keys are never made anew', async ({
  page,
  site,
}) => {
  const size = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('a', 'value of a', 'phi');
    return (await raw.entries('db', 'keyring'))[0]?.[1].byteLength ?? 0;
  }, secret);
  expect(size).toBeGreaterThan(900);
  await openApp(page, site.url);
  // Opening derives a key each time, so not every byte is tried here: vault/ tests that. Here one of each field is.
  const offsets = [
    0,
    8,
    9,
    25,
    33,
    37,
    41,
    45,
    46,
    48,
    52,
    53,
    69,
    73,
    113,
    115,
    116,
    117,
    121,
    129,
    133,
    500,
    size - 32,
    size - 1,
  ];
  const result = await page.evaluate(
    async ([secret, offsets]) => {
      const [[key, good]] = (await raw.entries('db', 'keyring')) as [[ArrayBuffer, ArrayBuffer]];
      const open = () => codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret }));
      const codes: string[] = [];
      for (const offset of offsets) {
        const changed = new Uint8Array(good.slice(0));
        changed[offset] = (changed[offset] ?? 0) ^ 1;
        await raw.put('db', 'keyring', key, changed.buffer);
        codes.push(`${offset} ${await open()}`);
      }
      await raw.put('db', 'keyring', key, good.slice(0, -1));
      const cut = await open();
      await raw.remove('db', 'keyring', key);
      const deleted = await open();
      const expected = await codeOf(() =>
        idbvault.createEncryptedStorage('db', 'store', { secret, expectVault: true }),
      );
      const made = (await raw.entries('db', 'keyring')).length;
      await raw.put('db', 'keyring', key, good);
      const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
      return { codes, cut, deleted, expected, made, read: await storage.getDecrypted('a') };
    },
    [secret, offsets] as const,
  );
  const unexpected = result.codes.filter((line) => !/ ERR_(INTEGRITY|WRONG_SECRET|VERSION)$/.test(line));
  expect(unexpected).toEqual([]);
  expect(result).toMatchObject({
    cut: 'ERR_INTEGRITY',
    deleted: 'ERR_INTEGRITY',
    expected: 'ERR_INTEGRITY',
    made: 0,
    read: 'value of a',
  });
  // The salt, the iterations and the wrapped vault key of the slot are what a wrong secret looks like too.
  expect(result.codes).toContain('53 ERR_WRONG_SECRET');
  expect(result.codes).toContain('8 ERR_VERSION');
});

test('a name that someone put beside the others in a vault with clear names is not believed', async ({ page }) => {
  const result = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, names: 'clear' });
    await storage.setEncrypted('a', 'a');
    const [[key, value]] = (await raw.entries('db', 'records')) as [[ArrayBuffer, ArrayBuffer]];
    const forged = new Uint8Array(key.slice(0));
    forged[forged.length - 1] = 98; // b
    await raw.put('db', 'records', forged.buffer, value);
    return [await codeOf(() => storage.keys()), await storage.keys({ prefix: 'a' })];
  }, secret);
  expect(result).toEqual(['ERR_INTEGRITY', ['a']]);
});

test('a keyring deleted or put back under an open vault stops writing', async ({ page }) => {
  const result = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    const [[key, first]] = (await raw.entries('db', 'keyring')) as [[ArrayBuffer, ArrayBuffer]];
    await storage.setEncrypted('a', 'a', 'phi'); // takes a lease, so the keyring changes
    await raw.put('db', 'keyring', key, first);
    const putBack = await codeOf(() => storage.setEncrypted('b', 'b', 'internal'));
    await raw.remove('db', 'keyring', key);
    const deleted = await codeOf(() => storage.setEncrypted('b', 'b', 'internal'));
    return { putBack, deleted, read: await storage.getDecrypted('a'), count: await storage.count() };
  }, secret);
  expect(result).toEqual({ putBack: 'ERR_INTEGRITY', deleted: 'ERR_INTEGRITY', read: 'a', count: 1 });
});

test('no key of an unlocked vault can be exported or unwraps another', async ({ page }) => {
  const keys = await page.evaluate(async (secret) => {
    const made: CryptoKey[] = [];
    for (const name of ['unwrapKey', 'deriveKey', 'generateKey', 'importKey'] as const) {
      const original = crypto.subtle[name].bind(crypto.subtle) as (...args: unknown[]) => Promise<CryptoKey>;
      Object.assign(crypto.subtle, {
        [name]: async (...args: unknown[]) => {
          const key = await original(...args);
          made.push(key);
          return key;
        },
      });
    }
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('a', 'a', 'phi');
    const service = new idbvault.EncryptionService('your-master-key');
    await service.encrypt('x', 'phi');
    const list: string[] = [];
    for (const key of made) {
      const exported = await crypto.subtle.exportKey('raw', key).then(
        () => 'EXPORTED',
        () => 'refused',
      );
      list.push(`${key.algorithm.name} ${key.usages.join('+')} ${key.extractable} ${exported}`);
    }
    return list;
  }, secret);
  // A key that is to be wrapped must be extractable while it is. Its handle is dropped; what stays is unwrapped.
  const drawn = keys.filter((key) => key.endsWith('EXPORTED'));
  const kept = keys.filter((key) => !key.endsWith('EXPORTED'));
  expect(drawn.length).toBe(14); // the vault key and the 13 keys that it wraps
  expect(kept.filter((key) => key.includes('false refused')).length).toBe(kept.length);
  expect(kept.length).toBeGreaterThan(8);
});

// A script that comes after the unlock can reach what wasm_exec.js keeps for Go, by way of Map.prototype, and the page's table of
// keys, by way of Array.prototype.
for (const state of ['made', 'unlocked', 'refused'] as const) {
  test(`after a vault was ${state}, no handle is reachable that could unwrap, derive or be exported`, async ({
    page,
    site,
  }) => {
    if (state !== 'made') {
      await page.evaluate(
        (secret) => idbvault.createEncryptedStorage('db', 'store', { secret }).then(() => {}),
        secret,
      );
      await openApp(page, site.url);
    }
    const reachable = await page.evaluate(
      async ([secret, state]) => {
        const { createEncryptedStorage, EncryptionService } = idbvault;
        const asked = state === 'refused' ? 'another passphrase' : secret;
        const storage = await createEncryptedStorage('db', 'store', { secret: asked }).catch(() => undefined);
        const found = { ofGo: new Set<string>(), ofPage: new Set<string>() };
        const note = (where: Set<string>, key: unknown) => {
          if (key instanceof CryptoKey) where.add(`${key.algorithm.name} ${key.extractable} ${key.usages.join('+')}`);
        };
        const { get } = Map.prototype;
        Map.prototype.get = function (key: unknown) {
          for (const value of this.keys()) note(found.ofGo, value);
          return get.call(this, key);
        };
        const { some } = Array.prototype;
        Array.prototype.some = function (test) {
          for (const entry of this) note(found.ofPage, entry?.key);
          return some.call(this, test);
        };
        await storage?.setEncrypted('a', 'a', 'phi');
        await createEncryptedStorage('db', 'store', { secret: () => asked }).catch(() => {});
        const ofGo = [...found.ofGo];
        const service = new EncryptionService('a master key');
        await service.initialize();
        await service.encrypt('a', 'public');
        Map.prototype.get = get;
        Array.prototype.some = some;
        return { ofGo, ofPage: [...found.ofPage].sort(), ofService: [...found.ofGo].sort() };
      },
      [secret, state] as const,
    );
    expect(reachable).toEqual({
      ofGo: [],
      // Object keys derive, those of single streamed values and no more.
      ofPage:
        state === 'refused' ? [] : ['AES-GCM false encrypt+decrypt', 'HKDF false deriveKey', 'HMAC false sign+verify'],
      // A service holds its master key for as long as it derives from it: what Go holds is seen.
      ofService: expect.arrayContaining(['PBKDF2 false deriveKey']),
    });
  });
}
