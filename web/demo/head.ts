import { clamp, hash, picture } from './noise.ts';

/** The Hounsfield units that a picture shows as black to white: `level` is grey. */
export interface CTWindow {
  width: number;
  level: number;
}

// Shepp and Logan's head phantom (1974), in units of half the picture: density, half axes, centre, cosine and sine of the
// angle. Densities add up; 1 is water. The third of the half axes and of the centre's coordinates is the height, which their
// phantom has not; a slice through the middle is theirs.
const ellipsoids = [
  [2, 0.69, 0.92, 1, 0, 0, 0, 1, 0],
  [-0.98, 0.6624, 0.874, 0.965, 0, -0.0184, 0, 1, 0],
  [-0.02, 0.11, 0.31, 0.42, 0.22, 0, 0, 0.9510565, -0.309017],
  [-0.02, 0.16, 0.41, 0.5, -0.22, 0, 0, 0.9510565, 0.309017],
  [0.01, 0.21, 0.25, 0.36, 0, 0.35, 0, 1, 0],
  [0.01, 0.046, 0.046, 0.12, 0, 0.1, 0, 1, 0],
  [0.01, 0.046, 0.046, 0.16, 0, -0.1, 0, 1, 0],
  [0.01, 0.046, 0.023, 0.2, -0.08, -0.605, 0, 1, 0],
  [0.01, 0.023, 0.023, 0.22, 0, -0.606, 0, 1, 0],
  [0.01, 0.023, 0.046, 0.24, 0.06, -0.605, 0, 1, 0],
  // Above and below it: a bleeding, the fold between the hemispheres, the eyes in their sockets, air behind the nose, the
  // bones of the ears, and the cerebellum.
  [0.025, 0.11, 0.15, 0.2, 0.33, -0.2, 0.31, 0.9510565, 0.309017],
  [0.02, 0.008, 0.62, 0.34, 0, 0, 0.52, 1, 0],
  [-0.075, 0.16, 0.17, 0.2, 0.24, 0.44, -0.6, 1, 0],
  [-0.075, 0.16, 0.17, 0.2, -0.24, 0.44, -0.6, 1, 0],
  [0.06, 0.1, 0.1, 0.12, 0.24, 0.47, -0.6, 1, 0],
  [0.06, 0.1, 0.1, 0.12, -0.24, 0.47, -0.6, 1, 0],
  [-1.02, 0.05, 0.13, 0.2, 0, 0.36, -0.68, 1, 0],
  [0.55, 0.17, 0.05, 0.16, 0.31, -0.06, -0.62, 0.8660254, 0.5],
  [0.55, 0.17, 0.05, 0.16, -0.31, -0.06, -0.62, 0.8660254, -0.5],
  [0.012, 0.34, 0.22, 0.22, 0, -0.34, -0.58, 1, 0],
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
  const hounsfield = scan(size, height);
  return picture(size, (x, y) => clamp(((hounsfield[y * size + x] as number) - level) / width + 0.5));
}

/** Returns what a scanner measures at each pixel of a slice, row by row, in Hounsfield units. */
export function scan(size: number, height: number): Float64Array {
  const measured = densities(size, cut(height));
  const grain = grainOf(size, Math.floor(height * 1000) + 7);
  for (let at = 0; at < measured.length; at++) {
    const density = measured[at] as number;
    measured[at] = (density - 1) * hounsfieldPerDensity + (density > 0.2 ? ((grain[at] as number) - 0.5) * 26 : 0);
  }
  return measured;
}

interface Ellipse {
  density: number;
  a: number;
  b: number;
  x: number;
  y: number;
  cos: number;
  sin: number;
}

/** Returns the ellipses that a level plane cuts out of the ellipsoids. The skull is the first. */
function cut(height: number): Ellipse[] {
  return ellipsoids.flatMap(([density, a, b, c, x, y, z, cos, sin]) => {
    const above = (height - z) / c;
    const scale = Math.sqrt(Math.max(0, 1 - above * above));
    return scale > 0 ? [{ density, a: a * scale, b: b * scale, x, y, cos, sin }] : [];
  });
}

/** Returns the mean density of each pixel: of each line of samples, an ellipse covers those between two points. */
function densities(size: number, ellipses: Ellipse[]): Float64Array {
  const means = new Float64Array(size * size);
  const fine = size * samples;
  for (let line = 0; line < fine; line++) {
    const row = Math.floor(line / samples) * size;
    const y = 1 - ((line + 0.5) * 2) / fine;
    let [left, right] = [0, fine]; // what is outside the skull is air
    for (const ellipse of ellipses) {
      const [from, to] = crossing(ellipse, y);
      const first = Math.max(left, Math.ceil(((from + 1) * fine) / 2 - 0.5));
      const end = Math.min(right, Math.floor(((to + 1) * fine) / 2 - 0.5) + 1);
      if (ellipse === ellipses[0]) [left, right] = [first, end];
      const share = ellipse.density / (samples * samples);
      for (let at = first; at < end; at++) (means[row + ((at / samples) | 0)] as number) += share;
    }
  }
  return means;
}

/** Returns the points between which a level line is inside an ellipse; the second is not behind the first where it misses it. */
function crossing({ a, b, x, y, cos, sin }: Ellipse, at: number): [number, number] {
  // The ellipse's equation as one for the distance from its centre, along the line.
  const [s, t] = [1 / (a * a), 1 / (b * b)];
  const dy = at - y;
  const square = cos * cos * s + sin * sin * t;
  const half = dy * cos * sin * (s - t);
  const root = half * half - square * (dy * dy * (sin * sin * s + cos * cos * t) - 1);
  if (root < 0) return [2, 1];
  const width = Math.sqrt(root);
  return [x + (-half - width) / square, x + (-half + width) / square];
}

/** The grain of a reconstructed image, from 0 to 1; it is coarser than a pixel. */
function grainOf(size: number, seed: number): Float64Array {
  const wide = size + 2;
  const hashes = new Float64Array(wide * wide);
  for (let y = 0, at = 0; y < wide; y++) for (let x = 0; x < wide; x++, at++) hashes[at] = hash(x - 1, y - 1, seed);
  const hashAt = (at: number) => hashes[at] as number;
  const grain = new Float64Array(size * size);
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++, at++) {
      const middle = (y + 1) * wide + x + 1;
      const near = hashAt(middle - 1) + hashAt(middle + 1) + hashAt(middle - wide) + hashAt(middle + wide);
      grain[at] = (near + 2 * hashAt(middle)) / 6;
    }
  }
  return grain;
}
