/** The size in which a photo is shown to the model. */

export interface Size {
  height: number;
  width: number;
}

/** The size after downscaling to `longSide` pixels; smaller photos keep theirs. */
export function longestSideSize(size: Size, longSide: number | null): Size {
  const longer = Math.max(size.height, size.width);
  if (!longSide || longer <= longSide) return size;
  // Integer arithmetic, as in keras_seg_runtime.
  const half = Math.floor(longer / 2);
  const scaled = (side: number) =>
    Math.max(1, Math.floor((side * longSide + half) / longer));
  return { height: scaled(size.height), width: scaled(size.width) };
}

/** A size of at most `maxPixels` pixels with the same proportions. */
export function limitedSize(size: Size, maxPixels: number): Size {
  const { height, width } = size;
  if (height * width <= maxPixels) return size;
  const scale = Math.sqrt(maxPixels / (height * width));
  return {
    height: Math.max(1, Math.floor(height * scale)),
    width: Math.max(1, Math.floor(width * scale)),
  };
}
