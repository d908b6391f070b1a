import { DataClassification, type EncryptedStorage } from 'idbvault';

const week = 7 * 24 * 3600 * 1000;

/** Keeps an image for a week, and tells until when. */
export async function keepForAWeek(storage: EncryptedStorage, key: string, image: Blob) {
  await storage.setEncrypted(key, image, DataClassification.PHI, undefined, { ttlMs: week });
  return (await storage.getMetadata(key))?.expiresAt;
}
