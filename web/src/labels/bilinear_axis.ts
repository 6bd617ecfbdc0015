/** Bilinear resizing along one axis, and one resizing after another. */

const { fround, min, max, floor } = Math;

/**
 * New pixels along an axis as weighted means of neighbouring cells: pixel `i` is the
 * mean of the cells `first[i], first[i] + 1, ...`. Cells beyond the last one are the
 * last one. The weights are those of `BilinearAxis` of keras_seg_runtime.
 */
export class BilinearAxis {
  constructor(
    readonly first: Int32Array,
    readonly weights: Float32Array, // (pixels, taps)
    readonly taps: number,
    readonly size: number,
  ) {}

  get length(): number {
    return this.first.length;
  }

  static identity(size: number): BilinearAxis {
    const first = Int32Array.from({ length: size }, (_, i) => i);
    return new BilinearAxis(first, new Float32Array(size).fill(1), 1, size);
  }

  /**
   * An axis that is resized with half-pixel centres.
   *
   * @param single Whether positions are computed in single precision, as the layers of
   *   a model do.
   */
  static between(size: number, newSize: number, single = false): BilinearAxis {
    const round = single ? fround : (x: number) => x;
    const ratio = round(size / newSize);
    const first = new Int32Array(newSize);
    const weights = new Float32Array(newSize * 2);
    for (let i = 0; i < newSize; i++) {
      const centre = round(round(round(i + 0.5) * ratio) - 0.5);
      const position = min(max(centre, 0), size - 1);
      first[i] = floor(position);
      const weight = fround(position - first[i]!);
      weights[2 * i] = 1 - weight;
      weights[2 * i + 1] = weight;
    }
    return new BilinearAxis(first, weights, 2, size);
  }

  /** From the logits of a window to its pixels. */
  static ofWindow(count: number, size: number): BilinearAxis {
    if (count === size) return BilinearAxis.identity(size);
    return BilinearAxis.between(count, size, true);
  }

  /** The first `count` pixels. */
  start(count: number): BilinearAxis {
    const weights = this.weights.subarray(0, count * this.taps);
    return new BilinearAxis(this.first.subarray(0, count), weights, this.taps, this.size);
  }

  /** This axis, resized once more: the cells of `other` are the pixels of this one. */
  then(other: BilinearAxis): BilinearAxis {
    const count = other.length;
    const cell = (i: number, tap: number) =>
      min(other.first[i]! + tap, other.size - 1);
    let widest = 0;
    for (let i = 0; i < count; i++) {
      const reach = this.first[cell(i, other.taps - 1)]! - this.first[cell(i, 0)]!;
      widest = max(widest, reach);
    }
    const taps = this.taps + widest;
    const first = new Int32Array(count);
    const weights = new Float32Array(count * taps);
    for (let i = 0; i < count; i++) {
      const begin = this.first[cell(i, 0)]!;
      first[i] = begin;
      for (let j = 0; j < other.taps; j++) {
        const at = cell(i, j);
        for (let k = 0; k < this.taps; k++) {
          const weight = fround(
            other.weights[i * other.taps + j]! * this.weights[at * this.taps + k]!,
          );
          const place = i * taps + this.first[at]! - begin + k;
          weights[place] = weights[place]! + weight;
        }
      }
    }
    return new BilinearAxis(first, weights, taps, this.size);
  }

  /** The cell that tap `tap` of pixel `i` takes. */
  cell(i: number, tap: number): number {
    return min(this.first[i]! + tap, this.size - 1);
  }

  /** Ranges `[begin, end)` of neighbouring pixels that are means of the same cells. */
  groups(): [number, number][] {
    const groups: [number, number][] = [];
    let begin = 0;
    for (let i = 1; i <= this.length; i++) {
      if (i < this.length && this.first[i] === this.first[begin]) continue;
      groups.push([begin, i]);
      begin = i;
    }
    return groups;
  }
}
