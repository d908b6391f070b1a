// hooks/useEncryptedStorage.ts
import { useState, useEffect } from 'react';
import { createEncryptedStorage, DataClassification } from '@/utils/encryption';

export function useEncryptedStorage<T>(
  key: string,
  classification: DataClassification = DataClassification.CONFIDENTIAL
) {
  const [value, setValue] = useState<T | null>(null);
  const [loading, setLoading] = useState(true);

  useEffect(() => {
    const loadValue = async () => {
      try {
        const storage = await createEncryptedStorage();
        const encrypted = await storage.getDecrypted(key);

        if (encrypted) {
          setValue(JSON.parse(encrypted));
        }

        storage.close();
      } catch (error) {
        console.error('Failed to load encrypted value:', error);
      } finally {
        setLoading(false);
      }
    };

    loadValue();
  }, [key]);

  const updateValue = async (newValue: T) => {
    try {
      const storage = await createEncryptedStorage();
      await storage.setEncrypted(
        key,
        JSON.stringify(newValue),
        classification
      );
      setValue(newValue);
      storage.close();
    } catch (error) {
      console.error('Failed to save encrypted value:', error);
      throw error;
    }
  };

  return { value, loading, updateValue };
}
