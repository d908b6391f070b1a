import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import type { EncryptedImageOptions } from '../../web/src/cornerstone.ts';
import type { EncryptedStorage } from '../../web/src/index.ts';
import { buildViewer } from '../dicom/build.ts';
import { ctSlice, dicomFile, hounsfield, side, syntaxes, water } from '../dicom/phantom.ts';
import { test as base, expect, type Site, serveSite } from './app.ts';

// Cornerstone itself, bundled as a viewer would, with a CT series that dcmjs wrote.

declare global {
  var study: {
    storage: EncryptedStorage;
    register: (options?: EncryptedImageOptions) => void;
    load: (image: string, options?: object) => Promise<Image>;
    /** Loads past cornerstone's cache, which reports an image that fails as an error that nobody caught. */
    loadOnly: (image: string) => Promise<Image>;
    fetchFile: (key: string) => Promise<Response>;
  };
}

type Image = Awaited<ReturnType<typeof viewer.cornerstone.imageLoader.loadImage>>;

const slices = (browser: string) => (browser === 'chromium' ? 60 : 4);

/** Files that are not of the series, by what is odd about them. */
const others = () => {
  const bytes = (...values: number[]) => Uint8Array.from(values).buffer;
  const words = (...values: number[]) => Uint16Array.from(values).buffer;
  const small = { Rows: 2, Columns: 2 };
  const eight = { ...small, BitsAllocated: 8, BitsStored: 8, HighBit: 7 };
  const rescaled = (intercept: number, center: number) => ({
    PixelValueTransformationSequence: [{ RescaleSlope: 2, RescaleIntercept: intercept, RescaleType: 'HU' }],
    FrameVOILUTSequence: [{ WindowCenter: center, WindowWidth: 80 }],
    PlanePositionSequence: [{ ImagePositionPatient: [0, 0, intercept] }],
  });
  const signed16 = dicomFile({ ...small, PixelRepresentation: 1, PixelData: [words(0, 1, 0x7fff, 0x8000)] });
  return {
    implicit: dicomFile({ ...small, PixelData: [words(1, 2, 3, 65535)] }, syntaxes.implicit),
    unsigned8: dicomFile({ ...eight, PhotometricInterpretation: 'MONOCHROME1', PixelData: [bytes(0, 1, 128, 255)] }),
    signed8: dicomFile({ ...eight, PixelRepresentation: 1, PixelData: [bytes(0, 1, 127, 128)] }),
    signed16,
    // Four bits of an overlay above the twelve that are stored.
    twelve: dicomFile({ ...small, BitsStored: 12, HighBit: 11, PixelData: [words(0xf000, 0x1001, 0xf7ff, 0xf800)] }),
    signed12: dicomFile({
      ...small,
      BitsStored: 12,
      HighBit: 11,
      PixelRepresentation: 1,
      PixelData: [words(0xf000, 0x1001, 0x07ff, 0x0800)],
    }),
    fraction: dicomFile({ ...small, RescaleSlope: 0.5, RescaleIntercept: -1, PixelData: [words(0, 1, 2, 3)] }),
    frames: dicomFile({ ...small, NumberOfFrames: 3, PixelData: [words(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)] }),
    enhanced: dicomFile({
      ...small,
      NumberOfFrames: 2,
      SharedFunctionalGroupsSequence: [
        {
          PixelMeasuresSequence: [{ PixelSpacing: [0.25, 0.5], SliceThickness: 2 }],
          PlaneOrientationSequence: [{ ImageOrientationPatient: [1, 0, 0, 0, 0, -1] }],
        },
      ],
      PerFrameFunctionalGroupsSequence: [rescaled(-10, 20), rescaled(-100, 30)],
      PixelData: [words(1, 2, 3, 4, 5, 6, 7, 8)],
    }),
    bigEndian: dicomFile({ ...small, PixelData: [words(1, 2, 3, 4)] }, syntaxes.bigEndian),
    compressed: dicomFile({ ...small, PixelData: [words(1, 2, 3, 4)] }, syntaxes.jpegLossless),
    colour: dicomFile({
      ...eight,
      SamplesPerPixel: 3,
      PhotometricInterpretation: 'RGB',
      PixelData: [new Uint8Array(12).buffer],
    }),
    wide: dicomFile({ ...small, BitsAllocated: 32, BitsStored: 32, HighBit: 31, PixelData: [new ArrayBuffer(16)] }),
    highBits: dicomFile({ ...small, BitsStored: 12, HighBit: 15, PixelData: [words(1, 2, 3, 4)] }),
    table: dicomFile({ ...small, ModalityLUTSequence: [{ ModalityLUTType: 'HU' }], PixelData: [words(1, 2, 3, 4)] }),
    noPixels: dicomFile(small),
    tooFew: dicomFile({ ...small, NumberOfFrames: 2, PixelData: [words(1, 2, 3, 4)] }),
    cut: signed16.subarray(0, signed16.length - 3),
    cutHead: signed16.subarray(0, 150),
    text: new TextEncoder().encode('no DICOM file '.repeat(20)),
    short: new Uint8Array(3),
    none: new Uint8Array(0),
  };
};

