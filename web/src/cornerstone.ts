/**
 * DICOM images for Cornerstone3D, from the vault.
 *
 * @packageDocumentation
 */
import { DataClassification } from './classification.ts';
import { type DicomFile, parseFile } from './dicom.ts';
import { imageOf, type LoadOptions, type Modules, modulesOf } from './dicom-image.ts';
import { invalid, VaultError } from './errors.ts';
import type { EncryptedStorage } from './storage.ts';
import type { Context } from './value.ts';

/** What is taken of the module `@cornerstonejs/core`. */
export interface Cornerstone {
  imageLoader: {
    /** A loader is of cornerstone's own type, which a page without it does not have. */
    registerImageLoader(scheme: string, loader: never): void;
  };
  metaData: {
    addProvider(provider: (type: string, query: string) => unknown): void;
  };
  cache: {
    getImageLoadObject(imageId: string): unknown;
    removeImageLoadObject(imageId: string, options?: { force?: boolean }): void;
  };
}

/** Where images come from. */
export interface EncryptedImageOptions {
  /**
   * `cache-only` reads the vault (the default without `fetch`). `cache-first`, the default with it, fetches and stores what the
   * vault has not; `network-first` always fetches and stores, and reads the vault where that fails.
   */
  strategy?: 'cache-first' | 'network-first' | 'cache-only' | undefined;
  /** Gets the DICOM file of a record's name. Concurrent loads of one name share it. */
  fetch?: ((key: string) => Promise<Blob | ArrayBuffer | Response>) | undefined;
  /** Of what is stored: PHI, where nothing is said. */
  classification?: DataClassification | undefined;
  /** Of what is stored. */
  context?: Context | undefined;
}

const scheme = 'idbvault';

/**
 * Serves image ids of the form `idbvault:KEY` from the DICOM Part 10 files of a storage, and `idbvault:KEY#frame=N` the frame N,
 * from 1 on, of one with several. Metadata of an image is there once it was loaded. What it takes: Implicit and Explicit VR Little
 * Endian, monochrome, 8 or 16 bits. Another call for the same cornerstone takes the place of the last one.
 *
 * A load rejects with a VaultError: `ERR_INVALID` where the vault has no such record, or it is no DICOM file or has no such frame;
 * `ERR_UNSUPPORTED` for compressed, coloured and other images; `ERR_LOAD` where a fetch failed and the vault has no copy;
 * and as reads and writes of the storage do. A file that does not fit on the disk is shown and not kept.
 *
 * When the vault is locked on this page, its images leave cornerstone's cache. What viewports show is the application's to clear.
 *
 * @throws VaultError `ERR_INVALID` for options that do not fit
 */
