import type { Engine, OpenNumbers } from './loader.ts';
import { passItem } from './pass.ts';

/** An open store's place in the engine that runs. */
export interface Link {
  engine: Engine;
  store: number;
}

/** Which store a storage is open on, and how it is opened again. */
export interface Place {
  database: string;
  store: string;
  options: OpenNumbers;
}

/** Opens a store in an engine and returns its handle and the name of the vault's channel. Payloads: the secret, or nothing. */
export async function openStore(
  engine: Engine,
  { database, store, options }: Place,
  payloads: unknown[],
): Promise<[number, string]> {
  return (await engine.call(payloads, (core, id) => {
    passItem(engine, core, id, { name: database, contentType: store });
    core.open(id, ...options);
  })) as [number, string];
}
