/**
 * Labels and confidence from the logits of the model's head.
 *
 * Logits have about a quarter of the resolution of the photo. They are upsampled
 * bilinearly before the argmax, as `segment` of keras_seg_runtime does.
 */

import { BilinearAxis } from "./bilinear_axis";
import type { Size } from "./longest_side";

const { fround, min, max, exp } = Math;

// exp of a lower difference adds less to a sum than confidence is shown with.
const LEAST_EXPONENT = -18;

export interface HeadLogits {
  values: Float32Array; // (height, width, classes)
  height: number;
  width: number;
  classes: number;
  /** Size of the image that the model was given, with padding at its end. */
  padded: Size;
  /** Size of the image without padding. */
  shown: Size;
  /** Ids of the classes that the model knows, ascending. */
  learned: number[];
}

export interface Labels {
  ids: Uint8Array; // (height, width)
  /** Probability of the most probable class, where it was computed. */
  confidence: Float32Array;
}

/** The axes from the logits to a picture of any size. */
export function axesTo(logits: HeadLogits, size: Size): [BilinearAxis, BilinearAxis] {
  const { padded, shown } = logits;
  const axis = (count: number, side: "height" | "width") => {
    const window = BilinearAxis.ofWindow(count, padded[side]).start(shown[side]);
    if (shown[side] === size[side]) return window;
    return window.then(BilinearAxis.between(shown[side], size[side]));
  };
  return [axis(logits.height, "height"), axis(logits.width, "width")];
}

/** Labels and confidence of each pixel of a picture of the given size. */
export function labelsWithConfidence(logits: HeadLogits, size: Size): Labels {
  const labels = {
    ids: new Uint8Array(size.height * size.width),
    confidence: new Float32Array(size.height * size.width),
  };
  const [rows, columns] = axesTo(logits, size);
  const pixels = new GroupPixels(logits, rows, columns);
  for (const [top, bottom] of rows.groups()) {
    for (const [left, right] of columns.groups()) {
      pixels.write(top, bottom, left, right, labels.ids, labels.confidence);
    }
  }
  return labels;
}

/**
 * Labels of each pixel, in which uncertain ones are void.
 *
 * A class that is the argmax at all corners of a group of pixels, with at least
 * `threshold` of the probability, is that of all pixels between them: only the others
 * are computed one by one. So a photo of 50 million pixels takes seconds.
 */
export function labelsAt(
  logits: HeadLogits,
  size: Size,
  threshold: number,
  voidId: number,
): Uint8Array {
  const ids = new Uint8Array(size.height * size.width);
  const [rows, columns] = axesTo(logits, size);
  const pixels = new GroupPixels(logits, rows, columns);
  const atCells = labelsOfCells(logits);
  const columnGroups = columns.groups();
  const largest = max(...columnGroups.map(([left, right]) => right - left));
  const tallest = max(...rows.groups().map(([top, bottom]) => bottom - top));
  const confidence = new Float32Array(largest * tallest);
  for (const [top, bottom] of rows.groups()) {
    for (const [left, right] of columnGroups) {
      let id = -1;
      let same = true;
      for (let i = 0; i < rows.taps && same; i++) {
        for (let j = 0; j < columns.taps && same; j++) {
          const cell = rows.cell(top, i) * logits.width + columns.cell(left, j);
          const here = atCells.ids[cell]!;
          if (id === -1) id = here;
          same = here === id && atCells.confidence[cell]! >= threshold;
        }
      }
      if (same) {
        for (let y = top; y < bottom; y++) {
          ids.fill(id, y * size.width + left, y * size.width + right);
        }
        continue;
      }
      pixels.write(top, bottom, left, right, ids, confidence, true);
      let at = 0;
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++, at++) {
          if (confidence[at]! < threshold) ids[y * size.width + x] = voidId;
        }
      }
    }
  }
  return ids;
}

