'use client';

/**
 * React hooks and components on encrypted storage.
 *
 * @packageDocumentation
 */
export { type EncryptedBitmap, EncryptedImage, type EncryptedImageProps, useEncryptedImage } from './react-image.ts';
export {
  EncryptedStorageProvider,
  type EncryptedStorageProviderProps,
  type PromptProps,
  useVault,
} from './react-provider.ts';
export type { Vault } from './react-source.ts';
export { type EncryptedValue, useEncryptedStorage, useEncryptedValue } from './react-value.ts';
