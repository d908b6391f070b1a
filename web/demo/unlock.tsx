import { type FormEvent, useId, useRef, useState } from 'react';
import { told } from './records.ts';

export function Unlock({ exists, unlock }: { exists: boolean; unlock: (secret: string) => Promise<void> }) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<{ code: string; message: string } | null>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || !field.current) return;
    setBusy(true);
    setError(null);
    try {
      await unlock(field.current.value);
    } catch (failure) {
      setError(told(failure));
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
      {/* Password managers file a passphrase under a name. */}
      <input type="text" name="username" autoComplete="username" value="idbvault demo" readOnly hidden />
      <label htmlFor={id}>Passphrase</label>
      <div className="field">
        <input
          id={id}
          ref={field}
          type={shown ? 'text' : 'password'}
          name="passphrase"
          autoComplete={exists ? 'current-password' : 'new-password'}
          aria-describedby={`${id}-hint ${id}-error`}
          aria-invalid={error !== null}
          spellCheck={false}
          autoCapitalize="none"
          required
        />
        <button type="button" className="quiet" aria-pressed={shown} onClick={() => setShown(!shown)}>
          {shown ? 'Hide' : 'Show'}
        </button>
      </div>
      <p id={`${id}-hint`} className="hint">
        {exists
          ? 'It is asked for once a page; reloading locks the vault.'
          : 'At least 8 characters. Several words are best.'}
      </p>
      <div id={`${id}-error`} role="alert">
        {error && (
          <p className="error">
            <code>{error.code}</code> {error.message}
          </p>
        )}
      </div>
      <button type="submit" className="primary" aria-disabled={busy}>
        {busy ? 'Deriving the key…' : exists ? 'Unlock' : 'Make the vault'}
      </button>
    </form>
  );
}
