import type { Page } from '@playwright/test';
import type { RotationOptions, RotationReport, VaultKeys } from '../../web/src/keys.ts';
import { expect, keepCores, openApp, test } from './app.ts';

const secret = 'correct horse battery';

declare global {
  var storage: import('../../web/src/index.ts').EncryptedStorage;
  var keys: VaultKeys;
}

/** Opens the vault in a tab, with `storage` and `keys` for what tests run there. */
async function openVault(page: Page, url: string, secret: string): Promise<void> {
  await openApp(page, url);
  await page.evaluate(async (secret) => {
    const { VaultKeys } = (await import(
      `${location.origin}/some/folder/keys.js`
    )) as typeof import('../../web/src/keys.ts');
    globalThis.storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    globalThis.keys = new VaultKeys('db');
  }, secret);
}

async function openTab(page: Page, url: string): Promise<Page> {
  const tab = await page.context().newPage();
  await openVault(tab, url, secret);
  return tab;
}

/** Fills the vault with n small records and one of 300 KB, of all classes, in two stores. */
const fill = (page: Page, n: number) =>
  page.evaluate(
    async ([n, secret]) => {
      const classes = Object.values(idbvault.DataClassification);
      const entries = Array.from({ length: n }, (_, i) => ({
        key: `record:${i}`,
        value: `value ${i}`,
        classification: classes[i % classes.length] as (typeof classes)[0],
        context: { i },
      }));
      await storage.setManyEncrypted(entries);
      const other = await idbvault.createEncryptedStorage('db', 'images', { secret });
      await other.setEncrypted('image', new Uint8Array(300_000).fill(7), 'phi');
    },
    [n, secret] as const,
  );

/** Reads everything and returns how many records are there with their values, and the epochs that they lie under. */
const readAll = (page: Page, n: number) =>
  page.evaluate(async (n) => {
    const names = Array.from({ length: n }, (_, i) => `record:${i}`);
    const values = await storage.getManyDecrypted(names);
    const right = values.filter((value, i) => value === `value ${i}`).length;
    const images = await idbvault.createEncryptedStorage('db', 'images');
    const image = await images.getDecryptedBytes('image');
    const epochs = new Set<number | undefined>();
    for (const name of names) epochs.add((await storage.getMetadata(name))?.epoch);
    epochs.add((await images.getMetadata('image'))?.epoch);
    return { right, image: image?.length === 300_000 && image.every((byte) => byte === 7), epochs: [...epochs] };
  }, n);

/** Everything that the database holds, as text. */
const contents = (page: Page) =>
  page.evaluate(async () => {
    const all: string[] = [];
    for (const table of ['keyring', 'records', 'chunks', 'journal', 'audit'])
      for (const entry of await raw.entries('db', table))
        all.push([table, ...entry.map((bytes) => new Uint8Array(bytes).toString())].join(' '));
    return all.join('\n');
  });

const tableOf = (page: Page, table: string) => page.evaluate((t) => raw.entries('db', t).then((e) => e.length), table);

/** Whether the journal says where a rotation stands. The clock lies beside it. */
const journalOf = (page: Page) =>
  page.evaluate(async () =>
    (await raw.entries('db', 'journal')).some(([key]) => new TextDecoder().decode(key) === 'rotation'),
  );

const rotate = (page: Page, options: object = {}) =>
  page.evaluate(([o, secret]) => keys.rotateKeys({ secret, ...o }), [options, secret] as const);

const codeOfCall = (page: Page, name: 'rotateKeys' | 'commitRotation' | 'rollbackRotation', options: object = {}) =>
  page.evaluate(
    ([name, o, secret]) => codeOf(() => (keys[name] as (o: object) => Promise<unknown>)({ secret, ...o })),
    [name, options, secret] as const,
  );

test.beforeEach(({ page, site }) => openVault(page, site.url, secret));

