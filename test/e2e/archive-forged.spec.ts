import { expect } from './app.ts';
import { test } from './archives.ts';

// Archives whose links are right and that are not what exportArchive writes: someone made them.

test('an archive that someone forged is refused, and nothing of it is a vault', async ({ page, browserName }) => {
  test.skip(browserName !== 'chromium', 'what is refused is decided in JavaScript');
  const wrong = await page.evaluate(async () => {
    type Bytes = Uint8Array<ArrayBuffer>;
    type Entry = [table: number, key: Bytes, value: Bytes];
    const storage = await idbvault.createEncryptedStorage('db', 'store', { secret, iterations: 100_000 });
    for (const key of ['a', 'b']) await storage.setEncryptedStream(key, new Blob([key]), 'public');
    const bytes = await bytesOf(await exported());
    storage.close();
    await idbvault.destroyVault('db');

    const sha256 = async (part: Bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', part));
    const join = (...parts: Uint8Array[]) => new Uint8Array(parts.flatMap((part) => [...part]));
    const lp = (part: Uint8Array) => join(new Uint8Array([0, 0, part.length >> 8, part.length]), part);
    let at = 0;
    const take = (n: number) => {
      at += n;
      return bytes.slice(at - n, at);
    };
    const takeLong = () => take(new DataView(take(4).buffer).getUint32(0));
    take(17);
    takeLong();
    takeLong();
    const head = bytes.slice(0, at);
    const entries: Entry[] = [];
    for (let [table] = take(1); table; [table] = take(1)) entries.push([table, takeLong(), takeLong()]);
    const forge = async (head: Bytes, entries: Entry[], more = 0) => {
      let link = await sha256(head);
      const parts = [head];
      for (const [table, key, value] of entries) {
        const front = join(new Uint8Array([table]), lp(key));
        link = await sha256(join(link, front, await sha256(value)));
        parts.push(front, lp(value));
      }
      return join(...parts, new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, entries.length + more]), link);
    };
    const changed = (part: Bytes, at: number) => part.map((byte, i) => (i === at ? byte ^ 1 : byte));

    const wrong: string[] = [];
    const refused = async (what: string, archive: Promise<Bytes>, want = 'ERR_INTEGRITY') => {
      const source = new Blob([await archive]);
      const code = await codeOf(() => archives.importArchive('db', source, { secret }));
      const opened = await codeOf(() => idbvault.createEncryptedStorage('db', 'store', { secret, expectVault: true }));
      if (code !== want || opened !== 'ERR_EVICTED') wrong.push(`${what}: ${code}, and then ${opened}`);
    };
    const [a, chunkA, b, chunkB] = entries as [Entry, Entry, Entry, Entry];
    if (entries.map(([table]) => table).join() !== '1,2,1,2') wrong.push('the entries are others');
    const keyring = 17 + 4 + 2 + 4;
    await refused('another vault id', forge(changed(head, keyring + 9), entries));
    await refused('another lease', forge(changed(head, keyring + 48 + 65 + 2 + 17), entries));
    await refused('another key', forge(changed(head, keyring + 48 + 65 + 2 + 30), entries));
    await refused('another version of the keyring', forge(changed(head, keyring + 8), entries), 'ERR_VERSION');
    await refused('another slot', forge(changed(head, keyring + 48 + 30), entries), 'ERR_WRONG_SECRET');
    await refused('records out of order', forge(head, [b, chunkB, a, chunkA]));
    await refused('a record twice', forge(head, [a, chunkA, a, chunkA]));
    await refused('a chunk twice', forge(head, [a, chunkA, chunkA, b, chunkB]));
    await refused('a chunk of another record', forge(head, [a, chunkB, b]));
    await refused('a chunk before its record', forge(head, [chunkA, a]));
    await refused('an unknown table', forge(head, [[3, a[1], a[2]]]));
    await refused('an entry without a key', forge(head, [[1, new Uint8Array(0), a[2]]]));
    await refused('a key that is too long', forge(head, [[1, new Uint8Array(1303), a[2]]]));
    await refused(
      'a record that is too long',
      (async () => join(head, new Uint8Array([1]), lp(a[1]), new Uint8Array([0, 2, 0, 1])))(),
    );
    await refused(
      'a chunk that is too long',
      (async () =>
        join(
          head,
          new Uint8Array([1]),
          lp(a[1]),
          lp(a[2]),
          new Uint8Array([2]),
          lp(chunkA[1]),
          new Uint8Array([64, 0, 0, 65]),
        ))(),
    );
    await refused('an entry more than there is', forge(head, entries, 1));
    await archives.importArchive('db', new Blob([await forge(head, entries)]), { secret });
    const restored = await idbvault.createEncryptedStorage('db', 'store', { secret, expectVault: true });
    if ((await restored.getDecrypted('a')) !== 'a' || (await restored.getDecrypted('b')) !== 'b')
      wrong.push('the right one');
    return wrong;
  });
  expect(wrong).toEqual([]);
});
