import { DataClassification, installEncryptedCache } from '../src/service-worker.ts';
import { demo } from './names.ts';

/** The files that the page starts with. scripts/demo.mjs puts them here. */
declare const appFiles: string[];

// The page starts without the network, and learns from the vault which series there are. Slices are not kept in passing: 30 MB
// of patient data are kept where someone asked for it (kept-series.ts).
installEncryptedCache({
  database: demo.database,
  store: demo.fetched,
  match: /\/api\/series$/,
  classification: DataClassification.PHI,
  ttlMs: 24 * 3600 * 1000,
  noStore: 'ignore', // the server means stores that are in clear
  precache: appFiles,
});
