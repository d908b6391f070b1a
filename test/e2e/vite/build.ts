import fs from 'node:fs';
import path from 'node:path';
import { build } from 'vite';

const root = import.meta.dirname;
const dist = path.resolve(root, '../../../web/dist');

export const masterKey = 'your-strong-master-key-here';

/** Builds the guide's application with Vite, with the key where the guide puts it, into `outDir`. */
export async function buildGuide(outDir: string): Promise<void> {
  const envDir = fs.mkdtempSync(path.join(root, '../../../build/env-'));
  fs.writeFileSync(path.join(envDir, '.env.local'), `VITE_ENCRYPTION_KEY=${masterKey}\n`);
  await build({
    root,
    envDir,
    configFile: false,
    logLevel: 'error',
    resolve: {
      alias: { '@/utils/encryption': path.join(dist, 'index.js'), 'idbvault/react': path.join(dist, 'react.js') },
    },
    build: { outDir, emptyOutDir: true, target: 'es2022' },
  });
  fs.rmSync(envDir, { recursive: true });
}
