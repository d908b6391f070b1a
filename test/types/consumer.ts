// What an application sees of the published types, under strict. It is compiled and never run.
import { exportArchive, importArchive } from '../../web/dist/archive.js';
import {
  type Cornerstone,
  type EncryptedImageOptions,
  registerEncryptedImageLoader,
} from '../../web/dist/cornerstone.js';
import {
  createEncryptedStorage,
  DataClassification,
  type EncryptedPackage,
  type EncryptedStorage,
  EncryptionService,
  type Evict,
  type ObjectURL,
  type SpaceEstimate,
  VaultError,
  type VaultErrorCode,
} from '../../web/dist/index.js';
import { type NewSlot, passkey, VaultKeys, vaultFor } from '../../web/dist/keys.js';
import { shareWithServiceWorker } from '../../web/dist/offline.js';
import { createStore, get, type KeyvalStore, update } from '../../web/dist/persist/idb-keyval.js';
import { localForageDriver } from '../../web/dist/persist/localforage.js';
import { reduxStorage } from '../../web/dist/persist/redux-persist.js';
import { queryPersister, queryStorage } from '../../web/dist/persist/tanstack-query.js';
import { unstorageDriver } from '../../web/dist/persist/unstorage.js';
import { type PersistOptions, zustandStorage } from '../../web/dist/persist/zustand.js';
import { useEncryptedStorage } from '../../web/dist/react.js';
import { type EncryptedCacheOptions, installEncryptedCache } from '../../web/dist/service-worker.js';

export async function use(): Promise<string | null> {
  const storage: EncryptedStorage = await createEncryptedStorage(await vaultFor('dr.a'), 'store', {
    secret: () => 'asked for',
    session: 'origin',
  });
  await storage.setEncrypted('k', new Blob([]), DataClassification.PHI, { patientId: 'P1', list: [1, null] });
  const preferences = await storage.getJSON<{ theme: string }>('preferences');
  const text: string | null = await storage.getDecrypted('k');
  const classification: DataClassification | undefined = (await storage.getMetadata('k'))?.classification;
  const end: () => void = storage.subscribe(null, ({ type, key, remote }) => console.log(type, key, remote));
  end();
  const sealed: EncryptedPackage = await new EncryptionService(new Uint8Array(32)).encrypt('x', classification);
  return text ?? preferences?.theme ?? sealed.metadata.keyId;
}

export async function addPasskey(secret: string): Promise<EncryptedStorage> {
  const slot: NewSlot = { kind: 'passkey', secret, user: { name: 'ada' } };
  const { id }: { id: number } = await new VaultKeys('db').addSlot(slot);
  console.log(id);
  return createEncryptedStorage('db', 'store', {
    secret: () => passkey('db', { signal: AbortSignal.timeout(60_000) }),
  });
}

export async function showImages(cornerstone: Cornerstone, storage: EncryptedStorage): Promise<void> {
  registerEncryptedImageLoader(cornerstone, storage, {
    strategy: 'network-first',
    fetch: (key) => fetch(`/dicom/${key}`),
    classification: DataClassification.PHI,
  });
  const bitmap: ImageBitmap | null = await storage.getImageBitmap('image:1', { resizeWidth: 64 });
  const made: ObjectURL | null = await storage.getObjectURL('image:1');
  made?.revoke();
  bitmap?.close();
}

export async function room(): Promise<number> {
  const evict: Evict = { maxBytes: 1 << 20, policy: 'lru', protect: [DataClassification.PHI] };
  const storage = await createEncryptedStorage('db', 'store', { evict });
  const { classes, quota }: SpaceEstimate = await storage.estimate({ prefix: 'study:7/' });
  const promised: boolean = await storage.requestPersistence();
  return promised ? classes.phi.bytes : (quota ?? 0);
}

export function cacheOffline(): () => void {
  const options: EncryptedCacheOptions = { database: 'db', match: ({ url }) => url.endsWith('.dcm'), ttlMs: 60_000 };
  installEncryptedCache({
    ...options,
    classification: DataClassification.PHI,
    strategy: 'cache-first',
    precache: ['/'],
  });
  return shareWithServiceWorker('db');
}

export async function backUp(): Promise<number> {
  const archive: ReadableStream<Uint8Array> = await exportArchive('db', { classes: [DataClassification.PHI] });
  const options = { secret: 'correct horse', signal: AbortSignal.timeout(60_000) };
  const { records }: { records: number } = await importArchive('db', archive, options);
  return records;
}

// The libraries' own types are not needed for the persisters'.
export async function persist(storage: Promise<EncryptedStorage>): Promise<number | undefined> {
  const options: PersistOptions = { classification: DataClassification.PHI, prefix: 'mine:', ttlMs: 60_000 };
  const state = await zustandStorage<{ theme: string }>(storage, options).getItem('settings');
  const client: { at: number } | undefined = await queryPersister<{ at: number }>(storage).restoreClient();
  const texts: (string | null)[] = [
    await reduxStorage(storage).getItem('persist:root'),
    await queryStorage(storage).getItem('key'),
    await unstorageDriver(storage).getItem(state?.state.theme ?? 'light'),
    localForageDriver(storage, { driver: 'mine' })._driver,
  ];
  const store: KeyvalStore = createStore(storage, options);
  await update<number>('count', (n = 0) => n + texts.length + (client?.at ?? 0), store);
  return get<number>('count', store);
}

export function decide(error: unknown): VaultErrorCode | undefined {
  return error instanceof VaultError ? error.code : undefined;
}

export function useTheme(): [string | undefined, (theme: string) => Promise<void>] {
  const { value, updateValue } = useEncryptedStorage<{ theme: string }>('preferences', DataClassification.INTERNAL);
  return [value?.theme, (theme) => updateValue({ theme })];
}

// @ts-expect-error: a classification is one of the five
export const wrongClass = (storage: EncryptedStorage) => storage.setEncrypted('k', 'v', 'secret');
// @ts-expect-error: a passkey is somebody's
export const wrongSlot: NewSlot = { kind: 'passkey', secret: 'correct horse' };
// @ts-expect-error: an archive is restored with its secret
export const noSecret = () => importArchive('db', new Blob([]), {});
// @ts-expect-error: a value is not an object
export const wrongValue = (storage: EncryptedStorage) => storage.setEncrypted('k', {});
// @ts-expect-error: a strategy is one of the three
export const wrongStrategy: EncryptedImageOptions = { strategy: 'cache' };
// @ts-expect-error: a storage is made by createEncryptedStorage, and its class is not there to call
export const wrongNew = () => new EncryptedStorage();
// @ts-expect-error: a store is made by createStore
export const wrongStore: KeyvalStore = {};
