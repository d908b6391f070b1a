/** Loads trouble.ts, which most pages never need. */
export const importTrouble = () => import('./trouble.ts');
