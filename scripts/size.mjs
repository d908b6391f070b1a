// Fails when what an application ships has grown over its budget. Sizes are bytes; brotli is quality 11.
import { readFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';

const budget = [
  { file: 'idbvault.wasm', raw: 2_900_000, brotli: 490_000 },
  { file: 'index.js', brotli: 8_000 },
  { file: 'trouble.js', brotli: 1_000 },
  { file: 'sealer.js', brotli: 2_000 },
  { file: 'extras.js', brotli: 1_500 },
  { file: 'later.js', brotli: 8_000 },
  { file: 'autolock.js', brotli: 1_000 },
  { file: 'session.js', brotli: 1_000 },
  { file: 'session-worker.js', brotli: 1_000 },
  { file: 'remote.js', brotli: 2_000 },
  { file: 'worker.js', brotli: 7_000 },
  { file: 'keys.js', brotli: 4_000 },
  { file: 'archive.js', brotli: 7_000 },
  { file: 'rotation.js', brotli: 2_500 },
  { file: 'audit.js', brotli: 1_500 },
  { file: 'offline.js', brotli: 1_000 },
  { file: 'service-worker.js', brotli: 18_000 },
  { file: 'react.js', brotli: 3_000 },
  { file: 'cornerstone.js', brotli: 4_000 },
  { file: 'wasm_exec.js', brotli: 5_000 },
  { file: 'persist/zustand.js', brotli: 1_500 },
  { file: 'persist/redux-persist.js', brotli: 1_500 },
  { file: 'persist/tanstack-query.js', brotli: 1_500 },
  { file: 'persist/unstorage.js', brotli: 1_500 },
  { file: 'persist/localforage.js', brotli: 3_000 },
  { file: 'persist/idb-keyval.js', brotli: 3_100 },
];

let over = false;
for (const { file, raw = Number.POSITIVE_INFINITY, brotli } of budget) {
  const bytes = readFileSync(`web/dist/${file}`);
  const small = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }).length;
  const fits = bytes.length <= raw && small <= brotli;
  over ||= !fits;
  console.log(`${file.padEnd(17)} ${bytes.length} raw, ${small} brotli of ${brotli}${fits ? '' : '   OVER BUDGET'}`);
}
process.exit(over ? 1 : 0);
