import { Kind } from './bytes.ts';
import { classNumber, DataClassification } from './classification.ts';
import { invalid } from './errors.ts';
import { nameOf } from './items.ts';
import type { Read } from './later.ts';
import type { Inside, StreamOptions } from './later-names.ts';
import { type Context, contextText } from './value.ts';

/** Bytes of a chunk (envelope.ChunkSize), and how many Go seals or opens at a time at most (vault's window). */
const chunkSize = 1 << 20;
const window = 4;

/** The next chunks of a value, and then whether they are the last. */
type Next = () => Promise<[...chunks: ArrayBuffer[], last: boolean]>;

export async function setEncryptedStream(
  [, , call, tell]: Inside,
  key: string,
  source: ReadableStream<Uint8Array> | Blob,
  classification: DataClassification = DataClassification.CONFIDENTIAL,
  context?: Context,
  { onProgress, signal, ttlMs }: StreamOptions = {},
): Promise<void> {
  const ofBlob = source instanceof Blob;
  if (!ofBlob && !(source instanceof ReadableStream)) throw invalid('The source must be a ReadableStream or a Blob.');
  if (!ofBlob && source.locked) throw invalid('The stream is locked: someone else reads it. Give one of your own.');
  const item = {
    name: nameOf(key),
    classification: classNumber(classification),
    context: contextText(context),
    ttlMs,
    kind: ofBlob ? Kind.blob : Kind.bytes,
    contentType: ofBlob ? source.type.slice(0, 256) : '',
  };
  const reader = ofBlob ? undefined : source.getReader();
  const next = ofBlob ? blobChunks(source) : streamChunks(reader as ReadableStreamDefaultReader<Uint8Array>);
  let given = 0;
  const watched: Next = async () => {
    if (given) onProgress?.(given); // Go asks for more when it has stored what it was given
    signal?.throwIfAborted();
    const chunks = await unless(signal, next());
    given += chunks.reduce<number>((sum, chunk) => sum + (typeof chunk === 'boolean' ? 0 : chunk.byteLength), 0);
    return chunks;
  };
  try {
    signal?.throwIfAborted();
    await call('setStream', [item], [watched]);
  } catch (error) {
    reader?.cancel(error).catch(() => {}); // whoever makes the bytes need not go on
    throw error;
  }
  onProgress?.(given);
  tell('set', [item]);
}

/** Waits for a promise, or until the signal is aborted, and then fails with its reason. */
function unless<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    signal.addEventListener('abort', aborted);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** Reads a Blob a few chunks at a time, and the next ones while Go stores those. */
function blobChunks(blob: Blob): Next {
  let at = 0;
  const read = () => {
    const parts: Promise<ArrayBuffer>[] = [];
    do {
      parts.push(blob.slice(at, at + chunkSize).arrayBuffer());
      at += chunkSize;
    } while (at < blob.size && parts.length < window);
    const chunks = Promise.all(parts);
    chunks.catch(() => {}); // it is reported when it is waited for
    return { chunks, last: at >= blob.size };
  };
  let ahead: ReturnType<typeof read> | undefined;
  return async () => {
    const { chunks, last } = ahead ?? read();
    try {
      const ready = await chunks;
      ahead = last ? undefined : read();
      return [...ready, last];
    } catch {
      throw invalid('The Blob is unreadable: its file was changed or moved. Choose it again.');
    }
  };
}

/** Cuts what a stream gives into chunks. Whether a chunk is the last is known when the stream has ended or given more. */
function streamChunks(reader: ReadableStreamDefaultReader<Uint8Array>): Next {
  let filling = new Uint8Array(chunkSize);
  let filled = 0;
  let rest = new Uint8Array(0);
  return async () => {
    const chunks: ArrayBuffer[] = [];
    while (true) {
      if (rest.length === 0) {
        const { done, value } = await reader.read();
        if (done) return [...chunks, filling.buffer.slice(0, filled), true];
        if (!ArrayBuffer.isView(value)) throw invalid('The stream must give bytes, as Uint8Arrays.');
        rest = new Uint8Array(value.buffer, value.byteOffset, value.byteLength) as Uint8Array<ArrayBuffer>;
        continue;
      }
      if (filled === chunkSize) {
        chunks.push(filling.buffer);
        filling = new Uint8Array(chunkSize);
        filled = 0;
        if (chunks.length === window) return [...chunks, false];
      }
      const part = rest.subarray(0, chunkSize - filled);
      filling.set(part, filled);
      filled += part.length;
      rest = rest.subarray(part.length);
    }
  };
}

