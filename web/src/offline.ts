/**
 * The page's side of an encrypted cache in a service worker.
 *
 * @packageDocumentation
 */
import { invalid, remotes, type SecurityDetail, securityEvents, keys as table } from './index.ts';
import type { KeysAsked, PageSays } from './offline-messages.ts';

/**
 * Lets the service worker that controls this page use the vault of a database while it is unlocked here: on its request, it gets
 * the vault's key handles, which can neither be exported nor unwrap others. No other service worker and no page gets them. It
 * may be called before the vault is unlocked. Where there are no service workers, it does nothing.
 *
 * @returns what ends it
 * @throws VaultError `ERR_INVALID` for a vault that runs in a worker, whose keys do not leave it
 */
export function shareWithServiceWorker(dbName = 'medical-imaging-viewer'): () => void {
  if (typeof dbName !== 'string') throw invalid('The name of a database must be a string of 1 to 255 bytes of UTF-8.');
  if (remotes.has(dbName))
    throw invalid("A vault that runs in a worker does not share its keys. Leave out runIn: 'worker'.");
  const { serviceWorker: workers } = navigator;
  if (!workers) return () => {};
  const say = (what: PageSays['idbvault']) =>
    workers.controller?.postMessage({ idbvault: what, database: dbName } satisfies PageSays);
  const answer = ({ isTrusted, source, data, ports: [port] }: MessageEvent<Partial<KeysAsked> | null>) => {
    // Any service worker of the origin can send a message here.
    if (!isTrusted || !source || source !== workers.controller) return;
    if (data?.idbvault === 'keys' && data.database === dbName)
      port?.postMessage(table.filter((entry) => entry?.group === dbName));
  };
  const told = (event: Event) => {
    const { type, database } = (event as CustomEvent<SecurityDetail>).detail;
    if (type === 'locked' && database === dbName) say('locked');
  };
  const leave = () => say('leaves');
  workers.addEventListener('message', answer);
  workers.startMessages(); // which else begin when the document was parsed
  securityEvents.addEventListener('security', told);
  addEventListener('pagehide', leave);
  say('shares');
  return () => {
    workers.removeEventListener('message', answer);
    securityEvents.removeEventListener('security', told);
    removeEventListener('pagehide', leave);
    leave();
  };
}
