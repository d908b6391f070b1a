import { clamp, ease, mix, noise, picture } from './noise.ts';

/** Draws what an ultrasound probe might show of an abdomen: a gallbladder with a stone. `size` pixels square, as RGBA. */
export function drawUltrasound(size: number): Uint8ClampedArray<ArrayBuffer> {
  return picture(size, (px, py) => {
    // In units of a picture of 512. The probe is curved: beams leave it as if from one point above the picture.
    const x = ((px + 0.5) * 512) / size - 256;
    const y = ((py + 0.5) * 512) / size + 70;
    const depth = Math.sqrt(x * x + y * y);
    const beam = x / y; // the tangent of the beam's angle
    const inside = ease((depth - 100) / 3) * ease((556 - depth) / 3) * ease((0.66 - Math.abs(beam)) / 0.008);
    if (inside === 0) return 0;
    return inside * echo(x, y, depth, beam);
  });
}

function echo(x: number, y: number, depth: number, beam: number): number {
  let level = 0.34 + 0.2 * (noise(x / 46, y / 46, 1) - 0.5) + 0.1 * (noise(x / 15, y / 15, 2) - 0.5);
  // Skin and muscle: bright layers across the beams.
  const layers = ease((176 - depth) / 30);
  level = mix(level, 0.3 + 0.42 * noise(depth / 8, beam * 2.5, 3), layers);
  level += line(depth - 168 - 5 * noise(beam * 5, 0, 4), 3) * 0.34;
  // The diaphragm behind the liver.
  const fromCentre = Math.sqrt((x + 40) * (x + 40) + (y - 300) * (y - 300));
  level += line(fromCentre - 232, 5) * ease((y - 380) / 60) * 0.6;
  level *= 1 - 0.65 * ease((fromCentre - 238) / 40);
  // Two vessels: no echo, thin bright walls.
  level = hollow(level, oval(x + 118, y - 318, 34, 13, 0.35), 0.3);
  level = hollow(level, oval(x + 26, y - 452, 22, 15, -0.2), 0.25);
  // The gallbladder. Sound that crossed it comes back stronger; a stone in it stops all of it.
  const bladder = oval(x - 62, y - 318, 84, 43, 0.42);
  const behind = ease((0.43 - Math.abs(beam - 0.185)) / 0.26) * ease((depth - 340) / 40) * ease((540 - depth) / 160);
  level *= 1 + 0.55 * behind * (bladder > 1 ? 1 : 0);
  level = hollow(level, bladder, 0.42);
  const stone = oval(x - 84, y - 349, 17, 10, 0.42);
  const shadow = ease((0.052 - Math.abs(beam - 0.24)) / 0.026) * ease((depth - 362) / 12);
  level *= 1 - 0.9 * shadow;
  level = mix(level, 1.25, ease((1.12 - stone) / 0.3) * ease((362 - depth) / 14 + 0.4));
  // Speckle: the length of a random vector, as echoes that interfere have. It spreads out with depth.
  const a = noise(depth / 2.4, beam * 120, 5) - 0.5;
  const b = noise(depth / 2.4, beam * 120, 6) - 0.5;
  const speckle = 0.22 + 2.5 * Math.sqrt(a * a + b * b);
  const attenuation = mix(1.12, 0.74, ease((depth - 110) / 440));
  return clamp(level * speckle * attenuation, 0.015);
}

/** 1 on a line, 0 at `half` from it. */
const line = (distance: number, half: number): number => ease(1 - Math.abs(distance) / half);

/** The distance from an oval's centre, where 1 is its edge. `slope` tilts it. */
function oval(x: number, y: number, a: number, b: number, slope: number): number {
  const length = Math.sqrt(1 + slope * slope);
  const u = (x + y * slope) / length / a;
  const v = (y - x * slope) / length / b;
  return Math.sqrt(u * u + v * v);
}

/** Empties an oval and draws its wall. */
function hollow(level: number, distance: number, wall: number): number {
  const emptied = mix(level, 0.035, ease((1.04 - distance) / 0.12));
  return emptied + wall * line(distance - 1.06, 0.1);
}