const test = base.extend<{ page: Page }, { site: Site }>({
  site: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern
    async ({}, use, { project }) => {
      const outDir = path.resolve('build', `dicom-${project.name}`);
      fs.mkdirSync(`${outDir}/files`, { recursive: true });
      await buildViewer(outDir, '/some/folder/index.js');
      for (let i = 0; i < slices(project.name); i++) fs.writeFileSync(`${outDir}/files/ct-${i}`, ctSlice(i));
      for (const [name, file] of Object.entries(others())) fs.writeFileSync(`${outDir}/files/${name}`, file);
      const site = await serveSite({ '/some/folder/': 'web/dist', '/viewer/': outDir, '/dicom/': `${outDir}/files` });
      await use(site);
      await site.close();
    },
    { scope: 'worker' },
  ],
  page: async ({ page }, use) => {
    await page.evaluate(async () => {
      await import(`${location.origin}/viewer/page.js`);
      viewer.cornerstone.init();
      const storage = await idbvault.createEncryptedStorage('db', 'studies', { secret: 'correct horse battery' });
      globalThis.study = {
        storage,
        register: (options) => viewer.registerEncryptedImageLoader(viewer.cornerstone, storage, options),
        load: (image, options) =>
          viewer.cornerstone.imageLoader.loadAndCacheImage(`idbvault:${image}`, options as undefined),
        loadOnly: (image) =>
          viewer.cornerstone.imageLoader.loadImage(`idbvault:${image}`, {
            priority: 0,
            requestType: 'prefetch',
            ignoreCache: true,
          }),
        fetchFile: (key) => fetch(`/dicom/${key}`),
      };
    });
    await use(page);
  },
});

/** Stores files under their names, in one transaction. */
const store = (page: Page, names: string[]) =>
  page.evaluate(async (names) => {
    const files = await Promise.all(names.map(async (key) => (await study.fetchFile(key)).arrayBuffer()));
    await study.storage.setManyEncrypted(
      names.map((key, i) => ({ key, value: files[i] as ArrayBuffer, classification: 'phi' as const })),
    );
  }, names);

const hash = (pixels: ArrayBufferView) =>
  createHash('sha256')
    .update(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength))
    .digest('hex');

