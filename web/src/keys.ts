/**
 * The keys of a vault over its lifetime.
 *
 * @packageDocumentation
 */
import type { AuditLog, AuditSink, KeyStatus } from './audit.ts';
import { invalid } from './errors.ts';
import { createEncryptedStorage } from './index.ts';
import { engineOf } from './link.ts';
import { loaded } from './loader.ts';
import { asInteger, passItem } from './pass.ts';
import { makePasskey, type PasskeyUser } from './passkey.ts';
import { drawRecoveryKey } from './recovery.ts';
import type { RotationCall, RotationOptions, RotationReport, RotationStatus, Rotations } from './rotation.ts';
import { importSecret, type Secret } from './secret.ts';

export type { AuditLine, AuditLog, AuditSink, KeyAge, KeyStatus, SecurityEventType } from './audit.ts';
export { type PasskeyOptions, type PasskeyUser, passkey } from './passkey.ts';
export { recoveryKey } from './recovery.ts';
export type { RotationOptions, RotationProgress, RotationReport, RotationStatus } from './rotation.ts';
export { vaultFor } from './vault-for.ts';

/** A way to open a vault. */
export interface Slot {
  id: number;
  /** A secret that someone knows, a recovery key that someone wrote down, or a passkey. */
  kind: 'secret' | 'recovery' | 'passkey';
  /** Of PBKDF2. */
  iterations: number;
}

/** What {@link VaultKeys.addSlot} makes. `secret` opens the vault already. */
export type NewSlot = SlotOptions & { secret: Secret } & (
    | { kind: 'secret'; newSecret: Secret }
    | { kind: 'recovery' }
    | { kind: 'passkey'; user: PasskeyUser }
  );

/** How the key of a slot is derived. */
export interface SlotOptions {
  /** PBKDF2 iterations, as for `createEncryptedStorage`; by default 600,000, or as many as a slot that is changed has. */
  iterations?: number | undefined;
}

