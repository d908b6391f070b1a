import { expect, test } from '../persist/site.ts';

// What idb-keyval itself gives back, from a plain IndexedDB beside the vault, says what is right.

test('values come back as IndexedDB gives them back, or are refused', async ({ page }) => {
  const told = await page.evaluate(async () => {
    const vault = await idbvault.createEncryptedStorage('db', 'values', { secret: new Uint8Array(32).fill(7) });
    const ours = await library.keyval();
    const theirs = await library.idbKeyval();
    const store = ours.createStore(vault);

    /** Says all of a value: types, contents, and which objects are the same. */
    const said = async (v: unknown, seen = new Map<unknown, number>()): Promise<unknown> => {
      if (typeof v !== 'object' || v === null)
        return typeof v === 'string' ? ['string', JSON.stringify(v)] : [typeof v, Object.is(v, -0) ? '-0' : String(v)];
      const known = seen.get(v);
      if (known !== undefined) return ['same as', known];
      seen.set(v, seen.size);
      const type = Object.prototype.toString.call(v);
      const each = async (list: Iterable<unknown>) => {
        const all: unknown[] = [];
        for (const one of list) all.push(await said(one, seen));
        return all;
      };
      if (v instanceof Date) return [type, v.getTime()];
      if (v instanceof RegExp) return [type, String(v)];
      if (v instanceof Map || v instanceof Set) return [type, await each([...v].flat())];
      if (v instanceof Error) return [type, v.constructor.name, v.name, v.message, v.stack, await said(v.cause, seen)];
      if (v instanceof Blob) return [type, v.type, (v as File).name, (v as File).lastModified, await v.text()];
      if (v instanceof ArrayBuffer) return [type, [...new Uint8Array(v)]];
      if (ArrayBuffer.isView(v)) return [type, [...new Uint8Array(v.buffer, v.byteOffset, v.byteLength)]];
      return [
        type,
        Array.isArray(v) && v.length,
        Object.getPrototypeOf(v) === null,
        await each(Object.entries(v).flat()),
      ];
    };

    const shared = { shared: true };
    const cycle: Record<string, unknown> = { shared, again: shared };
    cycle.self = cycle;
    const looped = new Map<unknown, unknown>([[shared, cycle]]);
    looped.set('self', looped);
    const bytes = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 255, 0, 0, 128, 1, 2, 3, 4]);
    const views = [
      Int8Array,
      Uint8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
      BigInt64Array,
      BigUint64Array,
    ];
    let deep: unknown = 'the end';
    for (let i = 0; i < 20_000; i++) deep = [deep];
    const beside: unknown[] & { name?: string } = [1, 2];
    beside.name = 'beside';
    const holes = new Array(5);
    holes[3] = 'three';
    const bare = Object.assign(Object.create(null), { a: 1 });
    const blob = new Blob(['<b>', Uint8Array.of(9)], { type: 'text/html' });
    const values: unknown[] = [
      undefined, null, true, false, 0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 70,
      0n, -(2n ** 200n), '', 'text', '\u0000\ud800 lone', '[[1]]', [], {}, [[]], [[[]]], [undefined, null, [undefined]], [['Date', 1]], [['number', '1']],
      { '': 0, 1: 'one', a: { b: [{ c: undefined }] } }, JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2}'),
      new Date(1e12), new Date(Number.NaN), /a\/b[c]/giu, new Map<unknown, unknown>([[1, 'a'], [{ k: 1 }, new Map([[Number.NaN, -0]])]]), new Set([1, 'a', new Set([[]])]),
      cycle, looped, [shared, shared], holes, beside, bare, bytes.buffer, new ArrayBuffer(0), bytes.subarray(3, 9), new DataView(bytes.buffer, 2, 4),
      ...views.map((View) => new View(bytes.buffer)), new Uint8Array(0), { bytes, list: [bytes, bytes.buffer] },
      blob, new File([blob], 'näme.html', { type: 'text/html', lastModified: 1e12 }), { deep: [blob, blob, { bytes, blob }] }, new Blob([]),
      new Error('message'), new RangeError('range', { cause: new TypeError('cause', { cause: 1 }) }), [new SyntaxError()],
    ]; // biome-ignore format: a list
    const differ: unknown[] = [];
    for (const [i, value] of values.entries()) {
      await ours.set(i, value, store);
      await theirs.set(i, value);
      const [a, b] = [await ours.get(i, store), await theirs.get(i)].map((v) => said(v));
      const [got, want] = [JSON.stringify(await a), JSON.stringify(await b)];
      if (got !== want) differ.push({ i, got, want });
    }
    // Deeper than IndexedDB goes.
    await ours.set('deep', deep, store);
    let depth = 0;
    for (let v = await ours.get('deep', store); Array.isArray(v); v = v[0]) depth++;

    class Patient {
      name = 'Ada';
    }
    class OwnError extends Error {}
    const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']);
    const gone = new Uint8Array(8);
    structuredClone(gone, { transfer: [gone.buffer] });
    const refused: Record<string, unknown> = {
      function: () => {},
      method: { nested: [{ f() {} }] },
      symbol: Symbol('s'),
      instance: new Patient(),
      'nested instance': new Map([['p', new Patient()]]),
      promise: Promise.resolve(),
      weakMap: new WeakMap(),
      node: document.body,
      window,
      key,
      number: Object(1),
      error: new OwnError('x'),
      'error with a member': Object.assign(new Error('x'), { code: 1 }),
      aggregate: new AggregateError([new Error('x')]),
      detached: gone,
      rect: new DOMRect(),
    };
    await ours.set('kept', 'kept', store);
    const codes: Record<string, string> = {};
    for (const [name, value] of Object.entries(refused))
      codes[name] = await codeOf(() => ours.set('kept', value, store));
    codes.many = await codeOf(() =>
      ours.setMany(
        [
          ['kept', 'new'],
          ['bad', () => {}],
        ],
        store,
      ),
    );
    const kept = await ours.get('kept', store);

    await vault.setEncrypted('keyval:sforeign', 'plain text');
    await vault.setEncrypted('keyval:scut', Uint8Array.of(1, 0, 0, 0, 2, 91, 49, 44));
    await vault.setEncrypted('keyval:snewer', '[2,"value"]');
    const short = new TextEncoder().encode('\x01\0\0\0\x1d[1,[0],[["ArrayBuffer",0,9]]]8 bytes.');
    await vault.setEncrypted('keyval:sshort', short);
    const foreign = await Promise.all(
      ['foreign', 'cut', 'newer', 'short'].map((name) => codeOf(() => ours.get(name, store))),
    );
    return {
      differ,
      count: values.length,
      depth,
      codes: [...new Set(Object.values(codes))],
      refused: Object.keys(codes).length,
      kept,
      foreign,
    };
  });
  expect(told).toEqual({
    differ: [],
    count: 61,
    depth: 20_000,
    codes: ['ERR_INVALID'],
    refused: 17,
    kept: 'kept',
    foreign: ['ERR_INVALID', 'ERR_INVALID', 'ERR_INVALID', 'ERR_INVALID'],
  });
});
