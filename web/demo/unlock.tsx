import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { PassphraseField, Username } from './passphrase-field.tsx';
import { Refusal } from './refusal.tsx';

interface Props {
  exists: boolean;
  /** Whether the page was unlocked before: what had the focus is gone. */
  again: boolean;
  unlock: (secret: string) => Promise<void>;
}

export function Unlock({ exists, again, unlock }: Props) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    if (again) field.current?.focus();
  }, [again]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || !field.current) return;
    setBusy(true);
    setError(null);
    try {
      await unlock(field.current.value);
    } catch (failure) {
      setError(failure);
      setBusy(false);
      field.current?.select();
    }
  };

  return (
    <form className="panel unlock" onSubmit={submit} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{exists ? 'Enter your passphrase' : 'Choose a passphrase'}</h2>
      <p>
        {exists
          ? 'There is a vault on this device. Its passphrase opens it; nothing else does.'
          : 'There is no vault on this device yet. The passphrase you choose makes one, and is the only thing that opens it again.'}
      </p>
      <Username />
      <PassphraseField
        label="Passphrase"
        name="passphrase"
        autoComplete={exists ? 'current-password' : 'new-password'}
        hint={
          exists
            ? 'It is asked for once a page; reloading locks the vault.'
            : 'At least 8 characters. Several words are best.'
        }
        error={`${id}-error`}
        invalid={error !== null}
        required
        ref={field}
      />
      <div id={`${id}-error`} role="alert">
        {error !== null && <Refusal error={error} />}
      </div>
      <button type="submit" className="primary" aria-disabled={busy}>
        {busy ? 'Deriving the key…' : exists ? 'Unlock' : 'Make the vault'}
      </button>
    </form>
  );
}