test('a rotation re-encrypts all, is committed, and outlives a reload', async ({ page, site }) => {
  await fill(page, 700);
  const rotated = await page.evaluate(async (secret) => {
    const progress: import('../../web/src/keys.ts').RotationProgress[] = [];
    const report = await keys.rotateKeys({ secret, onProgress: (p) => progress.push(p) });
    return { report, progress, status: await keys.rotationStatus() };
  }, secret);
  expect(rotated.report).toMatchObject({ records: 701, unreadable: [] });
  expect(rotated.report.classes.map(({ epoch }) => epoch)).toEqual([2, 2, 2, 2, 2]);
  expect(rotated.report.classes.reduce((sum, { records }) => sum + records, 0)).toBe(701);
  expect(rotated.progress.at(-1)).toEqual({ pass: 'verifying', done: 701, total: 701 });
  expect(rotated.progress.filter(({ pass }) => pass === 'encrypting').at(-1)?.done).toBe(701);
  expect(rotated.status).toMatchObject({ state: 'rotated', from: 1, to: 2, records: 701 });
  expect(await readAll(page, 700)).toEqual({ right: 700, image: true, epochs: [2] });
  expect(await journalOf(page)).toBe(true);
  await openVault(page, site.url, secret);
  expect(await page.evaluate(() => keys.rotationStatus())).toMatchObject({ state: 'rotated', from: 1, to: 2 });
  expect(await codeOfCall(page, 'commitRotation')).toBe('no error');
  expect(await page.evaluate(() => keys.rotationStatus())).toMatchObject({ state: 'none', from: null, to: 2 });
  expect(await journalOf(page)).toBe(false);
  await openVault(page, site.url, secret);
  expect(await readAll(page, 700)).toEqual({ right: 700, image: true, epochs: [2] });
});

test('a dry run writes nothing, and tells what a rotation would meet', { tag: '@once' }, async ({ page }) => {
  await fill(page, 100);
  const before = await contents(page);
  const report = await page.evaluate(() => keys.rotateKeys({ dryRun: true }));
  expect(report).toMatchObject({ records: 101, unreadable: [], estimatedMs: expect.any(Number) });
  expect(report.bytes).toBeGreaterThan(300_000);
  expect(report.classes.map(({ classification }) => classification).sort()).toEqual(
    ['public', 'internal', 'confidential', 'pii', 'phi'].sort(),
  );
  expect(await contents(page)).toBe(before);
});

test('a rollback keeps what was written since, and the epoch is not used again', async ({ page, site }) => {
  await fill(page, 100);
  await rotate(page);
  await page.evaluate(async () => {
    await storage.setEncrypted('since', 'written since', 'phi');
    await storage.delete('record:99');
  });
  expect(await codeOfCall(page, 'rollbackRotation')).toBe('no error');
  expect(await readAll(page, 99)).toEqual({ right: 99, image: true, epochs: [1] });
  await openVault(page, site.url, secret);
  expect(await page.evaluate(() => storage.getDecrypted('since'))).toBe('written since');
  expect(await page.evaluate(() => storage.exists('record:99'))).toBe(false);
  expect(await page.evaluate(() => keys.rotationStatus())).toMatchObject({ state: 'none', to: 1 });
  await rotate(page);
  expect(await readAll(page, 99)).toEqual({ right: 99, image: true, epochs: [3] });
});

test('with a new secret everything is new: names too, and the old secret opens nothing', { tag: '@once' }, async ({
  page,
  site,
}) => {
  await fill(page, 100);
  const other = await openTab(page, site.url);
  await page.evaluate((secret) => keys.addSlot({ kind: 'recovery', secret }), secret);
  const names = () =>
    page.evaluate(() => raw.entries('db', 'records').then((e) => e.map(([key]) => new Uint8Array(key).toString())));
  const before = new Set(await names());
  const report = await rotate(page, { newSecret: 'another passphrase' });
  expect(report).toMatchObject({ records: 101, unreadable: [], lostSlots: [{ id: 2, kind: 'recovery' }] });
  expect((await names()).filter((name) => before.has(name))).toEqual([]);
  expect(await readAll(page, 100)).toEqual({ right: 100, image: true, epochs: [2] });
  // The other tab is locked; with the new secret it goes on, and both hear of each other's writes.
  await expect.poll(() => other.evaluate(() => storage.locked)).toBe(true);
  expect(await other.evaluate(() => codeOf(() => storage.getDecrypted('record:1')))).toBe('ERR_LOCKED');
  expect(await other.evaluate((s) => codeOf(() => storage.unlock(s)), secret)).toBe('ERR_WRONG_SECRET');
  await other.evaluate(() => storage.unlock('another passphrase'));
  expect(await readAll(other, 100)).toEqual({ right: 100, image: true, epochs: [2] });
  const heard = (on: Page, by: Page, key: string) =>
    Promise.all([
      on.evaluate((key) => new Promise((resolve) => storage.subscribe(key, (event) => resolve(event.remote))), key),
      by.evaluate(async (key) => {
        await new Promise((resolve) => setTimeout(resolve, 200)); // until the other listens
        await storage.setEncrypted(key, 'heard', 'phi');
      }, key),
    ]);
  expect((await heard(page, other, 'from the other'))[0]).toBe(true);
  expect((await heard(other, page, 'from this'))[0]).toBe(true);
  expect(await codeOfCall(page, 'commitRotation', { secret: 'another passphrase' })).toBe('no error');
  expect(await readAll(other, 100)).toEqual({ right: 100, image: true, epochs: [2] });
  await openVault(page, site.url, 'another passphrase');
  expect(await readAll(page, 100)).toEqual({ right: 100, image: true, epochs: [2] });
  expect(
    await other.evaluate((s) => codeOf(() => idbvault.createEncryptedStorage('db', 'x', { secret: s })), secret),
  ).toBe('ERR_WRONG_SECRET');
});

