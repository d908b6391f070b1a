import { createEncryptedStorage } from 'idbvault';
import { unstorageDriver } from 'idbvault/persist/unstorage';
import { createStorage } from 'unstorage';

export const vault = createEncryptedStorage('my-application', 'unstorage', { secret: () => askTheUser() });

export const storage = createStorage({ driver: unstorageDriver(vault) });
