import { createEncryptedStorage, DataClassification, destroyVault } from 'idbvault';
import { afterEach, expect, test } from 'vitest';

afterEach(() => destroyVault('my-application'));

// 32 random bytes take fewer iterations than a passphrase does.
const secret = crypto.getRandomValues(new Uint8Array(32));
const open = (given) => createEncryptedStorage('my-application', 'records', { secret: given });

test('what is kept is read again after a lock', async () => {
  const storage = await open(secret);
  await storage.setEncrypted('patient:P12345', 'finding', DataClassification.PHI, { study: 'CT-7' });
  await storage.setEncrypted('image', new Blob([new Uint8Array(200_000)], { type: 'image/png' }));
  await storage.lock();
  await expect(storage.getDecrypted('patient:P12345')).rejects.toMatchObject({ code: 'ERR_LOCKED' });
  await storage.unlock(secret);
  expect(await storage.getDecrypted('patient:P12345')).toBe('finding');
  expect((await storage.getDecryptedBlob('image')).size).toBe(200_000);
  expect((await storage.keys()).sort()).toEqual(['image', 'patient:P12345']);
});

test('another secret does not open it', async () => {
  await (await open(secret)).lock();
  await expect(open('another passphrase')).rejects.toMatchObject({ code: 'ERR_WRONG_SECRET' });
});
