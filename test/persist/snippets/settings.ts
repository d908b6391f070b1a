import { createEncryptedStorage } from 'idbvault';
import { zustandStorage } from 'idbvault/persist/zustand';
import { create } from 'zustand';
import { persist } from 'zustand/middleware';

export const vault = createEncryptedStorage('my-application', 'state', { secret: () => askTheUser() });

export const useSettings = create(
  persist(() => ({ theme: 'light', size: 1 }), { name: 'settings', storage: zustandStorage(vault) }),
);
