import { passItem } from './items.ts';
import type { Engine } from './loader.ts';

/** An open store's place in the engine that runs. */
export interface Link {
  engine: Engine;
  store: number;
}

/** Which store a storage is open on, and the flags that open it again. */
export interface Place {
  database: string;
  store: string;
  flags: number;
}

/** Opens a store in an engine and returns its handle and the name of the vault's channel. Payloads: the secret, or nothing. */
export async function openStore(
  engine: Engine,
  database: string,
  store: string,
  payloads: unknown[],
  iterations: number,
  flags: number,
): Promise<[number, string]> {
  return (await engine.call(payloads, (core, id) => {
    passItem(engine, core, id, { name: database, classification: 0, contentType: store });
    core.open(id, iterations, flags);
  })) as [number, string];
}
