import fs from 'node:fs';
import { packages, root, run } from './project.ts';

/** Packs the package as it is published, once for all tests. */
async function pack(): Promise<void> {
  fs.rmSync(packages, { recursive: true, force: true });
  fs.mkdirSync(packages, { recursive: true });
  await run(root, 'npm', 'pack', '--pack-destination', packages);
}

export default pack;