test('a series is stored at once, and each slice comes back bit for bit, offline', async ({ page, browserName }) => {
  const names = Array.from({ length: slices(browserName) }, (_, i) => `ct-${i}`);
  await store(page, names);
  await page.context().setOffline(true);
  const seen = await page.evaluate(async (names) => {
    const { load, register } = study;
    register();
    const digest = async (image: Image) => {
      const hash = await crypto.subtle.digest('SHA-256', image.getPixelData() as Uint8Array<ArrayBuffer>);
      return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    };
    const images = await Promise.all(names.map((name) => load(name)));
    const first = await load('ct-0', { preScale: { enabled: false }, ignoreCache: true });
    const volume = await load('ct-0', { targetBuffer: { type: 'Float32Array' }, ignoreCache: true });
    const { minPixelValue, maxPixelValue, slope, intercept, windowCenter, windowWidth } = images[0] as Image;
    const { rows, columns, rowPixelSpacing, columnPixelSpacing, sizeInBytes, dataType, invert } = images[0] as Image;
    const again = images[0] === (await load('ct-0'));
    const modules = [
      'imagePixelModule',
      'imagePlaneModule',
      'generalSeriesModule',
      'modalityLutModule',
      'voiLutModule',
    ];
    return {
      digests: await Promise.all(images.map(digest)),
      stored: [await digest(first), first.dataType, first.preScale?.scaled],
      volume: volume.dataType,
      image: { minPixelValue, maxPixelValue, slope, intercept, windowCenter, windowWidth, dataType, invert },
      size: { rows, columns, rowPixelSpacing, columnPixelSpacing, sizeInBytes, again },
      scaled: images[0]?.preScale?.scaled,
      metadata: modules.map((type) => viewer.cornerstone.metaData.get(type, 'idbvault:ct-2')),
      unknown: viewer.cornerstone.metaData.get('imagePixelModule', 'idbvault:never loaded') ?? null,
    };
  }, names);
  const units = names.map((_, i) => hounsfield(i));
  expect(seen.digests).toEqual(units.map(hash));
  expect(new Set(seen.digests).size).toBe(names.length);
  const stored = Uint16Array.from(units[0] as Int16Array, (value) => value + water);
  expect(seen.stored).toEqual([hash(stored), 'Uint16Array', false]);
  expect(seen.volume).toBe('Float32Array');
  const values = [...(units[0] as Int16Array)];
  expect(seen.image).toEqual({
    minPixelValue: values.reduce((a, b) => Math.min(a, b)),
    maxPixelValue: values.reduce((a, b) => Math.max(a, b)),
    slope: 1,
    intercept: -water,
    windowCenter: 40,
    windowWidth: 400,
    dataType: 'Int16Array',
    invert: false,
  });
  expect(seen.size).toEqual({
    rows: side,
    columns: side,
    rowPixelSpacing: 0.7,
    columnPixelSpacing: 0.8,
    sizeInBytes: side * side * 2,
    again: true,
  });
  expect(seen.scaled).toBe(true);
  expect(seen.metadata).toMatchObject([
    {
      samplesPerPixel: 1,
      photometricInterpretation: 'MONOCHROME2',
      rows: side,
      columns: side,
      bitsAllocated: 16,
      bitsStored: 16,
      highBit: 15,
      pixelRepresentation: 0,
    },
    {
      imagePositionPatient: [-179.2, -204.8, 3],
      imageOrientationPatient: [1, 0, 0, 0, 1, 0],
      rowCosines: [1, 0, 0],
      columnCosines: [0, 1, 0],
      pixelSpacing: [0.7, 0.8],
      rowPixelSpacing: 0.7,
      columnPixelSpacing: 0.8,
      sliceThickness: 1.5,
      sliceLocation: 3,
      frameOfReferenceUID: '1.2.826.0.1.3680043.8.498.4',
    },
    { modality: 'CT', seriesInstanceUID: '1.2.826.0.1.3680043.8.498.3', seriesNumber: 7 },
    { rescaleSlope: 1, rescaleIntercept: -water, rescaleType: 'HU' },
    { windowCenter: [40, 300], windowWidth: [400, 1500], voiLUTFunction: 'LINEAR' },
  ]);
  expect(seen.unknown).toBe(null);
});

