import type { CTWindow } from './head.ts';
import type { Series } from './series-api.ts';

/** Shows stored pixels in a window of Hounsfield units, as opaque grey. */
export function paint(pixels: Uint16Array, { rescale }: Series, { width, level }: CTWindow, onto: ImageData): void {
  // What a stored number looks like is worked out once for each, and not for each pixel.
  const greys = new Uint32Array(1 << 16);
  for (let stored = 0; stored < greys.length; stored++) {
    const hounsfield = stored * rescale.slope + rescale.intercept;
    const share = Math.min(Math.max((hounsfield - level) / width + 0.5, 0), 1);
    greys[stored] = 0xff000000 + Math.floor(share * 255 + 0.5) * 0x010101;
  }
  const rgba = new Uint32Array(onto.data.buffer);
  for (let at = 0; at < pixels.length; at++) rgba[at] = greys[pixels[at] as number] as number;
}
