/** The demo's vault, and the stores in it: the page's own, series that are kept, and what the service worker fetched. */
export const demo = { database: 'idbvault-demo', store: 'demo', series: 'series', fetched: 'fetched' } as const;
