import { useSettings, vault } from './settings.ts';

export async function followTheVault(): Promise<void> {
  const storage = await vault;
  storage.subscribe('zustand:settings', ({ type, remote }) => {
    if (type === 'lock')
      forget().catch(() => {}); // in memory: a locked vault takes no write
    else if (remote) useSettings.persist.rehydrate(); // another tab wrote
  });
}

const forget = async () => useSettings.setState(useSettings.getInitialState(), true);

export async function unlock(passphrase: string): Promise<void> {
  await (await vault).unlock(passphrase);
  await useSettings.persist.rehydrate(); // before anything is set
}
