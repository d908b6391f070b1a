import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { launchProfile } from '../atrest/launch.ts';
import { openApp, serveSite } from '../e2e/app.ts';
import { logsOf, tornLog } from './leveldb.ts';
import { gone, kill, processesOf } from './processes.ts';

// Why the suite goes on with a new profile after a kill that tore the browser's log. There is no vault in this test.
test('Chromium deletes all of an origin at the second start after its log was torn', async () => {
  test.skip(test.info().project.name !== 'chromium', 'It is of LevelDB.');
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'idbvault-torn-'));
  const site = await serveSite({ '/some/folder/': 'web/dist' });
  const started = async <T>(look: () => Promise<T>, after: 'killed' | 'closed') => {
    const context = await launchProfile('chromium', profile);
    const page = await context.newPage();
    await openApp(page, site.url);
    const seen = await page.evaluate(look);
    const processes = processesOf(profile);
    if (after === 'closed') await context.close();
    else kill(processes);
    await gone(profile, processes);
    return seen;
  };

  await started(async () => {
    await raw.put('plain', 'records', 'kept', 'of long ago');
  }, 'killed');
  expect(tornLog(profile)).toBeUndefined();
  const log = logsOf(profile).find((file) => file.endsWith('.log')) ?? '';
  fs.truncateSync(log, fs.statSync(log).size - 3);
  expect(tornLog(profile)).toBe(log);

  const first = await started(async () => {
    const kept = await raw.entries('plain', 'records');
    await raw.put('plain', 'records', 'more', 'behind the torn end');
    return kept;
  }, 'closed');
  expect(first).toContainEqual(['kept', 'of long ago']);
  const second = await started(() => raw.entries('plain', 'records').catch(String), 'closed');
  expect(['UnknownError: Internal error opening backing store for indexedDB.open.', []]).toContainEqual(second);

  await site.close();
  fs.rmSync(profile, { recursive: true });
});
