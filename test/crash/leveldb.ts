import fs from 'node:fs';
import path from 'node:path';

const BLOCK = 32 << 10;
const HEADER = 7; // checksum (4 bytes), length (2, little-endian), type (1)
const FIRST = 2;
const MIDDLE = 3;

/** The logs of Chromium's IndexedDB, of which LevelDB's list of its files is one. */
export function logsOf(profile: string): string[] {
  const origins = path.join(profile, 'Default', 'IndexedDB');
  if (!fs.existsSync(origins)) return [];
  const files = fs.readdirSync(origins, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => /\.log$|MANIFEST-\d+$/.test(file)).map((file) => path.join(origins, file));
}

/**
 * The log that ends in the middle of a record, if one does. At the next start Chromium overlooks the torn end, as it may, and
 * then writes on behind it (LevelDB's reuse_logs). At the start after that it takes the log for corrupt and deletes all that the
 * origin has in IndexedDB, as torn.ts shows without a vault.
 */
export const tornLog = (profile: string) => logsOf(profile).find((file) => endsTorn(fs.readFileSync(file)));

/** Whether a file of the format of LevelDB's doc/log_format.md ends before its last record does. */
export function endsTorn(log: Buffer): boolean {
  let type = 0;
  for (let at = 0; at < log.length; ) {
    const rest = BLOCK - (at % BLOCK);
    if (rest < HEADER) {
      at += rest;
      continue;
    }
    if (at + HEADER > log.length) return true;
    type = log.readUInt8(at + 6);
    at += HEADER + log.readUInt16LE(at + 4);
    if (at > log.length) return true;
  }
  return type === FIRST || type === MIDDLE;
}
