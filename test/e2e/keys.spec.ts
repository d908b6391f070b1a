import type { Page } from '@playwright/test';
import { expect, openApp, test } from './app.ts';

type Keys = typeof import('../../web/src/keys.ts');

declare global {
  // The exports of idbvault/keys, once loadKeys has run.
  var keysOf: Keys;
}

const secret = 'correct horse battery';

async function loadKeys(page: Page): Promise<void> {
  await page.evaluate(async () => {
    globalThis.keysOf = (await import(`${location.origin}/some/folder/keys.js`)) as Keys;
  });
}

test.beforeEach(({ page }) => loadKeys(page));

test('a changed secret opens the vault, also after a reload, and the old one does not, in any tab', async ({
  page,
  site,
}) => {
  const other = await page.context().newPage();
  await openApp(other, site.url);
  const open = (secret: string) =>
    codeOf(async () => {
      const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
      if ((await storage.getDecrypted('k')) !== 'kept') throw new Error('not what was stored');
    });
  await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('k', 'kept', 'phi');
  }, secret);
  expect(await other.evaluate(open, secret)).toBe('no error');
  await page.evaluate((secret) => new keysOf.VaultKeys('db').changeSecret(secret, 'another passphrase'), secret);
  for (const tab of [page, other]) {
    expect(await tab.evaluate(open, secret)).toBe('ERR_WRONG_SECRET');
    expect(await tab.evaluate(open, 'another passphrase')).toBe('no error');
  }
  await openApp(page, site.url);
  expect(await page.evaluate(open, secret)).toBe('ERR_WRONG_SECRET');
  expect(await page.evaluate(open, 'another passphrase')).toBe('no error');
});

test('a recovery key opens the vault as it was typed, makes a new secret and takes the forgotten one away', async ({
  page,
  site,
}) => {
  const made = await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('k', 'kept', 'phi');
    const keys = new keysOf.VaultKeys('db');
    return { ...(await keys.addSlot({ kind: 'recovery', secret })), slots: await keys.listSlots() };
  }, secret);
  expect(made.recoveryKey).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){13}[0-9A-HJKMNP-TV-Z]{4}$/);
  expect(made.slots).toEqual([
    { id: 1, kind: 'secret', iterations: 600_000 },
    { id: made.id, kind: 'recovery', iterations: 600_000 },
  ]);

  await openApp(page, site.url);
  await loadKeys(page);
  const typed = made.recoveryKey.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
  const mistyped = `${typed.slice(0, -1)}${typed.at(-1) === '2' ? '3' : '2'}`;
  const result = await page.evaluate(
    async ([typed, mistyped, secret]) => {
      const { recoveryKey, VaultKeys } = keysOf;
      const recovery = () => recoveryKey(typed);
      const codes = [await codeOf(() => recoveryKey(mistyped)), await codeOf(() => recoveryKey('too short'))];
      const storage = await idbvault.createEncryptedStorage('db', 'store', { secret: await recovery() });
      const keys = new VaultKeys('db');
      codes.push(await codeOf(async () => keys.changeSecret(await recovery(), 'a new passphrase')));
      await keys.addSlot({ kind: 'secret', secret: await recovery(), newSecret: 'a new passphrase' });
      await keys.removeSlot(1, await recovery());
      codes.push(await codeOf(() => keys.removeSlot(2, secret)));
      return { codes, read: await storage.getDecrypted('k'), slots: (await keys.listSlots()).map(({ id }) => id) };
    },
    [typed, mistyped, secret] as const,
  );
  expect(result).toEqual({
    codes: ['ERR_INVALID', 'ERR_INVALID', 'ERR_INVALID', 'ERR_WRONG_SECRET'],
    read: 'kept',
    slots: [2, 3],
  });
  await openApp(page, site.url);
  const codes = await page.evaluate(
    async (secrets) => {
      const codes = [];
      for (const secret of secrets)
        codes.push(await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret })));
      return codes;
    },
    [secret, 'a new passphrase'],
  );
  expect(codes).toEqual(['ERR_WRONG_SECRET', 'no error']);
});

test('the vector of docs/FORMAT.md reads as its bytes', async ({ page }) => {
  const bytes = await page.evaluate(async () => [
    ...(await keysOf.recoveryKey('000G-40R4-0M30-E209-185G-R38E-1W81-24GK-2GAH-C5RR-34D1-P70X-3RFJ-C33F')),
  ]);
  expect(bytes).toEqual(Array.from({ length: 32 }, (_, i) => i));
});

