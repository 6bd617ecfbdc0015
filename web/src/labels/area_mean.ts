/**
 * Downscaling without aliasing: each new pixel is the mean of the area that it covers.
 *
 * It is `area_mean` of keras_seg_runtime, with the same order of sums in single
 * precision. Canvas scaling differs between browsers, so it is not used. Rows are added
 * one strip at a time, as a photo of a phone is too large for one canvas.
 */

import type { Size } from "./longest_side";

interface Shares {
  /** First part that each cell contributes to. */
  first: Int32Array;
  /** Weights of a cell in its parts, one list for each cell. */
  weights: number[][];
}

/** How cells `0..size - 1` contribute to `count` equal parts. */
function sharesOf(size: number, count: number): Shares {
  const first = new Int32Array(size).fill(-1);
  const weights: number[][] = Array.from({ length: size }, () => []);
  const length = size / count;
  for (let part = 0; part < count; part++) {
    const begin = part * length;
    const end = (part + 1) * length;
    for (let cell = Math.floor(begin); cell < Math.min(Math.ceil(end), size); cell++) {
      const covered = Math.min(cell + 1, end) - Math.max(cell, begin);
      const weight = Math.fround(Math.max(covered, 0) * (count / size));
      if (first[cell] === -1) first[cell] = part;
      weights[cell]!.push(weight);
    }
  }
  return { first, weights };
}

export class AreaMean {
  private readonly rows: Shares;
  private readonly means: Float32Array; // (new height, width, 3)
  private next = 0;

  constructor(
    private readonly size: Size,
    private readonly target: Size,
  ) {
    this.rows = sharesOf(size.height, target.height);
    this.means = new Float32Array(target.height * size.width * 3);
  }

  /** Adds the next rows of the photo, RGBA. */
  add(pixels: Uint8ClampedArray): void {
    const { width } = this.size;
    const count = pixels.length / (4 * width);
    for (let row = 0; row < count; row++, this.next++) {
      const weights = this.rows.weights[this.next]!;
      const first = this.rows.first[this.next]!;
      weights.forEach((weight, index) => {
        let out = (first + index) * width * 3;
        let at = row * width * 4;
        for (let x = 0; x < width; x++, at += 4, out += 3) {
          // Stored in single precision after each step.
          this.means[out] = this.means[out]! + pixels[at]! * weight;
          this.means[out + 1] = this.means[out + 1]! + pixels[at + 1]! * weight;
          this.means[out + 2] = this.means[out + 2]! + pixels[at + 2]! * weight;
        }
      });
    }
  }

  /** The downscaled photo, RGB. */
  finish(): Uint8Array {
    const { size, target, means } = this;
    const columns = sharesOf(size.width, target.width);
    const sums = new Float32Array(target.width * 3);
    const image = new Uint8Array(target.height * target.width * 3);
    const halved =
      size.height === 2 * target.height && size.width === 2 * target.width;
    const round = halved ? (x: number) => Math.floor(x + 0.5) : roundHalfEven;
    for (let row = 0; row < target.height; row++) {
      sums.fill(0);
      for (let x = 0; x < size.width; x++) {
        const at = (row * size.width + x) * 3;
        const weights = columns.weights[x]!;
        for (let index = 0; index < weights.length; index++) {
          const out = (columns.first[x]! + index) * 3;
          const weight = weights[index]!;
          sums[out] = sums[out]! + means[at]! * weight;
          sums[out + 1] = sums[out + 1]! + means[at + 1]! * weight;
          sums[out + 2] = sums[out + 2]! + means[at + 2]! * weight;
        }
      }
      const top = row * target.width * 3;
      for (let i = 0; i < sums.length; i++) image[top + i] = round(sums[i]!);
    }
    return image;
  }
}

/** Rounds as NumPy does: halves to the even neighbour. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest < 0.5) return below;
  if (rest > 0.5) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}
