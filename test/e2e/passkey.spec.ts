import type { CDPSession, Page } from '@playwright/test';
import { expect, openApp, test } from './app.ts';

// idbvault/keys, as keys.spec.ts has it.
type Keys = typeof import('../../web/src/keys.ts');

const secret = 'correct horse battery';

/** Opens the application at localhost: a passkey needs a domain. */
async function openAtDomain(page: Page, url: string): Promise<void> {
  await openApp(page, url.replace('127.0.0.1', 'localhost'));
  await loadKeys(page);
}

async function loadKeys(page: Page): Promise<void> {
  await page.evaluate(async () => {
    globalThis.keysOf = (await import(`${location.origin}/some/folder/keys.js`)) as Keys;
  });
}

interface Authenticator {
  cdp: CDPSession;
  id: { authenticatorId: string };
}

/** Gives the page an authenticator that says yes by itself, with the PRF extension unless told otherwise. */
async function addAuthenticator(
  page: Page,
  others: { hasPrf?: boolean; hasHmacSecret?: boolean } = {},
): Promise<Authenticator> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const id = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      hasPrf: true,
      ...others,
    },
  });
  return { cdp, id };
}

async function passkeysOf({ cdp, id }: Authenticator): Promise<number> {
  const { credentials } = await cdp.send('WebAuthn.getCredentials', id);
  return credentials.length;
}

/** Makes the vault `db` with a passphrase and a record, or opens it. */
async function makeVault(page: Page): Promise<void> {
  await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    await storage.setEncrypted('k', 'kept', 'phi');
  }, secret);
}

const addPasskey = (page: Page): Promise<number> =>
  page.evaluate(async (secret) => {
    const { id } = await new keysOf.VaultKeys('db').addSlot({ kind: 'passkey', secret, user: { name: 'ada' } });
    return id;
  }, secret);

const keyringOf = (page: Page): Promise<number[]> =>
  page.evaluate(async () => [...new Uint8Array((await raw.entries('db', 'keyring'))[0]?.[1] ?? [])]);

const addingFails = (page: Page, given: object = {}): Promise<string> =>
  page.evaluate((slot) => codeOf(() => new keysOf.VaultKeys('db').addSlot(slot as never)), {
    kind: 'passkey',
    secret,
    user: { name: 'ada' },
    ...given,
  });