test('pixels of 8, 12 and 16 bits, with and without sign; frames, and what each frame says of itself', async ({
  page,
}) => {
  const names = [
    'implicit',
    'unsigned8',
    'signed8',
    'signed16',
    'twelve',
    'signed12',
    'fraction',
    'frames',
    'enhanced',
  ];
  await store(page, names);
  const seen = await page.evaluate(async () => {
    const { load, register, storage } = study;
    register();
    const bytes = await storage.getDecryptedBytes('signed8');
    await storage.setEncrypted('a Blob: #1', new Blob([bytes as Uint8Array<ArrayBuffer>]), 'phi');
    const pixels = async (image: string, options?: object) => {
      const { dataType, getPixelData } = await load(image, options);
      return [dataType, ...getPixelData()];
    };
    const { invert, windowCenter, windowWidth } = await load('unsigned8');
    const second = await load('enhanced#frame=2');
    const about = (type: string, image: string) => viewer.cornerstone.metaData.get(type, `idbvault:${image}`);
    await load('enhanced#frame=1');
    return {
      implicit: await pixels('implicit'),
      unsigned8: [invert, windowCenter, windowWidth, ...(await pixels('unsigned8'))],
      signed8: await pixels('signed8'),
      blob: await pixels('a Blob: #1'),
      signed16: await pixels('signed16'),
      twelve: await pixels('twelve'),
      signed12: await pixels('signed12'),
      fraction: await pixels('fraction'),
      frames: [await pixels('frames'), await pixels('frames#frame=1'), await pixels('frames#frame=3')],
      enhanced: [await pixels('enhanced'), await pixels('enhanced#frame=2')],
      window: [second.windowCenter, second.windowWidth, second.rowPixelSpacing, second.columnPixelSpacing],
      positions: ['enhanced#frame=1', 'enhanced#frame=2'].map(
        (image) => about('imagePlaneModule', image).imagePositionPatient,
      ),
      plane: about('imagePlaneModule', 'enhanced#frame=2').columnCosines,
      intercepts: ['enhanced#frame=1', 'enhanced#frame=2'].map(
        (image) => about('modalityLutModule', image).rescaleIntercept,
      ),
    };
  });
  expect(seen).toEqual({
    implicit: ['Uint16Array', 1, 2, 3, 65535],
    unsigned8: [true, 128, 256, 'Uint8Array', 0, 1, 128, 255],
    signed8: ['Int8Array', 0, 1, 127, -128],
    blob: ['Int8Array', 0, 1, 127, -128],
    signed16: ['Int16Array', 0, 1, 32767, -32768],
    twelve: ['Uint16Array', 0, 1, 2047, 2048],
    signed12: ['Int16Array', 0, 1, 2047, -2048],
    fraction: ['Float32Array', -1, -0.5, 0, 0.5],
    frames: [
      ['Uint16Array', 1, 2, 3, 4],
      ['Uint16Array', 1, 2, 3, 4],
      ['Uint16Array', 9, 10, 11, 12],
    ],
    enhanced: [
      ['Int16Array', -8, -6, -4, -2],
      ['Int16Array', -90, -88, -86, -84],
    ],
    window: [30, 80, 0.25, 0.5],
    positions: [
      [0, 0, -10],
      [0, 0, -100],
    ],
    plane: [0, 0, -1],
    intercepts: [-10, -100],
  });
});

test('what is no image that it shows is refused with a reason', async ({ page }) => {
  const unsupported = ['bigEndian', 'compressed', 'colour', 'wide', 'highBits', 'table'];
  const refused = ['noPixels', 'tooFew', 'cut', 'cutHead', 'text', 'short', 'none'];
  await store(page, [...unsupported, ...refused, 'frames']);
  const codes = await page.evaluate(
    async (names) => {
      const { loadOnly, register, storage } = study;
      register();
      await storage.setEncrypted('a string', 'no DICOM file', 'phi');
      const codes: Record<string, string> = {};
      for (const name of [...names, 'a string', 'absent', '', 'frames#frame=0', 'frames#frame=4', 'x'.repeat(1025)])
        codes[name.slice(0, 20)] = await codeOf(() => loadOnly(name));
      return codes;
    },
    [...unsupported, ...refused],
  );
  const of = (names: string[], code: string) => Object.fromEntries(names.map((name) => [name.slice(0, 20), code]));
  expect(codes).toEqual({
    ...of(unsupported, 'ERR_UNSUPPORTED'),
    ...of([...refused, 'a string', 'absent', '', 'frames#frame=0', 'frames#frame=4', 'x'.repeat(20)], 'ERR_INVALID'),
  });
});

test('what a call is given must fit', async ({ page }) => {
  const codes = await page.evaluate(async () => {
    const { registerEncryptedImageLoader, cornerstone } = viewer;
    const { storage, fetchFile } = study;
    const attempts: (() => void)[] = [
      () => registerEncryptedImageLoader({} as typeof cornerstone, storage),
      () => registerEncryptedImageLoader(cornerstone, {} as typeof storage),
      () => study.register({ strategy: 'cache-first' }),
      () => study.register({ strategy: 'network-first' }),
      () => study.register({ strategy: 'toString' as 'cache-only', fetch: fetchFile }),
      () => study.register({ fetch: 'https://example.org/' as unknown as typeof fetchFile }),
      () => study.register({ Fetch: fetchFile } as object),
    ];
    return Promise.all(attempts.map((attempt) => codeOf(attempt)));
  });
  expect(new Set(codes)).toEqual(new Set(['ERR_INVALID']));
});

