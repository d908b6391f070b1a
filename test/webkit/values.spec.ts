import { openApp } from '../e2e/app.ts';
import { expect, openVault, test } from './test.ts';

const secret = 'correct horse battery';

test('values of all kinds are there after a reload, and after a restart of the browser', async ({
  page,
  webkit,
  site,
}) => {
  await openApp(page, site.url);
  await page.evaluate(async (secret) => {
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret });
    const bytes = (size: number) => Uint8Array.from({ length: size }, (_, i) => i ^ (i >> 8));
    await storage.setEncrypted('text', 'finding 🩻', 'phi', { study: 'CT-7' });
    await storage.setEncrypted('empty', '');
    await storage.setEncrypted('bytes', bytes(1000), 'public');
    await storage.setEncrypted('large', bytes(300_000).buffer, 'pii');
    await storage.setEncrypted('blob', new Blob([bytes(70_000)], { type: 'image/x' }), 'internal');
    await storage.setJSON('json', { theme: 'dark', sizes: [1, 2] });
    const turns = Array.from({ length: 20 }, (_, i) => storage.setEncrypted('turns', `turn ${i}`)); // not awaited
    await Promise.all(turns);
    await storage.update('turns', (last) => `${last} and one more`);
    await storage.setEncrypted('deleted', 'x');
    await storage.delete('deleted');
  }, secret);
  const read = (expectVault: boolean) =>
    page.evaluate(
      async ({ secret, expectVault }) => {
        const open = (secret: string) => idbvault.createEncryptedStorage('db', 'store', { secret, expectVault });
        const codes = [await codeOf(() => open('another passphrase'))];
        const storage = await open(secret);
        const like = (bytes: Uint8Array | null) =>
          bytes?.every((byte, i) => byte === ((i ^ (i >> 8)) & 255)) && bytes.length;
        const blob = await storage.getDecryptedBlob('blob');
        return {
          codes,
          text: await storage.getDecrypted('text'),
          context: (await storage.getMetadata('text'))?.context,
          empty: await storage.getDecrypted('empty'),
          bytes: like(await storage.getDecryptedBytes('bytes')),
          large: like(await storage.getDecryptedBytes('large')),
          blob: [blob?.type, like(new Uint8Array((await blob?.arrayBuffer()) ?? []))],
          json: await storage.getJSON('json'),
          turns: await storage.getDecrypted('turns'),
          keys: (await storage.keys()).sort(),
          phi: await storage.keys({ classification: 'phi' }),
          count: await storage.count(),
        };
      },
      { secret, expectVault },
    );
  const all = {
    codes: ['ERR_WRONG_SECRET'],
    text: 'finding 🩻',
    context: { study: 'CT-7' },
    empty: '',
    bytes: 1000,
    large: 300_000,
    blob: ['image/x', 70_000],
    json: { theme: 'dark', sizes: [1, 2] },
    turns: 'turn 19 and one more',
    keys: ['blob', 'bytes', 'empty', 'json', 'large', 'text', 'turns'],
    phi: ['text'],
    count: 7,
  };
  await page.reload();
  await openApp(page, site.url);
  expect(await read(false)).toEqual(all);
  await webkit.close();
  page = await webkit.newPage();
  await openApp(page, site.url);
  expect(await read(true)).toEqual(all);
});

test('batches are there whole, and calls of one turn each by itself', async ({ page, site }) => {
  await openVault(page, site);
  const found = await page.evaluate(async () => {
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}`);
    await storage.setManyEncrypted(keys.map((key, i) => ({ key, value: i % 50 ? key : key.padEnd(80_000, '.') })));
    const values = await storage.getManyDecrypted([...keys, 'absent']);
    await storage.deleteMany(keys.slice(0, 100));
    const each = await Promise.all(keys.map((key, i) => storage.setEncrypted(`each ${key}`, `${i}`)));
    const read = await Promise.all(keys.map((key) => storage.getDecrypted(`each ${key}`)));
    const bad = await codeOf(() =>
      storage.setManyEncrypted([
        { key: 'good', value: 'x' },
        { key: '', value: 'x' },
      ]),
    );
    return {
      right: values.filter((value, i) => value?.trimEnd().startsWith(`k${i}`)).length,
      absent: values[300],
      each: each.length,
      read: read.every((value, i) => value === String(i)),
      bad: [bad, await storage.exists('good')],
      count: await storage.count(),
    };
  });
  expect(found).toEqual({ right: 300, absent: null, each: 300, read: true, bad: ['ERR_INVALID', false], count: 500 });
});

test('a bit that was flipped anywhere is refused', async ({ page, site }) => {
  await openVault(page, site);
  const surprises = await page.evaluate(async () => {
    await storage.setEncrypted('a', 'value of a', 'phi', { patientId: 'P1' });
    await storage.setEncrypted('b', new Uint8Array(100_000), 'phi');
    const surprises: string[] = [];
    for (const table of ['records', 'chunks'])
      for (const [key, value] of await raw.entries('db', table)) {
        const [name] = value.byteLength > 150 || table === 'chunks' ? ['b'] : ['a'];
        for (let i = 0; i < value.byteLength; i += Math.ceil(value.byteLength / 150)) {
          const changed = new Uint8Array(value.slice(0));
          changed[i] = (changed[i] ?? 0) ^ (1 << (i % 8));
          await raw.put('db', table, key, changed.buffer);
          const codes = await Promise.all(['a', 'b'].map((name) => codeOf(() => storage.getDecryptedBytes(name))));
          if (codes.filter((code) => code === 'no error').length !== 1) surprises.push(`${name}, byte ${i}: ${codes}`);
        }
        await raw.put('db', table, key, value);
      }
    surprises.push(await codeOf(() => storage.getManyDecrypted(['a', 'b'])));
    return surprises;
  });
  expect(surprises).toEqual(['no error']);
});
