// A page from its navigation to its first decrypted value. Which side it loads stands in its address; the vault was made by
// an earlier load.
const secret = 'correct horse battery staple';

async function first(side) {
  const marks = { script: performance.now() };
  if (side === 'floor') {
    const { Floor } = await import('./floor.js');
    marks.imported = performance.now();
    const floor = await Floor.open('floor-load', secret, 600_000);
    marks.unlocked = performance.now();
    if ((await floor.get('first')) === null) await floor.set('first', 'value', {});
  } else {
    const { compileStreaming } = WebAssembly;
    WebAssembly.compileStreaming = async (response) => {
      const module = await compileStreaming(response);
      marks.compiled = performance.now();
      return module;
    };
    const { createEncryptedStorage, preload } = await import('/dist/index.js');
    marks.imported = performance.now();
    preload().then(() => {
      marks.started = performance.now();
    });
    const storage = await createEncryptedStorage('ours-load', 'records', { secret });
    marks.unlocked = performance.now();
    if ((await storage.getDecrypted('first')) === null) await storage.setEncrypted('first', 'value', 'phi', {});
  }
  return { ...marks, first: performance.now() };
}

globalThis.loaded = first(location.hash.slice(1));
