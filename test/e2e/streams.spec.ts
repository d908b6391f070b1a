import type { Page } from '@playwright/test';
import type { EncryptedStorage } from '../../web/src/index.ts';
import { expect, openApp, test } from './app.ts';

const secret = 'correct horse battery staple';
const MiB = 1 << 20;

declare global {
  var storage: EncryptedStorage;
  // Bytes of which no MiB is like another.
  var pattern: (from: number, to: number) => Uint8Array<ArrayBuffer>;
  // A stream of them, in pieces of that size.
  var streamOf: (size: number, piece: number, failAt?: number) => ReadableStream<Uint8Array>;
  var sha256: (bytes: Uint8Array<ArrayBuffer>) => Promise<string>;
}

async function open(page: Page, runIn: 'main' | 'worker' = 'main'): Promise<void> {
  await page.evaluate(
    async ({ secret, runIn }) => {
      globalThis.pattern = (from, to) => {
        const bytes = new Uint8Array(to - from);
        for (let i = 0; i < bytes.length; i++) bytes[i] = (from + i) ^ ((from + i) >> 8) ^ ((from + i) >> 20);
        return bytes;
      };
      globalThis.streamOf = (size, piece, failAt = Number.POSITIVE_INFINITY) => {
        let at = 0;
        return new ReadableStream({
          pull(controller) {
            if (at >= failAt) throw new TypeError('the network went away');
            const end = Math.min(at + piece, size);
            if (end > at) controller.enqueue(pattern(at, end));
            at = end;
            if (at === size) controller.close();
          },
        });
      };
      globalThis.sha256 = async (bytes) =>
        [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map((b) => b.toString(16)).join(' ');
      globalThis.storage = await idbvault.createEncryptedStorage('db', 'store', { secret, runIn });
    },
    { secret, runIn },
  );
}

test.beforeEach(async ({ page, site }) => {
  await openApp(page, site.url);
});

for (const runIn of ['main', 'worker'] as const) {
  test(`what goes in as a stream or a Blob comes out in every way, with runIn: '${runIn}'`, async ({ page }) => {
    await open(page, runIn);
    const wrong = await page.evaluate(async (MiB) => {
      const wrong: string[] = [];
      const check = (what: string, ok: boolean) => ok || wrong.push(what);
      const same = async (a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>) =>
        (await sha256(a)) === (await sha256(b));
      for (const size of [0, 1, MiB - 1, MiB, MiB + 1, 6 * MiB + 5]) {
        const want = pattern(0, size);
        for (const source of [
          streamOf(size, 100_000),
          streamOf(size, 3 * MiB + 1),
          new Blob([want], { type: 'image/x' }),
        ]) {
          const kind = source instanceof Blob ? 'Blob' : 'stream';
          const seen: number[] = [];
          await storage.setEncryptedStream('k', source, 'phi', { study: 'CT-7' }, { onProgress: (n) => seen.push(n) });
          check(
            `progress of ${kind} of ${size}: ${seen}`,
            seen.at(-1) === size && seen.every((n, i) => i === 0 || n >= (seen[i - 1] as number)),
          );
          const stream = await storage.getDecryptedStream('k');
          const streamed = new Uint8Array(await new Response(stream).arrayBuffer());
          check(`${kind} of ${size} as a stream`, await same(streamed, want));
          check(
            `${kind} of ${size} as bytes`,
            await same((await storage.getDecryptedBytes('k')) ?? pattern(0, 9), want),
          );
          const blob = await storage.getDecryptedBlob('k');
          const type = kind === 'Blob' ? 'image/x' : 'application/octet-stream';
          check(`${kind} of ${size} as a Blob of ${blob?.type}`, blob?.size === size && blob.type === type);
          const about = await storage.getMetadata('k');
          check(`metadata of ${kind} of ${size}`, about?.size === size && about.context?.study === 'CT-7');
          for (const [from, to] of [
            [0, 0],
            [0, 10],
            [MiB - 3, MiB + 3],
            [5, undefined],
            [2 * MiB, 5 * MiB],
            [size, size + 5],
          ]) {
            const range = await storage.getDecryptedRange('k', from as number, to);
            check(`${kind} of ${size}, ${from} to ${to}`, await same(range ?? pattern(0, 9), want.slice(from, to)));
          }
        }
      }
      check(
        'keys',
        (await storage.keys()).join() === 'k' && (await storage.count()) === 1 && (await storage.exists('k')),
      );
      for (const value of ['täxt', pattern(0, 2 * MiB + 9)]) {
        await storage.setEncrypted('k', value);
        const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
        const streamed = new Uint8Array(await new Response(await storage.getDecryptedStream('k')).arrayBuffer());
        check('a value that was not streamed', await same(streamed, bytes));
        check(
          'a range of it',
          await same((await storage.getDecryptedRange('k', 1, 3)) ?? pattern(0, 9), bytes.slice(1, 3)),
        );
      }
      check(
        'one that is absent',
        (await storage.getDecryptedStream('no')) === null && (await storage.getDecryptedRange('no', 0)) === null,
      );
      return wrong;
    }, MiB);
    expect(wrong).toEqual([]);
    expect((await page.evaluate(() => raw.entries('db', 'chunks'))).length).toBe(1);
  });
}

test('it is there after a reload, and in another tab, which hears of it', async ({ page, site, context }) => {
  await open(page);
  await page.evaluate(() => storage.setEncrypted('k', 'old'));
  const other = await context.newPage();
  await openApp(other, site.url);
  await open(other);
  const heard = other.evaluate(
    () => new Promise((resolve) => storage.subscribe('k', ({ type, remote }) => resolve([type, remote]))),
  );
  await page.evaluate((MiB) => storage.setEncryptedStream('k', streamOf(3 * MiB, MiB)), MiB);
  expect(await heard).toEqual(['set', true]);
  await page.reload();
  await openApp(page, site.url);
  await open(page);
  for (const tab of [page, other]) {
    const right = await tab.evaluate(async (MiB) => {
      const bytes = await storage.getDecryptedBytes('k');
      return bytes && (await sha256(bytes)) === (await sha256(pattern(0, 3 * MiB)));
    }, MiB);
    expect(right).toBe(true);
  }
  await other.evaluate(() => storage.setEncrypted('k', 'small'));
  await expect.poll(() => page.evaluate(() => raw.entries('db', 'chunks').then((all) => all.length))).toBe(0);
});

test('a source that fails, a signal, a page that ends: the old value stays, and nothing else', async ({
  page,
  site,
}) => {
  await open(page);
  const seen = await page.evaluate(async (MiB) => {
    await storage.setEncrypted('k', 'old');
    const failed = (promise: Promise<unknown>) =>
      promise.then(
        () => 'no error',
        (error: Error) => `${error.name}: ${error.message}`,
      );
    const aborted = new AbortController();
    const endless = new AbortController();
    const hung = new AbortController();
    let cancelled: unknown = 'not cancelled';
    const silent = new ReadableStream<Uint8Array>({
      cancel(reason) {
        cancelled = String(reason);
      },
    });
    const results = [
      await failed(storage.setEncryptedStream('k', streamOf(9 * MiB, MiB, 6 * MiB))),
      await failed(
        storage.setEncryptedStream(
          'k',
          streamOf(1e12, MiB),
          'phi',
          {},
          { signal: endless.signal, onProgress: () => endless.abort(new Error('enough')) },
        ),
      ),
    ];
    const hanging = failed(storage.setEncryptedStream('k', silent, 'phi', {}, { signal: hung.signal }));
    setTimeout(() => hung.abort(new Error('too slow')), 100);
    results.push(await hanging);
    aborted.abort(new Error('before'));
    results.push(await failed(storage.setEncryptedStream('k', streamOf(9, 9), 'phi', {}, { signal: aborted.signal })));
    const taken = streamOf(9, 9);
    taken.getReader();
    const codes = [
      await codeOf(() => storage.setEncryptedStream('k', taken)),
      await codeOf(() => storage.setEncryptedStream('k', 'text' as never)),
      await codeOf(() => storage.setEncryptedStream('', streamOf(9, 9))),
      await codeOf(() => storage.setEncryptedStream('k', streamOf(9, 9), 'secret' as never)),
      await codeOf(() =>
        storage.setEncryptedStream('k', new ReadableStream({ start: (c) => c.enqueue('text') }) as never),
      ),
      await codeOf(() => storage.getDecryptedRange('k', -1)),
      await codeOf(() => storage.getDecryptedRange('k', 3, 2)),
      await codeOf(() => storage.getDecryptedRange('k', 0.5)),
    ];
    return {
      results,
      cancelled,
      codes: [...new Set(codes)],
      value: await storage.getDecrypted('k'),
      left: (await raw.entries('db', 'chunks')).length,
    };
  }, MiB);
  expect(seen).toEqual({
    results: ['TypeError: the network went away', 'Error: enough', 'Error: too slow', 'Error: before'],
    cancelled: 'Error: too slow',
    codes: ['ERR_INVALID'],
    value: 'old',
    left: 0,
  });

  const under = page.evaluate((MiB) => storage.setEncryptedStream('k', streamOf(1e12, MiB)), MiB).catch(() => {});
  await expect
    .poll(() => page.evaluate(() => raw.entries('db', 'chunks').then((all) => all.length)))
    .toBeGreaterThan(3);
  await page.reload();
  await under;
  await openApp(page, site.url);
  await open(page);
  expect(await page.evaluate(() => storage.getDecrypted('k'))).toBe('old');
});

test('what was done to chunks is noticed, and what came before was good', async ({ page }) => {
  await open(page);
  const seen = await page.evaluate(async (MiB) => {
    const size = 6 * MiB + 1;
    const results: Record<string, unknown> = {};
    const entries = async () =>
      (await raw.entries('db', 'chunks')).sort(
        ([a], [b]) => new DataView(a).getUint32(a.byteLength - 4) - new DataView(b).getUint32(b.byteLength - 4),
      );
    type Entries = Awaited<ReturnType<typeof entries>>;
    const changes: Record<string, (all: Entries) => unknown> = {
      'a bit': (all) => {
        const bytes = new Uint8Array(all[2]?.[1] as ArrayBuffer);
        bytes[9] = (bytes[9] as number) ^ 1;
        return raw.put('db', 'chunks', all[2]?.[0] as ArrayBuffer, bytes.buffer);
      },
      'the last one gone': (all) => raw.remove('db', 'chunks', all[6]?.[0] as ArrayBuffer),
      'one twice': (all) => raw.put('db', 'chunks', all[4]?.[0] as ArrayBuffer, all[3]?.[1]),
      'two in the other order': async (all) => {
        await raw.put('db', 'chunks', all[1]?.[0] as ArrayBuffer, all[2]?.[1]);
        await raw.put('db', 'chunks', all[2]?.[0] as ArrayBuffer, all[1]?.[1]);
      },
      'one that was cut': (all) => raw.put('db', 'chunks', all[5]?.[0] as ArrayBuffer, all[5]?.[1].slice(0, 1000)),
    };
    for (const [name, change] of Object.entries(changes)) {
      await storage.setEncryptedStream('k', streamOf(size, MiB));
      await change(await entries());
      const released: Uint8Array<ArrayBuffer>[] = [];
      const code = await codeOf(async () => {
        for await (const chunk of (await storage.getDecryptedStream('k')) as unknown as AsyncIterable<
          Uint8Array<ArrayBuffer>
        >)
          released.push(chunk);
      });
      const bytes = new Uint8Array(await new Blob(released).arrayBuffer());
      const right = (await sha256(bytes)) === (await sha256(pattern(0, bytes.length)));
      results[name] = [code, bytes.length / MiB, right, await codeOf(() => storage.getDecryptedBytes('k'))];
    }
    return results;
  }, MiB);
  expect(seen).toEqual({
    'a bit': ['ERR_INTEGRITY', 2, true, 'ERR_INTEGRITY'],
    'the last one gone': ['ERR_INTEGRITY', 6, true, 'ERR_INTEGRITY'],
    'one twice': ['ERR_INTEGRITY', 4, true, 'ERR_INTEGRITY'],
    'two in the other order': ['ERR_INTEGRITY', 1, true, 'ERR_INTEGRITY'],
    'one that was cut': ['ERR_INTEGRITY', 5, true, 'ERR_INTEGRITY'],
  });
});

test('a stream of 512 MiB goes in and out with a few MiB in memory', async ({ page, browserName }) => {
  test.skip(browserName !== 'chromium', 'Only its protocol tells what lies in buffers.');
  test.slow();
  await open(page);
  const protocol = await page.context().newCDPSession(page);
  const used = async () => {
    const { usedSize, backingStorageSize } = (await protocol.send('Runtime.getHeapUsage')) as unknown as Record<
      string,
      number
    >;
    return (usedSize as number) + (backingStorageSize as number);
  };
  await page.evaluate((MiB) => storage.setEncryptedStream('warm', streamOf(9 * MiB, MiB)), MiB);
  await protocol.send('HeapProfiler.collectGarbage');
  const idle = await used();
  const during = async (work: Promise<unknown>) => {
    let most = 0;
    let done = false;
    const ended = work.finally(() => {
      done = true;
    });
    while (!done) {
      most = Math.max(most, await used());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await ended;
    return most - idle;
  };
  const size = 512 * MiB;
  const writing = await during(
    page.evaluate(
      ([size, MiB]) => {
        const piece = pattern(0, MiB as number);
        let left = size as number;
        const source = new ReadableStream<Uint8Array>({
          pull(controller) {
            controller.enqueue(piece);
            left -= piece.length;
            if (left === 0) controller.close();
          },
        });
        return storage.setEncryptedStream('large', source, 'phi');
      },
      [size, MiB],
    ),
  );
  const reading = await during(
    page.evaluate(async (size) => {
      // Into a buffer of its own: what another reader gets lies about until the collector comes.
      const stream = (await storage.getDecryptedStream('large')) as ReadableStream<Uint8Array>;
      const reader = stream.getReader({ mode: 'byob' });
      let seen = 0;
      let into = new Uint8Array(700_000);
      while (true) {
        const { done, value } = await reader.read(into);
        if (done) break;
        seen += value.length;
        into = new Uint8Array(value.buffer);
      }
      if (seen !== size) throw new Error(`${seen} bytes came out`);
    }, size),
  );
  console.log(`512 MiB in: ${Math.round(writing / MiB)} MiB above idle, out: ${Math.round(reading / MiB)} MiB`);
  expect(writing).toBeLessThan(64 * MiB);
  expect(reading).toBeLessThan(64 * MiB);
  await page.evaluate(() => storage.delete('large'));
});
