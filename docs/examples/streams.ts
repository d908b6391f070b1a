import { DataClassification, type EncryptedStorage } from 'idbvault';

/** Keeps a study as it comes from the network, whatever its size: a few MiB of it are in memory at once. */
export async function keepStudy(
  storage: EncryptedStorage,
  key: string,
  url: string,
  onProgress: (bytes: number) => void,
) {
  const response = await fetch(url, { cache: 'no-store' }); // or it lies in the browser's cache, in clear
  if (!response.ok || !response.body) throw new Error(`The server answered ${response.status}.`);
  await storage.setEncryptedStream(key, response.body, DataClassification.PHI, { url }, { onProgress });
}

/** Opens the chunks that have these bytes, and no others. */
export const partOf = (storage: EncryptedStorage, key: string, start: number, end: number) =>
  storage.getDecryptedRange(key, start, end);
