// What runs in the page: idbvault and the floor take turns at each piece of work, and every turn is timed. A figure is a
// ratio within one round, since the machine is another one a second later.
import * as idbvault from '/dist/index.js';
import { Floor } from './floor.js';

const secret = 'correct horse battery staple';
const iterations = 600_000;
const context = { patientId: 'P12345', imageType: 'ct_scan' };
const text = 'finding 0123456789 '.repeat(11).slice(0, 200);
const MiB = 1 << 20;

/** idbvault with the floor's calls. */
class Ours {
  static async open(database) {
    const ours = new Ours();
    ours.storage = await idbvault.createEncryptedStorage(database, 'records', { secret, iterations });
    return ours;
  }
  /** Opens a second storage on the same records, which keeps decrypted values in memory. */
  async openCached(database) {
    const cache = { maxBytes: 1 << 20 };
    this.cached = await idbvault.createEncryptedStorage(`ours-${database}`, 'records', { cache });
  }
  set = (key, value, context) => this.storage.setEncrypted(key, value, 'phi', context);
  get = (key) => this.storage.getDecrypted(key);
  getBytes = (key) => this.storage.getDecryptedBytes(key);
  putSlices = () => {}; // setMany has stored them
  getSlice = (key) => this.storage.getDecryptedBytes(key);
  setMany = (entries) => this.storage.setManyEncrypted(entries.map((entry) => ({ ...entry, classification: 'phi' })));
  getMany = (keys) => this.storage.getManyDecrypted(keys);
  close = () => this.storage.close();
}

/** Has the floor read slices from IndexedDB in clear. */
async function addPlain(floor, database) {
  const request = indexedDB.open(`plain-${database}`, 1);
  request.onupgradeneeded = () => request.result.createObjectStore('slices');
  const db = await answered(request);
  floor.putSlices = (entries) => {
    const transaction = db.transaction('slices', 'readwrite');
    for (const { key, value } of entries) transaction.objectStore('slices').put(value, key);
    return new Promise((resolve) => {
      transaction.oncomplete = resolve;
    });
  };
  floor.getSlice = (key) => answered(db.transaction('slices').objectStore('slices').get(key));
}

const answered = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const openSide = {
  ours: (database) => Ours.open(`ours-${database}`),
  floor: (database) => Floor.open(`floor-${database}`, secret, iterations),
};
const sides = {};
const order = (round) => (round % 2 ? ['floor', 'ours'] : ['ours', 'floor']);

let names = 0;
const fresh = (n) => Array.from({ length: n }, () => `patient:P${names++}`);
const entriesOf = (list) => list.map((key) => ({ key, value: text, context }));
const each = async (list, work) => {
  for (const item of list) await work(item);
};
const check = (right, what) => {
  if (!right) throw new Error(`${what} did not read back`);
};
function bytesOf(size) {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i += 65_536) crypto.getRandomValues(bytes.subarray(i, Math.min(size, i + 65_536)));
  return bytes;
}

async function stored(side, n) {
  const list = fresh(n);
  await side.setMany(entriesOf(list));
  check(
    (await side.getMany(list)).every((read) => read === text),
    'a batch',
  );
  return list;
}

const values = new Map();
/** Large values keep their names, or the disk fills; what is there is written over. */
function large(size, n, work) {
  return {
    n,
    async before(side, n) {
      if (!values.has(size)) values.set(size, bytesOf(size));
      const value = values.get(size);
      const list = Array.from({ length: n }, (_, i) => `image:${size}:${i}`);
      if (!side[size]) {
        for (const key of list) await side.set(key, value, context);
        const read = await side.getBytes(list[0]);
        check(read.length === size && read.every((byte, i) => byte === value[i]), 'a large value');
        side[size] = true;
      }
      return list;
    },
    run: (side, list) => each(list, (key) => work(side, key, values.get(size))),
  };
}
const setLarge = (side, key, value) => side.set(key, value, context);
const getLarge = (side, key) => side.getBytes(key);

/** A CT series of 512 × 512 pixels of 16 bits. Its names stay the same, so that the disk does not fill. */
const slices = 60;
const sliceSize = 512 << 10;
let series;
function seriesOf(n) {
  series ??= Array.from({ length: slices }, (_, i) => ({ key: `ct:${i}`, value: bytesOf(sliceSize), context }));
  return series.slice(0, n);
}
async function slicesOf(side, n) {
  if (!side.slices) {
    await side.setMany(seriesOf(slices));
    await side.putSlices(seriesOf(slices));
    const read = await side.getSlice('ct:7');
    check(read.length === sliceSize && read.every((byte, i) => byte === series[7].value[i]), 'a slice');
    side.slices = true;
  }
  return seriesOf(n).map(({ key }) => key);
}

