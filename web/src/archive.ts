/**
 * Archives of vaults: encrypted, in one stream, as docs/FORMAT.md says under "Archives".
 *
 * @packageDocumentation
 */
import { openDatabase } from './archive-database.ts';
import { archiveOf, keyringIn } from './archive-export.ts';
import { ArchiveReader } from './archive-format.ts';
import { restore } from './archive-import.ts';
import { hasVault, type Merged, merge, type OnConflict } from './archive-merge.ts';
import { classNumber, type DataClassification } from './classification.ts';
import { invalid } from './errors.ts';
import { importSecret, type Secret } from './secret.ts';
import { checkText } from './text.ts';

/** What {@link exportArchive} takes. */
export interface ExportOptions {
  /** Records of other classes are left out. */
  classes?: DataClassification[] | undefined;
}

/** What {@link importArchive} takes. */
export interface ImportOptions {
  /** One of those that opened the vault when it was exported. It is tried before anything is written. */
  secret: Secret;
  /**
   * What becomes of records that the vault has already: they stay (`skip`, the default), are replaced, or are where the archive's is
   * `newer`, by the second.
   */
  onConflict?: OnConflict | undefined;
  /** Is told how many bytes of the archive were read and stored. */
  onProgress?: ((bytes: number) => void) | undefined;
  /** Ends the call, which then rejects with the signal's reason. What was stored is gone on from when the same archive is imported again. */
  signal?: AbortSignal | undefined;
}

/** What {@link importArchive} did. */
export type ImportReport = Merged;

/**
 * Gives the vault of a database as a stream of bytes, an archive, which {@link importArchive} restores elsewhere. Entries go out sealed as
 * they are: no secret is needed, nothing is opened, and the vault may be locked or in use. The secrets of now open the archive. The audit
 * log is left out. A few MiB are in memory at once, or one value of up to 1 GiB that was not written as a stream.
 *
 * Each record is of one moment with its value; what is written meanwhile is there or not. The stream fails with `ERR_CONFLICT` where keys or
 * secrets change meanwhile, as a rotation does, or a streamed value is written anew while it is read, and while a rotation to a new secret is
 * under way. A stream that failed, or was not read to its end, is no archive.
 *
 * @throws VaultError `ERR_EVICTED` where there is no vault, `ERR_NOT_A_VAULT`, `ERR_INTEGRITY`, `ERR_INVALID`
 */
export async function exportArchive(
  database: string,
  options: ExportOptions = {},
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const { classes } = optionsOf(options, ['classes']);
  const name = databaseName(database);
  const wanted = classes === undefined ? undefined : classNumbers(classes);
  const db = await openDatabase(name, false);
  try {
    await keyringIn(db);
  } catch (error) {
    db.close();
    throw error;
  }
  const pieces = archiveOf(db, name, wanted);
  const source: UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> = {
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else if (value.length > 0) controller.enqueue(value);
      else return source.pull?.(controller); // or the stream would not ask for more
    },
    cancel() {
      db.close();
    },
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}

/**
 * Restores an archive, or brings its records into a vault.
 *
 * Where there is no vault of that name, in an empty browser, on another device, or behind `destroyVault`, the vault comes back as it was,
 * under the name that it had. It is locked then; `createEncryptedStorage` opens it with the secrets of the archive.
 *
 * Into a vault that is there, of whatever name, and is unlocked on this page, its records are re-encrypted one after the other, store by
 * store. Class, context, type and the time of writing are kept, and they expire when they would have, or earlier where the vault's policy
 * says so. A record that is written here meanwhile stays where it is the newer one. The archive takes its room twice meanwhile. Where it
 * fails half way, the records so far are there, and the call can be made again.
 *
 * There is no vault until all is stored and the end of the archive was seen. One that is cut off, by a crash, a signal or a source that
 * fails, is gone on from when the same archive is imported again. Of an archive that is not whole, nothing stays.
 *
 * @param source the archive, as a stream of bytes or as a Blob or File
 * @throws VaultError `ERR_WRONG_SECRET`; `ERR_NO_SECRET` where the vault of that name is not unlocked on this page; `ERR_INTEGRITY` for an archive that was changed
 *   or cut, or what is none; `ERR_VERSION`, `ERR_INVALID`, `ERR_NOT_A_VAULT`, `ERR_CONFLICT`, `ERR_QUOTA`, as `setEncrypted`; and what the source or the signal fails with
 */
export async function importArchive(
  database: string,
  source: ReadableStream<Uint8Array> | Blob,
  options: ImportOptions,
): Promise<ImportReport> {
  const {
    secret,
    onConflict = 'skip',
    ...watch
  } = optionsOf(options, ['secret', 'onConflict', 'onProgress', 'signal']);
  if (!['skip', 'replace', 'newer'].includes(onConflict))
    throw invalid("The option onConflict must be 'skip', 'replace' or 'newer'.");
  const name = databaseName(database);
  const imported = await importSecret(secret);
  const reader = new ArchiveReader(source, watch.signal);
  try {
    watch.signal?.throwIfAborted();
    const head = await reader.head();
    if (await hasVault(name)) return await merge(name, reader, head, imported, onConflict, watch);
    if (head.database !== name)
      throw invalid(
        `There is no vault of this name, and the archive is of ${head.database}. Restore it under that name, or make a vault first.`,
      );
    return { records: await restore(name, reader, head, imported, watch), skipped: 0, replaced: 0 };
  } catch (error) {
    reader.cancel(error);
    throw error;
  }
}

const databaseName = (name: unknown): string => checkText(name, 1, 255, 'The name of a database');

function optionsOf<T extends object>(options: T, known: (keyof T & string)[]): T {
  if (typeof options !== 'object' || options === null) throw invalid('The options must be an object.');
  for (const option in options)
    if (!known.includes(option)) throw invalid(`There is no option ${option}. Look for how it is spelt.`);
  return options;
}

function classNumbers(classes: DataClassification[]): Set<number> {
  const numbers = new Set(Array.isArray(classes) ? classes.map(classNumber) : [255]);
  if (numbers.has(255)) throw invalid("The option classes must be a list of classes, as ['phi'].");
  return numbers;
}