export function registerEncryptedImageLoader(
  cornerstone: Cornerstone,
  storage: EncryptedStorage,
  options: EncryptedImageOptions = {},
): void {
  if (typeof cornerstone?.imageLoader?.registerImageLoader !== 'function')
    throw invalid("The first argument must be the module: import * as cornerstone from '@cornerstonejs/core'.");
  if (typeof storage?.getDecryptedBytes !== 'function')
    throw invalid('The second argument must be a storage. Make one with createEncryptedStorage.');
  const file = fileSource(storage, options);
  const modules = new Map<string, Modules>();
  const forget = () => {
    for (const imageId of modules.keys())
      if (cornerstone.cache.getImageLoadObject(imageId))
        cornerstone.cache.removeImageLoadObject(imageId, { force: true });
    modules.clear();
  };
  storage.addEventListener('security', (event) => {
    if ((event as CustomEvent<{ type: string }>).detail.type === 'locked') forget();
  });

  const load = async (imageId: string, loadOptions: LoadOptions, signal: AbortSignal) => {
    const [, key = '', digits = '1'] = /^[^:]*:(.*?)(?:#frame=(\d+))?$/s.exec(imageId) ?? [];
    const found = await file(key);
    signal.throwIfAborted();
    if (storage.locked) throw new VaultError('ERR_LOCKED', 'The vault was locked. Unlock it with its secret.');
    const frame = Number(digits);
    if (frame < 1 || frame > found.frames)
      throw invalid(`The DICOM file has no frame ${frame}. It has those from 1 to ${found.frames}.`);
    const image = imageOf(imageId, found, frame, loadOptions);
    modules.set(imageId, modulesOf(found, frame));
    return image;
  };

  const before = registrations.get(cornerstone);
  before?.forget();
  registrations.set(cornerstone, { modules, forget });
  if (!before)
    cornerstone.metaData.addProvider((type, query) => {
      const found = registrations.get(cornerstone)?.modules.get(query)?.[type];
      return found && { ...found }; // cornerstone writes into it
    });
  const loader = (imageId: string, loadOptions: LoadOptions = {}) => {
    const cancelling = new AbortController();
    // Cancelled, it rejects with an AbortError; a fetch goes on, for it may be another load's, too.
    return { promise: load(imageId, loadOptions, cancelling.signal), cancelFn: () => cancelling.abort() };
  };
  cornerstone.imageLoader.registerImageLoader(scheme, loader as never);
}

interface Registration {
  modules: Map<string, Modules>;
  /** Drops what is known and cached of its images. */
  forget(): void;
}

const registrations = new WeakMap<Cornerstone, Registration>();

/** Returns what gets the file of a name, by the strategy. Concurrent calls for one name share one. */
function fileSource(storage: EncryptedStorage, options: EncryptedImageOptions): (key: string) => Promise<DicomFile> {
  const { fetch, strategy, classification, context, ...unknown } = options ?? {};
  for (const option in unknown) throw invalid(`There is no option ${option}. Look for how it is spelt.`);
  if (fetch !== undefined && typeof fetch !== 'function') throw invalid('The option fetch must be a function.');

  const fromVault = async (key: string) => {
    const bytes = await storage.getDecryptedBytes(key);
    return bytes && parseFile(bytes);
  };
  const fromNetwork = async (key: string) => {
    const bytes = await fetched(fetch as NonNullable<typeof fetch>, key);
    return { bytes, file: parseFile(bytes) };
  };
  const keep = async (key: string, { bytes, file }: Awaited<ReturnType<typeof fromNetwork>>) => {
    await storage
      .setEncrypted(key, bytes, classification ?? DataClassification.PHI, context)
      .catch((error: unknown) => {
        if (!(error instanceof VaultError) || error.code !== 'ERR_QUOTA') throw error;
      });
    return file;
  };
  const strategies = {
    'cache-only': async (key: string) => {
      const kept = await fromVault(key);
      if (!kept) throw invalid('The vault has no image of that name, or no more. Store it first, or give a fetch.');
      return kept;
    },
    'cache-first': async (key: string) => (await fromVault(key)) ?? keep(key, await fromNetwork(key)),
    'network-first': async (key: string) => {
      const found = await fromNetwork(key).catch(async (error: unknown) => {
        const kept = await fromVault(key);
        if (!kept) throw error;
        return kept;
      });
      return 'file' in found ? keep(key, found) : found;
    },
  };
  const asked = strategy ?? (fetch ? 'cache-first' : 'cache-only');
  if (!Object.hasOwn(strategies, asked))
    throw invalid("The option strategy must be 'cache-first', 'network-first' or 'cache-only'.");
  if (!fetch && asked !== 'cache-only') throw invalid(`The strategy ${asked} needs the option fetch.`);

  const underWay = new Map<string, Promise<DicomFile>>();
  return (key) => {
    const shared = underWay.get(key);
    if (shared) return shared;
    const getting = strategies[asked](key).finally(() => underWay.delete(key));
    underWay.set(key, getting);
    return getting;
  };
}

async function fetched(fetch: NonNullable<EncryptedImageOptions['fetch']>, key: string): Promise<Uint8Array> {
  const failed = (why: string, cause?: unknown) =>
    Object.assign(new VaultError('ERR_LOAD', `The image could not be fetched: ${why}. The vault has no copy of it.`), {
      cause,
    });
  let found: Blob | ArrayBuffer | Response;
  let bytes: ArrayBuffer;
  try {
    found = await fetch(key);
    bytes = found instanceof ArrayBuffer ? found : await found.arrayBuffer();
  } catch (error) {
    throw failed('the network, or what fetches, failed', error);
  }
  if (found instanceof Response && !found.ok) throw failed(`HTTP ${found.status}`);
  return new Uint8Array(bytes);
}
