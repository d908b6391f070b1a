import type { Engine } from './loader.ts';

/** What storages need of an engine, on this page or in a worker. */
export type AnyEngine = Pick<Engine, 'alive' | 'call' | 'tell' | 'write'>;

/** The engine of a vault that runs in a worker of its own (remote.ts). */
export interface Remote {
  unlocked: boolean;
  /** Returns the engine, and starts a worker where none runs; with `again`, only for a vault that was not locked. */
  running(again?: boolean): AnyEngine;
  /** Ends the worker, and so its keys and all that it read. */
  lock(): void;
}

/** What runs in a worker, by database. */
export const remotes = new Map<string, Remote>();
