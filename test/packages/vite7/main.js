import { createEncryptedStorage } from 'idbvault';

const shown = document.querySelector('p');
try {
  const storage = await createEncryptedStorage('my-application', 'records', { secret: 'a long passphrase' });
  shown.textContent = `was ${await storage.getDecrypted('visits')}`;
  await storage.setEncrypted('visits', 'here before');
} catch (error) {
  shown.textContent = error.message;
}