test('a rollback of a new secret brings names back, and not the old secret', { tag: '@once' }, async ({
  page,
  site,
}) => {
  await fill(page, 50);
  await rotate(page, { newSecret: 'another passphrase' });
  expect(await codeOfCall(page, 'rollbackRotation')).toBe('ERR_WRONG_SECRET');
  expect(await codeOfCall(page, 'rollbackRotation', { secret: 'another passphrase' })).toBe('no error');
  expect(await readAll(page, 50)).toEqual({ right: 50, image: true, epochs: [1] });
  expect(
    await page.evaluate((s) => codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret: s })), secret),
  ).toBe('ERR_WRONG_SECRET');
  await openVault(page, site.url, 'another passphrase');
  expect(await readAll(page, 50)).toEqual({ right: 50, image: true, epochs: [1] });
});

test('reads and writes go on in both tabs during a rotation, and nothing is lost', async ({ page, site }) => {
  await fill(page, 1500);
  const other = await openTab(page, site.url);
  const work = (tab: Page, mark: string) =>
    tab.evaluate(async (mark) => {
      let wrong = 0;
      let n = 0;
      const until = performance.now() + 30_000;
      while (!(await storage.exists('done')) && performance.now() < until) {
        const key = `${mark}:${n % 100}`;
        await storage.setEncrypted(key, `${mark} ${n}`, 'phi');
        if ((await storage.getDecrypted(key)) !== `${mark} ${n}`) wrong++;
        if ((await storage.getDecrypted(`record:${n % 1500}`)) !== `value ${n % 1500}`) wrong++;
        n++;
      }
      return { wrong, n };
    }, mark);
  const rotation = (async () => {
    await rotate(page);
    const code = await codeOfCall(page, 'commitRotation');
    await page.evaluate(() => storage.setEncrypted('done', 'done'));
    return code;
  })();
  const [one, two, code] = await Promise.all([work(page, 'one'), work(other, 'two'), rotation]);
  expect(code).toBe('no error');
  expect([one.wrong, two.wrong]).toEqual([0, 0]);
  expect(Math.min(one.n, two.n)).toBeGreaterThan(3);
  for (const tab of [page, other]) expect(await readAll(tab, 1500)).toEqual({ right: 1500, image: true, epochs: [2] });
  const written = await page.evaluate(async () => {
    const epochs = new Set<number | undefined>();
    for (const key of await storage.keys()) epochs.add((await storage.getMetadata(key))?.epoch);
    return [...epochs];
  });
  expect(written).toEqual([2]);
});

test('a vault in a worker rotates, and hands the other tab its new keys', async ({ page, site }) => {
  await page.evaluate(async (secret) => {
    await storage.lock();
    globalThis.storage = await idbvault.createEncryptedStorage('db', 'store', { secret, runIn: 'worker' });
  }, secret);
  await fill(page, 200);
  const other = await openTab(page, site.url);
  await rotate(page);
  await other.evaluate(() => storage.setEncrypted('record:7', 'value 7', 'phi'));
  expect(await codeOfCall(page, 'commitRotation')).toBe('no error');
  for (const tab of [page, other]) expect(await readAll(tab, 200)).toEqual({ right: 200, image: true, epochs: [2] });
  expect(await codeOfCall(other, 'rotateKeys')).toBe('no error');
  expect(await codeOfCall(other, 'rollbackRotation')).toBe('no error');
  for (const tab of [page, other]) expect(await readAll(tab, 200)).toEqual({ right: 200, image: true, epochs: [2] });
});

test('a session from before a rotation asks once, and then has the new keys', { tag: '@once' }, async ({
  page,
  site,
}) => {
  const asked = async (tab: Page) => {
    await openApp(tab, site.url);
    return tab.evaluate(async (secret) => {
      let asked = 0;
      const ask = () => {
        asked++;
        return secret;
      };
      const storage = await idbvault.createEncryptedStorage('db', 'store', { secret: ask, session: 'origin' });
      return [asked, await storage.getDecrypted('record:1')];
    }, secret);
  };
  await fill(page, 3);
  const tab = () => page.context().newPage();
  expect(await asked(await tab())).toEqual([1, 'value 1']);
  expect(await asked(await tab())).toEqual([0, 'value 1']);
  await rotate(page);
  expect(await codeOfCall(page, 'commitRotation')).toBe('no error');
  expect(await asked(await tab())).toEqual([1, 'value 1']);
  expect(await asked(await tab())).toEqual([0, 'value 1']);
});

