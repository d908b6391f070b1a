import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Page, test } from '@playwright/test';
import { launchProfile, type ProfileBrowser } from '../atrest/launch.ts';
import { scanProfile } from '../atrest/scan.ts';
import { expect, openApp, type Site, serveSite } from './app.ts';

// What is left on the disk when the browser is closed. atrest.spec.ts shows that the scanner finds what lies there in clear;
// the control below shows it again, in the very profile that is swept.

const text = (label: string) => `${label}-${crypto.randomBytes(12).toString('hex')}`;

async function visit(profile: string, site: Site, work: (page: Page) => Promise<void>): Promise<void> {
  const context = await launchProfile(test.info().project.name as ProfileBrowser, profile);
  const page = await context.newPage();
  await openApp(page, site.url);
  await work(page);
  await context.close();
}

test('a closed browser keeps the data, and its profile shows neither secret nor key nor plaintext nor name', async () => {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'idbvault-profile-'));
  const site = await serveSite({ '/some/folder/': 'web/dist' });
  const image = crypto.randomBytes(300_000);
  const canaries = {
    secret: text('passphrase'),
    name: text('patient'),
    value: text('finding'),
    longValue: text('report').repeat(3000),
    blob: text('blob'),
    contentType: `application/${text('type')}`,
    context: text('context'),
    contextName: text('field'),
    json: text('json'),
    updated: text('updated'),
    overwritten: text('overwritten'),
    deleted: text('deleted'),
    deletedName: text('deleted-name'),
    masterKey: text('master'),
    sealed: text('sealed'),
  };
  // The vault's keys are random and never leave the browser, so the page hands over what generateKey draws before it is
  // wrapped, as no page can but one that patches SubtleCrypto before the library starts.
  let keys: number[][] = [];

  await visit(profile, site, async (page) => {
    keys = await page.evaluate(
      async ([c, image]) => {
        const drawn: Promise<ArrayBuffer>[] = [];
        const generate = crypto.subtle.generateKey.bind(crypto.subtle) as (...args: unknown[]) => Promise<CryptoKey>;
        Object.assign(crypto.subtle, {
          generateKey: async (...args: unknown[]) => {
            const key = await generate(...args);
            if (key.extractable) drawn.push(crypto.subtle.exportKey('raw', key));
            return key;
          },
        });
        const { createEncryptedStorage, DataClassification, EncryptionService } = idbvault;
        const storage = await createEncryptedStorage('db', 'store', { secret: c.secret, session: 'origin' });
        const context = { [c.contextName]: c.context };
        await storage.setEncrypted(c.name, c.value, DataClassification.PHI, context);
        await storage.setEncrypted(`${c.name}:long`, c.longValue, DataClassification.PHI, context);
        await storage.setEncrypted(`${c.name}:image`, Uint8Array.from(image), DataClassification.PHI, context);
        await storage.setEncrypted(
          `${c.name}:blob`,
          new Blob([c.blob], { type: c.contentType }),
          DataClassification.PII,
        );
        await storage.setJSON(`${c.name}:json`, { json: c.json });
        await storage.setEncrypted(`${c.name}:over`, c.overwritten);
        await storage.update(`${c.name}:over`, () => c.updated);
        await storage.setEncrypted(c.deletedName, c.deleted);
        await storage.delete(c.deletedName);
        storage.subscribe(null, () => {});
        const service = new EncryptionService(c.masterKey);
        const sealed = await service.encrypt(c.sealed, DataClassification.PHI);
        await service.decrypt(sealed);
        // The control: what a page stores in clear lies there to be found.
        await raw.put('control', 'records', 'in clear', { text: `control-${c.value}`.split('').reverse().join('') });
        return (await Promise.all(drawn)).map((key) => [...new Uint8Array(key)]);
      },
      [canaries, [...image]] as const,
    );
  });

  await visit(profile, site, async (page) => {
    const read = await page.evaluate(async (c) => {
      const wrong = await codeOf(() =>
        idbvault.createEncryptedStorage('db', 'store', { secret: 'another passphrase' }),
      );
      const storage = await idbvault.createEncryptedStorage('db', 'store', { secret: c.secret, expectVault: true });
      return {
        wrong,
        value: await storage.getDecrypted(c.name),
        context: (await storage.getMetadata(c.name))?.context,
        long: await storage.getDecrypted(`${c.name}:long`),
        image: [...((await storage.getDecryptedBytes(`${c.name}:image`)) ?? [])],
        blob: await (await storage.getDecryptedBlob(`${c.name}:blob`))?.text(),
        json: await storage.getJSON(`${c.name}:json`),
        updated: await storage.getDecrypted(`${c.name}:over`),
        deleted: await storage.exists(c.deletedName),
        count: await storage.count(),
      };
    }, canaries);
    expect(Buffer.from(read.image).equals(image)).toBe(true);
    expect(read).toMatchObject({
      wrong: 'ERR_WRONG_SECRET',
      value: canaries.value,
      context: { [canaries.contextName]: canaries.context },
      long: canaries.longValue,
      blob: canaries.blob,
      json: { json: canaries.json },
      updated: canaries.updated,
      deleted: false,
      count: 6,
    });
  });

  expect(keys.length).toBe(14);
  const sought: Record<string, string | Uint8Array> = {
    ...canaries,
    image,
    longValue: canaries.longValue.slice(0, 40),
  };
  keys.forEach((key, i) => {
    sought[`key ${i}`] = Uint8Array.from(key);
  });
  const control = `control-${canaries.value}`.split('').reverse().join('');
  const { hits, undecoded, files } = scanProfile(profile, { ...sought, control });
  expect(files).toBeGreaterThan(20);
  expect(undecoded).toEqual([]);
  expect(hits.filter((hit) => hit.canary === 'control').length).toBeGreaterThan(0);
  expect(hits.filter((hit) => hit.canary !== 'control')).toEqual([]);
  await site.close();
  fs.rmSync(profile, { recursive: true, force: true });
});
