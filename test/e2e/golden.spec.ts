import fs from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { expect, test } from './app.ts';
import {
  archiveFile,
  chunkedFile,
  type GoldenArchive,
  type GoldenPackage,
  type GoldenRecord,
  type GoldenRotation,
  type GoldenVault,
  packagesFile,
  readGolden,
  rotationFile,
  vaultFile,
} from './golden.ts';

// UPDATE_GOLDEN=1 writes the files anew. That is right once for a version of a format, and never again.
const making = process.env.UPDATE_GOLDEN ? test : undefined;
making?.('golden files are made', async ({ page }) => {
  const vaults = await page.evaluate(async () => {
    const base64 = (b: ArrayBuffer | Uint8Array) => btoa(String.fromCharCode(...new Uint8Array(b)));
    const vaults: GoldenVault[] = [];
    for (const names of ['hidden', 'clear'] as const) {
      const database = `golden-${names}`;
      const secret = 'Gru\u0308n\u2003ﬁsh 42'; // NFKC makes it 'Grün fish 42'
      const records: GoldenRecord[] = [];
      const add = async (
        store: string,
        name: string,
        classification: 'public' | 'internal' | 'confidential' | 'pii' | 'phi',
        value: string | Uint8Array<ArrayBuffer> | Blob,
        context?: { [key: string]: string | number | null },
      ) => {
        const storage = await idbvault.createEncryptedStorage(database, store, { secret, names });
        await storage.setEncrypted(name, value, classification, context);
        const bytes = await storage.getDecryptedBytes(name);
        const kind = typeof value === 'string' ? 'text' : value instanceof Blob ? 'blob' : 'bytes';
        const contentType = value instanceof Blob ? value.type : '';
        records.push({
          store,
          name,
          classification,
          kind,
          contentType,
          context: context ?? null,
          value: base64(bytes ?? new Uint8Array()),
        });
      };
      await add('preferences', 'user-preferences', 'internal', JSON.stringify({ theme: 'dark', lang: 'de' }));
      await add('studies', 'patient:P12345', 'phi', 'Anna Ünïcode 🩻', { patientId: 'P12345', ünï: null, n: 1.5 });
      await add(
        'studies',
        'slice:1',
        'phi',
        Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7) & 255),
        { modality: 'CT' },
      );
      await add('studies', 'thumbnail', 'pii', new Blob(['<svg/>'], { type: 'image/svg+xml' }));
      await add('studies', 'empty', 'public', '');
      await add('studies', 'bytes', 'confidential', new Uint8Array([0, 1, 254, 255]));
      const tables: GoldenVault['tables'] = {};
      for (const table of ['keyring', 'records', 'chunks', 'journal', 'audit'])
        tables[table] = (await raw.entries(database, table)).map(([k, v]) => [base64(k), base64(v)]);
      vaults.push({ database, secret, names, tables, records });
    }
    return vaults;
  });
  const packages = await page.evaluate(async () => {
    const made: GoldenPackage[] = [];
    const seal = async (
      masterKey: string,
      plaintext: string,
      kdfIterations: number | undefined,
      ...rest: [never?, never?]
    ) => {
      const service = new idbvault.EncryptionService(masterKey, { kdfIterations });
      made.push({ masterKey, plaintext, package: await service.encrypt(plaintext, ...rest) });
    };
    const context = {
      patientId: 'P12345',
      zero: -0,
      tiny: 5e-324,
      big: 1.7976931348623157e308,
      third: 1 / 3,
      unsafe: 2 ** 53,
      e21: 1e21,
      nested: [[], {}, [null, true, false, 'x']],
      'lone \ud800': '\udfff',
      '\uffff': 1,
      '\u{10000}': 2,
      é: 'e\u0301',
      '': '',
      __proto_: 'proto',
      a: 1,
      B: 2,
      '10': 3,
      '9': 4,
    };
    const all = ['public', 'internal', 'confidential', 'pii', 'phi'];
    for (const classification of all)
      await seal('your-master-key', `of class ${classification}`, undefined, classification as never);
    await seal('your-master-key', 'sensitive data 🩻', undefined, 'phi' as never, context as never);
    await seal('ﬁrst long passphrase', '', 300_000, 'pii' as never, { empty: {} } as never);
    return made;
  });
  fs.mkdirSync('test/vectors/golden', { recursive: true });
  fs.writeFileSync(vaultFile, `${JSON.stringify(vaults, null, 1)}\n`);
  fs.writeFileSync(packagesFile, `${JSON.stringify(packages, null, 1)}\n`);
});