test('a rotation of 10,000 records takes no more memory than one of 1,000', async ({ page, site, browserName }) => {
  test.skip(browserName !== 'chromium', 'It is the same program in all of them.');
  test.slow();
  await keepCores(page);
  await openVault(page, site.url, secret);
  const rotated = (from: number, to: number) =>
    page.evaluate(
      async ([from, to, secret]) => {
        for (let i = from; i < to; i += 200) {
          const entries = Array.from({ length: 200 }, (_, k) => ({ key: `record:${i + k}`, value: 'x'.repeat(1024) }));
          await storage.setManyEncrypted(entries);
        }
        const { cores } = globalThis as unknown as { cores: { mem: WebAssembly.Memory }[] };
        const { records } = await keys.rotateKeys({ secret });
        await keys.commitRotation({ secret });
        return [records, cores.at(-1)?.mem.buffer.byteLength ?? 0] as const;
      },
      [from, to, secret] as const,
    );
  const [few, before] = await rotated(0, 1000);
  const [many, after] = await rotated(1000, 10_000);
  expect([few, many]).toEqual([1000, 10_000]);
  expect(after - before).toBeLessThan(5 << 20); // 9,000 records take 10 MiB; 8,192 names that are remembered, 1
  expect(await page.evaluate(() => storage.getMetadata('record:9999').then((m) => m?.epoch))).toBe(3);
});

test('of two tabs that rotate, one does, and the other is told', async ({ page, site }) => {
  await fill(page, 1000);
  const other = await openTab(page, site.url);
  const codes = await Promise.all([codeOfCall(page, 'rotateKeys'), codeOfCall(other, 'rotateKeys')]);
  expect(codes.sort()).toEqual(['ERR_BLOCKED', 'no error']);
  expect(await readAll(other, 1000)).toEqual({ right: 1000, image: true, epochs: [2] });
});

test('a tab that sleeps with the old keys holds the commit back, and loses nothing when it wakes', async ({
  page,
  site,
}) => {
  await fill(page, 50);
  const other = await openTab(page, site.url);
  await other.evaluate(() => storage.setEncrypted('early', 'early', 'phi')); // it has a lease, and needs not look again
  // It hears nothing, as a tab that the browser has frozen.
  const busy = other.evaluate(() => {
    const until = Date.now() + 8000;
    while (Date.now() < until);
  });
  await rotate(page);
  expect(await codeOfCall(page, 'commitRotation', { waitMs: 1500 })).toBe('ERR_BLOCKED');
  expect(await page.evaluate(() => keys.rotationStatus())).toMatchObject({ state: 'rotated' });
  await busy;
  await other.evaluate(() => storage.setEncrypted('late', 'late', 'phi'));
  expect(await codeOfCall(page, 'commitRotation')).toBe('no error');
  expect(await page.evaluate(() => storage.getDecrypted('late'))).toBe('late');
  expect(await other.evaluate(() => storage.getDecrypted('late'))).toBe('late');
});

test('an abort stops between steps; the next call goes on, or rolls back', { tag: '@once' }, async ({ page, site }) => {
  await fill(page, 1500);
  const stop = () =>
    page.evaluate((secret) => {
      const abort = new AbortController();
      const onProgress = () => abort.abort(new Error('enough'));
      return keys.rotateKeys({ secret, signal: abort.signal, onProgress }).then(
        () => 'went on',
        (error: Error) => error.message,
      );
    }, secret);
  expect(await stop()).toBe('enough');
  expect(await page.evaluate(() => keys.rotationStatus())).toMatchObject({ state: 'rotating', from: 1, to: 2 });
  const epochs = (await readAll(page, 1500)).epochs;
  expect(epochs.sort()).toEqual([1, 2]);
  await openVault(page, site.url, secret);
  await rotate(page);
  expect(await readAll(page, 1500)).toEqual({ right: 1500, image: true, epochs: [2] });
  expect(await codeOfCall(page, 'commitRotation')).toBe('no error');
  expect(await stop()).toBe('enough');
  expect(await codeOfCall(page, 'rollbackRotation')).toBe('no error');
  expect(await readAll(page, 1500)).toEqual({ right: 1500, image: true, epochs: [2] });
});

