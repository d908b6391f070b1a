import { useId, useRef, useState } from 'react';
import { told } from './records.ts';

/** The way out for who forgot the passphrase, and for who is done with the demo. */
export function DeleteVault({ forgot, destroy }: { forgot: boolean; destroy: () => Promise<void> }) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState('');

  const confirmed = async () => {
    try {
      await destroy();
      dialog.current?.close();
    } catch (failure) {
      const { code, message } = told(failure);
      setError(`${code}: ${message}`);
    }
  };

  return (
    <div className="delete-vault">
      {forgot && 'Forgot it? '}
      <button type="button" className="link" onClick={() => dialog.current?.showModal()}>
        Delete the vault
      </button>
      <dialog ref={dialog} aria-labelledby={id} onClose={() => setError('')}>
        <h2 id={id}>Delete the vault?</h2>
        <p>Everything in it is gone for good: the preferences, the images, and what the guide's component keeps.</p>
        <p role="alert" className={error && 'error'}>
          {error}
        </p>
        <div className="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
          <button type="button" className="danger" onClick={confirmed}>
            Delete everything
          </button>
        </div>
      </dialog>
    </div>
  );
}
