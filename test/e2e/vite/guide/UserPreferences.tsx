// Added: the guide prints hook and component in one file; here the hook is an argument, since the test uses two.
import { DataClassification } from '@/utils/encryption';
import type { useEncryptedStorage as Hook } from './hooks/useEncryptedStorage';

export function makeUserPreferences(useEncryptedStorage: typeof Hook) {
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

return UserPreferences;
}
