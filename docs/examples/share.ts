import { shareWithServiceWorker } from 'idbvault/offline';

/** Has the service worker answer this page's fetches from the vault, while that is unlocked here. */
export async function goOffline() {
  await navigator.serviceWorker.register('/sw.js', { type: 'module' });
  shareWithServiceWorker('medical-imaging-offline');
}
