import dcmjs from 'dcmjs';

const { DicomDict, DicomMetaDictionary } = dcmjs.data;

export const syntaxes = {
  implicit: '1.2.840.10008.1.2',
  explicit: '1.2.840.10008.1.2.1',
  bigEndian: '1.2.840.10008.1.2.2',
  jpegLossless: '1.2.840.10008.1.2.4.70',
} as const;

/** Pixels a side, of a slice of the CT series. */
export const side = 512;

/** What is added to Hounsfield units when they are stored. */
export const water = 1024;

const root = '1.2.826.0.1.3680043.8.498';
const ctImageStorage = '1.2.840.10008.5.1.4.1.1.2';

/** Returns a DICOM Part 10 file with the given attributes, in the given transfer syntax. */
export function dicomFile(attributes: Record<string, unknown>, syntax: string = syntaxes.explicit): Uint8Array {
  const all = {
    SOPClassUID: ctImageStorage,
    SOPInstanceUID: `${root}.1`,
    StudyInstanceUID: `${root}.2`,
    SeriesInstanceUID: `${root}.3`,
    FrameOfReferenceUID: `${root}.4`,
    Modality: 'CT',
    PatientName: 'Phantom^CT',
    PatientID: 'P12345',
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 0,
    ...attributes,
    _vrMap: { PixelData: 'OW' },
  };
  const meta = {
    FileMetaInformationVersion: new Uint8Array([0, 1]).buffer,
    MediaStorageSOPClassUID: all.SOPClassUID,
    MediaStorageSOPInstanceUID: all.SOPInstanceUID,
    TransferSyntaxUID: syntax,
    ImplementationClassUID: `${root}.9`,
  };
  const file = new DicomDict(DicomMetaDictionary.denaturalizeDataset(meta));
  file.dict = DicomMetaDictionary.denaturalizeDataset(all);
  return new Uint8Array(file.write());
}

/**
 * Returns the Hounsfield units of a slice, from 0 on: a cylinder of water in air with a rod of bone, which goes around from
 * slice to slice, and noise as a scanner has.
 */
export function hounsfield(slice: number): Int16Array {
  const units = new Int16Array(side * side);
  const angle = slice / 10;
  const [x, y] = [side / 2 + 120 * Math.cos(angle), side / 2 + 120 * Math.sin(angle)];
  let noise = slice + 1;
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      noise = (noise * 1103515245 + 12345) & 0x7fffffff;
      const inWater = (column - side / 2) ** 2 + (row - side / 2) ** 2 < 200 ** 2;
      const inBone = (column - x) ** 2 + (row - y) ** 2 < 30 ** 2;
      units[row * side + column] = (inBone ? 1000 : inWater ? 0 : -1000) + ((noise >> 16) % 24);
    }
  return units;
}

/** Returns a slice of the CT series as a file of 512 × 512 × 16 bits. */
export function ctSlice(slice: number): Uint8Array {
  const stored = Uint16Array.from(hounsfield(slice), (units) => units + water);
  return dicomFile({
    SOPInstanceUID: `${root}.1.${slice + 1}`,
    InstanceNumber: slice + 1,
    SeriesNumber: 7,
    Rows: side,
    Columns: side,
    PixelSpacing: [0.7, 0.8],
    SliceThickness: 1.5,
    SliceLocation: slice * 1.5,
    ImagePositionPatient: [-179.2, -204.8, slice * 1.5],
    ImageOrientationPatient: [1, 0, 0, 0, 1, 0],
    RescaleSlope: 1,
    RescaleIntercept: -water,
    RescaleType: 'HU',
    WindowCenter: [40, 300],
    WindowWidth: [400, 1500],
    PixelData: [stored.buffer],
  });
}
