import path from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { build } from 'esbuild';
import { complaintsOf, makeProject, packages, run, type Served, serve, serveFolder } from './project.ts';

// Each tool by itself: a fresh project, the tarball, and the least that keeps a value over a reload.

let served: Served | undefined;

test.afterEach(async () => {
  await served?.stop();
  served = undefined;
});

/** The page says what it found, before a reload and after. */
async function visited(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await expect(page.getByRole('paragraph')).toHaveText('visited: null');
  await page.reload();
  await expect(page.getByRole('paragraph')).toHaveText('visited: before');
}

test('no tool at all: a module imports the package from its folder', async ({ page }) => {
  const folder = await makeProject('plain', []);
  served = await serveFolder(folder);
  const complaints = complaintsOf(page);
  await visited(page, served.url);
  expect(complaints).toEqual([]);
});

test('of what is imported and not used, a bundle has nothing', async () => {
  const entries = ['', '/keys', '/archive', '/offline', '/react', '/persist/zustand'];
  const contents = entries.map((entry, i) => `import * as unused${i} from 'idbvault${entry}';`).join('\n');
  const stdin = { contents, resolveDir: path.join(packages, 'plain') };
  const here = { tsconfigRaw: {}, external: ['react'], write: false } as const; // and not the paths of this repository
  const { outputFiles } = await build({ stdin, bundle: true, format: 'esm', ...here });
  expect(outputFiles.map(({ text }) => text.trim())).toEqual(['']);
});

test('webpack 5', async ({ page }) => {
  const folder = await makeProject('webpack', ['webpack@5.112.2', 'webpack-cli@7.3.1']);
  const said = await run(folder, 'npx', 'webpack', '--no-color');
  expect(said).not.toMatch(/ERROR|Critical dependency/);
  served = await serveFolder(`${folder}/public`);
  const complaints = complaintsOf(page);
  await visited(page, served.url);
  expect(complaints).toEqual([]);
});

test('Next.js with its App Router: the server says that it loads, and the browser goes on from there', async ({
  page,
}) => {
  const folder = await makeProject('next', ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1']);
  await run(folder, 'npx', 'next', 'build');
  served = await serve(folder, 'next', 'start', '--port', 'PORT');
  const complaints = complaintsOf(page); // of a hydration that finds something else, too
  const answer = await page.goto(served.url);
  expect(await answer?.text()).toContain('<p>Loading…</p>');
  const button = page.getByRole('button');
  await expect(button).toHaveText('Current theme: ');
  await button.click();
  await expect(button).toHaveText('Current theme: dark');
  await page.reload();
  await expect(button).toHaveText('Current theme: dark');
  expect(complaints).toEqual([]);
});

test('Vitest with jsdom: the library itself runs, on what the setup file stands in for', async () => {
  const folder = await makeProject('vitest', ['vitest@4.1.12', 'jsdom@27.3.0', 'fake-indexeddb@6.2.8']);
  expect(await run(folder, 'npx', 'vitest', 'run', '--root', '.', '--no-color')).toMatch(/Tests +2 passed/);
});
