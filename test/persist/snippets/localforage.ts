import { createEncryptedStorage } from 'idbvault';
import { localForageDriver } from 'idbvault/persist/localforage';
import localforage from 'localforage';

export const vault = createEncryptedStorage('my-application', 'forage', { secret: () => askTheUser() });

await localforage.defineDriver(localForageDriver(vault, { classification: 'phi' }));
export const images = localforage.createInstance({ name: 'viewer', storeName: 'images', driver: 'idbvault' });
