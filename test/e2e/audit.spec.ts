import type { Page } from '@playwright/test';
import type { StorageOptions } from '../../web/src/index.ts';
import type { AuditLine, VaultKeys } from '../../web/src/keys.ts';
import { expect, openApp, test } from './app.ts';

const secret = 'correct horse battery';

declare global {
  var storage: import('../../web/src/index.ts').EncryptedStorage;
  var keys: VaultKeys;
  var told: string[];
}

/** Opens the vault, with `storage`, `keys` and, in `told`, what the page hears. */
async function open(page: Page, options: StorageOptions = {}): Promise<void> {
  await page.evaluate(
    async ([secret, options]) => {
      const { VaultKeys } = (await import(
        `${location.origin}/some/folder/keys.js`
      )) as typeof import('../../web/src/keys.ts');
      globalThis.told = [];
      idbvault.securityEvents.addEventListener('security', (event) => {
        const { type, database, at, count } = (event as CustomEvent<import('../../web/src/index.ts').SecurityDetail>)
          .detail;
        if (database === 'db' && at instanceof Date && count > 0) told.push(type);
      });
      globalThis.storage = await idbvault.createEncryptedStorage('db', 'store', { secret, ...options });
      globalThis.keys = new VaultKeys('db');
    },
    [secret, options] as const,
  );
}

const events = (page: Page) =>
  page.evaluate(async () => {
    const { lines, intact } = await keys.auditLog();
    return { intact, events: lines.map(({ event, count }) => (count > 1 ? `${event}*${count}` : event)) };
  });

for (const runIn of ['main', 'worker'] as const) {
  test(`what happens to a vault is told and written down, in the mode ${runIn}`, async ({ page, site }) => {
    await open(page, { runIn });
    await page.evaluate(async (secret) => {
      const wrong = () => idbvault.createEncryptedStorage('db', 'store', { secret: 'wrong horse battery' });
      await codeOf(wrong);
      await keys.changeSecret(secret, 'another passphrase');
      await keys.addSlot({ kind: 'recovery', secret: 'another passphrase' });
      await keys.removeSlot(2, 'another passphrase');
      await keys.rotateKeys({ secret: 'another passphrase' });
      await keys.commitRotation({ secret: 'another passphrase' });
      await storage.lock();
      await codeOf(wrong);
      await codeOf(wrong);
      await storage.unlock('another passphrase');
    }, secret);
    const log = await events(page);
    const before = ['created', 'unlock-failed', 'secret-changed', 'slot-added', 'slot-removed'];
    const rotation = ['rotation-begun', 'rotation-verified', 'rotation-committed'];
    const after = ['unlock-failed*2', 'locked', 'unlocked'];
    expect(log).toEqual({ intact: true, events: [...before, ...rotation, ...after] });
    const told = await page.evaluate(() => globalThis.told);
    expect(told).toEqual([...before, ...rotation, 'locked', 'unlock-failed', 'unlock-failed', 'unlocked']);
    await openApp(page, site.url);
    await open(page, { secret: 'another passphrase' });
    expect((await events(page)).events).toEqual([...log.events, 'unlocked']);
    const since = await page.evaluate(() => keys.auditLog({ since: 9 }));
    expect(since.lines.map(({ seq }) => seq)[0]).toBe(9);
    const [line] = since.lines as [AuditLine];
    expect(line).toEqual({ seq: 9, at: expect.any(Date), event: 'unlock-failed', epoch: 0, count: 2 });
    expect(Math.abs(line.at.getTime() - Date.now())).toBeLessThan(120_000);
  });
}

