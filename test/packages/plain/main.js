import { createEncryptedStorage, DataClassification } from './node_modules/idbvault/web/dist/index.js';

const shown = document.querySelector('p');
const storage = await createEncryptedStorage('my-application', 'records', {
  secret: 'asked from the user',
});
shown.textContent = `visited: ${await storage.getDecrypted('visited')}`;
await storage.setEncrypted('visited', 'before', DataClassification.INTERNAL);