test('each strategy takes an image from where it says, and keeps it', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const { register, storage, fetchFile, loadOnly } = study;
    const fetched: string[] = [];
    let reach: (key: string) => Promise<Blob | ArrayBuffer | Response> = fetchFile;
    const fetch = (key: string) => {
      fetched.push(key);
      return reach(key);
    };
    /** Loads an image and returns its last pixel, or why there is none, and what was fetched. */
    const look = async (image: string) => {
      let pixel: number | undefined;
      const code = await codeOf(async () => {
        pixel = (await loadOnly(image)).getPixelData()[3];
      });
      return [pixel ?? code, fetched.splice(0).join()];
    };
    const offline = async () => {
      throw new TypeError('Failed to fetch');
    };
    const result: Record<string, unknown> = {};

    register({ fetch, context: { study: 'CT-7' } }); // cache first
    result.together = await Promise.all(['frames', 'frames#frame=2', 'frames#frame=3'].map(look));
    result.kept = await look('frames');
    const about = await storage.getMetadata('frames');
    result.metadata = [about?.classification, about?.context];
    reach = offline;
    result.offline = [await look('frames'), await look('implicit')];
    reach = async (key) => (await fetchFile(key)).blob();
    result.blob = await look('implicit');
    reach = async (key) => (await fetchFile(key)).arrayBuffer();
    result.buffer = await look('signed16');
    reach = async () => new Response('not found', { status: 404 });
    result.notFound = [await look('no-such-file'), await storage.exists('no-such-file')];
    reach = fetchFile;
    result.noImage = [await look('text'), await storage.exists('text')];
    reach = async () => 'no file' as unknown as Blob;
    result.noFile = await look('another');

    register({ fetch, strategy: 'network-first', classification: 'internal' });
    await storage.setEncrypted('signed8', 'an old value');
    reach = fetchFile;
    result.fresh = [await look('signed8'), (await storage.getMetadata('signed8'))?.classification];
    reach = offline;
    result.fallback = [await look('signed8'), await look('twelve')];
    reach = async () => new Response('no', { status: 503 });
    result.failing = await look('signed8');
    reach = async () => new Response('<p>Sign in to this network');
    result.portal = await look('signed8');

    register({ fetch, strategy: 'cache-only' });
    reach = fetchFile;
    result.cacheOnly = [await look('signed8'), await look('fraction')];
    return result;
  });
  expect(seen).toEqual({
    together: [
      [4, 'frames'],
      [8, ''],
      [12, ''],
    ],
    kept: [4, ''],
    metadata: ['phi', { study: 'CT-7' }],
    offline: [
      [4, ''],
      ['ERR_LOAD', 'implicit'],
    ],
    blob: [65535, 'implicit'],
    buffer: [-32768, 'signed16'],
    notFound: [['ERR_LOAD', 'no-such-file'], false],
    noImage: [['ERR_INVALID', 'text'], false],
    noFile: ['ERR_LOAD', 'another'],
    fresh: [[-128, 'signed8'], 'internal'],
    fallback: [
      [-128, 'signed8'],
      ['ERR_LOAD', 'twelve'],
    ],
    failing: [-128, 'signed8'],
    portal: [-128, 'signed8'],
    cacheOnly: [
      [-128, ''],
      ['ERR_INVALID', ''],
    ],
  });
});

