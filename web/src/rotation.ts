import type { DataClassification } from './classification.ts';
import { invalid, VaultError } from './errors.ts';
import { byChannel } from './internal.ts';
import type { Secret } from './secret.ts';

/** What a rotation found. */
export interface RotationReport {
  /** Records that were looked at. */
  records: number;
  /** Bytes that they take, as they are stored. */
  bytes: number;
  /** How many of them are of a class and an epoch. */
  classes: { classification: DataClassification; epoch: number; records: number; bytes: number }[];
  /**
   * Records that can't be read: their store, and the name under which they lie in it, in hexadecimal. They stay as they are, and no
   * key is destroyed, until they are written anew, deleted, or given up with `unreadable: 'delete'`.
   */
  unreadable: { store: string; id: string }[];
  /** Of a dry run: milliseconds that a rotation will take, roughly, going by how long it took to read all records. */
  estimatedMs?: number;
  /** Ways to open the vault that a new secret took away: their owners add them again. */
  lostSlots?: { id: number; kind: string; iterations: number }[];
}

/** Where a rotation stands. */
export interface RotationStatus {
  /**
   * `none`; `rotating` to new keys, or stopped on the way; `rotated`, to be committed or rolled back; `rolling-back` to the keys from
   * before, or stopped on the way.
   */
  state: 'none' | 'rotating' | 'rotated' | 'rolling-back';
  /** The epoch that is left; null where there is no rotation. */
  from: number | null;
  /** The epoch that records are written under. */
  to: number;
  startedAt: Date | null;
  /** Records of the vault, in all its stores. */
  records: number;
}

/** How far a pass over all records came. Each record is passed at least twice: it is re-encrypted, then opened again. */
export interface RotationProgress {
  pass: 'encrypting' | 'verifying';
  done: number;
  total: number;
}

/** What every step of a rotation may be told. */
export interface RotationOptions {
  /** Opens the vault. */
  secret: Secret;
  /** Called after each step, of some hundred records. */
  onProgress?: ((progress: RotationProgress) => void) | undefined;
  /** Stops between two steps. What was done stays done: the next call goes on, or rolls back. */
  signal?: AbortSignal | undefined;
  /** Delete what can't be read, where it would hold back `commitRotation` or `rollbackRotation`. */
  unreadable?: 'delete' | undefined;
  /** Milliseconds to wait for other tabs to let go of the old keys, 10,000 by default. */
  waitMs?: number | undefined;
}

/** The calls that Go exports for rotations (wasm/rotate.go). */
export type RotationCall = 'rotation' | 'beginRotation' | 'takeKeys' | 'rollBack' | 'step' | 'endPass' | 'finish';

/** Makes one of those calls on the vault of a database. */
export type CallRotation = (name: RotationCall, secrets: Secret[], ...numbers: number[]) => Promise<unknown[]>;

/** The passes, by Go's number. */
const Pass = { look: 0, turn: 1, verify: 2, purge: 3 };

const states: RotationStatus['state'][] = ['none', 'rotating', 'rotated', 'rolling-back'];

interface Standing {
  state: RotationStatus['state'];
  from: number;
  to: number;
  started: number;
  renames: boolean;
  records: number;
  channel: string;
  lost: number[];
  /** Labels and handles of new keys, by turns. */
  keys: unknown[];
}

function standing(results: unknown[]): Standing {
  const [phase, from, to, started, renames, records, channel, lost] = results as [
    number,
    number,
    number,
    number,
    boolean,
    number,
    string,
    number,
  ];
  const end = 8 + 3 * lost;
  const state = states[phase] ?? 'none';
  return {
    state,
    from,
    to,
    started,
    renames,
    records,
    channel,
    lost: results.slice(8, end) as number[],
    keys: results.slice(end),
  };
}

/** Tells the other tabs that the keyring changed, with the handles of keys that they may not have. */
const tellKeys = (channel: string, keys: unknown[]) =>
  byChannel.get(channel)?.send({ store: null, type: 'keys', keys });

const blocked = (message: string) => new VaultError('ERR_BLOCKED', message);

/** The rotations of the vault of a database. Only one page rotates at a time, and one call of it. */
export class Rotations {
  readonly #database: string;
  readonly #call: CallRotation;

  constructor(database: string, call: CallRotation) {
    this.#database = database;
    this.#call = call;
  }

  async status(): Promise<RotationStatus> {
    const { state, from, to, started, records } = await this.#standing();
    return { state, from: from || null, to, startedAt: started ? new Date(started * 1000) : null, records };
  }

