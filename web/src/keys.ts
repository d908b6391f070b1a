/**
 * The keys of a vault over its lifetime.
 *
 * @packageDocumentation
 */
import { invalid } from './errors.ts';
import { engineOf } from './link.ts';
import { asInteger, passItem } from './pass.ts';
import { drawRecoveryKey } from './recovery.ts';
import { importSecret, type Secret } from './secret.ts';

export { recoveryKey } from './recovery.ts';

/** A way to open a vault. */
export interface Slot {
  id: number;
  /** A secret that someone knows, or a recovery key that someone wrote down. */
  kind: 'secret' | 'recovery';
  /** Of PBKDF2. */
  iterations: number;
}

/** What {@link VaultKeys.addSlot} makes. `secret` opens the vault already. */
export type NewSlot = SlotOptions & { secret: Secret } & ({ kind: 'secret'; newSecret: Secret } | { kind: 'recovery' });

/** How the key of a slot is derived. */
export interface SlotOptions {
  /** PBKDF2 iterations, as for `createEncryptedStorage`; by default 600,000, or as many as a slot that is changed has. */
  iterations?: number | undefined;
}

/** The kinds of slots, by Go's number. */
const kinds: Slot['kind'][] = ['secret', 'secret', 'recovery'];

/**
 * The keys of the vault of a database that is unlocked on this page. What changes them asks for a secret again: an open vault
 * keeps no key that could unwrap others. Every method rejects with a {@link VaultError}: `ERR_NO_SECRET` where the vault is not
 * unlocked, `ERR_WRONG_SECRET`, `ERR_INVALID`, `ERR_CONFLICT`, `ERR_QUOTA`. One that fails has changed nothing.
 */
export class VaultKeys {
  readonly #database: string;

  constructor(dbName = 'medical-imaging-viewer') {
    if (typeof dbName !== 'string')
      throw invalid('The name of a database must be a string of 1 to 255 bytes of UTF-8.');
    this.#database = dbName;
  }

  /**
   * Puts a new secret in the place of an old one, whatever the amount of data: 40 bytes are wrapped anew, in one transaction
   * that is flushed to the disk. The old secret opens the vault no more, in no tab. An old image of the disk still opens with
   * the old one; where it was disclosed, the data belongs into a new vault.
   */
  async changeSecret(oldSecret: Secret, newSecret: Secret, options: SlotOptions = {}): Promise<void> {
    await this.#call('changeSecret', [oldSecret, newSecret], iterationsOf(options));
  }

  /**
   * Adds a way to open the vault, given a secret that does. A recovery key is drawn for it: show it once, to be printed or
   * written down, and do not keep it; who has it and the device reads everything. {@link recoveryKey} reads what is typed.
   */
  async addSlot(slot: NewSlot & { kind: 'recovery' }): Promise<{ id: number; recoveryKey: string }>;
  async addSlot(slot: NewSlot): Promise<{ id: number }>;
  async addSlot(slot: NewSlot): Promise<{ id: number; recoveryKey?: string }> {
    const iterations = iterationsOf(slot);
    if (slot.kind !== 'recovery') {
      const kind = slot.kind === 'secret' ? 1 : 255; // which Go refuses
      return { id: (await this.#call('addSlot', [slot.secret, slot.newSecret], iterations, kind))[0] as number };
    }
    const { text, bytes } = await drawRecoveryKey();
    try {
      const [id] = await this.#call('addSlot', [slot.secret, bytes], iterations, 2);
      return { id: id as number, recoveryKey: text };
    } finally {
      bytes.fill(0);
    }
  }

  /** Lists the ways to open the vault. */
  async listSlots(): Promise<Slot[]> {
    const numbers = (await this.#call('listSlots', [])) as number[];
    const slots: Slot[] = [];
    for (let i = 0; i < numbers.length; i += 3) {
      const [id, kind, iterations] = numbers.slice(i, i + 3) as [number, number, number];
      slots.push({ id, kind: kinds[kind] ?? 'secret', iterations });
    }
    return slots;
  }

  /** Removes a slot, given a secret that opens another one, which stays. */
  async removeSlot(id: number, secret: Secret): Promise<void> {
    await this.#call('removeSlot', [secret], asInteger(id));
  }

  async #call(name: KeysCall, secrets: Secret[], ...numbers: number[]): Promise<unknown[]> {
    const engine = await engineOf(this.#database);
    const imported = await Promise.all(secrets.map((secret) => importSecret(secret)));
    return engine.call(imported.flatMap(Object.values), (core, id) => {
      passItem(engine, core, id, { name: this.#database });
      (core as unknown as Record<KeysCall, (...all: number[]) => void>)[name](id, ...numbers);
    });
  }
}

/** The calls that Go exports for this class (wasm/keys.go). */
type KeysCall = 'changeSecret' | 'addSlot' | 'removeSlot' | 'listSlots';

function iterationsOf(options: SlotOptions): number {
  if (typeof options !== 'object' || options === null) throw invalid('The options must be an object.');
  return asInteger(options.iterations);
}