const canvas = new OffscreenCanvas(512, 512).getContext('2d');
/** Draws a slice as a viewer does, through a window of width 400 and level 40. */
function draw({ buffer, byteOffset }) {
  const units = new Int16Array(buffer, byteOffset, sliceSize / 2);
  const picture = new ImageData(512, 512);
  const pixels = new Uint32Array(picture.data.buffer);
  for (let i = 0; i < units.length; i++) {
    const grey = Math.max(0, Math.min(255, ((units[i] + 160) * 255) / 400));
    pixels[i] = 0xff000000 | (grey * 0x010101);
  }
  canvas.putImageData(picture, 0, 0);
}

/** The rows of the table. `run` is the timed part and gets what `before` returned; a turn is n operations. */
const rows = {
  setSingly: {
    n: 100,
    before: (_, n) => fresh(n),
    run: (side, list) => each(list, (key) => side.set(key, text, context)),
  },
  setCommitted: {
    n: 100,
    before: (_, n) => fresh(n),
    run: (side, list) => each(list, (key) => side.set(key, text, context, true)),
  },
  getSingly: { n: 100, before: stored, run: (side, list) => each(list, (key) => side.get(key)) },
  setAtOnce: {
    n: 100,
    before: (_, n) => fresh(n),
    run: (side, list) => Promise.all(list.map((key) => side.set(key, text, context))),
  },
  getAtOnce: { n: 100, before: stored, run: (side, list) => Promise.all(list.map((key) => side.get(key))) },
  setMany: { n: 500, before: (_, n) => entriesOf(fresh(n)), run: (side, entries) => side.setMany(entries) },
  getMany: { n: 500, before: stored, run: (side, list) => side.getMany(list) },
  set1MiB: large(MiB, 8, setLarge),
  get1MiB: large(MiB, 8, getLarge),
  getHot: {
    n: 100,
    async before(side, n) {
      const list = await stored(side, n);
      if (side.cached) await each(list, (key) => side.cached.getDecrypted(key));
      return list;
    },
    run: (side, list) => each(list, side.cached ? (key) => side.cached.getDecrypted(key) : (key) => side.get(key)),
  },
  set16MiB: large(16 * MiB, 2, setLarge),
  get16MiB: large(16 * MiB, 2, getLarge),
  setSeries: { n: slices, before: (_, n) => seriesOf(n), run: (side, entries) => side.setMany(entries) },
  getSlice: { n: 12, before: slicesOf, run: (side, list) => each(list, (key) => side.getSlice(key)) },
  showSlice: {
    n: 12,
    before: slicesOf,
    run: (side, list) => each(list, async (key) => draw(await side.getSlice(key))),
  },
};
const small = ['setSingly', 'getSingly', 'setAtOnce', 'getAtOnce', 'setMany', 'getMany', 'getHot'];

/** Lets what a turn left behind be done before the next one is timed. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

async function turn(name, which) {
  const { n, before, run } = rows[name];
  const prepared = await before(sides[which], n);
  await pause();
  const start = performance.now();
  await run(sides[which], prepared);
  return performance.now() - start;
}

/** Opens both vaults and runs either until the browser has compiled what is hot. */
export async function open(warmUp) {
  for (const which of order(0)) sides[which] = await openSide[which]('bench');
  await sides.ours.openCached('bench');
  await addPlain(sides.floor, 'bench');
  for (let i = 0; i < warmUp; i++) for (const which of order(i)) for (const name of small) await turn(name, which);
}

/** Runs a row and returns the milliseconds of either side, round by round. */
export async function measure(name, rounds) {
  const results = [];
  for (let round = 0; round < rounds; round++) {
    const ms = {};
    for (const which of order(round)) ms[which] = await turn(name, which);
    results.push(ms);
  }
  return results;
}

/** Makes a vault for each round, for measureOpen in a page that has none unlocked. */
export async function makeVaults(rounds) {
  for (let i = 0; i < rounds; i++) for (const which of order(i)) (await openSide[which](`open-${i}`)).close();
}

/** Opens and unlocks those vaults. The WebAssembly runs before the first is timed. */
export async function measureOpen(rounds) {
  await new idbvault.EncryptionService('only to start the engine').initialize();
  const results = [];
  for (let i = 0; i < rounds; i++) {
    const ms = {};
    for (const which of order(i)) {
      await pause();
      const start = performance.now();
      const side = await openSide[which](`open-${i}`);
      ms[which] = performance.now() - start;
      side.close();
    }
    results.push(ms);
  }
  return results;
}

