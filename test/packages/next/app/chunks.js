// Turbopack loads its chunks by URLs that are plain strings, which a page that requires Trusted Types refuses without this.
globalThis.trustedTypes?.createPolicy('default', {
  createScriptURL: (url) => (new URL(url, location.href).origin === location.origin ? url : null),
});
