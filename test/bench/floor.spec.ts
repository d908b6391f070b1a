import fs from 'node:fs';
import { expect, type Site, serveSite, test as withApp } from '../e2e/app.ts';

// The floor must be honest: it stores what it claims, no less. The test opens its records with SubtleCrypto alone.

let site: Site;
withApp.beforeAll(async () => {
  site = await serveSite({ '/bench/': 'test/bench' });
});
withApp.afterAll(() => site.close());

interface FloorSide {
  set(key: string, value: string | Uint8Array, context?: object): Promise<void>;
  setMany(entries: { key: string; value: string; context?: object }[]): Promise<void>;
  get(key: string): Promise<string | null>;
  getBytes(key: string): Promise<Uint8Array | null>;
  getMany(keys: string[]): Promise<(string | null)[]>;
  close(): void;
}
type FloorModule = { Floor: { open(database: string, secret: string, iterations: number): Promise<FloorSide> } };

withApp(
  "the floor's records decrypt by its own rules, hide names and contexts, and bind their place",
  async ({ page }) => {
    await page.goto(site.url);
    const result = await page.evaluate(async () => {
      const { Floor } = (await import(`${location.origin}/bench/floor.js`)) as FloorModule;
      const secret = 'correct horse battery';
      const made = await Floor.open('db', secret, 100_000);
      await made.set('patient:P1', 'one', { patientId: 'P1' });
      await made.setMany([
        { key: 'patient:P2', value: 'two' },
        { key: 'patient:P3', value: 'three' },
      ]);
      await made.set('bytes', new Uint8Array([1, 2, 3]));
      made.close();
      const floor = await Floor.open('db', secret, 100_000);
      const read = [...(await floor.getMany(['patient:P2', 'none', 'patient:P3'])), await floor.get('patient:P1')];
      const bytes = [...((await floor.getBytes('bytes')) ?? [])];
      const wrong = await Floor.open('db', 'another passphrase', 100_000).then(
        () => 'opened',
        () => 'refused',
      );

      const db = await new Promise<IDBDatabase>((resolve) => {
        indexedDB.open('db').onsuccess = (event) => resolve((event.target as IDBOpenDBRequest).result);
      });
      const done = <T>(request: IDBRequest<T>) =>
        new Promise<T>((resolve) => {
          request.onsuccess = () => resolve(request.result);
        });
      const at = (table: string) => db.transaction(table, 'readwrite').objectStore(table);
      const ring = await done(at('keyring').get('keyring'));
      const records = await done(at('records').getAll());
      const stored = (await done(at('records').getAllKeys())) as ArrayBuffer[];

      // By hand: the keys, and one record.
      const { subtle } = crypto;
      const encode = (text: string) => new TextEncoder().encode(text);
      const password = await subtle.importKey('raw', encode(secret), 'PBKDF2', false, ['deriveKey']);
      const pbkdf2 = { name: 'PBKDF2', hash: 'SHA-256', salt: ring.salt, iterations: ring.iterations };
      const kw = { name: 'AES-KW', length: 256 };
      const kek = await subtle.deriveKey(pbkdf2, password, kw, false, ['unwrapKey']);
      const vaultKey = await subtle.unwrapKey('raw', ring.vaultKey, kek, kw, kw, false, ['unwrapKey']);
      const gcm = { name: 'AES-GCM', length: 256 };
      const recordKey = await subtle.unwrapKey('raw', ring.recordKey, vaultKey, kw, gcm, false, ['decrypt']);
      const hmac = { name: 'HMAC', hash: 'SHA-256', length: 256 };
      const nameKey = await subtle.unwrapKey('raw', ring.nameKey, vaultKey, kw, hmac, false, ['sign']);
      const name = await subtle.sign('HMAC', nameKey, encode('patient:P1'));
      const hex = (b: ArrayBuffer) => Array.from(new Uint8Array(b), (x) => x.toString(16).padStart(2, '0')).join('');
      const index = stored.map(hex).indexOf(hex(name));
      const record = new Uint8Array(records[index] as ArrayBuffer);
      const lp = (b: Uint8Array) => [0, 0, 0, b.length, ...b];
      const aad = (name: ArrayBuffer, header: Uint8Array) =>
        new Uint8Array([...lp(encode('db')), ...lp(encode('records')), ...new Uint8Array(name), ...header]);
      const open = (additionalData: Uint8Array<ArrayBuffer>) =>
        subtle.decrypt({ name: 'AES-GCM', iv: record.slice(14, 26), additionalData }, recordKey, record.slice(26)).then(
          (plain) => new TextDecoder().decode(plain),
          () => 'refused',
        );
      const opened = await open(aad(name, record.slice(0, 26)));
      const unbound = [
        await open(aad(stored[(index + 1) % 4] as ArrayBuffer, record.slice(0, 26))),
        await open(new Uint8Array(0)),
      ];

      // A record in another's place, and one with a bit flipped.
      const codes: string[] = [];
      const attempt = async (value: ArrayBuffer) => {
        await done(at('records').put(value, stored[index] as ArrayBuffer));
        codes.push(
          await floor.get('patient:P1').then(
            () => 'read',
            () => 'refused',
          ),
        );
      };
      await attempt(records[(index + 1) % 4] as ArrayBuffer);
      for (const byte of [0, 1, 3, 9, 15, 30, record.length - 1]) {
        const flipped = record.slice();
        flipped[byte] = (flipped[byte] ?? 0) ^ 1;
        await attempt(flipped.buffer);
      }
      const ivs = new Set(records.map((r: ArrayBuffer) => hex(r.slice(14, 26))));
      const all = new TextDecoder('latin1').decode(
        new Uint8Array([...records, ...stored].flatMap((b) => [...new Uint8Array(b as ArrayBuffer)])),
      );
      const extractable = [recordKey, nameKey, vaultKey, kek].some((key) => key.extractable);
      return {
        read,
        bytes,
        wrong,
        opened,
        unbound,
        codes,
        ivs: ivs.size,
        leaks: /P1|P2|patient|two/.test(all),
        extractable,
      };
    });
    expect(result.opened).toBe('\0\0\0\npatient:P1\0\0\0\x12{"patientId":"P1"}one');
    expect(result).toMatchObject({
      read: ['two', null, 'three', 'one'],
      bytes: [1, 2, 3],
      wrong: 'refused',
      unbound: ['refused', 'refused'],
      codes: Array(8).fill('refused'),
      ivs: 4,
      leaks: false,
      extractable: false,
    });
  },
);

