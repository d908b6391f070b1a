import { DataClassification } from 'idbvault';
import { useEncryptedStorage } from 'idbvault/react';

// Usage in component:
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

export default UserPreferences;
