import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { root, run, tarball } from './project.ts';

interface Entry {
  types: string;
  default: string;
}

const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, Entry>;
};
const entries = Object.entries(manifest.exports);

async function packed(): Promise<string[]> {
  const list = await run(root, 'tar', '-tzf', tarball);
  return list
    .trim()
    .split('\n')
    .map((file) => file.replace('package/', './'));
}

test('publint has nothing to say', async () => {
  expect(await run(root, 'npx', 'publint', 'run', tarball, '--strict')).toContain('All good!');
});

test('the types of each entry resolve, in bundlers and in Node', async () => {
  const said = await run(root, 'npx', 'attw', tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color');
  const names = entries.map(([entry]) => `"${entry.replace('.', 'idbvault')}"`);
  for (const name of names) expect(said).toContain(name);
});

test('each entry has its file and its types', async () => {
  const files = await packed();
  for (const [, { types, default: file }] of entries) expect(files).toEqual(expect.arrayContaining([types, file]));
});

test('the package has what applications load, documents, and nothing else', async () => {
  const files = await packed();
  const expected =
    /^\.\/(web\/dist\/(persist\/)?[\w-]+\.(js|js\.map|d\.ts)|web\/dist\/idbvault\.wasm|docs\/[A-Z-]+\.md|[A-Z]+(\.md)?|package\.json)$/;
  expect(files.filter((file) => !expected.test(file))).toEqual([]);
  // Each file is of a module that is there: what was built long ago and is none any more stays at home.
  const modules = files.map((file) => /^\.\/web\/dist\/(.*?)\.(js|js\.map|d\.ts)$/.exec(file)?.[1]).filter(Boolean);
  const sources = (name: string) =>
    ['.ts', '.d.ts'].some((end) => fs.existsSync(path.join(root, `web/src/${name}${end}`)));
  expect(modules.filter((name) => !sources(name as string))).toEqual([]);
});

test('what the files import is in the package', async () => {
  const files = await packed();
  for (const file of files.filter((name) => name.endsWith('.js'))) {
    const text = fs.readFileSync(path.join(root, file), 'utf8');
    for (const [, imported] of text.matchAll(/(?:from|import|import\()\s*["'](\.[^"']*)["']/g))
      expect(files, `${file} imports ${imported}`).toContain(
        `./${path.posix.join(path.posix.dirname(file), imported as string)}`,
      );
  }
});

test('the code in docs/GETTING-STARTED.md is that of the projects here', () => {
  const files = fs.readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
  const texts = files
    .filter((file) => file.includes(path.sep) && /\.(jsx?|tsx|html)$/.test(file))
    .map((file) => fs.readFileSync(path.join(import.meta.dirname, file), 'utf8'));
  const page = fs.readFileSync(path.join(root, 'docs/GETTING-STARTED.md'), 'utf8');
  const blocks = [...page.matchAll(/```(?:jsx?|tsx|html)\n(.*?)```/gs)].map(([, code]) => code as string);
  expect(blocks.length).toBeGreaterThan(5);
  for (const code of blocks)
    expect(
      texts.some((text) => text.includes(code)),
      code,
    ).toBe(true);
});
