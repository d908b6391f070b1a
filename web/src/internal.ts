// What the package's other files share with index.js: its class of errors, its engine and its secrets. No part of the API.
export { byChannel } from './changes.ts';
export { invalid } from './errors.ts';
export { isUnlocked, keys, securityEvents, session, tellSecurity } from './host.ts';
export { engineOf, openStore } from './link.ts';
export { loaded, program, running } from './loader.ts';
export { onOpen, tellOpened } from './openings.ts';
export { remotes } from './remotes.ts';
export { importSecret } from './secret.ts';
