import path from 'node:path';
import { build } from 'esbuild';

/** Bundles page.ts into `outDir`, with the built loader. `index` is where index.js is served. */
export async function buildViewer(outDir: string, index: string): Promise<void> {
  await build({
    entryPoints: [path.join(import.meta.dirname, 'page.ts')],
    outdir: outDir,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        // Its writer of XML, which no viewer calls, wants modules of Node's.
        name: 'node',
        setup(b) {
          b.onResolve({ filter: /^(events|url)$/ }, ({ path: name }) => ({ path: name, namespace: 'node' }));
          b.onLoad({ filter: /.*/, namespace: 'node' }, () => ({ contents: 'export class EventEmitter {}' }));
        },
      },
      {
        name: 'as it is published',
        setup(b) {
          b.onResolve({ filter: /src\/cornerstone\.ts$/ }, () => ({ path: path.resolve('web/dist/cornerstone.js') }));
          b.onResolve({ filter: /^\.\/index\.js$/ }, ({ importer, path: file }) =>
            importer.endsWith('/web/dist/cornerstone.js')
              ? { path: index, external: true }
              : { path: path.resolve(path.dirname(importer), file) },
          );
        },
      },
    ],
  });
}