  dryRun(options: Partial<RotationOptions>): Promise<RotationReport> {
    return this.#alone(async () => {
      const { records } = await this.#standing();
      const begun = performance.now();
      const report = await this.#pass(Pass.look, records, options);
      // Each record is read, sealed and written, and read again.
      return { ...report, estimatedMs: Math.ceil(3 * (performance.now() - begun)) };
    });
  }

  rotate(options: RotationOptions & { newSecret?: Secret | undefined }): Promise<RotationReport> {
    const { secret, newSecret } = options;
    const fresh = newSecret !== undefined;
    return this.#alone(async () => {
      const before = await this.#standing();
      const begun = standing(await this.#call('beginRotation', fresh ? [secret, newSecret] : [secret], fresh ? 1 : 0));
      const changes = byChannel.get(before.channel);
      if (before.channel === begun.channel) tellKeys(begun.channel, begun.keys);
      else {
        // Others have no key of the new vault key's, and are told where to listen once they are unlocked with the new secret.
        changes?.send(
          { store: null, type: 'lock', keys: [null] },
          { store: null, type: 'channel', keys: [begun.channel] },
        );
        changes?.move(begun.channel);
      }
      const report = await this.#passes(Pass.verify, begun, options);
      if (report.unreadable.length === 0) await this.#call('endPass', []);
      const lostSlots = [];
      for (let i = 0; i < begun.lost.length; i += 3) {
        const [id, kind, iterations] = begun.lost.slice(i, i + 3) as [number, number, number];
        lostSlots.push({ id, kind: kind === 1 ? 'secret' : kind === 2 ? 'recovery' : 'passkey', iterations });
      }
      return fresh ? { ...report, lostSlots } : report;
    });
  }

  rollBack(options: RotationOptions): Promise<RotationReport> {
    return this.#alone(async () => {
      const turned = this.#told(await this.#call('rollBack', [options.secret]));
      await this.#passes(Pass.verify, turned, options);
      return this.#finish(turned, options);
    });
  }

  commit(options: RotationOptions): Promise<RotationReport> {
    return this.#alone(async () => {
      const now = this.#told(await this.#call('takeKeys', [options.secret]));
      if (now.state === 'none') throw invalid('No rotation is under way. Look at rotationStatus.');
      if (now.state === 'rolling-back')
        throw invalid('The rotation is being rolled back. Finish that with rollbackRotation.');
      return this.#finish(now, options);
    });
  }

  /** Reads where the rotation stands, and has the other tabs know. */
  #told(results: unknown[]): Standing {
    const now = standing(results);
    tellKeys(now.channel, now.keys);
    return now;
  }

  async #standing(): Promise<Standing> {
    return standing(await this.#call('rotation', []));
  }

  /** Sees, while no page may write under the old epoch, that no record lies there, and has its keys destroyed. */
  #finish(now: Standing, options: RotationOptions): Promise<RotationReport> {
    const pass = options.unreadable ? Pass.purge : Pass.verify;
    return this.#without(now.from, options, async () => {
      const report = await this.#passes(pass, { ...now, renames: false }, options);
      if (report.unreadable.length > 0) throw unreadable(report);
      await this.#call('finish', [options.secret]);
      tellKeys(now.channel, []);
      return report;
    });
  }

  /** Goes over all records until a pass has found each of them readable, and under the right epoch. */
  async #passes(pass: number, now: Standing, options: RotationOptions): Promise<RotationReport> {
    if (now.renames) await this.#without(now.from, options, async () => {}); // none may lie under two names
    if (now.state !== 'rotated') await this.#pass(Pass.turn, now.records, options);
    for (let tries = 0; tries < 20; tries++) {
      const { changed, ...report } = await this.#pass(pass, now.records, options);
      if (!changed) return report;
    }
    throw new VaultError('ERR_CONFLICT', 'Records changed in every pass. Nothing was destroyed; try again.');
  }

  async #pass(
    pass: number,
    total: number,
    options: Partial<RotationOptions>,
  ): Promise<RotationReport & { changed: number }> {
    const report: RotationReport & { changed: number } = {
      records: 0,
      bytes: 0,
      classes: [],
      unreadable: [],
      changed: 0,
    };
    for (let begin = 1, last = false; !last; begin = 0) {
      options.signal?.throwIfAborted();
      const results = await this.#call('step', [], pass, begin);
      const [end, changed, counts] = results as [boolean, number, number];
      last = end;
      report.changed += changed;
      let at = 3;
      for (; at < 3 + 4 * counts; at += 4) {
        const [classification, epoch, records, bytes] = results.slice(at, at + 4) as [
          DataClassification,
          number,
          number,
          number,
        ];
        report.records += records;
        report.bytes += bytes;
        const known = report.classes.find((c) => c.classification === classification && c.epoch === epoch);
        if (known) Object.assign(known, { records: known.records + records, bytes: known.bytes + bytes });
        else report.classes.push({ classification, epoch, records, bytes });
      }
      for (; at < results.length; at += 2)
        report.unreadable.push({ store: results[at] as string, id: results[at + 1] as string });
      const done = report.records;
      options.onProgress?.({
        pass: pass === Pass.turn ? 'encrypting' : 'verifying',
        done,
        total: Math.max(total, done),
      });
    }
    return report;
  }

  /** Runs work while no page rotates this vault. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    if (!navigator.locks)
      throw new VaultError('ERR_UNSUPPORTED', 'This browser has no Web Locks, without which keys are not rotated.');
    return navigator.locks.request(`idbvault:rotate:${this.#database}`, { ifAvailable: true }, (lock) => {
      if (!lock)
        throw blocked('Another tab, or another call, is at a rotation of this vault. Wait until it has ended.');
      return work();
    }) as Promise<T>;
  }

  /** Runs work while no page may write under an epoch. */
  async #without<T>(
    epoch: number,
    { waitMs = 10_000, signal }: Partial<RotationOptions>,
    work: () => Promise<T>,
  ): Promise<T> {
    const tooLong = AbortSignal.timeout(waitMs);
    let begun = false;
    try {
      return (await navigator.locks.request(
        `idbvault:epoch:${epoch}:${this.#database}`,
        { signal: signal ? AbortSignal.any([tooLong, signal]) : tooLong },
        () => {
          begun = true;
          return work();
        },
      )) as T;
    } catch (error) {
      if (begun || !tooLong.aborted) throw error;
      throw blocked(
        'A tab that still has the old keys does not answer: perhaps it sleeps. Nothing was destroyed; close it, and try again.',
      );
    }
  }
}

function unreadable({ unreadable: list }: RotationReport): VaultError {
  return new VaultError(
    'ERR_INTEGRITY',
    `Some records can't be read (${list.length}), so no key was destroyed. Write them anew, delete them, or give them up with the option unreadable: 'delete'.`,
  );
}