test('what was changed on the disk is not fetched anew, and a full disk keeps no image from being shown', async ({
  page,
}) => {
  const seen = await page.evaluate(async () => {
    const { register, storage, fetchFile, loadOnly } = study;
    register({ fetch: fetchFile });
    await loadOnly('frames');
    const record = (await raw.entries('db', 'records')).at(-1) as [ArrayBuffer, ArrayBuffer];
    const bytes = new Uint8Array(record[1].slice(0));
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    await raw.put('db', 'records', record[0], bytes.buffer);
    const changed = await codeOf(() => loadOnly('frames#frame=2'));
    const { add, put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = IDBObjectStore.prototype.add = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    const shown = (await loadOnly('signed16')).getPixelData()[3];
    Object.assign(IDBObjectStore.prototype, { add, put });
    return { changed, shown, kept: await storage.exists('signed16') };
  });
  expect(seen).toEqual({ changed: 'ERR_INTEGRITY', shown: -32768, kept: false });
});

test('a load can be cancelled, alone', async ({ page }) => {
  await store(page, ['frames']);
  const seen = await page.evaluate(async () => {
    study.register();
    const { cache, imageLoader } = viewer.cornerstone;
    const outcome = (promise: Promise<Image>) =>
      promise.then(
        () => 'loaded',
        (error: Error) => error.name,
      );
    const first = outcome(study.load('frames'));
    const second = outcome(study.load('frames#frame=2'));
    imageLoader.cancelLoadImage('idbvault:frames');
    return [await first, await second, cache.getImage('idbvault:frames') ?? null];
  });
  expect(seen).toEqual(['AbortError', 'loaded', null]);
});

test('a lock takes the images out of cornerstone’s cache, and so does another storage in its place', async ({
  page,
}) => {
  await store(page, ['frames', 'signed16']);
  const seen = await page.evaluate(async () => {
    const { register, load, loadOnly, storage, fetchFile } = study;
    const { cache, imageLoader, metaData, registerEncryptedImageLoader } = { ...viewer.cornerstone, ...viewer };
    const has = (id: string) => [!!cache.getImage(id), !!metaData.get('imagePixelModule', id)];
    imageLoader.createAndCacheLocalImage('another:1', {
      scalarData: new Uint8Array(4),
      dimensions: [2, 2],
      spacing: [1, 1],
    });
    register();
    await load('frames');
    const before = has('idbvault:frames');
    const late = codeOf(() => loadOnly('signed16'));
    await storage.lock();
    const locked = [
      has('idbvault:frames'),
      await late,
      await codeOf(() => loadOnly('frames')),
      !!cache.getImage('another:1'),
    ];
    await storage.unlock('correct horse battery');
    await load('frames');
    const unlocked = has('idbvault:frames');
    register({ fetch: fetchFile });
    storage.subscribe('implicit', ({ type }) => {
      if (type === 'set') void storage.lock(); // between the write and the image
    });
    const midst = [await codeOf(() => loadOnly('implicit')), has('idbvault:implicit')];
    await storage.unlock('correct horse battery');
    await load('frames');
    const empty = await idbvault.createEncryptedStorage('db', 'another store');
    registerEncryptedImageLoader(viewer.cornerstone, empty);
    return {
      before,
      locked,
      unlocked,
      midst,
      replaced: [has('idbvault:frames'), await codeOf(() => loadOnly('frames'))],
    };
  });
  expect(seen).toEqual({
    before: [true, true],
    locked: [[false, false], 'ERR_LOCKED', 'ERR_LOCKED', true],
    unlocked: [true, true],
    midst: ['ERR_LOCKED', [false, false]],
    replaced: [[false, false], 'ERR_INVALID'],
  });
});

test('a viewport shows a slice', async ({ page }) => {
  await store(page, ['ct-0']);
  const drawn = await page.evaluate(async () => {
    study.register();
    const { Enums, RenderingEngine, getShouldUseCPURendering } = viewer.cornerstone;
    const element = document.createElement('div');
    element.style.width = element.style.height = '200px';
    document.body.append(element);
    const engine = new RenderingEngine('engine');
    engine.enableElement({ viewportId: 'ct', type: Enums.ViewportType.STACK, element });
    const viewport = engine.getViewport('ct') as InstanceType<typeof viewer.cornerstone.StackViewport>;
    const rendered = new Promise((resolve) => element.addEventListener(Enums.Events.IMAGE_RENDERED, resolve));
    await viewport.setStack(['idbvault:ct-0']);
    viewport.render();
    await rendered;
    const { width, height } = viewport.canvas;
    const copy = new OffscreenCanvas(width, height).getContext('2d');
    copy?.drawImage(viewport.canvas, 0, 0);
    const at = (x: number, y: number) => copy?.getImageData(x * width, y * height, 1, 1).data[0];
    // Air around the cylinder, water in its middle, bone to its right, by the window of the file: 40 and 400.
    return { cpu: getShouldUseCPURendering(), air: at(0.05, 0.05), water: at(0.5, 0.5), bone: at(0.73, 0.5) };
  });
  test.info().annotations.push({ type: 'rendering', description: drawn.cpu ? 'CPU' : 'WebGL' });
  expect(drawn.air).toBe(0);
  expect(drawn.water).toBeGreaterThan(80);
  expect(drawn.water).toBeLessThan(150);
  expect(drawn.bone).toBe(255);
});
