import { type FormEvent, useId, useState } from 'react';
import { PassphraseField, Username } from './passphrase-field.tsx';
import { Refusal } from './refusal.tsx';
import type { DemoKeys } from './vaults.ts';

export function ChangePassphrase({ keys, changed }: { keys: DemoKeys; changed: () => void }) {
  const id = useId();
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (busy) return;
    const form = event.currentTarget;
    const typed = new FormData(form);
    setBusy(true);
    setDone(false);
    setError(null);
    try {
      await keys.changePassphrase(String(typed.get('old')), String(typed.get('new')));
      form.reset();
      setDone(true);
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
    changed();
  };

  return (
    <form className="part" onSubmit={submit} aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`}>Change the passphrase</h3>
      <Username />
      <PassphraseField
        label="Current passphrase"
        name="old"
        autoComplete="current-password"
        error={`${id}-error`}
        invalid={error !== null}
        required
      />
      <PassphraseField
        label="New passphrase"
        name="new"
        autoComplete="new-password"
        hint="40 bytes are wrapped anew, whatever the amount of data. Where the old one may be known to others, rotate instead."
        error={`${id}-error`}
        required
      />
      <div className="outcome" id={`${id}-error`} role="alert">
        {error !== null && <Refusal error={error} />}
      </div>
      <div className="group">
        <button type="submit" aria-disabled={busy}>
          {busy ? 'Deriving the keys…' : 'Change it'}
        </button>
        <p role="status" className="hint">
          {done && 'Changed. The old passphrase opens nothing any more.'}
        </p>
      </div>
    </form>
  );
}
