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

/**
 * Registers the service worker (sw.ts), once the page has what it starts with, and lends it the vault while that is unlocked here.
 * Without one, as in a private window, what is kept is read from the vault all the same.
 */
export async function startServiceWorker(): Promise<void> {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  const register = () => serviceWorker.register(trusted(), { type: 'module' }).catch(() => {});
  if (document.readyState === 'complete') void register();
  else addEventListener('load', register);
  const built: string = '/dist/offline.js';
  const { shareWithServiceWorker } = (await import(built)) as typeof import('../src/offline.ts');
  shareWithServiceWorker(demo.database);
}
