import { type DicomFile, numbersOf, type StoredPixels, storedPixels, textOf } from './dicom.ts';

// What cornerstone takes of an image: the modules of its metadata, and the image as its loaders give it (IImage).

type Pixels = StoredPixels | Float32Array | Float64Array | Int32Array | Uint32Array | Uint8ClampedArray;

/** What cornerstone asks of a loader, of which this one heeds two. */
export interface LoadOptions {
  /** Whether pixels are those that the rescale slope and intercept give (Hounsfield units, for a CT); so where nothing is said. */
  preScale?: { enabled?: boolean } | undefined;
  /** The name of the typed array that pixels are wanted in, as a volume does. */
  targetBuffer?: { type?: string } | undefined;
}

/** Metadata of a frame, by the names of cornerstone's modules. */
export type Modules = Record<string, Record<string, unknown>>;

const groups = {
  measures: 'x00289110',
  position: 'x00209113',
  orientation: 'x00209116',
  transformation: 'x00289145',
  window: 'x00289132',
} as const;

/** Reads what is known of a frame beside its pixels. */
function headOf(file: DicomFile, frame: number) {
  const numbers = (group: keyof typeof groups, tag: string) => numbersOf(file, frame, groups[group], tag);
  return {
    spacing: numbers('measures', 'x00280030'),
    sliceThickness: numbers('measures', 'x00180050')?.[0],
    spacingBetweenSlices: numbers('measures', 'x00180088')?.[0],
    position: numbers('position', 'x00200032'),
    orientation: numbers('orientation', 'x00200037'),
    sliceLocation: numbers('position', 'x00201041')?.[0],
    slope: numbers('transformation', 'x00281053')?.[0] || 1, // 0 would make all pixels one
    intercept: numbers('transformation', 'x00281052')?.[0] ?? 0,
    rescaleType: textOf(file, frame, groups.transformation, 'x00281054'),
    windowCenter: numbers('window', 'x00281050'),
    windowWidth: numbers('window', 'x00281051'),
    voiLUTFunction: textOf(file, frame, groups.window, 'x00281056') ?? 'LINEAR',
    frameOfReferenceUID: file.dataSet.string('x00200052'),
  };
}

/** Returns cornerstone's modules of a frame. */
export function modulesOf(file: DicomFile, frame: number): Modules {
  const { dataSet, rows, columns, bitsAllocated, bitsStored, photometricInterpretation } = file;
  const head = headOf(file, frame);
  const { spacing, position, orientation } = head;
  return {
    imagePixelModule: {
      samplesPerPixel: 1,
      photometricInterpretation,
      rows,
      columns,
      bitsAllocated,
      bitsStored,
      highBit: bitsStored - 1,
      pixelRepresentation: file.signed ? 1 : 0,
    },
    imagePlaneModule: {
      frameOfReferenceUID: head.frameOfReferenceUID,
      rows,
      columns,
      imageOrientationPatient: orientation,
      rowCosines: orientation?.slice(0, 3),
      columnCosines: orientation?.slice(3, 6),
      imagePositionPatient: position,
      sliceThickness: head.sliceThickness,
      spacingBetweenSlices: head.spacingBetweenSlices,
      sliceLocation: head.sliceLocation,
      pixelSpacing: spacing,
      rowPixelSpacing: spacing?.[0],
      columnPixelSpacing: spacing?.[1],
    },
    generalSeriesModule: {
      modality: dataSet.string('x00080060'),
      studyInstanceUID: dataSet.string('x0020000d'),
      seriesInstanceUID: dataSet.string('x0020000e'),
      seriesNumber: dataSet.intString('x00200011'),
    },
    modalityLutModule: { rescaleSlope: head.slope, rescaleIntercept: head.intercept, rescaleType: head.rescaleType },
    voiLutModule: {
      windowCenter: head.windowCenter,
      windowWidth: head.windowWidth,
      voiLUTFunction: head.voiLUTFunction,
    },
  };
}

/** Returns a frame as the image that cornerstone's cache and viewports take. */
export function imageOf(imageId: string, file: DicomFile, frame: number, { preScale, targetBuffer }: LoadOptions) {
  const { rows, columns, bitsAllocated, bitsStored, photometricInterpretation } = file;
  const head = headOf(file, frame);
  const { slope, intercept } = head;
  const scaled = preScale?.enabled !== false;
  const stored = storedPixels(file, frame);
  const pixels = scaled ? rescale(stored, slope, intercept, targetBuffer?.type) : into(stored, targetBuffer?.type);
  const [least, most] = boundsOf(pixels);
  const [low, high] = scaled ? [least, most] : [least * slope + intercept, most * slope + intercept];
  return {
    imageId,
    rows,
    columns,
    height: rows,
    width: columns,
    minPixelValue: least,
    maxPixelValue: most,
    slope,
    intercept,
    windowCenter: head.windowCenter?.[0] ?? (low + high + 1) / 2, // all that there is, where the file does not say
    windowWidth: head.windowWidth?.[0] ?? Math.abs(high - low) + 1,
    voiLUTFunction: head.voiLUTFunction,
    getPixelData: () => pixels,
    color: false,
    rgba: false,
    numberOfComponents: 1,
    rowPixelSpacing: head.spacing?.[0],
    columnPixelSpacing: head.spacing?.[1],
    sliceThickness: head.sliceThickness,
    invert: photometricInterpretation === 'MONOCHROME1',
    photometricInterpretation,
    sizeInBytes: pixels.byteLength,
    dataType: pixels.constructor.name,
    isPreScaled: scaled,
    preScale: {
      enabled: scaled,
      scaled,
      scalingParameters: {
        rescaleSlope: slope,
        rescaleIntercept: intercept,
        modality: file.dataSet.string('x00080060'),
      },
    },
    FrameOfReferenceUID: head.frameOfReferenceUID,
    imageFrame: {
      samplesPerPixel: 1,
      photometricInterpretation,
      rows,
      columns,
      bitsAllocated,
      bitsStored,
      pixelRepresentation: file.signed ? 1 : 0,
      smallestPixelValue: least,
      largestPixelValue: most,
    },
  };
}

const arrays = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
} as const;

const arrayOf = (type: string | undefined) => arrays[type as keyof typeof arrays];

const into = (pixels: StoredPixels, type: string | undefined): Pixels =>
  type && type !== pixels.constructor.name && arrayOf(type) ? new (arrayOf(type))(pixels) : pixels;

/** Returns the values that a slope and an intercept make of stored ones, in the asked type or the least one that holds them. */
function rescale(stored: StoredPixels, slope: number, intercept: number, type: string | undefined): Pixels {
  if (slope === 1 && intercept === 0) return into(stored, type);
  const bounds = boundsOf(stored).map((value) => value * slope + intercept);
  const holds = (least: number, most: number) => bounds.every((value) => value >= least && value <= most);
  const whole = Number.isInteger(slope) && Number.isInteger(intercept);
  const least = whole && holds(-32768, 32767) ? Int16Array : whole && holds(0, 65535) ? Uint16Array : Float32Array;
  const pixels = new (arrayOf(type) ?? least)(stored.length);
  for (let i = 0; i < stored.length; i++) pixels[i] = (stored[i] as number) * slope + intercept;
  return pixels;
}

function boundsOf(pixels: Pixels): [number, number] {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i] as number; // of an iterator, it would take ten times as long
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}
