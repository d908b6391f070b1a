import { type DataSet, parseDicom, readPart10Header } from 'dicom-parser';
import { invalid, VaultError } from './errors.ts';

/** Values of pixels as the file has them. */
export type StoredPixels = Uint8Array | Int8Array | Uint16Array | Int16Array;

/** A DICOM file with an uncompressed monochrome image, of one frame or many. */
export interface DicomFile {
  dataSet: DataSet;
  rows: number;
  columns: number;
  /** 8 or 16. */
  bitsAllocated: number;
  bitsStored: number;
  signed: boolean;
  photometricInterpretation: string;
  frames: number;
  /** Where the first frame begins, in bytes. */
  start: number;
}

const implicitLittleEndian = '1.2.840.10008.1.2';
const explicitLittleEndian = '1.2.840.10008.1.2.1';

const unsupported = (message: string) => new VaultError('ERR_UNSUPPORTED', message);

const damaged = () => invalid('The DICOM file is damaged or cut off, or has no image. Store it anew.');

/**
 * Parses a DICOM Part 10 file.
 *
 * @throws VaultError `ERR_INVALID` for what is none, `ERR_UNSUPPORTED` for compressed, coloured and other images
 */
export function parseFile(bytes: Uint8Array): DicomFile {
  const dataSet = parseDataSet(bytes);
  const photometricInterpretation = dataSet.string('x00280004') ?? '';
  const bitsAllocated = dataSet.uint16('x00280100') ?? 0;
  const bitsStored = dataSet.uint16('x00280101') ?? bitsAllocated;
  const rows = dataSet.uint16('x00280010') ?? 0;
  const columns = dataSet.uint16('x00280011') ?? 0;
  const frames = dataSet.intString('x00280008') ?? 1;
  const pixels = dataSet.elements.x7fe00010;
  if (!pixels || pixels.fragments || !(rows && columns && frames > 0)) throw damaged();
  if (!/^MONOCHROME[12]$/.test(photometricInterpretation) || (dataSet.uint16('x00280002') ?? 1) !== 1)
    throw unsupported('The DICOM image is in colour. This loader shows monochrome images.');
  if ((bitsAllocated !== 8 && bitsAllocated !== 16) || bitsStored < 1 || bitsStored > bitsAllocated)
    throw unsupported('The DICOM image has pixels of another size. This loader shows those of 8 and 16 bits.');
  if ((dataSet.uint16('x00280102') ?? bitsStored - 1) !== bitsStored - 1)
    throw unsupported('The DICOM image has its values in the high bits of its pixels. Convert it before you store it.');
  if (dataSet.elements.x00283000)
    throw unsupported('The DICOM image has a table for its values (Modality LUT Sequence). Convert it to a slope.');
  if (pixels.length < (rows * columns * bitsAllocated * frames) / 8) throw damaged();
  return {
    dataSet,
    rows,
    columns,
    bitsAllocated,
    bitsStored,
    signed: dataSet.uint16('x00280103') === 1,
    photometricInterpretation,
    frames,
    start: pixels.dataOffset,
  };
}

function parseDataSet(bytes: Uint8Array): DataSet {
  let syntax: string | undefined;
  try {
    syntax = readPart10Header(bytes).string('x00020010');
  } catch {} // dicom-parser throws texts
  if (syntax === undefined)
    throw invalid('The value is no DICOM Part 10 file. Store one, or read the value otherwise.');
  if (syntax !== implicitLittleEndian && syntax !== explicitLittleEndian)
    throw unsupported(
      `The DICOM file has the transfer syntax ${syntax}. Convert it to Explicit VR Little Endian before you store it.`,
    );
  try {
    return parseDicom(bytes);
  } catch {
    throw damaged();
  }
}

/** Returns the values of a frame, from 1 on, in a buffer of their own. */
export function storedPixels(file: DicomFile, frame: number): StoredPixels {
  const { dataSet, rows, columns, bitsAllocated, bitsStored, signed, start } = file;
  const size = (rows * columns * bitsAllocated) / 8;
  const from = start + (frame - 1) * size;
  const { buffer } = new Uint8Array(dataSet.byteArray.subarray(from, from + size)); // a copy
  const pixels =
    bitsAllocated === 8
      ? new (signed ? Int8Array : Uint8Array)(buffer)
      : new (signed ? Int16Array : Uint16Array)(buffer); // little endian, as every browser is
  // Bits that are not stored may hold anything, as overlays of old.
  const unused = 32 - bitsStored;
  if (bitsStored < bitsAllocated)
    for (let i = 0; i < pixels.length; i++) {
      const high = (pixels[i] as number) << unused;
      pixels[i] = signed ? high >> unused : high >>> unused;
    }
  return pixels;
}

/**
 * Returns the numbers of an attribute of a frame: from the frame's functional group, from that which all frames share, or from
 * the image itself. Undefined where it is nowhere, or not numbers.
 */
export function numbersOf(file: DicomFile, frame: number, group: string, tag: string): number[] | undefined {
  const place = placeOf(file, frame, group, tag);
  const count = place?.numStringValues(tag) ?? 0;
  const numbers = Array.from({ length: count }, (_, i) => place?.floatString(tag, i) ?? Number.NaN);
  return count > 0 && numbers.every(Number.isFinite) ? numbers : undefined;
}

export function textOf(file: DicomFile, frame: number, group: string, tag: string): string | undefined {
  return placeOf(file, frame, group, tag)?.string(tag);
}

function placeOf({ dataSet }: DicomFile, frame: number, group: string, tag: string): DataSet | undefined {
  const perFrame = dataSet.elements.x52009230?.items?.[frame - 1]?.dataSet;
  const shared = dataSet.elements.x52009229?.items?.[0]?.dataSet;
  const places = [perFrame, shared].map((groups) => groups?.elements[group]?.items?.[0]?.dataSet);
  return [...places, dataSet].find((place) => place?.elements[tag]);
}