/** Has components show records through the hook, from the first render of each to its value in its DOM, and reads as many with the core's own get. */
export async function measureHook(rounds) {
  const { makeShow } = await import('/react/hook.js');
  const storage = sides.ours.storage;
  const work = {
    hook: makeShow({ database: 'ours-bench', store: 'records' }),
    core: (name) => storage.getDecrypted(name),
  };
  const results = [];
  for (let round = -5; round < rounds; round++) {
    const ms = {};
    for (const which of round % 2 ? ['hook', 'core'] : ['core', 'hook']) {
      const list = fresh(50);
      await storage.setManyEncrypted(list.map((key) => ({ key, value: JSON.stringify(text) })));
      await pause();
      const start = performance.now();
      for (const name of list) await work[which](name);
      ms[which] = performance.now() - start;
    }
    if (round >= 0) results.push({ ours: ms.hook, floor: ms.core });
  }
  return results;
}

/** The longest time for which the main thread does nothing else while 64 MiB go in and out. */
export async function measureLongest(rounds) {
  const value = bytesOf(64 * MiB);
  const results = [];
  for (let round = -1; round < rounds; round++) {
    const ms = {};
    for (const which of order(round + 2)) {
      await pause();
      const watch = watchMainThread();
      await sides[which].set('volume', value, context);
      const read = await sides[which].getBytes('volume');
      ms[which] = watch();
      check(read.length === value.length && read[read.length - 1] === value[value.length - 1], 'the volume');
    }
    if (round >= 0) results.push(ms);
  }
  return results;
}

function watchMainThread() {
  const { port1, port2 } = new MessageChannel();
  let last = performance.now();
  let longest = 0;
  let watching = true;
  port1.onmessage = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (watching) port2.postMessage(0);
  };
  port2.postMessage(0);
  return () => {
    watching = false;
    return longest;
  };
}

const reading = 'reading:';

/** Fills a vault with so many records beside 20 others whose names begin alike. */
export async function fill(records) {
  const storage = await idbvault.createEncryptedStorage(`growth-${records}`, 'records', { secret, names: 'clear' });
  for (let at = 0; at < records; at += 1000) {
    const n = Math.min(1000, records - at);
    await storage.setManyEncrypted(
      Array.from({ length: n }, (_, i) => ({ key: `patient:${at + i}`, value: text, classification: 'phi' })),
    );
  }
  await storage.setManyEncrypted(Array.from({ length: 20 }, (_, i) => ({ key: reading + i, value: text })));
}

/** Milliseconds of calls on vaults of each size, round by round; the sizes take turns. */
export async function measureGrowth(sizes, rounds) {
  await new idbvault.EncryptionService('only to start the engine').initialize();
  const vaults = new Map();
  const opened = new Map();
  for (const size of sizes) {
    const start = performance.now();
    vaults.set(size, await idbvault.createEncryptedStorage(`growth-${size}`, 'records', { secret }));
    opened.set(size, performance.now() - start);
  }
  const n = 50;
  const calls = {
    get: (storage, i, size) => storage.getDecrypted(`patient:${(i * 7919) % size}`),
    exists: (storage, i, size) => storage.exists(`patient:${(i * 7919) % size}`),
    set: (storage, i, size) => storage.setEncrypted(`patient:${(i * 7919) % size}`, text, 'phi'),
    keys: (storage) => storage.keys({ prefix: reading }),
    count: (storage) => storage.count(),
  };
  const results = [];
  for (const [call, work] of Object.entries(calls))
    for (let round = -1; round < rounds; round++)
      for (const size of round % 2 ? sizes : [...sizes].reverse()) {
        const times = call === 'count' || call === 'keys' ? 5 : n;
        await pause();
        const start = performance.now();
        for (let i = 0; i < times; i++) await work(vaults.get(size), round * n + n + i, size);
        if (round >= 0) results.push({ call, size, round, ms: (performance.now() - start) / times });
      }
  for (const size of sizes) results.push({ call: 'open', size, round: 0, ms: opened.get(size) });
  return results;
}

/** Sets and gets as often as a page does in a long day. */
export async function callOften(calls) {
  const storage = sides.ours.storage;
  for (let i = 0; i < calls; i++) {
    if (i % 2) await storage.getDecrypted(`memory:${(i - 1) % 200}`);
    else await storage.setEncrypted(`memory:${i % 200}`, text, 'phi', context);
  }
}
