import { useEncryptedStorage as ours } from 'idbvault/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createEncryptedStorage, destroyVault, type StorageOptions } from '@/utils/encryption';
import { useEncryptedStorage as printed } from '../guide/hooks/useEncryptedStorage';
import { makeUserPreferences } from '../guide/UserPreferences';

// Each part is a chunk of its own, loaded when the test asks for it.
Object.assign(globalThis, {
  parts: {
    simple: () => import('../guide/simple'),
    manual: () => import('../guide/manual'),
    images: () => import('../guide/images'),
    offline: () => import('../guide/offline'),
  },
  destroy: () => destroyVault('medical-imaging-viewer'),
  open: (secret: StorageOptions['secret'], options?: StorageOptions) =>
    createEncryptedStorage('medical-imaging-viewer', 'encrypted-data', { secret, ...options }),
  show(which: 'ours' | 'printed', times: number) {
    const UserPreferences = makeUserPreferences(which === 'ours' ? ours : printed);
    const root = createRoot(document.getElementById('root') as HTMLElement);
    const names = Array.from({ length: times }, (_, i) => `component ${i}`);
    root.render(
      <StrictMode>
        {names.map((name) => (
          <UserPreferences key={name} />
        ))}
      </StrictMode>,
    );
    Object.assign(globalThis, { unmount: () => root.unmount() });
  },
});
