import { expect, openApp, test } from './app.ts';

test('a package is as the guide prints it, and another service opens it after a reload', async ({ page, site }) => {
  const made = await page.evaluate(async () => {
    const { EncryptionService, DataClassification } = idbvault;
    const encryption = new EncryptionService('your-master-key');
    await encryption.initialize();
    const first = await encryption.encrypt('sensitive data', DataClassification.PHI, { patientId: 'P12345' });
    const second = await encryption.encrypt('sensitive data', DataClassification.PHI, { patientId: 'P12345' });
    return JSON.stringify([first, second]);
  });
  const [first, second] = JSON.parse(made);
  expect(first).toEqual({
    ciphertext: expect.stringMatching(/^[A-Za-z0-9+/]{40}$/),
    metadata: {
      version: '1.0',
      algorithm: 'AES-GCM',
      keyId: expect.stringMatching(/^[0-9a-f]{32}$/),
      iv: expect.stringMatching(/^[A-Za-z0-9+/]{16}$/),
      salt: expect.stringMatching(/^[A-Za-z0-9+/]{22}==$/),
      classification: 'phi',
      encryptedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      context: { patientId: 'P12345' },
    },
  });
  expect(Object.keys(first.metadata)).toEqual([
    'version',
    'algorithm',
    'keyId',
    'iv',
    'salt',
    'classification',
    'encryptedAt',
    'context',
  ]);
  expect([second.metadata.salt, second.metadata.keyId]).toEqual([first.metadata.salt, first.metadata.keyId]);
  expect(second.metadata.iv).not.toBe(first.metadata.iv);
  await openApp(page, site.url);
  const opened = await page.evaluate(async (made) => {
    const service = new idbvault.EncryptionService('your-master-key');
    const [first, second] = JSON.parse(made);
    const bytes = await service.decryptBytes(second);
    return [await service.decrypt(first), new TextDecoder().decode(bytes)];
  }, made);
  expect(opened).toEqual(['sensitive data', 'sensitive data']);
});

test('strings, buffers and views of any content come back', async ({ page }) => {
  const surprises = await page.evaluate(async () => {
    const service = new idbvault.EncryptionService(crypto.getRandomValues(new Uint8Array(32)));
    const all = Uint8Array.from({ length: 1000 }, (_, i) => i & 255);
    const surprises: string[] = [];
    for (const size of [0, 1, 2, 3, 255, 1000]) {
      const bytes = await service.decryptBytes(await service.encrypt(all.slice(0, size).buffer));
      if (bytes.length !== size || bytes.some((b, i) => b !== all[i])) surprises.push(`${size} bytes`);
    }
    const view = await service.decryptBytes(await service.encrypt(new Uint16Array(all.buffer, 100, 10)));
    if (view.join() !== all.subarray(100, 120).join()) surprises.push('a view');
    const large = new Uint8Array(5 << 20).fill(7);
    if ((await service.decryptBytes(await service.encrypt(large))).length !== large.length) surprises.push('5 MiB');
    for (const text of ['', '\ufeff', 'Grüße 🩻\0'])
      if ((await service.decrypt(await service.encrypt(text))) !== text) surprises.push(text);
    return surprises;
  });
  expect(surprises).toEqual([]);
});