withApp('the bench has a row for each bar and takes the figures from the same round', async () => {
  const page = fs.readFileSync('test/bench/page.js', 'utf8');
  const report = './report.mjs'; // has no types
  const { table } = (await import(report)) as { table(results: object): string };
  const small = ['setSingly', 'setCommitted', 'getSingly', 'setAtOnce', 'getAtOnce', 'setMany', 'getMany', 'getHot'];
  const rows = [...small, 'set1MiB', 'get1MiB', 'set16MiB', 'get16MiB', 'setSeries', 'getSlice', 'showSlice'];
  for (const row of rows) expect(page).toContain(`  ${row}: `);
  const round = (ours: number, floor: number) => ({ ours, floor });
  // The machine becomes ten times slower in the last round: a ratio of medians would say 1.
  const list = [round(2, 1), round(2, 1), round(10, 20)];
  const all = Object.fromEntries([...rows, 'hookGet', 'open', 'longest', 'load'].map((row) => [row, list]));
  const text = table({
    rows: all,
    growth: [{ call: 'get', size: 100, round: 0, ms: 1 }],
    memory: { calls: 1, before: { engine: 1, javascript: 1 }, after: { engine: 1, javascript: 1 } },
  });
  expect(text).toMatch(/one after the other +2\.00 .* OVER/);
});