test('a record that does not open, a full disk and an expiry are told, on the storage too, and name nothing', async ({
  page,
}) => {
  await open(page, { policy: { pii: { maxTtlMs: 1000 } } });
  const seen = await page.evaluate(async () => {
    const details: string[] = [];
    storage.addEventListener('security', (event) => details.push(JSON.stringify((event as CustomEvent).detail)));
    await storage.setEncrypted('patient:P12345', 'x', 'phi', { patientId: 'P12345' });
    await storage.setEncrypted('short-lived', 'x', 'pii');
    const expires = (await storage.getMetadata('short-lived'))?.expiresAt?.getTime() ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 2100));
    const gone = await storage.getDecrypted('short-lived');
    const entries = await raw.entries('db', 'records');
    for (const [key, entry] of entries) {
      new Uint8Array(entry)[60] = 1 ^ (new Uint8Array(entry)[60] ?? 0);
      await raw.put('db', 'records', key, entry);
    }
    const code = await codeOf(() => storage.getDecrypted('patient:P12345'));
    return { details, gone, code, soon: expires - Date.now() < 1000 && expires > 0 };
  });
  expect(seen).toMatchObject({ gone: null, code: 'ERR_INTEGRITY', soon: true });
  const types = seen.details.map((text) => (JSON.parse(text) as { type: string }).type);
  expect(types).toEqual(['expired', 'integrity']);
  expect(Object.keys(JSON.parse(seen.details[1] as string)).sort()).toEqual([
    'at',
    'count',
    'database',
    'epoch',
    'type',
  ]);
  expect(seen.details.join()).not.toContain('P12345');
  expect((await events(page)).events).toContain('integrity');
});

// The guide handles a decryption error on the server; this is what README gives for the browser.
test("the guide's handling of a decryption error works as it is printed", async ({ page }) => {
  await open(page);
  const outcome = await page.evaluate(async () => {
    const { VaultError } = idbvault;
    const reported: object[] = [];
    const reportToServer = (event: object) => reported.push(event);
    const read = async () => {
      try {
        return await storage.getDecrypted('patient:P12345');
      } catch (error) {
        if (!(error instanceof VaultError) || error.code !== 'ERR_INTEGRITY') throw error;
        reportToServer({ event: 'security.data_integrity_violation', severity: 'critical', code: error.code });
        throw new Error('Data integrity check failed');
      }
    };
    await storage.setEncrypted('patient:P12345', 'finding', 'phi');
    const before = await read();
    const [[key, entry]] = (await raw.entries('db', 'records')) as [[ArrayBuffer, ArrayBuffer]];
    new Uint8Array(entry)[60] = 1 ^ (new Uint8Array(entry)[60] ?? 0);
    await raw.put('db', 'records', key, entry);
    const after = await read().catch((error: Error) => error.message);
    return { before, after, reported, log: (await keys.auditLog()).lines.at(-1)?.event };
  });
  expect(outcome).toEqual({
    before: 'finding',
    after: 'Data integrity check failed',
    reported: [{ event: 'security.data_integrity_violation', severity: 'critical', code: 'ERR_INTEGRITY' }],
    log: 'integrity',
  });
});

test('a log that someone changed is not whole, and says so', { tag: '@once' }, async ({ page }) => {
  await open(page);
  await page.evaluate(async (secret) => {
    for (let i = 0; i < 3; i++) {
      await keys.changeSecret(secret, 'another passphrase');
      await keys.changeSecret('another passphrase', secret);
    }
  }, secret);
  expect((await events(page)).intact).toBe(true);
  await page.evaluate(async () => {
    const entries = await raw.entries('db', 'audit');
    await raw.remove('db', 'audit', entries[3]?.[0] as ArrayBuffer);
  });
  expect((await events(page)).intact).toBe(false);
  expect(await page.evaluate(() => told.at(-1))).toBe('integrity');
});

test('a sink gets every line once, again where it failed, until it is ended', { tag: '@once' }, async ({ page }) => {
  await open(page);
  const got = await page.evaluate(async (secret) => {
    const lines: number[] = [];
    let fail = true;
    const end = await keys.sendAudit(async (some) => {
      if (fail) {
        fail = false;
        throw new Error('the server does not answer');
      }
      lines.push(...some.map(({ seq }) => seq));
    });
    await keys.changeSecret(secret, 'another passphrase');
    while (lines.length < 2) await new Promise((resolve) => setTimeout(resolve, 100));
    await keys.changeSecret('another passphrase', secret);
    while (lines.length < 3) await new Promise((resolve) => setTimeout(resolve, 100));
    end();
    await keys.changeSecret(secret, 'another passphrase');
    await new Promise((resolve) => setTimeout(resolve, 500));
    return lines;
  }, secret);
  expect(got).toEqual([1, 2, 3]);
  expect(await page.evaluate(() => codeOf(() => keys.sendAudit('server' as never)))).toBe('ERR_INVALID');
});

