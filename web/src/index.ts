/**
 * Data encrypted at rest in IndexedDB.
 *
 * @packageDocumentation
 */
export type { Value } from './bytes.ts';
export type { ChangeEvent, ChangeListener } from './changes.ts';
export { DataClassification } from './classification.ts';
export { VaultError, type VaultErrorCode } from './errors.ts';
export type { Entry } from './items.ts';
/** @internal For the package's other entries. */
export { running } from './loader.ts';
export { createEncryptedStorage, destroyVault, preload, type StorageOptions } from './open.ts';
/** @internal */
export { onOpen } from './openings.ts';
export type { Secret } from './secret.ts';
/** @internal */
export { importSecret } from './secret.ts';
export { type EncryptedPackage, type EncryptionConfig, type EncryptionMetadata, EncryptionService } from './service.ts';
export type { EncryptedStorage, KeyFilter, RecordMetadata } from './storage.ts';
export type { Context, JSONValue } from './value.ts';
