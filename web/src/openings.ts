import { loaded } from './loader.ts';

const listeners = new Set<(database: string) => void>();

/** @internal Calls listener whenever a vault was opened on this page. */
export function onOpen(listener: (database: string) => void): void {
  listeners.add(listener);
}

/** @internal */
export function tellOpened(database: string): void {
  for (const listener of [...listeners]) listener(database);
  later()
    .then((file) => file.sweep(database))
    .catch(() => {}); // or another page sweeps
}

export const later = () => loaded('./later.js', import('./later.ts'));
