import { classNumber, type DataClassification } from './classification.ts';
import { invalid, loaded } from './internal.ts';
import { listOf } from './items.ts';
import type { StorageOptions } from './open.ts';
import { asInteger } from './pass.ts';

/** What a class of data asks for, beside its keys. */
export interface ClassPolicy {
  /** {@link EncryptedStorage.lockAndForget}, called without a class, forgets this one. */
  purgeOnLogout?: boolean | undefined;
  /** Records expire so many milliseconds after they were written, at least 1,000; to the second. */
  maxTtlMs?: number | undefined;
}

/**
 * Which records are deleted so that others have room. Listeners of {@link EncryptedStorage.subscribe} are told of each, in all tabs, by an
 * event of type `evict`, and caches drop it.
 */
export interface Evict {
  /**
   * Bytes that the records of this store may take as they are stored, headers and tags included, from 1,024 to 2^50. A write that does not
   * fit even when all is gone that may go is `ERR_QUOTA`, and nothing is deleted for it. Without it, the browser's quota is the bound.
   */
  maxBytes?: number | undefined;
  /** Which go first: those that were read or written longest ago (`lru`), or written longest ago (`oldest`). */
  policy: 'lru' | 'oldest';
  /** The classes of which no record is evicted. */
  protect?: DataClassification[] | undefined;
}

/** What is done with the options that few applications give. index.js loads this where one of them is given. */
export interface Extras {
  arm: ReturnType<typeof import('./autolock.ts').autoLock> | undefined;
  /** `OpenNumbers` from the fifth on. */
  numbers: [number, number, number, number, number, ...number[]];
  /** Seconds after which records of each class expire, by Go's number of the class; 0 for never. */
  ttl: number[] | undefined;
}

/** @throws VaultError `ERR_INVALID`, `ERR_LOAD` */
export async function extras(options: StorageOptions, database: string, secret: unknown): Promise<Extras> {
  const { cache, autoLock, session, runIn, policy, rotation, evict, ...unknown } = options;
  for (const option in unknown) throw invalid(`There is no option ${option}. Look for how it is spelt.`);
  const numbers: Extras['numbers'] = [
    // Without a channel, a write of another tab would not be heard of.
    cache && globalThis.BroadcastChannel ? asInteger(cache.maxBytes ?? Number.NaN) : 0,
    bitsOf(cache?.except),
    0,
    maxAge(rotation),
    0,
    ...evicting(evict),
  ];
  if (evict) await loaded('./later.js', import('./later.ts')); // which tells listeners of what is evicted
  const ttl = policy && policyOf(policy, numbers);
  const arm = autoLock && (await loaded('./autolock.js', import('./autolock.ts'))).autoLock(autoLock);
  if (runIn !== undefined) (await loaded('./remote.js', import('./remote.ts'))).runIn(database, runIn);
  if (session !== undefined)
    await (await loaded('./session.js', import('./session.ts'))).joinSession(session, database, secret);
  return { arm, numbers, ttl };
}

const bitsOf = (classes: DataClassification[] | undefined): number =>
  listOf(classes ?? []).reduce((bits, c) => bits | (1 << classNumber(c)), 0);

function maxAge(rotation: StorageOptions['rotation']): number {
  if (rotation === undefined) return 0;
  const days = asInteger(rotation?.maxAgeDays ?? Number.NaN);
  if (days < 1 || days > 3650 || days !== rotation.maxAgeDays)
    throw invalid('The option rotation.maxAgeDays must be a whole number from 1 to 3,650.');
  return days;
}

function evicting(evict: StorageOptions['evict']): number[] {
  if (evict === undefined) return [];
  if (typeof evict !== 'object' || evict === null)
    throw invalid("The option evict must be an object such as { maxBytes, policy: 'lru' }.");
  const { maxBytes, policy, protect, ...unknown } = evict;
  for (const field in unknown) throw invalid(`The option evict has no field ${field}. Look for how it is spelt.`);
  if (policy !== 'lru' && policy !== 'oldest') throw invalid("The option evict.policy must be 'lru' or 'oldest'.");
  if (maxBytes !== undefined && !(Number.isInteger(maxBytes) && maxBytes >= 1024 && maxBytes <= 2 ** 50))
    throw invalid('The option evict.maxBytes must be a whole number from 1,024 to 1,125,899,906,842,624.');
  const most = maxBytes ?? 0;
  return [policy === 'lru' ? 1 : 2, bitsOf(protect), Math.floor(most / 2 ** 20), most % 2 ** 20];
}

function policyOf(policy: NonNullable<StorageOptions['policy']>, numbers: Extras['numbers']): number[] {
  const ttl = [0, 0, 0, 0, 0, 0];
  if (typeof policy !== 'object') throw invalid('The option policy must be an object with classes for its names.');
  for (const [name, of] of Object.entries(policy)) {
    const at = classNumber(name);
    if (at > 5 || typeof of !== 'object' || of === null)
      throw invalid(
        "The option policy must have the names of classes, as 'phi', and { purgeOnLogout, maxTtlMs } for each.",
      );
    const { purgeOnLogout, maxTtlMs } = of;
    if (purgeOnLogout !== undefined && typeof purgeOnLogout !== 'boolean')
      throw invalid('The option policy: purgeOnLogout must be true or false.');
    if (purgeOnLogout) numbers[4] |= 1 << at;
    if (maxTtlMs === undefined) continue;
    if (typeof maxTtlMs !== 'number' || !(maxTtlMs >= 1000 && maxTtlMs <= 1e14))
      throw invalid('The option policy: maxTtlMs must be a number of milliseconds from 1,000 on.');
    ttl[at] = Math.floor(maxTtlMs / 1000);
  }
  return ttl;
}
