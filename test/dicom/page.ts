// What a viewer would bundle: cornerstone, and the loader as it is published.
import * as cornerstone from '@cornerstonejs/core';
import { registerEncryptedImageLoader } from '../../web/src/cornerstone.ts';

declare global {
  var viewer: { cornerstone: typeof cornerstone; registerEncryptedImageLoader: typeof registerEncryptedImageLoader };
}

globalThis.viewer = { cornerstone, registerEncryptedImageLoader };
