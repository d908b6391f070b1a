import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { randomText } from './canaries.ts';
import { RAW, scanProfile } from './scan.ts';

let folder = '';

test.beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'atrest-scan-'));
});

test.afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

function write(name: string, content: string | Uint8Array) {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
}

function encodingsFound(content: string | Uint8Array, canary: string | Uint8Array): string[] {
  write('deep/er/file', content);
  const { hits } = scanProfile(folder, { canary, neverWritten: randomText() });
  return hits.map((hit) => `${hit.canary} ${hit.encoding} ${hit.file} ${hit.view}`);
}

const ENCODINGS: Record<string, (canary: Buffer) => string | Buffer> = {
  'utf-8': (canary) => Buffer.concat([randomBytes(3), canary, randomBytes(3)]),
  'utf-16le': (canary) => Buffer.from(`ж${canary.toString()}ж`, 'utf16le'),
  'utf-16be': (canary) => Buffer.from(`ж${canary.toString()}ж`, 'utf16le').swap16(),
  hex: (canary) => `00${canary.toString('hex')}00`,
  HEX: (canary) => `00${canary.toString('hex').toUpperCase()}00`,
  'hex in utf-16be': (canary) => Buffer.from(`ж${canary.toString('hex')}ж`, 'utf16le').swap16(),
  'base64+0': (canary) => Buffer.concat([Buffer.from('abc'), canary, Buffer.from('?')]).toString('base64'),
  'base64+1': (canary) => Buffer.concat([Buffer.from('a'), canary, Buffer.from('?')]).toString('base64'),
  'base64+2': (canary) => Buffer.concat([Buffer.from('ab'), canary, Buffer.from('?')]).toString('base64'),
};

for (const [encoding, encode] of Object.entries(ENCODINGS)) {
  test(`finds a text in ${encoding}`, () => {
    const canary = `Müller ${randomText()}`;
    expect(encodingsFound(encode(Buffer.from(canary)), canary)).toEqual([`canary ${encoding} deep/er/file ${RAW}`]);
  });
}

test('finds bytes in base64url', () => {
  const canary = Buffer.concat([randomBytes(9), Buffer.from('fffefbefbeff', 'hex')]);
  expect(encodingsFound(canary.toString('base64url'), canary)).toEqual([`canary base64url+0 deep/er/file ${RAW}`]);
});

test('finds a large value of which only a part is left', () => {
  const canary = randomBytes(100_000);
  expect(encodingsFound(canary.subarray(0, 100), canary)).toEqual([`canary raw start deep/er/file ${RAW}`]);
  expect(encodingsFound(canary.subarray(49_900, 50_100), canary)).toEqual([`canary raw middle deep/er/file ${RAW}`]);
  expect(encodingsFound(canary.subarray(-100).toString('hex'), canary)).toEqual([
    `canary hex of raw end deep/er/file ${RAW}`,
  ]);
});

test('does not search for what would be met by chance', () => {
  expect(() => scanProfile(folder, { canary: 'short' })).toThrow('too short');
});

test('counts files and bytes and follows no symbolic link', () => {
  write('one', 'abc');
  write('two/three', 'defgh');
  fs.symlinkSync('one', path.join(folder, 'link'));
  expect(scanProfile(folder, {})).toEqual({ files: 2, bytes: 8, hits: [], undecoded: [] });
});

test('finds a cell that is only in the write-ahead log', () => {
  const canary = randomText();
  const shifted = Buffer.from(Buffer.from(`.${canary}`).map((byte) => byte + 1)).toString('hex');
  const database = path.join(folder, 'data.sqlite');
  const statements = `.dbconfig no_ckpt_on_close on
pragma journal_mode = wal;
create table "odd ""name" ("a'key" blob);
insert into "odd ""name" values (x'${shifted}');
`;
  execFileSync('sqlite3', ['-init', '/dev/null', '-batch', database], { input: statements });
  expect(fs.statSync(`${database}-wal`).size).toBeGreaterThan(0);
  const { hits, undecoded } = scanProfile(folder, { canary });
  expect(undecoded).toEqual([]);
  expect(hits.map((hit) => `${hit.file} ${hit.view}`)).toEqual([
    `data.sqlite sqlite odd "name.a'key firefox key`,
    `data.sqlite sqlite odd "name.a'key shifted by one`,
  ]);
});

test('finds what a Firefox session file refers back to', () => {
  const canary = 'abcdefabcdef-12345';
  // Six literals, a match of six at distance six, then six literals.
  const sequences = Buffer.concat([
    Buffer.from([0x62]),
    Buffer.from('abcdef'),
    Buffer.from([0x06, 0x00, 0x60]),
    Buffer.from('-12345'),
  ]);
  write('session.jsonlz4', Buffer.concat([Buffer.from('mozLz40\0'), Buffer.from([18, 0, 0, 0]), sequences]));
  const { hits, undecoded } = scanProfile(folder, { canary });
  expect(undecoded).toEqual([]);
  expect(hits).toEqual([{ canary: 'canary', encoding: 'utf-8', file: 'session.jsonlz4', view: 'lz4' }]);
});

test('says which parts it could not decode', () => {
  write('000005.ldb', 'cut short');
  write('000006.log', Buffer.from('0000000020000099', 'hex'));
  write('files/1', Buffer.from('ff060000734e6150705900ffff00', 'hex'));
  write('session.jsonlz4', 'mozLz40\0');
  write('data.sqlite', 'SQLite format 3\0 and no more');
  const { undecoded } = scanProfile(folder, {});
  expect(undecoded.map((part) => part.split(':')[0]).sort()).toEqual([
    '000005.ldb',
    '000006.log',
    'data.sqlite',
    'files/1',
    'session.jsonlz4',
  ]);
});
