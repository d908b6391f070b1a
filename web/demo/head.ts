import { clamp, hash, picture } from './noise.ts';

/** The Hounsfield units that a picture shows as black to white: `level` is grey. */
export interface CTWindow {
  width: number;
  level: number;
}

// Shepp and Logan's head phantom (1974), in units of half the picture: density, half axes, centre, cosine and sine of
// the angle. Densities add up; 1 is water.
const ellipses = [
  [2, 0.69, 0.92, 0, 0, 1, 0],
  [-0.98, 0.6624, 0.874, 0, -0.0184, 1, 0],
  [-0.02, 0.11, 0.31, 0.22, 0, 0.9510565, -0.309017],
  [-0.02, 0.16, 0.41, -0.22, 0, 0.9510565, 0.309017],
  [0.01, 0.21, 0.25, 0, 0.35, 1, 0],
  [0.01, 0.046, 0.046, 0, 0.1, 1, 0],
  [0.01, 0.046, 0.046, 0, -0.1, 1, 0],
  [0.01, 0.046, 0.023, -0.08, -0.605, 1, 0],
  [0.01, 0.023, 0.023, 0, -0.606, 1, 0],
  [0.01, 0.023, 0.046, 0.06, -0.605, 1, 0],
] as const;

// The phantom's brain has 20 Hounsfield units, a living one 30 to 40.
const hounsfieldPerDensity = 1800;

const samples = 2; // squared, a pixel: edges as a scanner of that resolution shows them

/**
 * Draws a slice of a head as a CT scanner would show it, `size` pixels square, as RGBA.
 *
 * @param height of the slice, from -1 (chin) to 1 (crown); 0 is Shepp and Logan's own
 */
export function drawHead(size: number, { width, level }: CTWindow, height = 0): Uint8ClampedArray<ArrayBuffer> {
  const scale = Math.sqrt(1 - height * height);
  const seed = Math.floor(height * 1000) + 7;
  return picture(size, (px, py) => {
    let density = 0;
    for (let i = 0; i < samples * samples; i++) {
      const x = ((px + ((i % samples) + 0.5) / samples) * 2) / size - 1;
      const y = 1 - ((py + (Math.floor(i / samples) + 0.5) / samples) * 2) / size;
      density += densityAt(x / scale, y / scale);
    }
    const mean = density / (samples * samples);
    const grain = mean > 0.2 ? (grainAt(px, py, seed) - 0.5) * 26 : 0;
    const hounsfield = (mean - 1) * hounsfieldPerDensity + grain;
    return clamp((hounsfield - level) / width + 0.5);
  });
}

function densityAt(x: number, y: number): number {
  let density = 0;
  for (const [add, a, b, cx, cy, cos, sin] of ellipses) {
    const u = ((x - cx) * cos + (y - cy) * sin) / a;
    const v = ((y - cy) * cos - (x - cx) * sin) / b;
    if (u * u + v * v <= 1) density += add;
    else if (density === 0) return 0; // outside the skull, which comes first
  }
  return density;
}

/** The grain of a reconstructed image is coarser than a pixel. */
function grainAt(x: number, y: number, seed: number): number {
  const near = hash(x - 1, y, seed) + hash(x + 1, y, seed) + hash(x, y - 1, seed) + hash(x, y + 1, seed);
  return (near + 2 * hash(x, y, seed)) / 6;
}
