import { createEncryptedStorage, destroyVault, type EncryptedStorage, VaultError } from '../src/index.ts';
import type { RotationOptions, RotationReport, VaultKeys } from '../src/keys.ts';
import { demo } from './names.ts';

/** Where the guide's component keeps its value: the database and store that createEncryptedStorage takes by default. */
const guide = { database: 'medical-imaging-viewer', store: 'encrypted-data' };
let guideOpening: Promise<EncryptedStorage> | undefined;

/** The guide's storage once it is open; undefined where it is not to be opened. */
const guideStorage = async (): Promise<EncryptedStorage | undefined> => guideOpening?.catch(() => undefined);

/** Whether the browser has the demo's vault. It can be told without the passphrase. */
export async function vaultExists(): Promise<boolean> {
  const databases = await indexedDB.databases();
  return databases.some(({ name }) => name === demo.database);
}

/** @param expectVault that there is one: it may have been deleted since, and is not to be made then */
export function openVault(secret: string, expectVault: boolean): Promise<EncryptedStorage> {
  return createEncryptedStorage(demo.database, demo.store, { secret, expectVault });
}

/** Opens another of the demo's stores, where the vault is unlocked on this page. */
export const openStore = (name: 'store' | 'series' | 'fetched'): Promise<EncryptedStorage> =>
  createEncryptedStorage(demo.database, demo[name]);

/** Unlocks the guide's database for this page, so that its component, which passes no secret, can open it. */
export async function unlockGuide(secret: string): Promise<void> {
  const before = await guideStorage();
  before?.close();
  guideOpening = createEncryptedStorage(guide.database, guide.store, { secret });
  await guideOpening;
}

/** Locks the guide's database in all tabs. */
export async function lockGuide(): Promise<void> {
  const storage = await guideStorage();
  if (storage && !storage.locked) await storage.lock();
}

export async function destroyVaults(): Promise<void> {
  await destroyVault(demo.database);
  await destroyVault(guide.database);
}

let watched = false;

/** Has the open vault lock itself after so many minutes without use; 0 for never. The storage opened last decides. */
export async function autoLockAfter(minutes: number): Promise<void> {
  if (minutes === 0 && !watched) return;
  watched = true;
  const autoLock = minutes > 0 ? { idleMs: minutes * 60_000 } : {};
  const storage = await createEncryptedStorage(demo.database, demo.store, { autoLock });
  storage.close();
}

/** The keys of both vaults, which one passphrase opens. */
export class DemoKeys {
  readonly vault: VaultKeys;
  readonly #guide: VaultKeys;

  private constructor(vault: VaultKeys, guide: VaultKeys) {
    this.vault = vault;
    this.#guide = guide;
  }

  /** Loads the package's part for keys, a file of its own. */
  static async load(): Promise<DemoKeys> {
    const built: string = '/dist/keys.js';
    const { VaultKeys } = (await import(built)) as typeof import('../src/keys.ts');
    return new DemoKeys(new VaultKeys(demo.database), new VaultKeys(guide.database));
  }

  async changePassphrase(old: string, next: string): Promise<void> {
    await this.#withGuide(old, next, () => this.vault.changeSecret(old, next));
  }

  /** Begins a rotation, or goes on with one. */
  rotate(options: RotationOptions & { secret: string }, next: string): Promise<RotationReport> {
    if (next === '') return this.vault.rotateKeys(options);
    const rotate = () => this.vault.rotateKeys({ ...options, newSecret: next });
    // Once begun, it is the new passphrase that opens the vault, however it ends.
    const begun = async () => (await this.vault.rotationStatus()).state !== 'none';
    return this.#withGuide(options.secret, next, rotate, begun);
  }

  /** Changes the guide's secret before work, so that a page that is left meanwhile has one passphrase for both after it. */
  async #withGuide<T>(old: string, next: string, work: () => Promise<T>, done = async () => false): Promise<T> {
    await guideStorage(); // it may still be on its way
    const changed = await this.#guide.changeSecret(old, next).then(
      () => true,
      (error: unknown) => {
        if (error instanceof VaultError && error.code === 'ERR_NO_SECRET') return false; // it was not unlocked
        throw error;
      },
    );
    try {
      return await work();
    } catch (error) {
      if (changed && !(await done())) await this.#guide.changeSecret(next, old);
      throw error;
    }
  }
}
