import { expect, onDisk, reload, test } from '../persist/site.ts';

// redux-persist and TanStack Query.

test.skip(({ browserName }) => browserName !== 'chromium', 'nothing of it depends on the browser');

const canary = 'CANARY-4711';

test('a redux state survives a reload, and one that comes too late is kept', async ({ page, site }) => {
  await page.evaluate(async (theme) => {
    const { store, persistor } = await snippet.redux();
    await new Promise<void>((done) => {
      const look = () => persistor.getState().bootstrapped && done();
      persistor.subscribe(look);
      look();
    });
    store.dispatch({ type: 'theme', theme: 'dark' });
    store.dispatch({ type: 'theme', theme });
    await persistor.flush();
  }, canary);
  expect(await onDisk(page, 'my-application', canary)).toEqual({ records: 1, inClear: false });

  await reload(page, site);
  const told = await page.evaluate(async () => {
    const { store, persistor, vault } = await snippet.redux();
    await new Promise<void>((done) => {
      const look = () => persistor.getState().bootstrapped && done();
      persistor.subscribe(look);
      look();
    });
    const restored = store.getState().theme;
    const stored = await (await vault).getDecrypted('redux:persist:root');

    // A vault that is opened after redux-persist's timeout, and one that is locked.
    const { legacy_createStore: createStore, persistReducer, persistStore, reduxStorage } = await library.redux();
    const start = (engine: ReturnType<typeof reduxStorage>, timeout: number) => {
      let written = () => {};
      const writes = new Promise<void>((resolve) => {
        written = resolve;
      });
      const storage = {
        ...engine,
        setItem: (key: string, value: string) => {
          written();
          return engine.setItem(key, value);
        },
      };
      const failure = new Promise<unknown>((writeFailHandler) => {
        persistStore(
          createStore(persistReducer({ key: 'root', storage, timeout, writeFailHandler }, () => ({ theme: 'x' }))),
        );
      });
      return { writes, failure: () => codeOf(async () => Promise.reject(await failure)) };
    };
    let open = (_: Awaited<typeof vault>) => {};
    const opening = new Promise<Awaited<typeof vault>>((resolve) => {
      open = resolve;
    });
    const late = start(reduxStorage(opening), 1);
    await late.writes; // the timeout is over
    open(await vault);
    const codes = [await late.failure()];
    await (await vault).lock();
    const locked = reduxStorage(vault);
    codes.push(await start(locked, 0).failure());
    await (await vault).unlock(new Uint8Array(32).fill(7));
    codes.push(await codeOf(() => locked.setItem('persist:root', '{}')));
    const kept = (await (await vault).getDecrypted('redux:persist:root')) === stored;
    await persistor.purge();
    return { restored, codes, kept, purged: await (await vault).keys() };
  });
  expect(told).toEqual({
    restored: canary,
    codes: ['ERR_INVALID', 'ERR_LOCKED', 'ERR_LOCKED'],
    kept: true,
    purged: [],
  });
});

test('a query client survives a reload, and is not discarded because the vault is locked', async ({ page, site }) => {
  await page.evaluate(async (name) => {
    const { queryClient, restored, vault } = await snippet.query();
    await restored;
    for (let i = 0; i < 20; i++) queryClient.setQueryData(['patient', 1], { name, i });
    const stored = () => vault.then((v) => v.getDecrypted('tanstack-query:client'));
    while (!(await stored())?.includes('"i":19')) await new Promise((later) => setTimeout(later, 5));
  }, canary);
  expect(await onDisk(page, 'my-application', canary)).toEqual({ records: 1, inClear: false });

  await reload(page, site);
  const told = await page.evaluate(async () => {
    const { queryClient, restored, stop, vault } = await snippet.query();
    await restored;
    const data = queryClient.getQueryData(['patient', 1]);
    stop();
    const storage = await vault;
    const { QueryClient, persistQueryClientRestore, queryPersister } = await library.query();
    const persister = queryPersister<import('@tanstack/query-persist-client-core').PersistedClient>(vault);
    const restore = () => codeOf(() => persistQueryClientRestore({ queryClient: new QueryClient(), persister }));
    await storage.lock();
    const codes = [await restore()];
    await storage.unlock(new Uint8Array(32).fill(7));
    // The vault is open, but what is stored was not read.
    const client = { timestamp: 1, buster: '', clientState: { mutations: [], queries: [] } };
    codes.push(await codeOf(() => persister.persistClient(client)), await codeOf(() => persister.removeClient()));
    const there = await storage.exists('tanstack-query:client');
    codes.push(await restore(), await codeOf(() => persister.persistClient(client)));
    await storage.setEncrypted('tanstack-query:client', 'no JSON');
    codes.push(await restore());
    return { data, codes, there, discarded: await storage.keys() };
  });
  expect(told).toEqual({
    data: { name: canary, i: 19 },
    codes: ['ERR_LOCKED', 'ERR_LOCKED', 'ERR_LOCKED', 'no error', 'no error', 'ERR_INVALID'],
    there: true,
    discarded: [],
  });
});

test('queries, each in a record, and a throttled client', async ({ page }) => {
  const told = await page.evaluate(async (name) => {
    const { each, throttled, vault } = await snippet.queryEach();
    const storage = await vault;
    const { QueryClient } = await library.query();
    const until = async (there: () => Promise<boolean>) => {
      while (!(await there())) await new Promise((later) => setTimeout(later, 5));
    };
    const start = () =>
      new QueryClient({ defaultOptions: { queries: { persister: each.persisterFn, staleTime: 1e9 } } });
    let fetched = 0;
    const query = (id: number) => ({
      queryKey: ['patient', id],
      queryFn: async () => ({ name, id, fetched: ++fetched }),
    });
    const first = start();
    await Promise.all([first.fetchQuery(query(1)), first.fetchQuery(query(2))]);
    await until(async () => (await storage.keys()).length === 2);
    const second = start();
    const restored = await second.fetchQuery(query(2));
    const third = start();
    await each.restoreQueries(third); // by entries()
    const all = [third.getQueryData(['patient', 1]), third.getQueryData(['patient', 2])];
    const { classification, expiresAt } =
      (await storage.getMetadata('tanstack-query:tanstack-query-["patient",1]')) ?? {};
    await each.removeQueries({ queryKey: ['patient', 1] });

    const state = { timestamp: Date.now(), buster: '', clientState: { mutations: [], queries: [] } };
    await throttled.persistClient(state);
    const client = await throttled.restoreClient();
    await throttled.removeClient();
    return {
      restored,
      all,
      classification,
      expires: expiresAt !== null,
      client: client?.timestamp === state.timestamp,
      names: await storage.keys(),
    };
  }, canary);
  expect(told).toEqual({
    restored: { name: canary, id: 2, fetched: 2 },
    all: [
      { name: canary, id: 1, fetched: 1 },
      { name: canary, id: 2, fetched: 2 },
    ],
    classification: 'phi',
    expires: true,
    client: true,
    names: ['tanstack-query:tanstack-query-["patient",2]'],
  });
  expect(await onDisk(page, 'my-application', canary)).toEqual({ records: 1, inClear: false });
});
