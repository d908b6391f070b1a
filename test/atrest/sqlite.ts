import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { decodeSnappyBlock } from './snappy.ts';
import type { View } from './view.ts';

const HEADER = Buffer.from('SQLite format 3\0', 'latin1');

export function isSqlite(bytes: Uint8Array): boolean {
  return HEADER.equals(bytes.subarray(0, HEADER.length));
}

// Virtual tables need modules that only the browser has; what they hold lies in plain shadow tables.
const LIST_COLUMNS = `select json_array(t.name, c.name) from sqlite_master t, pragma_table_info(t.name) c
  where t.type = 'table' and t.sql not like 'create virtual%';`;

function runSqlite(database: string, statements: string): { lines: string[]; complete: boolean } {
  const run = spawnSync('sqlite3', ['-init', '/dev/null', '-batch', '-list', '-noheader', database], {
    input: statements,
    encoding: 'latin1',
    maxBuffer: 1 << 30,
  });
  // Without the program every compressed cell would silently count as clean.
  if (run.error) throw run.error;
  return { lines: run.stdout.split('\n').filter((line) => line !== ''), complete: run.status === 0 };
}

const quoteName = (name: string) => `"${name.replaceAll('"', '""')}"`;
const quoteText = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Every cell of a database and its write-ahead log. Works on a copy, because opening a database may change it. */
export function* sqliteViews(file: string): Generator<View> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'atrest-sqlite-'));
  try {
    const copy = path.join(folder, 'copy');
    fs.copyFileSync(file, copy);
    if (fs.existsSync(`${file}-wal`)) fs.copyFileSync(`${file}-wal`, `${copy}-wal`);

    const listed = runSqlite(copy, LIST_COLUMNS);
    if (!listed.complete) yield { name: 'sqlite schema', bytes: null };
    const queries = listed.lines.map((line) => {
      const [table, column] = JSON.parse(line) as [string, string];
      const label = quoteText(`#${table}.${column}`.replaceAll('\n', ' '));
      const cell = quoteName(column);
      return `select ${label}; select hex(${cell}) from ${quoteName(table)} where ${cell} is not null;`;
    });
    const cells = runSqlite(copy, queries.join('\n'));
    if (!cells.complete) yield { name: 'sqlite cells', bytes: null };
    let column = '';
    for (const line of cells.lines) {
      if (line.startsWith('#')) column = line.slice(1);
      else yield* cellViews(column, Buffer.from(line, 'hex'));
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function* cellViews(column: string, cell: Buffer): Generator<View> {
  const name = `sqlite ${column}`;
  yield { name, bytes: cell };
  const value = decodeSnappyBlock(cell);
  if (value !== null) yield { name: `${name} snappy`, bytes: value };
  // Any column, not only those named key: indexed values are encoded as keys too. These stand among lengths and
  // numbers, which may throw the units out of step; the plain shift has no step to lose.
  yield { name: `${name} firefox key`, bytes: firefoxKeyUnits(cell) };
  yield { name: `${name} shifted by one`, bytes: shiftedByOne(cell) };
}

function shiftedByOne(cell: Buffer): Buffer {
  return Buffer.from(cell.map((byte) => byte - 1));
}

/**
 * Firefox writes the units of a string or binary key in one, two or three bytes, so that keys sort as bytes:
 * below 0x7F as the unit plus one, up to 0x407E as 0x8000 plus the unit less 0x7F, others as 0xC00000 plus the unit
 * shifted left by six. The first byte of the key says its type. Units come back as single bytes where all of them
 * fit (binary keys, Latin text), otherwise as UTF-16LE.
 */
function firefoxKeyUnits(cell: Buffer): Buffer {
  const units: number[] = [];
  let at = 1;
  while (at < cell.length) {
    const byte = cell.readUInt8(at);
    if (byte < 0x80) {
      units.push(Math.max(0, byte - 1));
      at += 1;
    } else if (byte < 0xc0) {
      units.push(at + 2 <= cell.length ? cell.readUInt16BE(at) - 0x8000 + 0x7f : 0);
      at += 2;
    } else {
      units.push(at + 3 <= cell.length ? (cell.readUIntBE(at, 3) - 0xc00000) >> 6 : 0);
      at += 3;
    }
  }
  if (units.every((unit) => unit <= 0xff)) return Buffer.from(units);
  return Buffer.from(Uint16Array.from(units).buffer);
}
