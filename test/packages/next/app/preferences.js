'use client';

import './chunks';
import { createEncryptedStorage, DataClassification } from 'idbvault';
import { useEncryptedStorage } from 'idbvault/react';
import { useEffect, useState } from 'react';

/** Unlocks the vault that the hook opens, in the browser. A real application asks the user for the secret. */
export function Preferences() {
  const [unlocked, setUnlocked] = useState(false);
  useEffect(() => {
    createEncryptedStorage(undefined, undefined, { secret: 'asked from the user' }).then(() => setUnlocked(true));
  }, []);
  return unlocked ? <Theme /> : <p>Loading…</p>;
}

function Theme() {
  const { value, loading, updateValue } = useEncryptedStorage('user-preferences', DataClassification.INTERNAL);
  if (loading) return <p>Loading…</p>;
  return (
    <button type="button" onClick={() => updateValue({ theme: 'dark' })}>
      Current theme: {value?.theme}
    </button>
  );
}
