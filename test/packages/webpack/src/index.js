import { createEncryptedStorage, DataClassification } from 'idbvault';

const shown = document.querySelector('p');
const storage = await createEncryptedStorage('my-application', 'records', {
  secret: 'asked from the user',
});
shown.textContent = `visited: ${await storage.getDecrypted('visited')}`;
await storage.setEncrypted('visited', 'before', DataClassification.INTERNAL);
