import type { DataClassification, EncryptedStorage } from '../src/index.ts';
import type { VaultKeys } from '../src/keys.ts';

// Calls that VaultKeys and EncryptedStorage are about to have. Once they do, this file goes, and its callers call them.

export interface KeyStatus {
  epoch: number;
  due: boolean;
  classes: Record<DataClassification, { createdAt: Date; ageDays: number; writes: number; dueAt: Date }>;
}

export interface AuditLog {
  lines: { seq: number; at: Date; event: string; epoch: number; count: number }[];
  intact: boolean;
}

interface Coming {
  keyStatus?(): Promise<KeyStatus>;
  auditLog?(): Promise<AuditLog>;
}

interface Telling {
  addEventListener?(type: 'security', listener: () => void): void;
  removeEventListener?(type: 'security', listener: () => void): void;
}

/** Undefined where the package has no such call yet. */
export const keyStatus = async (keys: VaultKeys): Promise<KeyStatus | undefined> =>
  (keys as VaultKeys & Coming).keyStatus?.();

/** Undefined where the package has no such call yet. */
export const auditLog = async (keys: VaultKeys): Promise<AuditLog | undefined> =>
  (keys as VaultKeys & Coming).auditLog?.();

/** Calls listener at each event that the log tells of, and returns what ends that. */
export function onSecurity(storage: EncryptedStorage, listener: () => void): () => void {
  const telling = storage as EncryptedStorage & Telling;
  telling.addEventListener?.('security', listener);
  return () => telling.removeEventListener?.('security', listener);
}