const makingRotations = process.env.UPDATE_GOLDEN_ROTATION ? test : undefined;
makingRotations?.('golden rotations are made', async ({ page }) => {
  const vaults = await page.evaluate(async () => {
    const { VaultKeys } = (await import(
      `${location.origin}/some/folder/keys.js`
    )) as typeof import('../../web/src/keys.ts');
    const base64 = (b: ArrayBuffer | Uint8Array) => btoa(String.fromCharCode(...new Uint8Array(b)));
    const vaults: GoldenRotation[] = [];
    const make = async (
      database: string,
      secret: string,
      rotate: (keys: InstanceType<typeof VaultKeys>) => Promise<void>,
      rotation: GoldenRotation['rotation'],
      events: number[],
    ) => {
      const records: GoldenRecord[] = [];
      for (const [store, name, text] of [
        ['a', 'first', 'in the first store'],
        ['b', 'second', 'in the second store'],
        ['b', 'large', 'x'.repeat(70_000)],
      ] as const) {
        const storage = await idbvault.createEncryptedStorage(database, store, { secret: 'correct horse battery' });
        await storage.setEncrypted(name, text, 'phi', { name });
        const plain = { classification: 'phi', kind: 'text', contentType: '', context: { name } } as const;
        records.push({ store, name, ...plain, value: base64(new TextEncoder().encode(text)) });
      }
      await rotate(new VaultKeys(database)).catch(() => {});
      const tables: GoldenVault['tables'] = {};
      for (const table of ['keyring', 'records', 'chunks', 'journal', 'audit'])
        tables[table] = (await raw.entries(database, table)).map(([k, v]) => [base64(k), base64(v)]);
      vaults.push({ database, secret, names: 'hidden', tables, records, rotation, events });
    };
    const old = 'correct horse battery';
    const next = 'another passphrase';
    /** Stops behind the first store. */
    const stop = () => {
      const abort = new AbortController();
      return { signal: abort.signal, onProgress: () => abort.abort() };
    };
    const underWay = { from: 1, to: 2, phase: 1 };
    await make('golden-stopped', old, (k) => k.rotateKeys({ secret: old, ...stop() }).then(() => {}), underWay, [1, 8]);
    await make(
      'golden-new-secret-stopped',
      next,
      (k) => k.rotateKeys({ secret: old, newSecret: next, ...stop() }).then(() => {}),
      underWay,
      [1, 8],
    );
    await make(
      'golden-rotated',
      next,
      (k) => k.rotateKeys({ secret: old, newSecret: next }).then(() => {}),
      { from: 1, to: 2, phase: 2 },
      [1, 8, 9],
    );
    await make(
      'golden-rolling-back',
      old,
      async (k) => {
        await k.rotateKeys({ secret: old });
        await k.rollbackRotation({ secret: old, ...stop() });
      },
      { from: 2, to: 1, phase: 1 },
      [1, 8, 9, 10],
    );
    await make(
      'golden-committed',
      next,
      async (k) => {
        await k.rotateKeys({ secret: old, newSecret: next });
        await k.commitRotation({ secret: next });
      },
      null,
      [1, 8, 9, 11],
    );
    return vaults;
  });
  fs.writeFileSync(rotationFile, `${JSON.stringify(vaults, null, 1)}\n`);
});

const makingChunked = process.env.UPDATE_GOLDEN_CHUNKED ? test : undefined;
makingChunked?.('a golden vault with values in chunks is made', async ({ page }) => {
  const vault = await page.evaluate(async () => {
    const base64 = (b: ArrayBuffer | Uint8Array) => btoa(String.fromCharCode(...new Uint8Array(b)));
    const [database, secret] = ['golden-chunked', 'correct horse battery'];
    const storage = await idbvault.createEncryptedStorage(database, 'studies', { secret });
    const records: GoldenRecord[] = [];
    for (const [name, value] of [
      ['empty', new Blob([]).stream()],
      ['series', new Blob(['a series of slices']).stream()],
      ['report', new Blob(['<p>Befund</p>'], { type: 'text/html' })],
    ] as const) {
      await storage.setEncryptedStream(name, value, 'phi', { name });
      const ofBlob = value instanceof Blob;
      records.push({
        store: 'studies',
        name,
        classification: 'phi',
        kind: ofBlob ? 'blob' : 'bytes',
        contentType: ofBlob ? value.type : '',
        context: { name },
        value: base64((await storage.getDecryptedBytes(name)) ?? new Uint8Array()),
      });
    }
    const tables: GoldenVault['tables'] = {};
    for (const table of ['keyring', 'records', 'chunks', 'journal', 'audit'])
      tables[table] = (await raw.entries(database, table)).map(([k, v]) => [base64(k), base64(v)]);
    return { database, secret, names: 'hidden', tables, records } satisfies GoldenVault;
  });
  fs.writeFileSync(chunkedFile, `${JSON.stringify([vault], null, 1)}\n`);
});

