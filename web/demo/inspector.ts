declare global {
  /** What the inspector, a program of its own written in Go, may call on this page. */
  var idbvaultDemo: { readAgain(): void } | undefined;
}

/** Starts the inspector (web/demo/inspector). It needs no passphrase: it shows what anyone finds on the disk. */
export async function startInspector(readAgain: () => void): Promise<void> {
  globalThis.idbvaultDemo = { readAgain };
  const loader: string = '/dist/wasm_exec.js';
  await import(loader);
  const go = new globalThis.Go();
  const { instance } = await WebAssembly.instantiateStreaming(fetch('/demo/inspector.wasm'), go.importObject);
  void go.run(instance);
}

/** Tells the inspector that something was written. */
export function tellInspector(): void {
  globalThis.dispatchEvent(new Event('vaultchange'));
}
