import { expect, type Page, test } from '@playwright/test';
import { makeProject, type Served, serve } from './project.ts';

// Vite 7 bundles a package for its dev server and leaves the wasm behind. Vite 8 does not need what is tested here.

let folder: string;
let served: Served | undefined;

test.beforeAll(async () => {
  folder = await makeProject('vite7', ['vite@7.3.8']);
});
test.afterEach(async () => {
  await served?.stop();
  served = undefined;
});

const shown = (page: Page) => page.getByRole('paragraph');

test('an error says what to put into the config', async ({ page }) => {
  served = await serve(folder, 'vite', '--port', 'PORT', '--strictPort');
  await page.goto(served.url);
  await expect(shown(page)).toContainText("optimizeDeps: { exclude: ['idbvault'] }");
});

test('with that in the config the value survives a reload', async ({ page }) => {
  served = await serve(folder, 'vite', '--port', 'PORT', '--strictPort', '--config', 'excluded.config.js');
  await page.goto(served.url);
  await expect(shown(page)).toHaveText('was null');
  await page.reload();
  await expect(shown(page)).toHaveText('was here before');
});
