import { createEncryptedStorage } from 'idbvault';
import { reduxStorage } from 'idbvault/persist/redux-persist';
import { legacy_createStore as createStore } from 'redux';
import { persistReducer, persistStore } from 'redux-persist';

export const vault = createEncryptedStorage('my-application', 'state', { secret: () => askTheUser() });

const settings = (state = { theme: 'light' }, action: { type: string; theme?: string }) =>
  action.type === 'theme' ? { theme: String(action.theme) } : state;

// Without `timeout: 0` it waits five seconds for the user's passphrase, and then goes on without what is stored.
const config = { key: 'root', storage: reduxStorage(vault), timeout: 0 };

export const store = createStore(persistReducer(config, settings));
export const persistor = persistStore(store);
