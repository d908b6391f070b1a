import { expect, openVault, test } from './test.ts';

// Without the feature, which is off by default, WebKitGTK has no streams of bytes and no readers that bring a buffer.
for (const [features, runIn, size] of [
  [[], 'main', (20 << 20) + 5],
  [[], 'worker', (5 << 20) + 5],
  [['ReadableByteStreamAPI'], 'main', (5 << 20) + 5],
] as const)
  test.describe(() => {
    test.use({ features: [...features] });

    test(`${size} bytes go in and out in parts, in ${runIn}, with the features [${features}]`, async ({
      page,
      site,
    }) => {
      await openVault(page, site, { runIn });
      const found = await page.evaluate(async (size) => {
        const whole = new Uint8Array(size);
        for (let i = 0; i < size; i++) whole[i] = i ^ (i >> 8) ^ (i >> 20);
        const isAt = (bytes: Uint8Array, at: number) => bytes.every((byte, i) => byte === whole[at + i]);
        const reader = async (key: string) => ((await storage.getDecryptedStream(key)) as ReadableStream).getReader();
        const seen: number[] = [];
        let given = 0;
        const source = new ReadableStream<Uint8Array>({
          pull(controller) {
            const from = given;
            given += 300_000;
            controller.enqueue(whole.slice(from, given));
            if (given >= size) controller.close();
          },
        });
        const onProgress = (n: number) => seen.push(n);
        await storage.setEncryptedStream('stream', source, 'phi', { a: 1 }, { onProgress });
        await storage.setEncryptedStream('blob', new Blob([whole], { type: 'image/x' }), 'phi');
        await storage.setEncryptedStream('nothing', new Blob([]));

        let at = 0;
        let isSame = true;
        const own = await reader('stream');
        for (let part = await own.read(); !part.done; part = await own.read()) {
          isSame &&= isAt(part.value, at) && part.value.length <= 1 << 20;
          at += part.value.length;
        }
        const answered = new Uint8Array(await new Response(await storage.getDecryptedStream('blob')).arrayBuffer());
        const range = (await storage.getDecryptedRange('blob', (1 << 20) - 3, (4 << 20) + 3)) ?? whole;
        const blob = await storage.getDecryptedBlob('blob');
        const nothing = await new Response(await storage.getDecryptedStream('nothing')).arrayBuffer();

        let pieces = 0;
        const broken = new ReadableStream({
          pull(controller) {
            if (pieces++ < 4) controller.enqueue(new Uint8Array(1 << 20));
            else controller.error(new TypeError('the network went away'));
          },
        });
        const failed = await storage.setEncryptedStream('stream', broken).then(String, String);
        await (await reader('stream')).cancel();
        const brought = await storage
          .getDecryptedStream('blob')
          .then(async (stream) => (await stream?.getReader({ mode: 'byob' }).read(new Uint8Array(1000)))?.value?.length)
          .catch(({ name }) => name);

        // Behind a bad chunk nothing comes.
        const chunks = await raw.entries('db', 'chunks');
        const [key, value] = chunks[Math.floor(chunks.length * 0.75)] as [ArrayBuffer, ArrayBuffer];
        await raw.put('db', 'chunks', key, value.slice(0, -1));
        const ends: string[] = [];
        for (const name of ['stream', 'blob']) {
          const damaged = await reader(name);
          let read = 0;
          const code = await codeOf(async () => {
            for (let part = await damaged.read(); !part.done; part = await damaged.read()) read += part.value.length;
          });
          ends.push(`${code} after ${read === size ? 'all' : read % (1 << 20)}`);
        }
        return {
          progress: seen.at(-1),
          stream: [at, isSame],
          answered: [answered.length, isAt(answered, 0)],
          blob: [blob?.type, blob?.size],
          range: [range.length, isAt(range, (1 << 20) - 3)],
          nothing: nothing.byteLength,
          failed,
          brought,
          ends: ends.sort(),
        };
      }, size);
      expect(found).toEqual({
        progress: size,
        stream: [size, true],
        answered: [size, true],
        blob: ['image/x', size],
        range: [(3 << 20) + 6, true],
        nothing: 0,
        failed: 'TypeError: the network went away',
        brought: features.length > 0 ? 1000 : 'TypeError',
        ends: ['ERR_INTEGRITY after 0', 'no error after all'],
      });
    });
  });
