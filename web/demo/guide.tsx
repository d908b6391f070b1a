// The guide's component ("React Hook for Encrypted Storage"), as it is printed there; only the import is new.
// biome-ignore-all format: the guide's text
// biome-ignore-all lint/a11y/useButtonType: the guide's text
import { DataClassification } from '../src/index.ts';
import { useEncryptedStorage } from '../src/react.ts';

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