test("iterations are those of the class, or the service's where higher, and then carried", async ({ page }) => {
  const result = await page.evaluate(async () => {
    const asked: number[] = [];
    const derive = crypto.subtle.deriveKey.bind(crypto.subtle);
    crypto.subtle.deriveKey = (...args: Parameters<typeof derive>) => {
      asked.push((args[0] as Pbkdf2Params).iterations);
      return derive(...args);
    };
    const classes = ['public', 'internal', 'confidential', 'pii', 'phi'] as const;
    const plain = new idbvault.EncryptionService('your-master-key');
    const higher = new idbvault.EncryptionService('your-master-key', { kdfIterations: 200_000 });
    const carried: (number | undefined)[] = [];
    for (const service of [plain, higher])
      for (const c of classes) carried.push((await service.encrypt('x', c)).metadata.kdfIterations);
    await plain.encrypt('again', 'phi'); // draws nothing anew
    const sealed = await higher.encrypt('x', 'pii');
    const other = new idbvault.EncryptionService('your-master-key');
    await Promise.all([other.decrypt(sealed), other.decrypt(sealed), other.decrypt(sealed)]);
    await other.decrypt(sealed);
    return { asked, carried };
  });
  expect(result.asked).toEqual([
    100_000,
    100_000,
    150_000,
    150_000,
    250_000,
    200_000,
    200_000,
    200_000,
    200_000,
    250_000,
    200_000, // three calls at once and one after them, for a salt that was met
  ]);
  expect(result.carried).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    200_000,
    200_000,
    200_000,
    200_000,
    undefined,
  ]);
});

test('every field is authenticated, and their order is not', async ({ page }) => {
  const result = await page.evaluate(async () => {
    const service = new idbvault.EncryptionService('your-master-key', { kdfIterations: 300_000 });
    const context = { patientId: 'P1', list: [1, 'x', null, { deep: true }], 'lone \ud800': -0, '': {}, __proto: 1.5 };
    const sealed = JSON.stringify(await service.encrypt('sensitive data!', 'phi', context));
    type Loose = { ciphertext: string; metadata: Record<string, unknown> };
    const fresh = () => JSON.parse(sealed) as Loose;
    const decrypt = (p: unknown) => service.decrypt(p as Parameters<typeof service.decrypt>[0]);
    const changed = async (change: (p: Loose) => void) => {
      const p = fresh();
      change(p);
      return codeOf(() => decrypt(p));
    };
    const other = await service.encrypt('other', 'phi', context);
    const codes: Record<string, string> = {};
    const set = (name: string, value: unknown) => (p: Loose) => {
      p.metadata[name] = value;
    };
    const text = fresh();
    for (const name of Object.keys(text.metadata)) {
      codes[`${name} dropped`] = await changed((p) => delete p.metadata[name]);
      codes[`${name} a number`] = await changed(set(name, 250_000.5));
    }
    codes['keyId of another'] = await changed(set('keyId', '0'.repeat(32)));
    codes['iv of another'] = await changed(set('iv', other.metadata.iv));
    codes['iv with white space'] = await changed(set('iv', ` ${text.metadata.iv}`));
    codes['iv cut'] = await changed(set('iv', (text.metadata.iv as string).slice(4)));
    codes['another class of the same iterations'] = await changed(set('classification', 'pii'));
    codes['another time'] = await changed(set('encryptedAt', '2020-01-01T00:00:00Z'));
    codes['time in another form'] = await changed(
      set('encryptedAt', (text.metadata.encryptedAt as string).replace('Z', '.000Z')),
    );
    codes['time that is none'] = await changed(set('encryptedAt', '2020-02-30T00:00:00Z'));
    codes['more iterations'] = await changed(set('kdfIterations', 300_001));
    codes['fewer than the class demands'] = await changed(set('kdfIterations', 249_999));
    codes['more than the ceiling'] = await changed(set('kdfIterations', 10_000_001));
    codes['a field more'] = await changed(set('note', 'x'));
    codes['context changed'] = await changed(set('context', { ...context, patientId: 'P2' }));
    codes['context with a field more'] = await changed(set('context', { ...context, x: null }));
    codes['context deep changed'] = await changed(
      set('context', { ...context, list: [1, 'x', null, { deep: false }] }),
    );
    codes['context list reordered'] = await changed(
      set('context', { ...context, list: ['x', 1, null, { deep: true }] }),
    );
    codes['ciphertext changed'] = await changed((p) => {
      p.ciphertext = `${p.ciphertext[0] === 'A' ? 'B' : 'A'}${p.ciphertext.slice(1)}`;
    });
    codes['ciphertext of another'] = await changed((p) => {
      p.ciphertext = other.ciphertext;
    });
    codes['ciphertext without its padding'] = await changed((p) => {
      p.ciphertext = p.ciphertext.replace(/=+$/, '');
    });
    codes['ciphertext with white space'] = await changed((p) => {
      p.ciphertext = `${p.ciphertext}\n`;
    });
    codes['ciphertext shorter than a tag'] = await changed((p) => {
      p.ciphertext = 'AAAA';
    });
    const versions = [await changed(set('version', '2.0')), await changed(set('algorithm', 'AES-CBC'))];
    const p = fresh();
    const reverse = (o: Record<string, unknown>) => Object.fromEntries(Object.entries(o).reverse());
    const reordered = {
      metadata: reverse({ ...p.metadata, context: reverse(p.metadata.context as never) }),
      ciphertext: p.ciphertext,
    };
    const wrongKey = await codeOf(() => new idbvault.EncryptionService('another master key').decrypt(p as never));
    const nothings: string[] = [];
    for (const nothing of [
      undefined,
      null,
      'x',
      {},
      { ciphertext: 'AAAA' },
      { ciphertext: 1, metadata: {} },
      { ciphertext: '', metadata: [] },
      { ...fresh(), note: 'not authenticated' },
    ])
      nothings.push(await codeOf(() => decrypt(nothing)));
    return { codes, versions, reordered: await decrypt(reordered), wrongKey, nothings };
  });
  expect(result.reordered).toBe('sensitive data!');
  expect(result.wrongKey).toBe('ERR_INTEGRITY');
  expect(result.versions).toEqual(['ERR_VERSION', 'ERR_VERSION']);
  expect(new Set(result.nothings)).toEqual(new Set(['ERR_INVALID']));
  expect(Object.keys(result.codes).length).toBeGreaterThan(35);
  expect(Object.entries(result.codes).filter(([, code]) => code !== 'ERR_INTEGRITY')).toEqual([]);
});

