import { createEncryptedStorage, type Secret } from 'idbvault';

/** Opens a store that takes so many bytes: for what is written, what was used longest ago goes. */
export async function openWithin(maxBytes: number, secret: Secret) {
  const storage = await createEncryptedStorage('medical-imaging-offline', 'thumbnails', {
    secret,
    evict: { maxBytes, policy: 'lru' },
  });
  const { persisted } = await storage.estimate(); // and what the records take, and what the browser has left
  if (!persisted) await storage.requestPersistence(); // or the browser deletes it all when it needs room
  return storage;
}
