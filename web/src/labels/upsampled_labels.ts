/**
 * Labels and confidence from the logits of the model's head.
 *
 * Logits have about a quarter of the resolution of the photo. They are upsampled
 * bilinearly before the argmax, as `segment` of keras_seg_runtime does.
 */

import { BilinearAxis } from "./bilinear_axis";
import type { Size } from "./longest_side";

const { fround, exp } = Math;

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
  const [rows, columns] = axesTo(logits, size);
  return everyPixel(logits, rows, columns);
}

function everyPixel(logits: HeadLogits, rows: BilinearAxis, columns: BilinearAxis): Labels {
  const count = rows.length * columns.length;
  const labels = { ids: new Uint8Array(count), confidence: new Float32Array(count) };
  const pixels = new PixelRows(logits, rows, columns);
  for (let y = 0; y < rows.length; y++) {
    const at = y * columns.length;
    pixels.write(y, 0, columns.length, labels.ids, at, labels.confidence, at);
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
  const pixels = new PixelRows(logits, rows, columns);
  const cells = everyPixel(
    logits,
    BilinearAxis.identity(logits.height),
    BilinearAxis.identity(logits.width),
  );
  const limit = fround(threshold);
  const columnGroups = columns.groups();
  const confidence = new Float32Array(size.width);
  for (const [top, bottom] of rows.groups()) {
    for (const [left, right] of columnGroups) {
      const id = commonLabel(cells, logits.width, rows, top, columns, left, limit);
      for (let y = top; y < bottom; y++) {
        const line = y * size.width;
        if (id !== null) {
          ids.fill(id, line + left, line + right);
          continue;
        }
        pixels.write(y, left, right, ids, line + left, confidence, 0);
        for (let x = left; x < right; x++) {
          if (confidence[x - left]! < limit) ids[line + x] = voidId;
        }
      }
    }
  }
  return ids;
}

/** The class at all cells that a pixel is the mean of, if it is certain at all. */
function commonLabel(
  cells: Labels,
  width: number,
  rows: BilinearAxis,
  y: number,
  columns: BilinearAxis,
  x: number,
  threshold: number,
): number | null {
  const id = cells.ids[rows.cell(y, 0) * width + columns.cell(x, 0)]!;
  for (let i = 0; i < rows.taps; i++) {
    const line = rows.cell(y, i) * width;
    for (let j = 0; j < columns.taps; j++) {
      const at = line + columns.cell(x, j);
      if (cells.ids[at] !== id || cells.confidence[at]! < threshold) return null;
    }
  }
  return id;
}

/**
 * Computes pixels row by row. Rows of cells are upsampled along the columns first, once
 * for all rows of pixels that need them. Values are rounded to single precision at each
 * step and in the order of keras_seg_runtime.
 */
class PixelRows {
  private readonly wide = new Map<number, Float32Array>(); // (columns, classes)
  private readonly values: Float32Array; // (classes,) of one pixel

  constructor(
    private readonly logits: HeadLogits,
    private readonly rows: BilinearAxis,
    private readonly columns: BilinearAxis,
  ) {
    this.values = new Float32Array(logits.learned.length);
  }

  /**
   * Writes the pixels `[left, right)` of a row.
   *
   * @param place Where the first of them stands in `ids`.
   * @param start Where the first of them stands in `confidence`.
   */
  write(
    y: number,
    left: number,
    right: number,
    ids: Uint8Array,
    place: number,
    confidence: Float32Array,
    start: number,
  ): void {
    const { rows, values } = this;
    const { learned } = this.logits;
    const { taps } = rows;
    const count = learned.length;
    const lines: Float32Array[] = [];
    for (let tap = 0; tap < taps; tap++) lines.push(this.wideRow(rows.cell(y, tap)));
    const weights = rows.weights.subarray(y * taps, (y + 1) * taps);
    const first = lines[0]!;
    const second = lines[Math.min(1, taps - 1)]!;
    for (let x = left; x < right; x++) {
      const at = x * count;
      if (taps === 1) {
        for (let k = 0; k < count; k++) values[k] = first[at + k]!;
      } else if (taps === 2) {
        const weight = weights[1]!;
        for (let k = 0; k < count; k++) {
          const a = first[at + k]!;
          values[k] = a + fround(fround(second[at + k]! - a) * weight);
        }
      } else {
        const weight = weights[0]!;
        for (let k = 0; k < count; k++) values[k] = first[at + k]! * weight;
        for (let tap = 1; tap < taps; tap++) addScaled(values, lines[tap]!, at, weights[tap]!);
      }
      let best = 0;
      let largest = values[0]!;
      for (let k = 1; k < count; k++) {
        if (values[k]! > largest) {
          largest = values[k]!;
          best = k;
        }
      }
      let sum = 0;
      for (let k = 0; k < count; k++) {
        const difference = values[k]! - largest;
        if (difference > LEAST_EXPONENT) sum += exp(difference);
      }
      ids[place + x - left] = learned[best]!;
      confidence[start + x - left] = 1 / sum;
    }
  }

  /** A row of cells, upsampled along the columns. */
  private wideRow(row: number): Float32Array {
    const known = this.wide.get(row);
    if (known) return known;
    const { logits, columns } = this;
    const { learned } = logits;
    const { taps, weights } = columns;
    const wide = new Float32Array(columns.length * learned.length);
    for (let x = 0; x < columns.length; x++) {
      const cell = (tap: number) =>
        (row * logits.width + columns.cell(x, tap)) * logits.classes;
      const out = x * learned.length;
      const a = cell(0);
      if (taps === 2) {
        const b = cell(1);
        const weight = weights[2 * x + 1]!;
        for (let k = 0; k < learned.length; k++) {
          const id = learned[k]!;
          const value = logits.values[a + id]!;
          const change = fround(fround(logits.values[b + id]! - value) * weight);
          wide[out + k] = value + change;
        }
        continue;
      }
      const weight = taps === 1 ? 1 : weights[x * taps]!;
      for (let k = 0; k < learned.length; k++) {
        wide[out + k] = logits.values[a + learned[k]!]! * weight;
      }
      for (let tap = 1; tap < taps; tap++) {
        const from = cell(tap);
        const share = weights[x * taps + tap]!;
        for (let k = 0; k < learned.length; k++) {
          const part = fround(logits.values[from + learned[k]!]! * share);
          wide[out + k] = wide[out + k]! + part;
        }
      }
    }
    // Rows above are not needed again.
    const oldest = row - this.rows.taps;
    for (const key of this.wide.keys()) if (key < oldest) this.wide.delete(key);
    this.wide.set(row, wide);
    return wide;
  }
}

function addScaled(
  values: Float32Array,
  line: Float32Array,
  at: number,
  weight: number,
): void {
  for (let k = 0; k < values.length; k++) {
    values[k] = values[k]! + fround(line[at + k]! * weight);
  }
}
