import { createEncryptedStorage, destroyVault, type EncryptedStorage } from '../src/index.ts';

const demo = { database: 'idbvault-demo', store: 'demo' };

/** Where the guide's component keeps its value: the database and store that createEncryptedStorage takes by default. */
const guide = { database: 'medical-imaging-viewer', store: 'encrypted-data' };

/** Whether the browser has the demo's vault. It can be told without the passphrase. */
export async function vaultExists(): Promise<boolean> {
  const databases = await indexedDB.databases();
  return databases.some(({ name }) => name === demo.database);
}

/** @param expectVault that there is one: it may have been deleted since, and is not to be made then */
export function openVault(secret: string, expectVault: boolean): Promise<EncryptedStorage> {
  return createEncryptedStorage(demo.database, demo.store, { secret, expectVault });
}

/** Unlocks the guide's database for this page, so that its component, which passes no secret, can open it. */
export async function unlockGuide(secret: string): Promise<void> {
  const storage = await createEncryptedStorage(guide.database, guide.store, { secret });
  storage.close(); // the vault stays unlocked
}

export async function destroyVaults(): Promise<void> {
  await destroyVault(demo.database);
  await destroyVault(guide.database);
}
