/**
 * Data encrypted at rest in IndexedDB.
 *
 * @packageDocumentation
 */
export type { AutoLock } from './autolock.ts';
export type { Value } from './bytes.ts';
export type { ChangeEvent, ChangeListener } from './changes.ts';
export { DataClassification } from './classification.ts';
export { VaultError, type VaultErrorCode } from './errors.ts';
export type { ClassPolicy, Evict } from './extras.ts';
export { type SecurityDetail, securityEvents } from './host.ts';
export type { ObjectURL } from './images.ts';
/** @internal */
export * from './internal.ts';
export type { Entry, WriteOptions } from './items.ts';
export type { Later, SpaceEstimate, SpaceOf, StreamOptions } from './later-names.ts';
export { isSupported, type WasmPlace } from './loader.ts';
export { createEncryptedStorage, destroyVault, preload, type StorageOptions } from './open.ts';
export type { Secret } from './secret.ts';
export { type EncryptedPackage, type EncryptionConfig, type EncryptionMetadata, EncryptionService } from './service.ts';
export type { EncryptedStorage, KeyFilter, RecordMetadata } from './storage.ts';
export type { Context, JSONValue } from './value.ts';
