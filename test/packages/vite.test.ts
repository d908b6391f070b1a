import fs from 'node:fs';
import path from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { complaintsOf, install, packages, run, type Served, serve, underPolicy } from './project.ts';

// A stranger's path: npm create vite, the tarball, the guide's component as it is printed, and a key in .env.local.

const folder = path.join(packages, 'vite');
const app = path.join(folder, 'src/App.tsx');
let served: Served | undefined;

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  const flags = ['--template', 'react-ts', '--no-interactive'];
  await run(packages, 'npm', 'exec', '--yes', '--', 'create-vite@9.3.0', 'vite', ...flags);
  await install(folder);
  fs.copyFileSync(path.join(import.meta.dirname, 'vite/App.tsx'), app);
  fs.writeFileSync(path.join(folder, '.env.local'), 'VITE_ENCRYPTION_KEY=your-strong-master-key-here\n');
});
test.afterEach(async () => {
  await served?.stop();
  served = undefined;
});

const button = (page: Page) => page.getByRole('button');

/** Clicks the component's button and sees its value again after a reload. Each load warns of the key. */
async function survives(page: Page, complaints: string[]): Promise<void> {
  const warning = expect.stringContaining('no secret');
  await expect(button(page)).toHaveText('Current theme: ');
  await button(page).click();
  await expect(button(page)).toHaveText('Current theme: dark');
  await expect.poll(() => complaints).toEqual([warning]);
  await page.reload();
  await expect(button(page)).toHaveText('Current theme: dark');
  await expect.poll(() => complaints).toEqual([warning, warning]);
}

test('in development the value survives a reload, and an edit leaves the vault open', async ({ page }) => {
  served = await serve(folder, 'vite', '--port', 'PORT', '--strictPort');
  const complaints = complaintsOf(page);
  let engines = 0;
  page.on('response', (response) => {
    if (response.url().endsWith('.wasm')) engines++;
  });
  await page.goto(served.url);
  await survives(page, complaints);
  expect(engines).toBe(2); // one a load
  const stays = await page.evaluateHandle(() => document);
  fs.writeFileSync(app, fs.readFileSync(app, 'utf8').replace('Current theme', 'The theme'));
  await expect(button(page)).toHaveText('The theme: dark');
  await button(page).click();
  await expect(button(page)).toHaveText('The theme: dark');
  expect(await stays.evaluate((before) => before === document)).toBe(true); // no reload
  expect(engines).toBe(2);
  fs.copyFileSync(path.join(import.meta.dirname, 'vite/App.tsx'), app);
  expect(complaints).toHaveLength(2);
});

test('the types are right, and what is built keeps the value under a strict policy', async ({ page }) => {
  await run(folder, 'npm', 'run', 'build'); // tsc -b && vite build
  served = await serve(folder, 'vite', 'preview', '--port', 'PORT', '--strictPort');
  const complaints = complaintsOf(page);
  await underPolicy(page, served);
  await page.goto(served.url);
  await survives(page, complaints);
});
