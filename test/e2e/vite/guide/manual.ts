import { EncryptionService, DataClassification } from '@/utils/encryption';

// Create service
const encryption = new EncryptionService('your-master-key');
await encryption.initialize();

// Encrypt
const encryptedPackage = await encryption.encrypt(
  'sensitive data',
  DataClassification.PHI,
  { patientId: 'P12345' }
);

// Encrypted package structure:
// {
//   ciphertext: 'base64-encoded-ciphertext',
//   metadata: {
//     version: '1.0',
//     algorithm: 'AES-GCM',
//     keyId: 'abc123...',
//     iv: 'base64-iv',
//     salt: 'base64-salt',
//     classification: 'phi',
//     encryptedAt: '2025-01-15T12:00:00Z',
//     context: { patientId: 'P12345' }
//   }
//}

// Decrypt
const plaintext = await encryption.decrypt(encryptedPackage);

// What the test looks at.
export { encryptedPackage, plaintext };
