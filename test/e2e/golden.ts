import fs from 'node:fs';
import type { EncryptedPackage } from '../../web/src/index.ts';

// The golden files: both formats as Chromium wrote them, with what opens them and what must come out. They are kept for
// ever; a new version of a format gets files of its own beside them.

export const vaultFile = 'test/vectors/golden/vault-v1.json';
export const rotationFile = 'test/vectors/golden/vault-v1-rotation.json';
export const chunkedFile = 'test/vectors/golden/vault-v1-chunked.json';
export const archiveFile = 'test/vectors/golden/archive-v1.json';
export const packagesFile = 'test/vectors/golden/packages-v1.0.json';

/** A vault in the midst of a rotation, or behind one, with the events of its audit log by number. */
export interface GoldenRotation extends GoldenVault {
  rotation: { from: number; to: number; phase: number } | null;
  events: number[];
}

/** One record as a reader must find it. The value is base64. */
export interface GoldenRecord {
  store: string;
  name: string;
  classification: string;
  kind: 'text' | 'bytes' | 'blob';
  contentType: string;
  context: unknown;
  value: string;
}

/** A dump of a vault's database: for each object store its entries, key and value in base64. */
export interface GoldenVault {
  database: string;
  secret: string;
  names: 'hidden' | 'clear';
  tables: Record<string, [string, string][]>;
  records: GoldenRecord[];
}

/** An archive, in base64, of the first vault in a file of them. */
export interface GoldenArchive {
  archive: string;
  of: string;
}

export interface GoldenPackage {
  masterKey: string;
  plaintext: string;
  package: EncryptedPackage;
}

export const readGolden = <T>(file: string): T => JSON.parse(fs.readFileSync(file, 'utf8')) as T;
