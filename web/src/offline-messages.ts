// What goes between a service worker and the pages that it controls.

/** From the service worker, with a port for the answer: the page's handles of the vault of a database, or none. */
export interface KeysAsked {
  idbvault: 'keys';
  database: string;
}

/** From a page: it answers from now on, its vault was locked, or it lends nothing any more. */
export interface PageSays {
  idbvault: 'shares' | 'locked' | 'leaves';
  database: string;
}
