import { createEncryptedStorage, DataClassification } from '@/utils/encryption';

// Store encrypted image data
const storage = await createEncryptedStorage();

// Convert image to base64 for storage
const imageBlob = await fetch('/api/image/123').then(r => r.blob());
const reader = new FileReader();
reader.readAsDataURL(imageBlob);
reader.onloadend = async () => {
  const base64Image = reader.result as string;

  // Store encrypted
  await storage.setEncrypted(
    'image:123',
    base64Image,
    DataClassification.PHI,
    { patientId: 'P12345', imageType: 'ct_scan' }
  );
};

// Added: the guide goes straight on, when its reader has not read yet.
while (!(await storage.exists('image:123')));

// Retrieve encrypted image
const encryptedImage = await storage.getDecrypted('image:123');
const img = new Image();
img.src = encryptedImage;

// What the test looks at.
await img.decode();
export { img };
