import { createAsyncStoragePersister } from '@tanstack/query-async-storage-persister';
import { experimental_createQueryPersister as createQueryPersister } from '@tanstack/query-persist-client-core';
import { createEncryptedStorage } from 'idbvault';
import { queryStorage } from 'idbvault/persist/tanstack-query';

export const vault = createEncryptedStorage('my-application', 'queries', { secret: () => askTheUser() });
const storage = queryStorage(vault, { classification: 'phi', ttlMs: 24 * 3600 * 1000 });

export const throttled = createAsyncStoragePersister({ storage, throttleTime: 500 }); // the whole client in one record
export const each = createQueryPersister({ storage }); // a record for each query: `persister: each.persisterFn`