/** Lets go of a buffer's memory at once, where the browser can, and not when the collector comes. */
function discard(buffer: ArrayBuffer & { transfer?(size: number): void }): void {
  if (buffer.byteLength > 0) buffer.transfer?.(0); // none is left where it went elsewhere
}

/** How a value is read in parts: its bytes, where it is one, or what asks for its chunks. */
interface Parts {
  whole: Uint8Array<ArrayBuffer> | undefined;
  size: number;
  /** Opens n chunks from number first on. */
  chunks(first: number, n: number): Promise<Uint8Array<ArrayBuffer>[]>;
}

async function partsOf([, , call]: Inside, key: string): Promise<Parts | null> {
  const name = nameOf(key);
  const [value, size, header] = (await call('stream', [{ name }])) as [Read | null, number?, ArrayBuffer?];
  if (!value) return null;
  return {
    whole: header ? undefined : value.bytes,
    size: size ?? value.bytes.length,
    async chunks(first, n) {
      const opened = (await call('chunks', [{ name }], [header?.slice(0)], first, n)) as Read[];
      return opened.map(({ bytes }) => bytes);
    },
  };
}

export async function getDecryptedStream(
  inside: Inside,
  key: string,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | null> {
  const parts = await partsOf(inside, key);
  if (!parts) return null;
  const { whole, size } = parts;
  let at = 0;
  let rest = whole ?? new Uint8Array(0);
  // Those behind a bad chunk are not asked for together with it: all good ones before it come out.
  const more = async () => {
    if (rest.length > 0 || whole) return;
    discard(rest.buffer);
    [rest = rest] = await parts.chunks(at / chunkSize, 1);
  };
  const taken = (n: number) => {
    at += n;
    const part = rest.subarray(0, n);
    rest = rest.subarray(n);
    return part;
  };
  const source: UnderlyingByteSource = {
    type: 'bytes',
    async pull(controller) {
      await more(); // of an empty value, too: it has a chunk, whose tag says that it is empty
      const { byobRequest } = controller;
      const into = byobRequest?.view;
      if (into && at < size) {
        const n = Math.min(into.byteLength, rest.length);
        new Uint8Array(into.buffer, into.byteOffset, n).set(taken(n));
        byobRequest?.respond(n);
      } else if (at < size) {
        const part = taken(Math.min(chunkSize, rest.length));
        controller.enqueue(part.length === part.buffer.byteLength ? part : part.slice()); // it takes the buffer
      }
      if (at < size) return;
      controller.close();
      if (into) controller.byobRequest?.respond(0);
    },
  };
  try {
    return new ReadableStream(source) as ReadableStream<Uint8Array<ArrayBuffer>>;
  } catch {
    // A browser without streams of bytes, as WebKitGTK is. No reader can bring a buffer there.
    const plain = { pull: source.pull } as UnderlyingDefaultSource<Uint8Array<ArrayBuffer>>;
    return new ReadableStream(plain, { highWaterMark: 0 });
  }
}

export async function getDecryptedRange(
  inside: Inside,
  key: string,
  start: number,
  end?: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const fits = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!fits(start) || (end !== undefined && (!fits(end) || end < start)))
    throw invalid('A range must be two whole numbers, the first of them not behind the second.');
  const parts = await partsOf(inside, key);
  if (!parts) return null;
  const { whole, size } = parts;
  const to = Math.min(end ?? size, size);
  if (whole) return whole.slice(start, to);
  if (to - start > 2 ** 30) throw invalid('A range must not be larger than 1 GiB. Read it with getDecryptedStream.');
  const bytes = new Uint8Array(Math.max(0, to - start));
  const last = Math.ceil(to / chunkSize);
  for (let i = Math.floor(start / chunkSize); i < last && start < to; i += window) {
    const chunks = await parts.chunks(i, Math.min(window, last - i));
    for (const [k, chunk] of chunks.entries()) {
      const from = (i + k) * chunkSize;
      bytes.set(chunk.subarray(Math.max(0, start - from), to - from), Math.max(0, from - start));
    }
  }
  return bytes;
}
