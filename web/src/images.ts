import { fromBase64 } from './base64.ts';
import { Kind, toText } from './bytes.ts';
import { invalid, VaultError } from './errors.ts';
import { namesOf } from './items.ts';
import type { Inside } from './later-names.ts';
import { blobOf, type Read } from './read.ts';
import type { EncryptedStorage } from './storage.ts';

/** An object URL of a value, and what ends it. */
export interface ObjectURL {
  /** Of the form `blob:…`; good on this page, until it is revoked. */
  url: string;
  /** Lets go of the value. Calling it again does nothing. */
  revoke(): void;
}

/** Reads a value as a Blob; text that is a base64 data URL, as what it stands for. */
async function imageOf([, , call]: Inside, key: string): Promise<Blob | null> {
  const [found] = (await call('get', namesOf([key]))) as (Read | null)[];
  if (!found) return null;
  return (found.kind === Kind.text && fromDataURL(toText(found.bytes))) || blobOf(found);
}

/** Decodes it here: fetch would, too, where the page's policy has `connect-src data:`, and most have not. */
function fromDataURL(text: string): Blob | undefined {
  const [head, type] = /^data:([^,]*);base64,/i.exec(text) ?? [];
  if (head === undefined) return undefined;
  const bytes = fromBase64(text.slice(head.length));
  if (!bytes) throw invalid('The value is a data URL whose base64 is damaged. Store the image anew.');
  return new Blob([bytes], { type: type as string });
}

export async function getImageBitmap(
  inside: Inside,
  key: string,
  options?: ImageBitmapOptions,
): Promise<ImageBitmap | null> {
  const blob = await imageOf(inside, key);
  if (!blob) return null;
  return createImageBitmap(blob, options).catch(() => {
    throw invalid('The value is no image that this browser decodes, or not with these options. Read it as a Blob.');
  });
}

export async function getObjectURL(inside: Inside, key: string): Promise<ObjectURL | null> {
  const [storage] = inside;
  const revokes = revokesOf(storage);
  let url = '';
  const revoke = () => {
    revokes.delete(revoke);
    URL.revokeObjectURL(url);
  };
  revokes.add(revoke); // before the read, so that a lock or a close which comes meanwhile is noticed
  try {
    const blob = await imageOf(inside, key);
    if (!blob) return null;
    if (!revokes.has(revoke)) {
      await storage.count(); // fails for the same reason, other than where the vault is unlocked again
      throw new VaultError('ERR_LOCKED', 'The vault was locked during this call. Repeat it, now that it is unlocked.');
    }
    url = URL.createObjectURL(blob);
    return { url, revoke };
  } finally {
    if (!url) revokes.delete(revoke);
  }
}

/** What revokes each object URL that a storage gave out. */
const given = new WeakMap<EncryptedStorage, Set<() => void>>();

function revokesOf(storage: EncryptedStorage): Set<() => void> {
  const known = given.get(storage);
  if (known) return known;
  const revokes = new Set<() => void>();
  given.set(storage, revokes);
  const revokeAll = () => {
    for (const revoke of revokes) revoke();
  };
  storage.addEventListener('security', (event) => {
    if ((event as CustomEvent<{ type: string }>).detail.type === 'locked') revokeAll();
  });
  const { close } = storage;
  storage.close = () => {
    close.call(storage);
    revokeAll();
  };
  return revokes;
}