/** The argmax at each cell of the logits themselves. */
function labelsOfCells(logits: HeadLogits): Labels {
  const rows = BilinearAxis.identity(logits.height);
  const columns = BilinearAxis.identity(logits.width);
  const count = logits.height * logits.width;
  const labels = { ids: new Uint8Array(count), confidence: new Float32Array(count) };
  const pixels = new GroupPixels(logits, rows, columns);
  for (let y = 0; y < logits.height; y++) {
    for (let x = 0; x < logits.width; x++) {
      pixels.write(y, y + 1, x, x + 1, labels.ids, labels.confidence);
    }
  }
  return labels;
}

/** Computes pixels that are means of the same cells. */
class GroupPixels {
  private mixed = new Float32Array(0); // (taps of rows, columns of pixels)
  private upsampled = new Float32Array(0); // (classes, pixels)

  constructor(
    private readonly logits: HeadLogits,
    private readonly rows: BilinearAxis,
    private readonly columns: BilinearAxis,
  ) {}

  /**
   * Writes the pixels of rows `[top, bottom)` and columns `[left, right)`.
   *
   * @param local Whether `confidence` holds only these pixels, row by row.
   */
  write(
    top: number,
    bottom: number,
    left: number,
    right: number,
    ids: Uint8Array,
    confidence: Float32Array,
    local = false,
  ): void {
    const { logits, rows, columns } = this;
    const { learned } = logits;
    const height = bottom - top;
    const width = right - left;
    const count = height * width;
    if (this.upsampled.length < count * learned.length) {
      this.upsampled = new Float32Array(count * learned.length);
    }
    if (this.mixed.length < width * rows.taps) {
      this.mixed = new Float32Array(width * rows.taps);
    }
    const { upsampled, mixed } = this;

    for (let index = 0; index < learned.length; index++) {
      const id = learned[index]!;
      for (let tap = 0; tap < rows.taps; tap++) {
        const line = rows.cell(top, tap) * logits.width;
        const at = (j: number) =>
          logits.values[(line + columns.cell(left, j)) * logits.classes + id]!;
        mix(columns, left, right, at, mixed, tap * width);
      }
      const out = index * count;
      for (let x = 0; x < width; x++) {
        for (let y = 0; y < height; y++) {
          upsampled[out + y * width + x] = mean(
            rows,
            top + y,
            (tap) => mixed[tap * width + x]!,
          );
        }
      }
    }

    const total = this.columns.length;
    for (let pixel = 0; pixel < count; pixel++) {
      let best = 0;
      let largest = -Infinity;
      for (let index = 0; index < learned.length; index++) {
        const value = upsampled[index * count + pixel]!;
        if (value > largest) {
          largest = value;
          best = index;
        }
      }
      let sum = 0;
      for (let index = 0; index < learned.length; index++) {
        const difference = upsampled[index * count + pixel]! - largest;
        if (difference > LEAST_EXPONENT) sum += exp(difference);
      }
      const y = top + Math.floor(pixel / width);
      const place = y * total + left + (pixel % width);
      ids[place] = learned[best]!;
      confidence[local ? pixel : place] = min(1, 1 / sum);
    }
  }
}

/** The means along the columns, for one row of cells. */
function mix(
  axis: BilinearAxis,
  begin: number,
  end: number,
  at: (tap: number) => number,
  out: Float32Array,
  offset: number,
): void {
  for (let i = begin; i < end; i++) out[offset + i - begin] = mean(axis, i, at);
}

/** The mean of the cells of a pixel, rounded at each step as in keras_seg_runtime. */
function mean(axis: BilinearAxis, i: number, at: (tap: number) => number): number {
  const { taps, weights } = axis;
  if (taps === 1) return at(0);
  if (taps === 2) {
    const a = at(0);
    return fround(a + fround(fround(at(1) - a) * weights[2 * i + 1]!));
  }
  let sum = fround(at(0) * weights[i * taps]!);
  for (let tap = 1; tap < taps; tap++) {
    sum = fround(sum + fround(at(tap) * weights[i * taps + tap]!));
  }
  return sum;
}