test('a context is taken as it was, whatever its getters say later', async ({ page }) => {
  const result = await page.evaluate(async () => {
    let reads = 0;
    const context = {
      get at() {
        return ++reads;
      },
    };
    const service = new idbvault.EncryptionService('your-master-key');
    const sealed = await service.encrypt('x', 'internal', context);
    return service.decrypt(sealed);
  });
  expect(result).toBe('x');
});

test('what does not fit is ERR_INVALID', async ({ page }) => {
  const codes = await page.evaluate(async () => {
    const { EncryptionService } = idbvault;
    const service = new EncryptionService('your-master-key');
    const make = (...args: unknown[]) => codeOf(() => new EncryptionService(...(args as ['x'])).initialize());
    const encrypt = (...args: unknown[]) => codeOf(() => service.encrypt(...(args as ['x'])));
    return [
      await make('short'),
      await make('with \0 in it'),
      await make('with \ud800 in it'),
      await make(new Uint8Array(7)),
      await make(undefined),
      await make('your-master-key', { kdfIterations: 99_999 }),
      await make('your-master-key', { kdfIterations: 10_000_001 }),
      await make('your-master-key', { kdfIterations: 'many' }),
      await encrypt(1),
      await encrypt(null),
      await encrypt('lone \udc00'),
      await encrypt('x', 'secret'),
      await encrypt('x', 'phi', null),
      await encrypt('x', 'phi', []),
      await encrypt('x', 'phi', { a: undefined, b: Number.POSITIVE_INFINITY }),
      await encrypt('x', 'phi', { a: 'x'.repeat(300_000) }),
      await codeOf(async () => service.decrypt(await service.encrypt(new Uint8Array([255])))),
    ];
  });
  expect(codes).toEqual(Array(17).fill('ERR_INVALID'));
});
