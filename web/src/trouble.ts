// Why a page can't run the engine. index.js loads this when that is so.

/** Says what the page lacks, or nothing where it has all. */
export function lacking(): string | undefined {
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle)
    return 'This page has no SubtleCrypto. Serve it over https, or from localhost.';
  if (!globalThis.indexedDB) return 'This page has no IndexedDB. Allow it to keep data.';
  if (typeof WebAssembly !== 'object')
    return 'This page has no WebAssembly. Allow it where a lockdown mode turns it off.';
}

/** Says what the page forbids where the compilation failed for that, or nothing. */
export function forbidden(error: unknown): string | undefined {
  if (/unsafe-eval|CSP|Content.Security/i.test(String(error)))
    return "The page's Content-Security-Policy forbids WebAssembly. Add 'wasm-unsafe-eval' to script-src.";
}
