import { createEncryptedStorage, DataClassification } from '@/utils/encryption';

// Create encrypted storage
const storage = await createEncryptedStorage(
  'medical-imaging-viewer',  // Database name
  'encrypted-data'            // Store name
);

// Store encrypted value
await storage.setEncrypted(
  'user-preferences',
  JSON.stringify({ theme: 'dark', lang: 'en' }),
  DataClassification.INTERNAL
);

// Retrieve and decrypt
const preferences = await storage.getDecrypted('user-preferences');
const parsed = JSON.parse(preferences);

// Check existence
const exists = await storage.exists('user-preferences');

// Delete
await storage.delete('user-preferences');

// Close when done
storage.close();

// What the test looks at.
export { exists, parsed };
