import {
  type ComponentPropsWithoutRef,
  createElement,
  forwardRef,
  type ReactNode,
  type Ref,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
} from 'react';
import type { EncryptedStorage } from './index.ts';
import { Cell, useCell } from './react-cell.ts';
import { useShared } from './react-shared.ts';

/** What {@link useEncryptedImage} returns. */
export interface EncryptedBitmap {
  /**
   * The decoded image, for `drawImage` in an effect; null while it loads or is locked, and when there is none. Do not close it: all
   * components on the key share it, and it is closed when the last one is gone, when the record is written, and when the vault is locked.
   */
  image: ImageBitmap | null;
  /** Whether the status is `loading`. */
  loading: boolean;
  /** Why the image could not be read or decoded, usually a VaultError; null where it was, and while the vault is locked and no more. */
  error: unknown;
  /** As of {@link useEncryptedStorage}. */
  status: 'loading' | 'ready' | 'locked' | 'error';
}

class ImageCell extends Cell<ImageBitmap, ImageBitmap> {
  protected load = (storage: EncryptedStorage): Promise<ImageBitmap | null> => storage.getImageBitmap(this.key);

  protected value(): ImageBitmap | null | undefined {
    return this.found;
  }

  // When React has rendered what comes in its place: an effect may still be about to draw it.
  protected override discard(image: ImageBitmap): void {
    queueMicrotask(() => image.close());
  }
}

/**
 * A stored image, decoded, from wherever {@link useEncryptedStorage} reads. No object URL is made, so that the browser writes none of it
 * to the disk. It is decoded anew when the record is written, in whichever tab.
 */
export function useEncryptedImage(key: string): EncryptedBitmap {
  const { value: image, ...rest } = useShared(useCell('image ', key, ImageCell));
  return { image, ...rest } as EncryptedBitmap;
}

/** The properties of {@link EncryptedImage}; others are the canvas's. */
export interface EncryptedImageProps
  extends Omit<ComponentPropsWithoutRef<'canvas'>, 'children' | 'width' | 'height' | 'role' | 'aria-label'> {
  /** The record's name. */
  name: string;
  /** What the image shows, for who does not see it. */
  alt: string;
  /** What is shown while there is no image: while it loads, while it is locked, and where there is none or it is unreadable. */
  fallback?: ReactNode;
}

/** A stored image on a canvas of its size. Its ref is the canvas. */
export const EncryptedImage = forwardRef<HTMLCanvasElement, EncryptedImageProps>(function EncryptedImage(
  { name, fallback, ...props },
  ref,
) {
  const { image } = useEncryptedImage(name);
  return image ? createElement(Drawn, { ...props, image, canvasRef: ref }) : fallback;
});

function Drawn({
  image,
  alt,
  canvasRef,
  ...props
}: Omit<EncryptedImageProps, 'name' | 'fallback'> & { image: ImageBitmap; canvasRef: Ref<HTMLCanvasElement> }) {
  const own = useRef<HTMLCanvasElement>(null);
  useImperativeHandle(canvasRef, () => own.current as HTMLCanvasElement);
  useLayoutEffect(() => {
    const canvas = own.current as HTMLCanvasElement;
    canvas.width = image.width;
    canvas.height = image.height;
    if (image.width) canvas.getContext('2d')?.drawImage(image, 0, 0); // not where it was closed
    return () => {
      canvas.width = 0; // the pixels must not outlive it
    };
  }, [image]);
  return createElement('canvas', { ...props, role: 'img', 'aria-label': alt, ref: own });
}
