// What a service worker's global scope has and a page's has not.

export interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}

export interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

/** A page, by the id that is its own until it is left. */
export interface PageClient {
  readonly id: string;
  postMessage(message: unknown, transfer: Transferable[]): void;
}

interface ServiceWorkerScope {
  readonly location: Location;
  readonly registration: { readonly scope: string };
  /** `matchAll` without options finds the windows that this service worker controls. */
  readonly clients: { matchAll(): Promise<PageClient[]>; claim(): Promise<void> };
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void;
  addEventListener(type: 'install' | 'activate', listener: (event: Extendable) => void): void;
  addEventListener(type: 'message', listener: (event: Extendable & MessageEvent) => void): void;
}

export const scope = globalThis as unknown as ServiceWorkerScope;
