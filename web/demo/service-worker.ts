import { demo } from './names.ts';

const script = '/sw.js';

interface Policies {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): unknown };
}

/** Returns the service worker's address as the browser takes it where it requires Trusted Types. The policy lets nothing else through. */
function trusted(): string {
  const { trustedTypes } = globalThis as { trustedTypes?: Policies };
  const rules = {
    createScriptURL(url: string) {
      if (url !== script) throw new TypeError(`No script but ${script} is trusted.`);
      return url;
    },
  };
  return (trustedTypes?.createPolicy('idbvault-demo', rules).createScriptURL(script) as string) ?? script;
}

/** Registers the service worker (sw.ts), and lends it the vault while that is unlocked here. The page works without it. */
export async function startServiceWorker(): Promise<void> {
  try {
    await navigator.serviceWorker?.register(trusted(), { type: 'module' });
    const built: string = '/dist/offline.js';
    const { shareWithServiceWorker } = (await import(built)) as typeof import('../src/offline.ts');
    shareWithServiceWorker(demo.database);
  } catch {
    // As in a private window. What is kept is read from the vault all the same.
  }
}