test('a record that cannot be read is reported and kept, and holds the commit back until the caller decides', {
  tag: '@once',
}, async ({ page }) => {
  await fill(page, 300);
  await page.evaluate(async () => {
    const [key, entry] = (await raw.entries('db', 'records'))[150] as [ArrayBuffer, ArrayBuffer];
    const bytes = new Uint8Array(entry);
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    await raw.put('db', 'records', key, bytes.buffer);
  });
  const dry = await page.evaluate(() => keys.rotateKeys({ dryRun: true }));
  expect(dry.unreadable).toEqual([{ store: 'store', id: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
  const report = await rotate(page);
  expect(report.unreadable).toEqual(dry.unreadable);
  expect(await page.evaluate(() => keys.rotationStatus())).toMatchObject({ state: 'rotating' });
  expect(await codeOfCall(page, 'commitRotation')).toBe('ERR_INTEGRITY');
  expect(await codeOfCall(page, 'rollbackRotation')).toBe('ERR_INTEGRITY');
  expect(await tableOf(page, 'records')).toBe(301);
  expect(await codeOfCall(page, 'rotateKeys')).toBe('ERR_INVALID'); // it is being rolled back
  expect(await codeOfCall(page, 'commitRotation')).toBe('ERR_INVALID');
  expect(await tableOf(page, 'records')).toBe(301);
  expect(await codeOfCall(page, 'rollbackRotation', { unreadable: 'delete' })).toBe('no error');
  expect(await tableOf(page, 'records')).toBe(300);
  expect(await page.evaluate(() => keys.rotationStatus())).toMatchObject({ state: 'none', to: 1 });
});

test('what can not be read is given up where the caller says so', { tag: '@once' }, async ({ page }) => {
  await fill(page, 300);
  await page.evaluate(async () => {
    const [key] = (await raw.entries('db', 'records'))[150] as [ArrayBuffer, ArrayBuffer];
    await raw.put('db', 'records', key, new Uint8Array(100).buffer);
  });
  await rotate(page);
  expect(await codeOfCall(page, 'commitRotation', { unreadable: 'ignore' })).toBe('ERR_INVALID');
  expect(await codeOfCall(page, 'commitRotation', { unreadable: 'delete' })).toBe('no error');
  expect(await tableOf(page, 'records')).toBe(300);
  expect(await page.evaluate(() => storage.keys().then((names) => names.length))).toBeGreaterThan(298);
});

test('a record of 64 MiB moves with the rest', { tag: '@once' }, async ({ page }) => {
  test.slow();
  const same = await page.evaluate(async (secret) => {
    const value = new Uint8Array(64 << 20);
    for (let i = 0; i < value.length; i += 4096) value[i] = i >> 12;
    await storage.setEncrypted('large', value, 'phi');
    await keys.rotateKeys({ secret });
    await keys.commitRotation({ secret });
    const read = (await storage.getDecryptedBytes('large')) ?? new Uint8Array(0);
    return read.length === value.length && read.every((byte, i) => byte === value[i]);
  }, secret);
  expect(same).toBe(true);
});

test('an empty vault rotates, and what does not fit is refused', { tag: '@once' }, async ({ page }) => {
  expect(await codeOfCall(page, 'commitRotation')).toBe('ERR_INVALID');
  expect(await codeOfCall(page, 'rollbackRotation')).toBe('ERR_INVALID');
  expect(await codeOfCall(page, 'rotateKeys', { secret: 'wrong horse battery' })).toBe('ERR_WRONG_SECRET');
  expect(await codeOfCall(page, 'rotateKeys', { newSecret: 'short' })).toBe('ERR_INVALID');
  expect(await page.evaluate(() => codeOf(() => keys.rotateKeys(null as unknown as RotationOptions)))).toBe(
    'ERR_INVALID',
  );
  expect(await page.evaluate(() => keys.rotationStatus())).toMatchObject({
    state: 'none',
    from: null,
    to: 1,
    startedAt: null,
  });
  expect((await rotate(page)) as RotationReport).toMatchObject({ records: 0, bytes: 0, classes: [], unreadable: [] });
  expect(await codeOfCall(page, 'commitRotation', { secret: 'wrong horse battery' })).toBe('ERR_WRONG_SECRET');
  expect(await codeOfCall(page, 'commitRotation')).toBe('no error');
  await page.evaluate(() => storage.setEncrypted('after', 'after', 'phi'));
  expect(await page.evaluate(() => storage.getMetadata('after').then((m) => m?.epoch))).toBe(2);
});
