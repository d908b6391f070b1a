// The code of docs/REACT.md, and what else an application sees of idbvault/react, under strict. It is compiled and never run.
// biome-ignore-all lint/a11y/useButtonType: as short as in the documentation
import { DataClassification, VaultError } from 'idbvault';
import {
  EncryptedImage,
  EncryptedStorageProvider,
  type PromptProps,
  useEncryptedImage,
  useEncryptedStorage,
  useEncryptedValue,
  useVault,
} from 'idbvault/react';
import { createRef, Suspense } from 'react';

declare function askTheUser(): Promise<string>;

function UserPreferences() {
  const { value, loading, error, updateValue } = useEncryptedStorage<{ theme: string }>(
    'user-preferences',
    DataClassification.INTERNAL,
  );
  if (loading) return <p>Loading…</p>;
  return (
    <p>
      <button onClick={() => updateValue({ theme: 'dark' })}>Current theme: {value?.theme}</button>
      {error ? 'It was not read, or not saved.' : ''}
    </p>
  );
}

function Counter() {
  const { value, status, updateValue, remove } = useEncryptedStorage<number>('visits');
  return (
    <p>
      {value ?? 0} visits{status === 'saving' && ' …'}
      <button onClick={() => updateValue((visits) => (visits ?? 0) + 1)}>One more</button>
      <button onClick={remove}>Forget</button>
    </p>
  );
}

function Application() {
  return (
    <EncryptedStorageProvider
      database="my-application"
      store="records"
      prompt={Unlock}
      autoLock={{ idleMs: 600_000 }}
      options={{ session: 'origin' }}
    >
      <UserPreferences />
    </EncryptedStorageProvider>
  );
}

function Unlock({ unlock, error, exists }: PromptProps) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        unlock(String(new FormData(event.currentTarget).get('passphrase')));
        event.currentTarget.reset();
      }}
    >
      <label>
        {exists ? 'Passphrase' : 'Choose a passphrase'} <input name="passphrase" type="password" />
      </label>
      {error !== null && <p role="alert">{error instanceof VaultError ? error.message : 'Not unlocked.'}</p>}
      <button>Unlock</button>
    </form>
  );
}

function VaultMenu() {
  const { status, lock, rotate, progress, keyStatus } = useVault();
  const renew = async () => {
    if ((await keyStatus()).due) await rotate({ secret: await askTheUser() });
  };
  if (status !== 'ready') return null;
  return (
    <menu>
      <button onClick={lock}>Lock</button>
      <button onClick={renew}>{progress ? `${progress.done} of ${progress.total}` : 'Renew the keys'}</button>
    </menu>
  );
}

function Slice({ name }: { name: string }) {
  return <EncryptedImage name={name} alt="CT of the head" className="slice" fallback={<p>Loading…</p>} />;
}

function Greeting() {
  const name = useEncryptedValue<string>('name');
  return <p>Hello, {name ?? 'stranger'}</p>;
}

const greeting = (
  <Suspense fallback={<p>Loading…</p>}>
    <Greeting />
  </Suspense>
);

export const all = [Application, Counter, VaultMenu, Slice, greeting];

export function Widths() {
  const { image, status }: { image: ImageBitmap | null; status: 'loading' | 'ready' | 'locked' | 'error' } =
    useEncryptedImage('image:1');
  return <EncryptedImage name="image:1" alt={status} ref={createRef<HTMLCanvasElement>()} title={`${image?.width}`} />;
}

export const asked = <EncryptedStorageProvider secret={askTheUser}>text</EncryptedStorageProvider>;
export const bytes = <EncryptedStorageProvider secret={() => new Uint8Array(32)} />;
// @ts-expect-error: React keeps properties, so a secret is none
export const inProps = <EncryptedStorageProvider secret="correct horse battery" />;
// @ts-expect-error: nor may it hide among the options
export const inOptions = <EncryptedStorageProvider options={{ secret: 'correct horse battery' }} />;
// @ts-expect-error: an image says what it shows
export const unsaid = <EncryptedImage name="image:1" />;

export function useTyped(): Promise<void> {
  const { updateValue } = useEncryptedStorage<{ n: number }>('k', DataClassification.PHI);
  // @ts-expect-error: a value is of the type that was said
  updateValue({ n: 'one' });
  // @ts-expect-error: a function is not async
  updateValue(async (current) => current ?? { n: 1 });
  return updateValue((current) => ({ n: (current?.n ?? 0) + 1 }));
}
