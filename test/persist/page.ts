// What an application bundles: each library, its persister as it is published, and the code of docs/PERSISTERS.md.

const snippets = {
  zustand: () => import('./snippets/settings.ts'),
  zustandFollow: () => import('./snippets/settings-follow.ts'),
  redux: () => import('./snippets/redux-persist.ts'),
  query: () => import('./snippets/tanstack-query.ts'),
  queryEach: () => import('./snippets/tanstack-query-each.ts'),
  localforage: () => import('./snippets/localforage.ts'),
  unstorage: () => import('./snippets/unstorage.ts'),
  keyval: () => import('./snippets/idb-keyval.ts'),
};

const libraries = {
  zustand: async () => ({
    ...(await import('zustand/vanilla')),
    ...(await import('zustand/middleware')),
    ...(await import('idbvault/persist/zustand')),
  }),
  redux: async () => ({
    ...(await import('redux')),
    ...(await import('redux-persist')),
    ...(await import('idbvault/persist/redux-persist')),
  }),
  query: async () => ({
    ...(await import('@tanstack/query-core')),
    ...(await import('@tanstack/query-persist-client-core')),
    ...(await import('idbvault/persist/tanstack-query')),
  }),
  localforage: async () => ({
    localforage: (await import('localforage')).default,
    ...(await import('idbvault/persist/localforage')),
  }),
  unstorage: async () => ({ ...(await import('unstorage')), ...(await import('idbvault/persist/unstorage')) }),
  keyval: () => import('idbvault/persist/idb-keyval'),
  idbKeyval: () => import('idb-keyval'),
};

declare global {
  var snippet: typeof snippets;
  var library: typeof libraries;
  var askTheUser: () => Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;
}

Object.assign(globalThis, { snippet: snippets, library: libraries, askTheUser: () => new Uint8Array(32).fill(7) });

export {};
