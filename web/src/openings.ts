import { loaded } from './loader.ts';

const listeners = new Set<(database: string) => void>();

/** @internal Calls listener whenever a vault was opened on this page. */
export function onOpen(listener: (database: string) => void): void {
  listeners.add(listener);
}

/** @internal */
export function tellOpened(database: string): void {
  for (const listener of [...listeners]) listener(database);
  aside((file) => file.opened(database)); // or another page sweeps
}

export const later = () => loaded('./later.js', import('./later.ts'));

/** Has a function of later.js do what no caller waits for. */
export function aside(f: (file: typeof import('./later.ts')) => Promise<void>): void {
  later()
    .then(f)
    .catch(() => {});
}