test('for a change of secret the vault key alone is extractable, once, and no key is exported', async ({ page }) => {
  const seen = await page.evaluate(async (secret) => {
    const extractable: string[] = [];
    let exported = 0;
    const note = (key: CryptoKey) => {
      if (key.extractable) extractable.push(`${key.algorithm.name} ${key.usages.join('+')}`);
      return key;
    };
    for (const name of ['unwrapKey', 'deriveKey', 'generateKey', 'importKey'] as const) {
      const original = crypto.subtle[name].bind(crypto.subtle) as (...all: unknown[]) => Promise<CryptoKey>;
      Object.assign(crypto.subtle, { [name]: (...all: unknown[]) => original(...all).then(note) });
    }
    crypto.subtle.exportKey = () => {
      exported++;
      throw new Error('no key is exported');
    };
    await idbvault.createEncryptedStorage('db', 'store', { secret });
    extractable.length = 0;
    const keys = new keysOf.VaultKeys('db');
    await keys.changeSecret(secret, 'another passphrase');
    const once = extractable.splice(0);
    await keys.addSlot({ kind: 'recovery', secret: 'another passphrase' });
    return { once, again: extractable, exported };
  }, secret);
  expect(seen).toEqual({ once: ['AES-KW unwrapKey'], again: ['AES-KW unwrapKey'], exported: 0 });
});

test('iterations that are asked for are the least that a vault has once it is unlocked', async ({ page, site }) => {
  await page.evaluate((secret) => idbvault.createEncryptedStorage('db', 'store', { secret }).then(() => {}), secret);
  const after = async (iterations?: number) => {
    await openApp(page, site.url);
    await loadKeys(page);
    return page.evaluate(
      async ([secret, iterations]) => {
        await idbvault.createEncryptedStorage('db', 'store', { secret, iterations });
        return (await new keysOf.VaultKeys('db').listSlots()).map((slot) => slot.iterations);
      },
      [secret, iterations] as const,
    );
  };
  expect(await after(700_000)).toEqual([700_000]);
  expect(await after(600_000)).toEqual([700_000]);
  expect(await after()).toEqual([700_000]);
});

test('what does not fit is refused, and nothing is changed', async ({ page }) => {
  const result = await page.evaluate(async (secret) => {
    const { VaultKeys } = keysOf;
    const keys = new VaultKeys('db');
    const locked = await codeOf(() => keys.listSlots());
    await idbvault.createEncryptedStorage('db', 'store', { secret });
    const [before] = await raw.entries('db', 'keyring');
    const wrong = (slot: unknown) => codeOf(() => keys.addSlot(slot as never));
    const codes = {
      'a wrong secret': await codeOf(() => keys.changeSecret('wrong horse battery', 'another passphrase')),
      'a short one': await codeOf(() => keys.changeSecret(secret, 'short')),
      'too few iterations': await codeOf(() => keys.changeSecret(secret, 'another passphrase', { iterations: 1000 })),
      'options that are none': await codeOf(() => keys.changeSecret(secret, 'another passphrase', null as never)),
      'no new secret': await wrong({ kind: 'secret', secret }),
      'no kind': await wrong({ secret, newSecret: 'another passphrase' }),
      'a kind that is none': await wrong({ kind: 'fingerprint', secret, newSecret: 'another passphrase' }),
      'no slot': await wrong(undefined),
      'the last slot': await codeOf(() => keys.removeSlot(1, secret)),
      'a slot that is not there': await codeOf(() => keys.removeSlot(2, secret)),
      'an id that is none': await codeOf(() => keys.removeSlot('1' as never, secret)),
      'another database': await codeOf(() => new VaultKeys('db2').listSlots()),
      'a name that is none': await codeOf(() => new VaultKeys('').listSlots()),
    };
    const [after] = await raw.entries('db', 'keyring');
    const same = new Uint8Array(before?.[1] ?? []).toString() === new Uint8Array(after?.[1] ?? []).toString();
    return { locked, codes, same, databases: (await indexedDB.databases()).length };
  }, secret);
  expect(result).toEqual({
    locked: 'ERR_NO_SECRET',
    codes: {
      'a wrong secret': 'ERR_WRONG_SECRET',
      'a short one': 'ERR_INVALID',
      'too few iterations': 'ERR_INVALID',
      'options that are none': 'ERR_INVALID',
      'no new secret': 'ERR_INVALID',
      'no kind': 'ERR_INVALID',
      'a kind that is none': 'ERR_INVALID',
      'no slot': 'ERR_INVALID',
      'the last slot': 'ERR_INVALID',
      'a slot that is not there': 'ERR_INVALID',
      'an id that is none': 'ERR_INVALID',
      'another database': 'ERR_NO_SECRET',
      'a name that is none': 'ERR_INVALID',
    },
    same: true,
    databases: 1,
  });
});
