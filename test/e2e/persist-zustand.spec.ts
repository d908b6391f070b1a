import { expect, onDisk, reload, secondTab, test } from '../persist/site.ts';

test.skip(({ browserName }) => browserName !== 'chromium', 'nothing of it depends on the browser');

const canary = 'CANARY-4711';

test('a zustand store survives a reload, and its states land in order', async ({ page, site }) => {
  const written = await page.evaluate(async (theme) => {
    const { useSettings, vault } = await snippet.zustand();
    await useSettings.persist.rehydrate();
    const sets = Array.from({ length: 50 }, (_, size) => useSettings.setState({ theme, size }));
    await Promise.all(sets);
    const { classification } = (await (await vault).getMetadata('zustand:settings')) ?? {};
    return { classification, stored: await (await vault).getJSON('zustand:settings') };
  }, canary);
  expect(written).toEqual({
    classification: 'confidential',
    stored: { state: { theme: canary, size: 49 }, version: 0 },
  });
  expect(await onDisk(page, 'my-application', canary)).toEqual({ records: 1, inClear: false });

  await reload(page, site);
  const read = await page.evaluate(async () => {
    const { useSettings, vault } = await snippet.zustand();
    const before = useSettings.getState().theme;
    await new Promise((hydrated) => useSettings.persist.onFinishHydration(hydrated));
    const { createStore, persist, zustandStorage, createJSONStorage, zustandStateStorage } = await library.zustand();
    const migrated = createStore(
      persist(() => ({ colour: '' }), {
        name: 'settings',
        version: 2,
        migrate: async (old, version) => ({ colour: `${(old as { theme: string }).theme} of ${version}` }),
        storage: zustandStorage(vault),
      }),
    );
    await new Promise((hydrated) => migrated.persist.onFinishHydration(hydrated));
    const stored = await (await vault).getJSON('zustand:settings');

    const dated = () =>
      createStore(
        persist(() => ({ at: new Date(0) }), {
          name: 'dated',
          storage: createJSONStorage(() => zustandStateStorage(vault, { prefix: 'other:', classification: 'phi' }), {
            replacer: (_, v) => v,
            reviver: (key, v) => (key === 'at' ? new Date(v as string) : v),
          }),
        }),
      );
    await dated().setState({ at: new Date(1e12) });
    const again = dated();
    await again.persist.rehydrate();
    migrated.persist.clearStorage();
    while (await (await vault).exists('zustand:settings')) await null;
    const names = await (await vault).keys();
    return {
      before,
      after: useSettings.getState(),
      stored,
      at: again.getState().at.getTime(),
      phi: await (await vault).keys({ classification: 'phi' }),
      names,
    };
  });
  expect(read).toEqual({
    before: 'light',
    after: { theme: canary, size: 49 },
    stored: { state: { colour: `${canary} of 0` }, version: 2 },
    at: 1e12,
    phi: ['other:dated'],
    names: ['other:dated'],
  });
});

