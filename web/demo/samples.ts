import type { Context } from '../src/index.ts';
import { type CTWindow, drawHead } from './head.ts';
import { drawUltrasound } from './ultrasound.ts';

/** A picture and what is kept with it, encrypted like the picture itself. */
export interface Sample {
  id: string;
  blob: Blob;
  context: Context;
}

export const size = 512;

export const windows = {
  brain: { label: 'Brain soft tissue (80 / 40)', width: 80, level: 40 },
  subdural: { label: 'Subdural (200 / 75)', width: 200, level: 75 },
  bone: { label: 'Bone (2000 / 500)', width: 2000, level: 500 },
} as const satisfies Record<string, CTWindow & { label: string }>;

export type WindowName = keyof typeof windows;

/** The images that every new vault begins with. No person was ever scanned for them. */
export function twoSamples(): Sample[] {
  return [
    {
      id: 'ct-head',
      blob: png(drawHead(size, windows.brain)),
      context: { patientId: 'DEMO-0001', modality: 'CT', title: 'Head phantom', window: 'W 80 L 40' },
    },
    {
      id: 'us-abdomen',
      blob: png(drawUltrasound(size)),
      context: { patientId: 'DEMO-0002', modality: 'US', title: 'Abdomen, drawn' },
    },
  ];
}

/** Draws another slice of the head, as the window preset shows it. */
export function anotherSlice(name: WindowName): Sample {
  const window = windows[name];
  const height = Math.round((Math.random() * 1.2 - 0.6) * 100) / 100;
  return {
    id: crypto.randomUUID(),
    blob: png(drawHead(size, window, height)),
    context: {
      patientId: 'DEMO-0001',
      modality: 'CT',
      title: `Head phantom, z ${height.toFixed(2)}`,
      window: `W ${window.width} L ${window.level}`,
    },
  };
}

/** Takes a file of the visitor's as it is. */
export function fromFile(file: File): Sample {
  return {
    id: crypto.randomUUID(),
    blob: file,
    context: { patientId: 'DEMO-VISITOR', modality: 'OT', title: file.name },
  };
}

/** Encodes a picture. toBlob would do it when Chromium is idle, or after a second. */
function png(rgba: Uint8ClampedArray<ArrayBuffer>): Blob {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  canvas.getContext('2d')?.putImageData(new ImageData(rgba, size), 0, 0);
  const bytes = atob(canvas.toDataURL('image/png').replace(/^.*,/, ''));
  return new Blob([Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))], { type: 'image/png' });
}
