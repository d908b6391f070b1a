import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { forPage, makeCanaries, makeMany, randomText, storeInClear, storeManyInClear } from './canaries.ts';
import { launchProfile, type ProfileBrowser } from './launch.ts';
import { servePage } from './page.ts';
import { type Hit, RAW, scanProfile } from './scan.ts';

// What this file proves is that the scanner sees. Only that makes a scan without hits, in other tests, worth anything.

const STORAGE_FOLDER = {
  chromium: /^Default\/IndexedDB\//,
  firefox: /^storage\/default\/.*\/idb\//,
} satisfies Record<ProfileBrowser, RegExp>;

// Stored so that they lie on disk only in compressed form: small values stay as they are in Chromium's log.
const ONLY_COMPRESSED = {
  chromium: ['largeText', 'hugeText'],
  firefox: ['repetitiveText', 'largeText', 'hugeText'],
} satisfies Record<ProfileBrowser, string[]>;

async function closedProfile(browserName: ProfileBrowser, visit: (page: Page) => Promise<void>): Promise<string> {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), `atrest-${browserName}-`));
  profiles.push(profile);
  const site = await servePage();
  try {
    const context = await launchProfile(browserName, profile);
    try {
      const page = await context.newPage();
      await page.goto(site.url);
      await visit(page);
    } finally {
      await context.close();
    }
  } finally {
    await site.close();
  }
  return profile;
}

const profiles: string[] = [];

test.afterEach(() => {
  for (const profile of profiles.splice(0)) fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
});

for (const browserName of ['chromium', 'firefox'] as const) {
  test.describe(browserName, () => {
    test.describe.configure({ timeout: 120_000 });
    const isStorage = (file: string) => STORAGE_FOLDER[browserName].test(file);

    test('finds everything that a page stored in clear and nothing that it never stored', async () => {
      const written = makeCanaries();
      const neverWritten = { neverText: randomText(), neverBytes: makeCanaries().largeBinary };
      const profile = await closedProfile(browserName, (page) => page.evaluate(storeInClear, forPage(written)));

      const { files, bytes, hits, undecoded } = scanProfile(profile, { ...written, ...neverWritten });

      const inStorage = hits.filter((hit) => isStorage(hit.file));
      expect([...new Set(inStorage.map((hit) => hit.canary))].sort()).toEqual(Object.keys(written).sort());
      expect(hits.filter((hit) => hit.canary in neverWritten)).toEqual([]);
      expect(undecoded).toEqual([]);
      expect(files).toBeGreaterThan(10);
      expect(bytes).toBeGreaterThan(written.largeBinary.length);
      for (const canary of ONLY_COMPRESSED[browserName]) {
        expect(inStorage.filter((hit) => hit.canary === canary && hit.view === RAW)).toEqual([]);
      }
    });

    test('finds the keys and values of many records', async () => {
      const many = makeMany(400);
      const keys = Object.fromEntries(many.keys.map((key, index) => [`key ${index}`, key]));
      const values = Object.fromEntries(many.values.map((value, index) => [`value ${index}`, value]));
      const profile = await closedProfile(browserName, (page) => page.evaluate(storeManyInClear, many));

      const { hits, undecoded } = scanProfile(profile, { ...keys, ...values, neverText: randomText() });

      const inStorage = hits.filter((hit) => isStorage(hit.file));
      const canariesOf = (some: Hit[]) => new Set(some.map((hit) => hit.canary)).size;
      expect(canariesOf(inStorage)).toBe(800);
      expect(hits.filter((hit) => hit.canary === 'neverText')).toEqual([]);
      expect(undecoded).toEqual([]);
      // Were raw bytes enough, this test would say nothing about the decoders.
      expect(canariesOf(inStorage.filter((hit) => hit.view === RAW))).toBeLessThan(800);
      const tables = inStorage.filter((hit) => hit.file.endsWith('.ldb'));
      expect(tables.length > 0).toBe(browserName === 'chromium');
    });
  });
}
