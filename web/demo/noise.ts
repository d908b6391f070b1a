// The drawings use whole numbers, + - * / and square roots only: these give the same bits in every browser, so that a
// test can hold a stored picture against a new drawing pixel by pixel.

/** Returns a number from 0 to 1 that depends on a point of a lattice, and on nothing else. */
export function hash(x: number, y: number, seed: number): number {
  let h = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 0xffffffff;
}

/** Returns the hash between the points of the lattice. */
export function noise(x: number, y: number, seed: number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const u = ease(x - left);
  const v = ease(y - top);
  const above = mix(hash(left, top, seed), hash(left + 1, top, seed), u);
  const below = mix(hash(left, top + 1, seed), hash(left + 1, top + 1, seed), u);
  return mix(above, below, v);
}

export const mix = (a: number, b: number, share: number): number => a + (b - a) * share;

/** Returns x, or what of `least` to 1 is next to it. */
export const clamp = (x: number, least = 0): number => Math.min(Math.max(x, least), 1);

/** Rises smoothly from 0 to 1 while x does; flat outside. */
export function ease(x: number): number {
  const t = clamp(x);
  return t * t * (3 - 2 * t);
}

/** Returns an opaque grey picture as RGBA. `grey` gives 0 (black) to 1 for a pixel. */
export function picture(size: number, grey: (x: number, y: number) => number): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray(size * size * 4);
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++, at += 4) {
      const value = Math.floor(grey(x, y) * 255 + 0.5); // the array's own rounding and clamping do the rest
      rgba[at] = rgba[at + 1] = rgba[at + 2] = value;
      rgba[at + 3] = 255;
    }
  }
  return rgba;
}
