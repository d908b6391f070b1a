import type { Page } from '@playwright/test';
import { expect, keepCores, openApp, test } from './app.ts';

const secret = 'correct horse battery';

test.use({ watched: false }); // a program that dies says so on the console

/** Loads the application with a hand on the Go program's exports, which the shim does not give out. */
async function openWithCore(page: Page, url: string): Promise<void> {
  await keepCores(page);
  await openApp(page, url);
}

type Core = { mem: WebAssembly.Memory; settle(call: number, status: number): void };
declare global {
  var cores: Core[];
  var die: Record<'exits in a panic' | 'traps on broken memory', () => void>;
}

/** Loads the ways to end the engine that runs. */
const arm = (page: Page) =>
  page.evaluate(() => {
    globalThis.die = {
      // A panic in an export that nothing recovers ends the program, as Go's runtime does on a fault of its own.
      'exits in a panic': () => {
        try {
          cores.at(-1)?.settle(1 << 20, 0);
        } catch {}
      },
      // Whatever runs next traps, inside the call that it was made for. Its globals lie in the first 2 MiB.
      'traps on broken memory': () => {
        new Uint8Array(cores.at(-1)?.mem.buffer ?? new ArrayBuffer(0)).subarray(0, 2 << 20).fill(0xff);
      },
    };
  });

for (const how of ['exits in a panic', 'traps on broken memory'] as const) {
  test(`when the engine ${how}, calls fail with a code, and the next one goes on in a vault still unlocked`, async ({
    page,
    site,
  }) => {
    await openWithCore(page, site.url);
    await arm(page);
    await page.evaluate(
      async ([secret, how]) => {
        const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
        const service = new idbvault.EncryptionService('your-master-key');
        await storage.setEncrypted('before', 'written before', 'phi');
        Object.assign(globalThis, { storage, sealed: await service.encrypt('sealed before', 'phi'), service });
        // In flight when the engine dies: one that waits for SubtleCrypto, and one that waits for the first.
        const calls = [storage.setEncrypted('large', new Uint8Array(16 << 20)), storage.getDecryptedBytes('large')];
        die[how]();
        Object.assign(globalThis, { inFlight: Promise.all(calls.map((call) => codeOf(() => call))) });
      },
      [secret, how] as const,
    );
    // Without another call: what was in flight meets the dead engine by itself.
    const ended = await page.evaluate(() => (globalThis as unknown as { inFlight: Promise<string[]> }).inFlight);
    expect(ended).toEqual(['ERR_CRASHED', 'ERR_CRASHED']);
    const result = await page.evaluate(async (secret) => {
      const { storage, service, sealed, inFlight } = globalThis as unknown as {
        storage: import('../../web/src/index.ts').EncryptedStorage;
        service: import('../../web/src/index.ts').EncryptionService;
        sealed: import('../../web/src/index.ts').EncryptedPackage;
        inFlight: Promise<string[]>;
      };
      const first = await codeOf(() => storage.exists('before')); // may be the one in which it dies
      return {
        inFlight: await inFlight,
        first,
        read: await storage.getDecrypted('before'),
        written: await codeOf(() => storage.setEncrypted('after', 'written after', 'phi')),
        sealed: await service.decrypt(sealed),
        joined: await (await idbvault.createEncryptedStorage('db', 'store')).getDecrypted('after'),
        sameSecret: await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret })),
        wrongSecret: await codeOf(() =>
          idbvault.createEncryptedStorage('db', 'store', { secret: 'another passphrase' }),
        ),
        engines: cores.length,
        // Connections of the dead engine must not stand in the way.
        destroyed: await codeOf(() => idbvault.destroyVault('db')),
      };
    }, secret);
    expect(result).toEqual({
      inFlight: ['ERR_CRASHED', 'ERR_CRASHED'],
      first: expect.stringMatching(/^(no error|ERR_CRASHED)$/),
      read: 'written before',
      written: 'no error',
      sealed: 'sealed before',
      joined: 'written after',
      sameSecret: 'no error',
      wrongSecret: 'ERR_WRONG_SECRET',
      engines: 2,
      destroyed: 'no error',
    });
  });
}

test('the page keeps its own globals', async ({ page }) => {
  const left = await page.evaluate(async () => {
    const before = new Set(Object.getOwnPropertyNames(globalThis));
    await new idbvault.EncryptionService('your-master-key').initialize();
    return Object.getOwnPropertyNames(globalThis).filter((name) => !before.has(name));
  });
  // wasm_exec.js defines Go, and fs for what a dying program prints; a `process` would make libraries take this for Node.
  expect(left.sort()).toEqual(['Go', 'fs']);
});
