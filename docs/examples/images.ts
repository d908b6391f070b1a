import type { EncryptedStorage } from 'idbvault';

/** Draws a stored image: a Blob, bytes, or a data URL. False where there is none. */
export async function draw(storage: EncryptedStorage, key: string, canvas: HTMLCanvasElement) {
  const bitmap = await storage.getImageBitmap(key, { resizeWidth: canvas.width, resizeHeight: canvas.height });
  if (!bitmap) return false;
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
  bitmap.close(); // or its pixels stay in memory
  return true;
}