test('the age of keys is known, and told when they are due', { tag: '@once' }, async ({ page, site }) => {
  await open(page, { rotation: { maxAgeDays: 30 } });
  await page.evaluate(() => storage.setEncrypted('k', 'v', 'phi'));
  const status = await page.evaluate(() => keys.keyStatus());
  expect(status).toMatchObject({ epoch: 1, due: false, rotation: { state: 'none', to: 1 } });
  expect(Object.keys(status.classes).sort()).toEqual(['confidential', 'internal', 'phi', 'pii', 'public']);
  expect(status.classes.phi).toMatchObject({ ageDays: 0, writes: 16_384 });
  expect(status.classes.public?.writes).toBe(0);
  const days =
    ((status.classes.phi?.dueAt.getTime() ?? 0) - (status.classes.phi?.createdAt.getTime() ?? 0)) / 86_400_000;
  expect(days).toBe(30);
  await page.clock.install({ time: Date.now() + 31 * 86_400_000 });
  await openApp(page, site.url);
  await open(page, { rotation: { maxAgeDays: 30 } });
  expect(await page.evaluate(() => told)).toContain('rotation-due');
  expect(await page.evaluate(() => keys.keyStatus())).toMatchObject({ due: true, classes: { phi: { ageDays: 31 } } });
  await page.evaluate(async (secret) => {
    await keys.rotateKeys({ secret });
    await keys.commitRotation({ secret });
  }, secret);
  expect(await page.evaluate(() => keys.keyStatus())).toMatchObject({
    epoch: 2,
    due: false,
    classes: { phi: { ageDays: 0 } },
  });
});

test('what a policy marks is forgotten at a logout, in all tabs, and the rest stays', async ({ page, site }) => {
  const policy = { phi: { purgeOnLogout: true } };
  await open(page, { policy });
  const other = await page.context().newPage();
  await openApp(other, site.url);
  await open(other);
  await page.evaluate(async () => {
    await storage.setEncrypted('finding', 'of a patient', 'phi');
    await storage.setEncrypted('image', new Uint8Array(200_000), 'phi');
    await storage.setEncrypted('theme', 'dark', 'internal');
    await storage.lockAndForget();
  });
  await expect.poll(() => other.evaluate(() => storage.locked)).toBe(true);
  await page.evaluate((secret) => storage.unlock(secret), secret);
  const after = () =>
    page.evaluate(async () => ({
      finding: await storage.getDecrypted('finding'),
      theme: await storage.getDecrypted('theme'),
      left: (await raw.entries('db', 'records')).length + (await raw.entries('db', 'chunks')).length,
    }));
  expect(await after()).toEqual({ finding: null, theme: 'dark', left: 1 });
  expect((await events(page)).events).toEqual(['created', 'unlocked', 'forgotten', 'locked', 'unlocked']);
  await page.evaluate(() => storage.setEncrypted('finding', 'of another', 'phi'));
  expect(await page.evaluate(() => storage.getDecrypted('finding'))).toBe('of another');
  await page.evaluate(() => storage.lockAndForget('internal'));
  await page.evaluate((secret) => storage.unlock(secret), secret);
  expect(await after()).toMatchObject({ finding: 'of another', theme: null });
});

test('policies, ages and classes that do not fit are refused', { tag: '@once' }, async ({ page }) => {
  await open(page);
  const codes = await page.evaluate(async (secret) => {
    const given = (options: object) =>
      codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret, ...options }));
    return [
      await given({ policy: 7 }),
      await given({ policy: { secret: {} } }),
      await given({ policy: { phi: null } }),
      await given({ policy: { phi: { maxTtlMs: 5 } } }),
      await given({ policy: { phi: { purgeOnLogout: 'yes' } } }),
      await given({ rotation: { maxAgeDays: 0 } }),
      await given({ rotation: { maxAgeDays: 1.5 } }),
      await given({ rotation: {} }),
      await given({ sesion: 'origin' }),
      await codeOf(() => storage.lockAndForget()),
      await codeOf(() => storage.lockAndForget('secret' as never)),
    ];
  }, secret);
  expect(codes).toEqual(Array(11).fill('ERR_INVALID'));
  expect(await page.evaluate(() => storage.locked)).toBe(false);
});
