/** How large an image keras_seg_runtime passes to a model without cutting it into tiles. */

// After enlargement by the model, and of logits.
const MAX_WINDOW_PIXELS = 2_000_000;
const MAX_WINDOW_LOGITS = 60_000_000;

/** The largest number of pixels of one window. */
export function maxWindowPixels(classes: number, inputScale: number): number {
  const pixels = MAX_WINDOW_PIXELS / inputScale ** 2;
  return Math.floor(Math.min(pixels, Math.max(1, MAX_WINDOW_LOGITS / classes)));
}
