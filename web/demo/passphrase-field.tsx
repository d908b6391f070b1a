import { type Ref, useId, useState } from 'react';

interface Props {
  label: string;
  name: string;
  autoComplete: 'current-password' | 'new-password';
  hint?: string;
  /** The id of the element that tells of an error. */
  error: string;
  invalid?: boolean;
  required?: boolean;
  ref?: Ref<HTMLInputElement>;
}

export function PassphraseField({ label, name, autoComplete, hint, error, invalid = false, required, ref }: Props) {
  const id = useId();
  const [shown, setShown] = useState(false);
  return (
    <>
      <label htmlFor={id}>{label}</label>
      <div className="field">
        <input
          id={id}
          ref={ref}
          type={shown ? 'text' : 'password'}
          name={name}
          autoComplete={autoComplete}
          aria-describedby={hint ? `${id}-hint ${error}` : error}
          aria-invalid={invalid}
          spellCheck={false}
          autoCapitalize="none"
          required={required}
        />
        <button type="button" className="quiet" aria-pressed={shown} onClick={() => setShown(!shown)}>
          {shown ? 'Hide' : 'Show'}
        </button>
      </div>
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
    </>
  );
}

/** Password managers file a passphrase under a name. */
export function Username() {
  return <input type="text" name="username" autoComplete="username" value="idbvault demo" readOnly hidden />;
}
