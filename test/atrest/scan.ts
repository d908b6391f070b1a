import type { Buffer } from 'node:buffer';
import fs from 'node:fs';
import path from 'node:path';
import { logViews, tableViews } from './leveldb.ts';
import { decodeMozLz4, isMozLz4 } from './mozlz4.ts';
import { type Canary, NeedleSearch, needlesFor } from './needles.ts';
import { decodeBlinkValues, decodeSnappyFramed, isSnappyFramed } from './snappy.ts';
import { isSqlite, sqliteViews } from './sqlite.ts';
import type { View } from './view.ts';

export const RAW = 'raw';

export interface Hit {
  canary: string;
  /** How the canary was written, such as utf-16be or hex. */
  encoding: string;
  file: string;
  /** What the file had to be decoded to; RAW where the canary lies in the file as it is. */
  view: string;
}

export interface ScanResult {
  files: number;
  bytes: number;
  hits: Hit[];
  /** Parts that have a known format but did not decode: a clean result says nothing about these. */
  undecoded: string[];
}

/**
 * Looks for every canary in every regular file below `dir`, as stored and as decoded. The browser must be closed.
 * Canaries have to be random: what a database has deleted but not overwritten is only looked at as it is stored, and a
 * text in UTF-16 may be met in the other byte order too.
 */
export function scanProfile(dir: string, canaries: Record<string, Canary>): ScanResult {
  const search = new NeedleSearch(Object.entries(canaries).flatMap(([name, canary]) => needlesFor(name, canary)));
  const hits = new Map<string, Hit>();
  const undecoded = new Set<string>();
  let files = 0;
  let bytes = 0;
  for (const file of regularFiles(dir)) {
    const content = fs.readFileSync(file);
    const relative = path.relative(dir, file);
    files += 1;
    bytes += content.length;
    for (const view of allViews(file, content)) {
      if (view.bytes === null) {
        undecoded.add(`${relative}: ${view.name}`);
        continue;
      }
      for (const needle of search.find(view.bytes)) {
        const hit = { canary: needle.canary, encoding: needle.encoding, file: relative, view: view.name };
        hits.set(JSON.stringify(hit), hit);
      }
    }
  }
  return { files, bytes, hits: [...hits.values()], undecoded: [...undecoded] };
}

function* regularFiles(dir: string): Generator<string> {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory()) yield* regularFiles(file);
    else if (entry.isFile()) yield file;
  }
}

function* allViews(file: string, content: Buffer): Generator<View> {
  yield* withBlinkValues({ name: RAW, bytes: content });
  for (const view of formatViews(file, content)) yield* withBlinkValues(view);
}

function* formatViews(file: string, content: Buffer): Generator<View> {
  const name = path.basename(file);
  if (isSqlite(content)) yield* sqliteViews(file);
  else if (isSnappyFramed(content)) yield* framedViews(content);
  else if (isMozLz4(content)) yield { name: 'lz4', bytes: decodeMozLz4(content) };
  else if (/\.(ldb|sst)$/.test(name)) yield* tableViews(content);
  else if (/^(\d+\.log|MANIFEST-\d+)$/.test(name)) yield* logViews(content);
}

function* framedViews(content: Buffer): Generator<View> {
  const { decoded, complete } = decodeSnappyFramed(content);
  yield { name: 'snappy frames', bytes: decoded };
  if (!complete) yield { name: 'snappy frames', bytes: null };
}

function* withBlinkValues(view: View): Generator<View> {
  yield view;
  if (view.bytes === null) return;
  const name = `${view.name} blink snappy`;
  for (const value of decodeBlinkValues(view.bytes)) yield { name, bytes: value };
}
