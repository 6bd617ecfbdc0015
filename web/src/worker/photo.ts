/** Photos as pixels, strip by strip: that of a phone is too large for one canvas. */

import { AreaMean } from "../labels/area_mean";
import type { Size } from "../labels/longest_side";
import { PageError } from "../page_error";

const STRIP_PIXELS = 1_000_000;
const MAX_PIXELS = 100_000_000;

/** Decodes a photo and turns it by its orientation. */
export async function decode(photo: Blob, exact: boolean): Promise<ImageBitmap> {
  let bitmap: ImageBitmap;
  try {
    // Without conversion of colours the values are those of the file, as in Python.
    bitmap = await createImageBitmap(
      photo,
      exact ? { colorSpaceConversion: "none", premultiplyAlpha: "none" } : {},
    );
  } catch {
    const name = photo instanceof File && photo.name ? `“${photo.name}”` : "This file";
    throw new PageError(
      `${name} is not a picture that this browser can read. Choose a JPEG, PNG or WebP ` +
        "file; save other formats, such as HEIC, as JPEG first.",
    );
  }
  if (bitmap.width * bitmap.height > MAX_PIXELS) {
    const found = `${bitmap.width} × ${bitmap.height}`;
    bitmap.close();
    throw new PageError(
      `The picture is too large: ${found} pixels, and at most 100 million can be ` +
        "processed. Make it smaller first.",
    );
  }
  return bitmap;
}

export function sizeOf(bitmap: ImageBitmap): Size {
  return { height: bitmap.height, width: bitmap.width };
}

/** Calls a function with the first row and the RGBA pixels of each strip. */
export function eachStrip(
  bitmap: ImageBitmap,
  use: (top: number, pixels: ImageData) => void,
): void {
  const { width, height } = bitmap;
  const rows = Math.min(height, Math.max(1, Math.floor(STRIP_PIXELS / width)));
  const canvas = new OffscreenCanvas(width, rows);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new RangeError("no canvas");
  for (let top = 0; top < height; top += rows) {
    const count = Math.min(rows, height - top);
    context.fillStyle = "#fff"; // transparent pixels are shown on white
    context.fillRect(0, 0, width, count);
    context.drawImage(bitmap, 0, top, width, count, 0, 0, width, count);
    use(top, context.getImageData(0, 0, width, count));
  }
}

/** The photo in RGB at the size for the model. */
export function shrink(bitmap: ImageBitmap, target: Size): Uint8Array {
  const size = sizeOf(bitmap);
  if (size.height === target.height && size.width === target.width) {
    const image = new Uint8Array(size.height * size.width * 3);
    eachStrip(bitmap, (top, { data }) => {
      let out = top * size.width * 3;
      for (let at = 0; at < data.length; at += 4) {
        image[out++] = data[at]!;
        image[out++] = data[at + 1]!;
        image[out++] = data[at + 2]!;
      }
    });
    return image;
  }
  const mean = new AreaMean(size, target);
  eachStrip(bitmap, (_, { data }) => mean.add(data));
  return mean.finish();
}

/** A picture of the photo for the page. */
export async function picture(photo: Blob, view: Size): Promise<ImageBitmap> {
  const bitmap = await decode(photo, false);
  const canvas = new OffscreenCanvas(view.width, view.height);
  const context = canvas.getContext("2d");
  if (!context) throw new RangeError("no canvas");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, view.width, view.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, view.width, view.height);
  bitmap.close();
  return canvas.transferToImageBitmap();
}
