// Two additions: the import of the type, and the export.
// services/offlineStorage.ts
import { createEncryptedStorage, DataClassification, type EncryptedStorage } from '@/utils/encryption';

export class OfflineStorageService {
  private storage: EncryptedStorage | null = null;

  async initialize() {
    this.storage = await createEncryptedStorage(
      'medical-imaging-offline',
      'encrypted-cache'
    );
  }

  async cacheMedicalImage(
    imageId: string,
    imageData: string,
    metadata: { patientId: string; imageType: string }
  ) {
    if (!this.storage) throw new Error('Storage not initialized');

    await this.storage.setEncrypted(
      `image:${imageId}`,
      imageData,
      DataClassification.PHI,
      metadata
    );
  }

  async getCachedImage(imageId: string): Promise<string | null> {
    if (!this.storage) throw new Error('Storage not initialized');

    return await this.storage.getDecrypted(`image:${imageId}`);
  }

  async syncWithServer() {
    // Sync encrypted local data with server
    // ...
  }
}
