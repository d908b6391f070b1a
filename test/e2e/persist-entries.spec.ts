import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { build } from 'esbuild';

test.skip(({ browserName }) => browserName !== 'chromium', 'no browser is needed');

const names = fs
  .readdirSync('web/dist/persist')
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.slice(0, -3));

/** Bundles what imports an entry of the package, by the name that applications import it by, and tells the files in it. */
async function filesOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    stdin: { contents: `export * from '${entry}';`, resolveDir: '.' },
    bundle: true,
    format: 'esm',
    splitting: true,
    outdir: 'build/entries',
    write: false,
    metafile: true,
    tsconfigRaw: {}, // by the exports of package.json
    logLevel: 'error',
  });
  return Object.keys(metafile.inputs).filter((file) => file !== '<stdin>');
}

test('a persister brings the core and nothing else, and the core none of them', async () => {
  const core = await filesOf('idbvault');
  expect(core).toContain('web/dist/index.js');
  expect(core.filter((file) => /persist|react|cornerstone|node_modules/.test(file))).toEqual([]);
  expect(names).toHaveLength(6);
  for (const name of names)
    expect((await filesOf(`idbvault/persist/${name}`)).sort()).toEqual([...core, `web/dist/persist/${name}.js`].sort());
});

test('the code of docs/PERSISTERS.md is what these tests run', () => {
  const printed = [...fs.readFileSync('docs/PERSISTERS.md', 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map(
    ([, code]) => code,
  );
  const run = fs
    .readdirSync('test/persist/snippets')
    .map((file) => fs.readFileSync(path.join('test/persist/snippets', file), 'utf8'));
  expect(printed.sort()).toEqual(run.sort());
});
