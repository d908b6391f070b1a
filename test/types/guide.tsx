// The guide's usage of the hook ("React Hook for Encrypted Storage"), as it is printed there; only the imports are new.
// biome-ignore-all format: the guide's text
// biome-ignore-all lint/a11y/useButtonType: the guide's text
import { DataClassification } from 'idbvault';
import { useEncryptedStorage } from 'idbvault/react';

export { UserPreferences };

function UserPreferences() {
  const { value, loading, updateValue } = useEncryptedStorage<{theme: string}>(
    'user-preferences',
    DataClassification.INTERNAL
  );

  if (loading) return <div>Loading...</div>;

  return (
    <button onClick={() => updateValue({ theme: 'dark' })}>
      Current theme: {value?.theme}
    </button>
  );
}