type Archives = typeof import('../../web/src/archive.ts');

/** Puts a golden vault into the browser as it is, and returns an archive of it. */
const archived = (page: Page, vault: GoldenVault) =>
  page.evaluate(async (vault) => {
    const bytes = (text: string) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
    for (const [table, entries] of Object.entries(vault.tables))
      for (const [key, value] of entries) await raw.put(vault.database, table, bytes(key), bytes(value));
    const { exportArchive } = (await import(`${location.origin}/some/folder/archive.js`)) as Archives;
    const archive = await new Response(await exportArchive(vault.database)).arrayBuffer();
    return btoa(String.fromCharCode(...new Uint8Array(archive)));
  }, vault);

making?.('a golden archive is made', async ({ page }) => {
  const [vault] = readGolden<[GoldenVault]>(chunkedFile);
  const golden: GoldenArchive = { archive: await archived(page, vault), of: path.basename(chunkedFile) };
  fs.writeFileSync(archiveFile, `${JSON.stringify(golden, null, 1)}\n`);
});

test('the golden archive is what this browser exports, and is restored by it', async ({ page }) => {
  const { archive } = readGolden<GoldenArchive>(archiveFile);
  const [vault] = readGolden<[GoldenVault]>(chunkedFile);
  expect(await archived(page, vault)).toBe(archive);
  const read = await page.evaluate(
    async ({ archive, vault: { database, secret, records } }) => {
      await idbvault.destroyVault(database);
      const { importArchive } = (await import(`${location.origin}/some/folder/archive.js`)) as Archives;
      const bytes = Uint8Array.from(atob(archive), (c) => c.charCodeAt(0));
      await importArchive(database, new Blob([bytes]), { secret });
      return Promise.all(
        records.map(async ({ store, name }) => {
          const storage = await idbvault.createEncryptedStorage(database, store, { secret });
          return btoa(String.fromCharCode(...((await storage.getDecryptedBytes(name)) ?? [])));
        }),
      );
    },
    { archive, vault },
  );
  expect(read).toEqual(vault.records.map(({ value }) => value));
});

test('golden vaults open in this browser', async ({ page }) => {
  const vaults = [vaultFile, rotationFile, chunkedFile].flatMap((file) => readGolden<GoldenVault[]>(file));
  expect(vaults.map((v) => v.records.length)).toEqual([6, 6, 3, 3, 3, 3, 3, 3]);
  for (const vault of vaults) {
    const read = await page.evaluate(async (vault) => {
      const bytes = (text: string) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
      for (const [table, entries] of Object.entries(vault.tables)) {
        if (entries.length === 0) await raw.entries(vault.database, table); // makes the database
        for (const [key, value] of entries) await raw.put(vault.database, table, bytes(key), bytes(value));
      }
      const read: GoldenRecord[] = [];
      for (const { store, name } of vault.records) {
        const options = { secret: vault.secret, expectVault: true };
        const storage = await idbvault.createEncryptedStorage(vault.database, store, options);
        const metadata = await storage.getMetadata(name);
        const blob = await storage.getDecryptedBlob(name);
        const value = await storage.getDecryptedBytes(name);
        const kinds: Record<string, 'text' | 'bytes'> = {
          'text/plain;charset=utf-8': 'text',
          'application/octet-stream': 'bytes',
        };
        read.push({
          store,
          name,
          classification: metadata?.classification ?? 'none',
          kind: kinds[blob?.type ?? ''] ?? 'blob',
          contentType: metadata?.contentType ?? 'none',
          context: metadata?.context,
          value: btoa(String.fromCharCode(...(value ?? []))),
        });
      }
      return read;
    }, vault);
    expect(read).toEqual(vault.records);
  }
});

test('golden packages open in this browser', async ({ page }) => {
  const packages = readGolden<GoldenPackage[]>(packagesFile);
  expect(packages.length).toBe(7);
  const opened = await page.evaluate(
    (text) =>
      Promise.all(
        (JSON.parse(text) as GoldenPackage[]).map((p) =>
          new idbvault.EncryptionService(p.masterKey).decrypt(p.package),
        ),
      ),
    JSON.stringify(packages),
  );
  expect(opened).toEqual(packages.map((p) => p.plaintext));
});
