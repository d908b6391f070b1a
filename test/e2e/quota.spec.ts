import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from '@playwright/test';
import { expect, serveSite } from './app.ts';
import { openWithQuota } from './quota.ts';

test('a full disk is ERR_QUOTA, and nothing is lost or half written', async () => {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'idbvault-quota-'));
  const site = await serveSite({ '/some/folder/': 'web/dist' });
  const [context, page] = await openWithQuota(profile, site.url);
  const result = await page.evaluate(async () => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret: 'correct horse battery' });
    const random = (size: number) => {
      const bytes = new Uint8Array(size);
      for (let i = 0; i < size; i += 65_536) crypto.getRandomValues(bytes.subarray(i, i + 65_536));
      return bytes;
    };
    await storage.setEncrypted('old', 'kept', 'phi');
    const single = await codeOf(() => storage.setEncrypted('old', random(32 << 20), 'phi'));
    const batch = await codeOf(() =>
      storage.setManyEncrypted([
        { key: 'new', value: 'of a batch that does not fit' },
        { key: 'old', value: random(32 << 20) },
      ]),
    );
    return {
      single,
      batch,
      read: await storage.getManyDecrypted(['old', 'new']),
      count: await storage.count(),
      // Room is made by a small value, and by a delete.
      small: await codeOf(() => storage.setEncrypted('old', 'small', 'phi')),
      deleted: await codeOf(() => storage.delete('old')),
    };
  });
  expect(result).toEqual({
    single: 'ERR_QUOTA',
    batch: 'ERR_QUOTA',
    read: ['kept', null],
    count: 1,
    small: 'no error',
    deleted: 'no error',
  });
  await context.close();
  await site.close();
  fs.rmSync(profile, { recursive: true, force: true });
});