test.describe('with an authenticator', () => {
  test.skip(({ browserName }) => browserName !== 'chromium', 'only Chromium has a virtual authenticator with PRF');

  test.beforeEach(({ page, site }) => openAtDomain(page, site.url));

  // An authenticator of CTAP 2.1 with hmac-secret evaluates the PRF only when a passkey is used.
  for (const [when, extensions] of [
    ['at once', {}],
    ['when it is used', { hasPrf: false, hasHmacSecret: true }],
  ] as const)
    test(`a passkey that yields its secret ${when} opens the vault, also as the only slot`, async ({ page, site }) => {
      const authenticator = await addAuthenticator(page, extensions);
      await makeVault(page);
      const asked = await page.evaluateHandle(() => {
        const get = navigator.credentials.get.bind(navigator.credentials);
        const asked = { times: 0 };
        navigator.credentials.get = (options) => {
          asked.times++;
          return get(options);
        };
        return asked;
      });
      const id = await addPasskey(page);
      expect(await asked.jsonValue()).toEqual({ times: when === 'at once' ? 0 : 1 });
      expect(await page.evaluate(() => new keysOf.VaultKeys('db').listSlots())).toEqual([
        { id: 1, kind: 'secret', iterations: 600_000 },
        { id, kind: 'passkey', iterations: 600_000 },
      ]);
      expect(await passkeysOf(authenticator)).toBe(1);

      await openAtDomain(page, site.url);
      const result = await page.evaluate(async () => {
        const { passkey, VaultKeys } = keysOf;
        const storage = await idbvault.createEncryptedStorage('db', 'store', { secret: () => passkey('db') });
        const keys = new VaultKeys('db');
        const change = await codeOf(async () => keys.changeSecret(await passkey('db'), 'another passphrase'));
        await keys.removeSlot(1, await passkey('db'));
        return { read: await storage.getDecrypted('k'), change, left: (await keys.listSlots()).map((s) => s.kind) };
      });
      expect(result).toEqual({ read: 'kept', change: 'ERR_INVALID', left: ['passkey'] });

      await openAtDomain(page, site.url);
      const codes = await page.evaluate(async (secret) => {
        const passphrase = await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret }));
        const storage = await idbvault.createEncryptedStorage('db', 'store', { secret: () => keysOf.passkey('db') });
        const read = await storage.getDecrypted('k');
        // A passkey adds a passphrase, and its slot can be removed.
        const keys = new keysOf.VaultKeys('db');
        await keys.addSlot({ kind: 'secret', secret: await keysOf.passkey('db'), newSecret: secret });
        await keys.removeSlot(2, secret);
        const gone = await codeOf(async () => keys.removeSlot(3, await keysOf.passkey('db')));
        return { passphrase, read, gone };
      }, secret);
      expect(codes).toEqual({ passphrase: 'ERR_WRONG_SECRET', read: 'kept', gone: 'ERR_WRONG_SECRET' });
    });

  test('the secret is 32 bytes that stay, are others for every database, and come of the salt of docs/FORMAT.md', async ({
    page,
  }) => {
    await addAuthenticator(page);
    await makeVault(page);
    await addPasskey(page);
    const seen = await page.evaluate(async () => {
      const salts: string[] = [];
      const hex = (bytes: Uint8Array) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
      const get = navigator.credentials.get.bind(navigator.credentials);
      navigator.credentials.get = (options) => {
        salts.push(hex(new Uint8Array(options?.publicKey?.extensions?.prf?.eval?.first as ArrayBuffer)));
        if (options?.publicKey?.userVerification !== 'required') throw new Error('the user need not be verified');
        return get(options);
      };
      const secrets = [];
      for (const name of ['db', 'db', 'db2', undefined]) secrets.push(hex(await keysOf.passkey(name)));
      const code = await codeOf(async () =>
        idbvault.createEncryptedStorage('db', 'store', { secret: await keysOf.passkey('db2') }),
      );
      return { secrets, salts, code };
    });
    const [first, again, other, byDefault] = seen.secrets;
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(again).toBe(first);
    expect(new Set([first, other, byDefault]).size).toBe(3);
    expect(seen.salts[0]).toBe('bc75118082d4281f4ad94165a1893b78d25b3002d55503b30fea1c8535dbd916');
    expect(seen.salts[3]).toBe('60df46ecd65e993f876cd4a4cc1ca805e3db6ec9bbcec953c3de20f9c7be25cf');
    expect(seen.code).toBe('ERR_WRONG_SECRET');
  });

  test('of a passkey, the vault keeps 40 wrapped bytes in a slot of kind 3, and nothing that tells of it', async ({
    page,
  }) => {
    const { cdp, id } = await addAuthenticator(page);
    await makeVault(page);
    const before = await keyringOf(page);
    await addPasskey(page);
    const after = await keyringOf(page);
    // docs/FORMAT.md: the slots begin at 48, and have 65 bytes each. The count is before them, the generation at 33.
    expect(after.length).toBe(before.length + 65);
    expect(after.slice(46, 48)).toEqual([0, 2]);
    expect(after.slice(48, 113)).toEqual(before.slice(48, 113));
    expect(after.slice(113, 118)).toEqual([0, 0, 0, 2, 3]);
    expect(after.slice(178, -32)).toEqual(before.slice(113, -32));
    const { credentials } = await cdp.send('WebAuthn.getCredentials', id);
    const { credentialId, userHandle } = credentials[0] ?? {};
    const stored = await page.evaluate(async () => {
      const all: number[][] = [];
      for (const table of ['keyring', 'records', 'chunks', 'journal', 'audit'])
        for (const pair of await raw.entries('db', table)) all.push(...pair.map((b) => [...new Uint8Array(b)]));
      const databases = (await indexedDB.databases()).map(({ name }) => name);
      return { all, databases, others: [localStorage.length, sessionStorage.length, document.cookie.length] };
    });
    expect(stored.databases).toEqual(['db']);
    expect(stored.others).toEqual([0, 0, 0]);
    const bytes = Buffer.concat(stored.all.map((entry) => Buffer.from(entry)));
    const prf = Buffer.from(await page.evaluate(async () => [...(await keysOf.passkey('db'))]));
    for (const needle of [prf, Buffer.from(credentialId ?? '', 'base64'), Buffer.from(userHandle ?? '', 'base64')]) {
      expect(needle.length).toBeGreaterThanOrEqual(16);
      for (let at = 0; at + 8 <= needle.length; at += 8)
        expect(bytes.includes(needle.subarray(at, at + 8))).toBe(false);
    }
  });

  test('the secret of a new passkey is zeroed once it is in the vault', async ({ page }) => {
    await addAuthenticator(page);
    await makeVault(page);
    const kept = await page.evaluate(async (secret) => {
      const results: ArrayBuffer[] = [];
      const create = navigator.credentials.create.bind(navigator.credentials);
      navigator.credentials.create = async (options) => {
        const credential = (await create(options)) as PublicKeyCredential;
        const outputs = credential.getClientExtensionResults();
        results.push(outputs.prf?.results?.first as ArrayBuffer);
        credential.getClientExtensionResults = () => outputs;
        return credential;
      };
      await new keysOf.VaultKeys('db').addSlot({ kind: 'passkey', secret, user: { name: 'ada' } });
      return results.map((first) => [...new Uint8Array(first)]);
    }, secret);
    expect(kept).toEqual([new Array(32).fill(0)]);
  });

  test('where the authenticator has no PRF, no passkey and no slot is left', async ({ page }) => {
    const authenticator = await addAuthenticator(page, { hasPrf: false });
    await makeVault(page);
    const before = await keyringOf(page);
    let made = 0;
    authenticator.cdp.on('WebAuthn.credentialAdded', () => made++);
    expect(await addingFails(page)).toBe('ERR_UNSUPPORTED');
    expect(made).toBe(1);
    expect(await keyringOf(page)).toEqual(before);
    await expect.poll(() => passkeysOf(authenticator)).toBe(0);
  });

  test('a passkey without PRF of the same page is no secret', async ({ page }) => {
    await addAuthenticator(page, { hasPrf: false });
    const code = await page.evaluate(async () => {
      const random = () => crypto.getRandomValues(new Uint8Array(32));
      await navigator.credentials.create({
        publicKey: {
          rp: { name: 'a login' },
          user: { id: random(), name: 'ada', displayName: 'ada' },
          challenge: random(),
          pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
          authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        },
      });
      return codeOf(() => keysOf.passkey('db'));
    });
    expect(code).toBe('ERR_UNSUPPORTED');
  });

  test('a user who does not allow it, or not in time, is told so, and nothing is changed', async ({ page, site }) => {
    const first = await addAuthenticator(page);
    await makeVault(page);
    const before = await keyringOf(page);
    await first.cdp.send('WebAuthn.setUserVerified', { ...first.id, isUserVerified: false });
    expect(await addingFails(page)).toBe('ERR_NO_SECRET');
    expect(await keyringOf(page)).toEqual(before);
    await first.cdp.send('WebAuthn.removeVirtualAuthenticator', first.id); // it is blocked now

    const { cdp, id } = await addAuthenticator(page);
    await addPasskey(page);
    const added = await keyringOf(page);
    await openAtDomain(page, site.url);
    const open = () =>
      codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret: () => keysOf.passkey('db') }));
    await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { ...id, enabled: false });
    const codes = await page.evaluate(async () => {
      const waits = (reason?: Error) => {
        const controller = new AbortController();
        setTimeout(() => controller.abort(reason), 300);
        return codeOf(() => keysOf.passkey('db', { signal: controller.signal }));
      };
      return [await waits(), await waits(new Error('too long'))];
    });
    expect(codes).toEqual(['ERR_NO_SECRET', 'ERR_NO_SECRET']);
    await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { ...id, enabled: true });
    expect(await page.evaluate(open)).toBe('no error');

    await openAtDomain(page, site.url);
    await cdp.send('WebAuthn.setUserVerified', { ...id, isUserVerified: false });
    expect(await page.evaluate(open)).toBe('ERR_NO_SECRET');
    expect(await keyringOf(page)).toEqual(added);
  });

  test('what fails leaves no slot and no passkey', async ({ page }) => {
    const authenticator = await addAuthenticator(page);
    expect(await addingFails(page)).toBe('ERR_NO_SECRET'); // there is no vault
    await makeVault(page);
    const before = await keyringOf(page);
    let made = 0;
    authenticator.cdp.on('WebAuthn.credentialAdded', () => made++);
    expect(await addingFails(page, { secret: 'wrong horse battery' })).toBe('ERR_WRONG_SECRET');
    expect(await addingFails(page, { user: undefined })).toBe('ERR_INVALID');
    expect(made).toBe(0); // nobody was asked
    expect(await addingFails(page, { iterations: 99_999 })).toBe('ERR_INVALID');
    expect(made).toBe(1);
    await expect.poll(() => passkeysOf(authenticator)).toBe(0);
    expect(await keyringOf(page)).toEqual(before);
    expect(await addingFails(page, { iterations: 100_000 })).toBe('no error');
    expect(await passkeysOf(authenticator)).toBe(1);
  });

  test('a passkey whose slot may have been written is not taken back', async ({ page }) => {
    const authenticator = await addAuthenticator(page);
    await makeVault(page);
    // The vault is locked while the slot is added.
    const code = await page.evaluate(async (secret) => {
      const storage = await idbvault.createEncryptedStorage('db', 'store');
      const create = navigator.credentials.create.bind(navigator.credentials);
      navigator.credentials.create = async (options) => {
        const credential = await create(options);
        setTimeout(() => storage.lock(), 20);
        return credential;
      };
      return codeOf(() => new keysOf.VaultKeys('db').addSlot({ kind: 'passkey', secret, user: { name: 'ada' } }));
    }, secret);
    expect(code).toBe('ERR_LOCKED');
    expect(await passkeysOf(authenticator)).toBe(1);
  });

  test('a page at an IP address has no passkeys, and is told so', async ({ page, site }) => {
    await openApp(page, site.url);
    await loadKeys(page);
    await makeVault(page);
    const before = await keyringOf(page);
    expect(await addingFails(page)).toBe('ERR_UNSUPPORTED');
    expect(await page.evaluate(() => codeOf(() => keysOf.passkey('db')))).toBe('ERR_UNSUPPORTED');
    expect(await keyringOf(page)).toEqual(before);
  });
});

for (const lacks of ['WebAuthn', 'the PRF extension'])
  test(`a browser without ${lacks} asks nobody and changes nothing`, async ({ page, site }) => {
    await openAtDomain(page, site.url);
    await makeVault(page);
    const before = await keyringOf(page);
    await page.evaluate((lacks) => {
      const asked = () => {
        throw new Error('the user was asked');
      };
      Object.assign(navigator.credentials, { create: asked, get: asked });
      if (lacks === 'WebAuthn') delete (globalThis as { PublicKeyCredential?: unknown }).PublicKeyCredential;
      else PublicKeyCredential.getClientCapabilities = async () => ({ 'extension:prf': false });
    }, lacks);
    expect(await addingFails(page)).toBe('ERR_UNSUPPORTED');
    expect(await page.evaluate(() => codeOf(() => keysOf.passkey('db')))).toBe('ERR_UNSUPPORTED');
    expect(await keyringOf(page)).toEqual(before);
  });
