// A CT series of the head phantom, as an archive would give it out. The server draws it (scripts/serve.mjs).
import { scan } from './head.ts';
import type { Series } from './series-api.ts';

const [lowest, highest] = [-0.84, 0.9];

export const series: Series = {
  id: 'ct-head',
  title: 'Head phantom, axial',
  patientId: 'DEMO-0001',
  modality: 'CT',
  slices: 60,
  rows: 512,
  columns: 512,
  spacing: { pixel: 0.45, slice: 3 },
  rescale: { slope: 1, intercept: -1024 },
};

/** Draws a slice; the first is the lowest. */
export function drawSlice(n: number): Uint16Array<ArrayBuffer> {
  const { rows, slices, rescale } = series;
  const hounsfield = scan(rows, lowest + ((n - 1) * (highest - lowest)) / (slices - 1));
  const pixels = new Uint16Array(hounsfield.length);
  for (let at = 0; at < pixels.length; at++) {
    const stored = Math.floor(((hounsfield[at] as number) - rescale.intercept) / rescale.slope + 0.5);
    pixels[at] = Math.max(0, stored); // air is less than nothing where the phantom has none at all
  }
  return pixels;
}
