import crypto from 'node:crypto';
import { text as bodyOf } from 'node:stream/consumers';
import { forPage, makeCanaries, storeInClear } from '../atrest/canaries.ts';
import { scanProfile } from '../atrest/scan.ts';
import { judge } from '../crash/model.ts';
import { type Operation, operations } from '../crash/operations.ts';
import { script } from '../crash/page.ts';
import { rotations } from '../crash/rotation.ts';
import { openApp, serveSite } from '../e2e/app.ts';
import { expect, test } from './test.ts';

// What is left on the disk, by a browser that was closed and by one that was killed.

const text = (label: string) => `${label}-${crypto.randomBytes(12).toString('hex')}`;

test('the profile of a closed browser shows neither secret nor plaintext nor name, and shows what is stored in clear', async ({
  page,
  webkit,
  site,
}) => {
  const image = crypto.randomBytes(300_000);
  const hidden = {
    secret: text('passphrase'),
    name: text('patient'),
    value: text('finding'),
    long: text('report'),
    blob: text('blob'),
    type: `application/${text('type')}`,
    context: text('context'),
    overwritten: text('overwritten'),
    deleted: text('deleted'),
    streamed: text('streamed'),
  };
  const clear = makeCanaries();
  await openApp(page, site.url);
  await page.evaluate(
    async ({ hidden, image }) => {
      const { secret, name, context } = hidden;
      const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, session: 'origin' });
      const bytes = Uint8Array.from(atob(image), (char) => char.charCodeAt(0));
      await storage.setEncrypted(name, hidden.value, 'phi', { context });
      await storage.setEncrypted(`${name}:long`, `${hidden.long} `.repeat(3000), 'phi', { context });
      await storage.setEncrypted(`${name}:image`, bytes, 'phi');
      await storage.setEncrypted(`${name}:blob`, new Blob([hidden.blob], { type: hidden.type }), 'pii');
      await storage.setEncrypted('over', hidden.overwritten);
      await storage.update('over', () => 'something else');
      await storage.setEncrypted(`${name}:deleted`, hidden.deleted);
      await storage.delete(`${name}:deleted`);
      const parts = [hidden.streamed, new Uint8Array(2 << 20), hidden.streamed];
      await storage.setEncryptedStream(`${name}:streamed`, new Blob(parts, { type: hidden.type }), 'phi');
      await (await storage.getObjectURL(`${name}:image`))?.revoke();
    },
    { hidden, image: image.toString('base64') },
  );
  await page.evaluate(storeInClear, forPage(clear));
  await webkit.close();

  const { hits, undecoded, files } = scanProfile(webkit.profile, { ...hidden, image, ...clear });
  expect(files).toBeGreaterThan(5);
  expect(undecoded).toEqual([]);
  expect(hits.filter((hit) => !(hit.canary in clear))).toEqual([]);
  const stored = hits.filter((hit) => hit.file.startsWith('data/databases/indexeddb/'));
  expect([...new Set(stored.map((hit) => hit.canary))].sort()).toEqual(Object.keys(clear).sort());
});

test('a browser that is killed in the midst of writes has lost nothing that was acknowledged', async ({ webkit }) => {
  const acked = new Set<string>();
  let reached = () => {};
  const site = await serveSite({ '/some/folder/': 'web/dist' }, undefined, async (request, response) => {
    const told = await bodyOf(request);
    if (request.url === '/step') return reached(); // and no answer
    acked.add(told);
    response.end();
  });
  const open = async () => {
    const page = await webkit.newPage();
    await page.addInitScript(script);
    await openApp(page, site.url);
    await page.evaluate(async () => {
      globalThis.keysOf = await import(`${location.origin}/some/folder/keys.js`);
    });
    return page;
  };
  let page = await open();
  const all = [...operations, ...rotations];
  for (const [name, at] of [
    ['set, unawaited', 14],
    ['set of 200 KB', 16],
    ['setMany', 12],
    ['rotateKeys with a new secret', 200],
  ] as const) {
    const { before, writes, run } = all.find((operation) => operation.name === name) as Operation;
    const vault = { db: name, secret: `old secret of ${name}`, newSecret: `new secret of ${name}` };
    await page.evaluate(({ vault, before }) => crash.fill(vault.db, vault.secret, before), { vault, before });
    acked.clear();
    const stopped = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const ran = run(page, { vault, at, writes, tab: 0 }).then(
      ({ steps }) => steps.length,
      () => 0,
    );
    expect(await Promise.race([stopped, ran]), `steps of ${name}, which ended before step ${at}`).toBeUndefined();
    await webkit.kill();
    page = await open();
    const look = await page.evaluate(({ db, secrets, writes }) => crash.look(db, secrets, writes), {
      db: vault.db,
      secrets: [vault.secret, vault.newSecret],
      writes: [...before, ...writes],
    });
    expect(judge(look, before, writes, acked)).toEqual([]);
  }
  await site.close();
});
