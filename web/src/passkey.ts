import { invalid, VaultError } from './errors.ts';

// The PRF extension of WebAuthn Level 3 makes 32 bytes of a salt, the same at every use of a passkey, once the authenticator
// has verified the user. They are the secret of a slot (docs/FORMAT.md, "Passkeys"). No server takes part, so nobody looks at
// the challenge and at what is signed.

/** Whose passkey it is, as the browser shows it. */
export interface PasskeyUser {
  name: string;
  /** By default, `name`. */
  displayName?: string | undefined;
}

/** How a passkey is asked for. */
export interface PasskeyOptions {
  /** Ends the wait for the user. */
  signal?: AbortSignal | undefined;
}

const unsupported = (message: string) => new VaultError('ERR_UNSUPPORTED', message);
const noPRF = () => unsupported('This browser or passkey has no PRF extension. Use another one, or another secret.');

const random = () => crypto.getRandomValues(new Uint8Array(32));

/** What a passkey is asked to make for a database. A browser that is known to be unable fails before anyone is asked. */
async function prfOf(dbName: string): Promise<AuthenticationExtensionsClientInputs> {
  const api = globalThis.PublicKeyCredential;
  if (!api || (await api.getClientCapabilities?.())?.['extension:prf'] === false) throw noPRF();
  const message = new TextEncoder().encode(`idbvault/passkey/v1\0${dbName}`);
  return { prf: { eval: { first: await crypto.subtle.digest('SHA-256', message) } } };
}

/** Waits for the user, and says in this library's words why there is no passkey. */
async function answer(asking: Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    return (await asking) as PublicKeyCredential;
  } catch (error) {
    if (/Security|Supported|Constraint/.test((error as Error).name))
      throw unsupported('A passkey needs https and a domain, or localhost, and a device that verifies its user.');
    throw new VaultError('ERR_NO_SECRET', 'No passkey was used: there is none, or it was not allowed. Ask again.');
  }
}

function bytesOf(credential: PublicKeyCredential): Uint8Array<ArrayBuffer> | undefined {
  const first = credential.getClientExtensionResults().prf?.results?.first;
  return first && new Uint8Array(first as ArrayBuffer);
}

async function ask(
  extensions: AuthenticationExtensionsClientInputs,
  allowCredentials: PublicKeyCredentialDescriptor[],
  options?: { signal: AbortSignal },
): Promise<Uint8Array<ArrayBuffer>> {
  const publicKey = { challenge: random(), userVerification: 'required', allowCredentials, extensions } as const;
  const bytes = bytesOf(await answer(navigator.credentials.get({ publicKey, ...options })));
  if (!bytes) throw noPRF();
  return bytes;
}

/**
 * Asks the user for a passkey and returns the secret of its slot: 32 bytes, which are others for every database. It is
 * for `secret: () => passkey(dbName)` and for {@link VaultKeys}. Some browsers ask only after a click or a key.
 *
 * @throws VaultError `ERR_NO_SECRET` where the user used none, not in time, or `signal` ended the wait; `ERR_UNSUPPORTED` where
 *   the browser or the passkey has no PRF extension, or the page is at an IP address
 */
export async function passkey(
  dbName = 'medical-imaging-viewer',
  { signal }: PasskeyOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return ask(await prfOf(dbName), [], signal && { signal });
}

/** Makes a passkey and has `use` take its secret. Where that fails, the authenticator is told to forget the passkey. */
export async function makePasskey<T>(
  dbName: string,
  user: PasskeyUser,
  use: (secret: Uint8Array) => Promise<T>,
): Promise<T> {
  if (typeof user?.name !== 'string') throw invalid('A passkey needs a user: { name }.');
  const extensions = await prfOf(dbName);
  const made = await answer(
    navigator.credentials.create({
      publicKey: {
        rp: { name: document.title || location.hostname },
        user: { id: random(), name: user.name, displayName: user.displayName ?? user.name },
        challenge: random(),
        pubKeyCredParams: [-7, -257].map((alg) => ({ type: 'public-key', alg })), // ES256, and RS256 for Windows
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        extensions,
      },
    }),
  );
  try {
    if (!made.getClientExtensionResults().prf?.enabled) throw noPRF();
    // Many authenticators evaluate the PRF only when a passkey is used.
    const secret = bytesOf(made) ?? (await ask(extensions, [{ type: 'public-key', id: made.rawId }]));
    try {
      return await use(secret);
    } finally {
      secret.fill(0);
    }
  } catch (error) {
    // After these two codes the slot may be there all the same.
    if (!/CRASHED|LOCKED/.test((error as VaultError).code))
      await PublicKeyCredential.signalUnknownCredential?.({
        rpId: location.hostname,
        credentialId: made.id,
      }).catch(() => {});
    throw error;
  }
}
