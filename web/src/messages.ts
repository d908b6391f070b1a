// What goes between remote.ts on the page and worker.ts. Errors cross as a code and a sentence.

import type { SecurityDetail } from './host.ts';

/** An export to run: its name, its integers (a call's number not among them), and the bytes that lie in the page for it. */
export type Step = [name: string, numbers: number[], page: Uint8Array<ArrayBuffer> | undefined];

export interface CrossedError {
  code: string;
  message: string;
}

/** The place of a payload that stays on the page: a promise, or a function to be called. */
export type Stub = 'promise' | 'function';

export type ToWorker =
  /** The first message. The worker holds the Web Lock for as long as it lives, and loads the WebAssembly from `wasmUrl`, where one is given. */
  | { database: string; lock: string; wasmUrl?: string | undefined }
  /** A call, or with no number what settles nothing. */
  | { call?: number; steps: Step[]; payloads: unknown[] }
  /** What a payload that stayed came to. An error stays, too. */
  | { asked: number; value?: unknown; failed?: true };

export type FromWorker =
  | { held: true }
  | { security: SecurityDetail }
  /** Asks for what payload i of a call comes to, given bytes where it is a function. */
  | { asked: number; call: number; i: number; bytes: Uint8Array | null }
  /** The end of a call. Without results and error, it failed with what a payload failed with. */
  | { call: number; results?: unknown[]; error?: CrossedError; unlocked: boolean };