/** The kinds of slots, by Go's number. */
const kinds: Slot['kind'][] = ['secret', 'secret', 'recovery', 'passkey'];

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
   * the old one; where it was disclosed, use {@link rotateKeys} with a new secret.
   */
  async changeSecret(oldSecret: Secret, newSecret: Secret, options: SlotOptions = {}): Promise<void> {
    await this.#call('changeSecret', [oldSecret, newSecret], iterationsOf(options));
  }

  /**
   * Adds a way to open the vault, given a secret that does. A recovery key is drawn for it: show it once, to be printed or
   * written down, and do not keep it; who has it and the device reads everything. {@link recoveryKey} reads what is typed.
   *
   * Of kind `passkey`, the browser makes one on the device, a security key or in the user's account, and may ask twice;
   * {@link passkey} asks for it later. It rejects with `ERR_NO_SECRET` where the user makes none, and with `ERR_UNSUPPORTED`
   * where there are no passkeys with the PRF extension. Where it fails after a passkey was made, the authenticator is told to
   * forget it, if the browser can; not so after `ERR_CRASHED` and `ERR_LOCKED`, since the slot may be there: see `listSlots`.
   */
  async addSlot(slot: NewSlot & { kind: 'recovery' }): Promise<{ id: number; recoveryKey: string }>;
  async addSlot(slot: NewSlot): Promise<{ id: number }>;
  async addSlot(slot: NewSlot): Promise<{ id: number; recoveryKey?: string }> {
    const iterations = iterationsOf(slot);
    const add = async (newSecret: Secret, kind: number) => ({
      id: (await this.#call('addSlot', [slot.secret, newSecret], iterations, kind))[0] as number,
    });
    if (slot.kind === 'passkey') {
      // An open vault that is opened once more refuses a wrong secret, before a passkey is made.
      await this.listSlots(); // it is open
      (await createEncryptedStorage(this.#database, undefined, { secret: slot.secret, expectVault: true })).close();
      return makePasskey(this.#database, slot.user, (bytes) => add(bytes, 3));
    }
    if (slot.kind !== 'recovery') return add(slot.newSecret, slot.kind === 'secret' ? 1 : 255); // which Go refuses
    const { text, bytes } = await drawRecoveryKey();
    try {
      return { ...(await add(bytes, 2)), recoveryKey: text };
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

  /** Says what a rotation would meet: it opens every record, and writes nothing. */
  rotateKeys(options: { dryRun: true } & Partial<RotationOptions>): Promise<RotationReport>;
  /**
   * Draws new keys under a new epoch and re-encrypts every record, in steps of some hundred records, each of them one transaction.
   * Reads and writes go on meanwhile, in every tab. Then every record is opened again. The old keys stay, and can be gone back to, until
   * {@link commitRotation}. Whatever ends it before its time, loses nothing: called again, it goes on.
   *
   * With `newSecret`, for when a secret may be known to others, the vault key, name key and keyring key are new as well, and
   * `newSecret` alone opens the vault from the first moment on. Other tabs are locked. Other slots are gone, and reported.
   *
   * @throws VaultError `ERR_BLOCKED` while another tab rotates, or, with `newSecret`, when one does not let go of the old keys;
   *   `ERR_WRONG_SECRET`, `ERR_QUOTA`; the signal's reason where it was aborted
   */
  rotateKeys(options: RotationOptions & { newSecret?: Secret | undefined }): Promise<RotationReport>;
  async rotateKeys(
    options: Partial<RotationOptions> & { dryRun?: boolean; newSecret?: Secret | undefined },
  ): Promise<RotationReport> {
    const { dryRun } = checked(options);
    const rotations = await this.#rotations();
    return dryRun ? rotations.dryRun(options) : rotations.rotate(options as RotationOptions);
  }

  /**
   * Re-encrypts every record back under the keys from before the rotation, what was written since included, and destroys the new keys. It
   * never brings an old secret back.
   *
   * @throws VaultError `ERR_BLOCKED` when another tab does not let go of the new keys; `ERR_INTEGRITY` where a record can't be read;
   *   `ERR_INVALID` where there is no rotation
   */
  async rollbackRotation(options: RotationOptions): Promise<RotationReport> {
    return (await this.#rotations()).rollBack(rotationOptions(options));
  }

  /**
   * Destroys the old keys, once every record was seen to be readable under the new ones. An image of the disk from before, with a
   * secret of then, still opens with them.
   *
   * @throws VaultError `ERR_BLOCKED` when another tab does not let go of the old keys; `ERR_INTEGRITY` where a record can't be read,
   *   unless `unreadable: 'delete'` gives such records up; `ERR_INVALID` where there is no rotation
   */
  async commitRotation(options: RotationOptions): Promise<RotationReport> {
    return (await this.#rotations()).commit(rotationOptions(options));
  }

  /** Says where a rotation stands. */
  async rotationStatus(): Promise<RotationStatus> {
    return (await this.#rotations()).status();
  }

  /** Tells how old the keys are, how much was written under them, and when they are due for a rotation. */
  async keyStatus(): Promise<KeyStatus> {
    const { keyStatusOf } = await audit();
    return keyStatusOf(await this.#call('keyAges', []), await this.rotationStatus());
  }

  /**
   * Reads the audit log, from the line of the number `since` on, and checks all of it. It holds some thousand lines; older ones are
   * trimmed. Failed unlocks are written at the next one that succeeds, and so is a lock, where that is on the same page.
   */
  async auditLog({ since = 0 }: { since?: number | undefined } = {}): Promise<AuditLog> {
    const { auditLogOf } = await audit();
    return auditLogOf(await this.#call('auditLog', [], since === 0 ? 0 : asInteger(since)));
  }

  /**
   * Gives a sink, such as one that posts to a server, the lines of the audit log from the number `since` on, and new ones as they come,
   * as long as the vault is unlocked on this page. A sink that rejects gets the same lines again. Returns what ends that.
   */
  async sendAudit(sink: AuditSink, { since = 1 }: { since?: number | undefined } = {}): Promise<() => void> {
    if (typeof sink !== 'function') throw invalid('The sink must be a function.');
    const { sendAudit } = await audit();
    return sendAudit(this.#database, (since) => this.auditLog({ since }), sink, asInteger(since));
  }

  async #rotations(): Promise<Rotations> {
    const { Rotations } = await loaded('./rotation.js', import('./rotation.ts'));
    return new Rotations(this.#database, (name, secrets, ...numbers) => this.#call(name, secrets, ...numbers));
  }

  async #call(name: KeysCall | RotationCall, secrets: Secret[], ...numbers: number[]): Promise<unknown[]> {
    const engine = await engineOf(this.#database);
    const imported = await Promise.all(secrets.map((secret) => importSecret(secret)));
    return engine.call(imported.flatMap(Object.values), (core, id) => {
      passItem(engine, core, id, { name: this.#database });
      (core as unknown as Record<typeof name, (...all: number[]) => void>)[name](id, ...numbers);
    });
  }
}

/** The calls that Go exports for this class (wasm/keys.go). */
type KeysCall = 'changeSecret' | 'addSlot' | 'removeSlot' | 'listSlots' | 'keyAges' | 'auditLog';

const audit = () => loaded('./audit.js', import('./audit.ts'));

function checked<T>(options: T): T {
  if (typeof options !== 'object' || options === null) throw invalid('The options must be an object.');
  return options;
}

function rotationOptions(options: RotationOptions): RotationOptions {
  const { unreadable } = checked(options);
  if (unreadable !== undefined && unreadable !== 'delete')
    throw invalid("The option unreadable must be 'delete', or left out.");
  return options;
}

const iterationsOf = (options: SlotOptions): number => asInteger(checked(options).iterations);
