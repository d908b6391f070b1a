import { QueryClient } from '@tanstack/query-core';
import { persistQueryClient } from '@tanstack/query-persist-client-core';
import { createEncryptedStorage } from 'idbvault';
import { queryPersister } from 'idbvault/persist/tanstack-query';

export const vault = createEncryptedStorage('my-application', 'queries', { secret: () => askTheUser() });

export const queryClient = new QueryClient({ defaultOptions: { queries: { gcTime: 24 * 3600 * 1000 } } });
export const [stop, restored] = persistQueryClient({ queryClient, persister: queryPersister(vault) });
