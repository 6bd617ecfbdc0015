/** Images that are too small for the model. */

import type { Size } from "./longest_side";

// The stride of the coarsest level of the model: a shorter side would become 0 inside.
const SMALLEST_SIDE = 32;

/** Pads a small image with the values of its edge to the least size of the model. */
export function padToSmallest(image: Uint8Array, size: Size): { image: Uint8Array; size: Size } {
  const height = Math.max(size.height, SMALLEST_SIDE);
  const width = Math.max(size.width, SMALLEST_SIDE);
  if (height === size.height && width === size.width) return { image, size };
  const padded = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    const row = Math.min(y, size.height - 1) * size.width;
    for (let x = 0; x < width; x++) {
      const from = (row + Math.min(x, size.width - 1)) * 3;
      padded.set(image.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return { image: padded, size: { height, width } };
}
