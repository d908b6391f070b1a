import { createEncryptedStorage } from 'idbvault';
import { createStore, get, setDefaultStore, update } from 'idbvault/persist/idb-keyval'; // was: from 'idb-keyval'

export const vault = createEncryptedStorage('my-application', 'keyval', { secret: () => askTheUser() });
setDefaultStore(createStore(vault));

export async function countVisit(): Promise<number | undefined> {
  await update<number>('visits', (visits = 0) => visits + 1);
  return get<number>('visits');
}