test('a zustand store that did not get its state does not replace it', async ({ page }) => {
  const told = await page.evaluate(async () => {
    const { createStore, persist, zustandStorage } = await library.zustand();
    const secret = new Uint8Array(32).fill(7);
    const vault = await idbvault.createEncryptedStorage('db', 'state', { secret });
    const kept = { state: { theme: 'stored' }, version: 0 };
    await vault.setJSON('zustand:settings', kept);
    await vault.lock();
    const failures: unknown[] = [];
    const storage = zustandStorage<{ theme: string }>(vault);
    const options = {
      name: 'settings',
      storage,
      onRehydrateStorage: () => (_: unknown, error?: unknown) => {
        failures.push((error as { code?: string } | undefined)?.code);
      },
    };
    const store = createStore(persist(() => ({ theme: 'default' }), options));
    await store.persist.rehydrate();
    const set = (theme: string) => codeOf(() => store.setState({ theme }));
    const whileLocked = [await set('lost'), store.persist.hasHydrated()];
    await vault.unlock(secret);
    const notYetRead = await set('lost, too');
    const stillThere = await vault.getJSON('zustand:settings');
    await store.persist.rehydrate();
    const hydrated = [store.getState().theme, await set('new'), await vault.getJSON('zustand:settings')];

    // Set while it is read: the vault may be waiting for its passphrase.
    let open = (_: typeof vault) => {};
    const opening = new Promise<typeof vault>((resolve) => {
      open = resolve;
    });
    const early = (name: string) =>
      createStore(persist(() => ({ theme: 'default' }), { name, storage: zustandStorage(opening) }));
    const [some, none] = [early('settings'), early('fresh')];
    const sets = [some.setState({ theme: 'early' }), none.setState({ theme: 'early' })];
    open(vault);
    await Promise.all(sets);
    await Promise.all([some, none].map((s) => s.persist.hasHydrated() || new Promise(s.persist.onFinishHydration)));
    const late = [some.getState(), await vault.getJSON('zustand:settings'), await vault.getJSON('zustand:fresh')];

    // Set without it ever being read.
    const unread = (name: string) =>
      createStore(persist(() => ({ theme: 'default' }), { name, storage, skipHydration: true }));
    const again = zustandStorage<{ theme: string }>(vault);
    const skipped = [
      await codeOf(() => again.setItem('settings', kept)),
      await codeOf(() => unread('never').setState({ theme: 'first' })),
      await codeOf(() => again.removeItem('settings').then(() => again.setItem('settings', kept))),
    ];

    // Damaged: kept until the application removes it.
    await vault.setEncrypted('zustand:damaged', 'no JSON');
    const damaged = [
      await codeOf(() => again.getItem('damaged')),
      await codeOf(() => again.setItem('damaged', kept)),
      await codeOf(() => again.removeItem('damaged')),
      await codeOf(() => again.setItem('damaged', kept)),
    ];
    // Calls for one name keep their order, awaited or not.
    again.removeItem('order');
    again.setItem('order', kept);
    const inOrder = [await again.getItem('order')];
    again.setItem('order', { state: { theme: 'second' } });
    again.removeItem('order');
    inOrder.push(await again.getItem('order'));
    again.removeItem('order');
    again.setItem('order', kept);
    inOrder.push(await again.getItem('order'));

    const refused = [
      await codeOf(() => zustandStorage(vault, { classification: 'secret' as 'phi' })),
      await codeOf(() => zustandStorage({} as typeof vault)),
      await codeOf(() => zustandStorage(vault, { prefix: 1 as never })),
      await codeOf(() => again.setItem('cyclic', { state: { theme: 1n as never } })),
    ];
    return { failures, whileLocked, notYetRead, stillThere, hydrated, late, skipped, damaged, inOrder, refused };
  });
  const kept = { state: { theme: 'stored' }, version: 0 };
  expect(told).toEqual({
    failures: ['ERR_LOCKED', undefined],
    whileLocked: ['ERR_LOCKED', false],
    notYetRead: 'ERR_LOCKED',
    stillThere: kept,
    hydrated: ['stored', 'no error', { state: { theme: 'new' }, version: 0 }],
    late: [{ theme: 'new' }, { state: { theme: 'new' }, version: 0 }, { state: { theme: 'early' }, version: 0 }],
    skipped: ['ERR_INVALID', 'no error', 'no error'],
    damaged: ['ERR_INVALID', 'ERR_INVALID', 'no error', 'no error'],
    inOrder: [kept, null, kept],
    refused: ['ERR_INVALID', 'ERR_INVALID', 'ERR_INVALID', 'ERR_INVALID'],
  });
});

test('a zustand store follows another tab and a lock', async ({ page, site }) => {
  const other = await secondTab(page, site);
  for (const tab of [page, other])
    await tab.evaluate(async () => {
      await (await snippet.zustand()).useSettings.persist.rehydrate();
      await (await snippet.zustandFollow()).followTheVault();
    });
  await page.evaluate(async () => (await snippet.zustand()).useSettings.setState({ theme: 'dark' }));
  const theme = async (theme: string) => (await snippet.zustand()).useSettings.getState().theme === theme;
  await other.waitForFunction(theme, 'dark');
  await page.evaluate(async () => (await (await snippet.zustand()).vault).lock());
  for (const tab of [page, other]) await tab.waitForFunction(theme, 'light');
  const again = await other.evaluate(async () => {
    await (await snippet.zustandFollow()).unlock((await askTheUser()) as never);
    const { useSettings } = await snippet.zustand();
    await useSettings.setState({ size: 2 });
    return useSettings.getState();
  });
  expect(again).toEqual({ theme: 'dark', size: 2 });
});
