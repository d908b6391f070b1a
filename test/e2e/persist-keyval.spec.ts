import { expect, onDisk, reload, secondTab, test } from '../persist/site.ts';

test.skip(({ browserName }) => browserName !== 'chromium', 'nothing of it depends on the browser');

const canary = 'CANARY-4711';

test('the calls of idb-keyval do what they do there', async ({ page, site }) => {
  const told = await page.evaluate(async (canary) => {
    const { countVisit, vault } = await snippet.keyval();
    const storage = await vault;
    const ours = await library.keyval();
    const theirs = await library.idbKeyval();
    await countVisit();
    const visits = await countVisit();
    await storage.setEncrypted('not of the store', canary);
    await ours.del('visits');

    type Calls = Pick<
      typeof theirs,
      'get' | 'set' | 'del' | 'update' | 'entries' | 'getMany' | 'setMany' | 'delMany' | 'clear' | 'keys' | 'values'
    >;
    const script = async (calls: Calls) => {
      const log: unknown[] = [];
      const keys: IDBValidKey[] = [
        'b',
        'a',
        '',
        10,
        9,
        -1.5,
        0,
        '10',
        new Date(5),
        [1, 'x'],
        [1],
        ['1'],
        [[2], new Date(1)],
        'ä',
        '\u{1F600}',
        Number.NEGATIVE_INFINITY,
      ];
      await calls.setMany(keys.map((key, i) => [key, { i }]));
      log.push(await calls.keys(), await calls.values(), await calls.entries());
      log.push(
        await calls.getMany(['a', 10, '9', [1, 'x'], new Date(5), 'absent']),
        await calls.get('absent'),
        await calls.get(10),
      );
      await calls.set(-0, 'zero');
      log.push(await calls.get(0));
      await calls.del([1]);
      await calls.del('absent');
      await calls.delMany(['b', 9, 'absent']);
      log.push(await calls.keys());
      await Promise.all([1, 2, 3].map(() => calls.update<number>('count', (n) => (n || 0) + 1)));
      await calls.update('list', (list: unknown) => [list, new Date(1), undefined]);
      await calls.update('list', (list: unknown) => [list]);
      log.push(await calls.get('count'), await calls.get('list'));
      await calls.setMany([]);
      await calls.delMany([]);
      // Not awaited, they take effect in the order in which they are made.
      calls.set('order', 1);
      calls.clear();
      calls.set('order', new Blob(['2']));
      calls.set('order', 3);
      log.push(await calls.entries(), await calls.get('order'), await calls.getMany([]));
      calls.set('cleared', new Blob(['x']));
      await calls.clear();
      log.push(await calls.keys());
      for (const bad of [{}, null, undefined, Number.NaN, new Date(Number.NaN), [{}]] as unknown as string[])
        log.push(
          await calls.set(bad, 1).then(
            () => 'kept',
            () => 'refused',
          ),
          await calls.get(bad).then(
            () => 'read',
            () => 'refused',
          ),
        );
      const thrown = new Error('of the updater');
      log.push(
        await calls
          .update('count', () => {
            throw thrown;
          })
          .catch((error: unknown) => error === thrown),
      );
      return JSON.stringify(log);
    };
    const same = [await script(ours as unknown as Calls), await script(theirs)];

    await ours.setMany([
      ['binary', Uint8Array.of(255)],
      ['ASCII', Uint8Array.of(65)],
      ['text', canary],
    ]);
    const own = ours.createStore(vault, { prefix: 'own:', classification: 'phi' });
    await ours.set('text', 'of another store', own);
    await ours.clear(own);
    const codes = [
      await codeOf(() => ours.update('binary', () => 1)),
      await codeOf(() => ours.update('ASCII', () => 1)),
      await codeOf(() => ours.get(new ArrayBuffer(1))),
      await codeOf(() => ours.get('text', {} as never)),
    ];
    await storage.lock();
    codes.push(
      await codeOf(() => ours.get('text')),
      await codeOf(() => ours.set('text', 'x')),
      await codeOf(() => ours.clear()),
    );
    return { visits, log: same, codes };
  }, canary);
  expect(told.log[0]).toBe(told.log[1]);
  expect(told.visits).toBe(2);
  expect(told.codes).toEqual([
    'ERR_INVALID',
    'ERR_INVALID',
    'ERR_INVALID',
    'ERR_INVALID',
    'ERR_LOCKED',
    'ERR_LOCKED',
    'ERR_LOCKED',
  ]);
  expect(await onDisk(page, 'my-application', canary)).toEqual({ records: 4, inClear: false });

  await reload(page, site);
  const other = await secondTab(page, site);
  const count = () => snippet.keyval().then(({ countVisit }) => Promise.all([1, 2, 3, 4, 5].map(countVisit)));
  await Promise.all([page.evaluate(count), other.evaluate(count)]);
  const after = await page.evaluate(async () => {
    const { get, keys } = await library.keyval();
    return [await get('visits'), await get('text'), await keys()];
  });
  expect(after).toEqual([10, canary, ['ASCII', 'binary', 'text', 'visits']]);
});
