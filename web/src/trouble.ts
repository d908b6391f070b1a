// Why a page can't run the engine. index.js loads this when that is so.
import { VaultError } from './errors.ts';

const unsupported = (message: string) => new VaultError('ERR_UNSUPPORTED', message);

/** Says what the page lacks. */
export function lacking(): VaultError {
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle)
    return unsupported('This page has no SubtleCrypto. Serve it over https, or from localhost.');
  if (!globalThis.indexedDB) return unsupported('This page has no IndexedDB. Allow it to keep data.');
  return unsupported('This page has no WebAssembly. Allow it where a lockdown mode turns it off.');
}

/** Says what the page forbids where the compilation failed for that, or nothing. */
export function forbidden(error: unknown): VaultError | undefined {
  if (/unsafe-eval|CSP|Content.Security/i.test(String(error)))
    return unsupported("The page's Content-Security-Policy forbids WebAssembly. Add 'wasm-unsafe-eval' to script-src.");
}

/** Says what came instead of WebAssembly. */
export const unlike = (type: string | null): string =>
  `it is not WebAssembly but ${type ?? 'untyped'}${/html/.test(type ?? '') ? " (under Vite 7, set optimizeDeps: { exclude: ['idbvault'] } in vite.config)" : ''}`;
