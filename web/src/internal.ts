// What the package's other files share with index.js: its class of errors, its engine and its secrets. No part of the API.
export { invalid } from './errors.ts';
export { isUnlocked } from './host.ts';
export { engineOf } from './link.ts';
export { running } from './loader.ts';
export { onOpen } from './openings.ts';
export { remotes } from './remotes.ts';
export { importSecret } from './secret.ts';
