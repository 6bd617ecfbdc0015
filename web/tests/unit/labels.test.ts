import { describe, expect, it } from "vitest";

import { AreaMean, roundHalfEven } from "../../src/labels/area_mean";
import { limitedSize, longestSideSize, type Size } from "../../src/labels/longest_side";
import { padToSmallest } from "../../src/labels/padded_image";
import { formatShare, sharesOf, withThreshold } from "../../src/labels/shares";
import {
  labelsAt,
  labelsWithConfidence,
  type HeadLogits,
} from "../../src/labels/upsampled_labels";
import { maxWindowPixels } from "../../src/labels/window_size";
import fixtures from "./fixtures.json";

const size = ([height, width]: number[]): Size => ({ height: height!, width: width! });

export function rgba(image: number[]): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray((image.length / 3) * 4);
  for (let i = 0; i < image.length / 3; i++) {
    pixels.set([...image.slice(3 * i, 3 * i + 3), 255], 4 * i);
  }
  return pixels;
}

describe("the size for the model", () => {
  it.each(fixtures.sizes)("is that of keras_seg: $size", (known) => {
    expect(longestSideSize(size(known.size), known.long_side)).toEqual(size(known.shown));
  });

  it("is limited on the page", () => {
    const found = limitedSize({ height: 3000, width: 4000 }, 1_000_000);
    expect(found.height * found.width).toBeLessThanOrEqual(1_000_000);
    expect(found.width / found.height).toBeCloseTo(4 / 3, 2);
  });
});

describe("the size of a window", () => {
  it.each(fixtures.windows)("is that of keras_seg: $classes classes", (known) => {
    expect(maxWindowPixels(known.classes, known.input_scale)).toBe(known.max_pixels);
  });
});

describe("the mean of areas", () => {
  it.each(fixtures.means)("is that of keras_seg: $size to $target", (known) => {
    const mean = new AreaMean(size(known.size), size(known.target));
    const pixels = rgba(known.image);
    const strip = 3 * known.size[1]! * 4; // three rows at a time
    for (let at = 0; at < pixels.length; at += strip) {
      mean.add(pixels.subarray(at, at + strip));
    }
    expect(Array.from(mean.finish())).toEqual(known.means);
  });

  it("rounds halves to even numbers", () => {
    expect([0.5, 1.5, 2.5, 2.4, 2.6].map(roundHalfEven)).toEqual([0, 2, 2, 2, 3]);
  });
});

describe("a small image", () => {
  it("is padded as in keras_seg", () => {
    const { image, size: known, padded_size, padded } = fixtures.padded;
    const found = padToSmallest(new Uint8Array(image), size(known));
    expect(found.size).toEqual(size(padded_size));
    const columns = Array.from(found.image).filter(
      (_, i) => Math.floor((i / 3) % found.size.width) % 11 === 0,
    );
    expect(columns).toEqual(padded);
  });

  it("stays as it is if it is large enough", () => {
    const image = new Uint8Array(32 * 40 * 3);
    expect(padToSmallest(image, size([32, 40])).image).toBe(image);
  });
});

describe("labels", () => {
  const cases = fixtures.labels.map((known) => {
    const logits: HeadLogits = {
      values: new Float32Array(known.logits),
      height: known.cells[0]!,
      width: known.cells[1]!,
      classes: known.classes,
      padded: size(known.padded),
      shown: size(known.shown),
      learned: Array.from({ length: known.classes }, (_, id) => id),
    };
    return { name: `${known.cells} to ${known.size}`, known, logits };
  });

  it.each(cases)("are those of keras_seg: $name", ({ known, logits }) => {
    const { ids } = labelsWithConfidence(logits, size(known.size));
    expect(Array.from(ids)).toEqual(known.labels);
    const atOnce = labelsAt(logits, size(known.size), 0, known.void);
    expect(Array.from(atOnce)).toEqual(known.labels);
  });

  it.each(cases)("are void where uncertain: $name", ({ known, logits }) => {
    const { ids, confidence } = labelsWithConfidence(logits, size(known.size));
    const certain = withThreshold(ids, confidence, known.threshold, known.void);
    expect(Array.from(certain)).toEqual(known.certain);
    const atOnce = labelsAt(logits, size(known.size), known.threshold, known.void);
    expect(Array.from(atOnce)).toEqual(known.certain);
  });

  it("are only classes that the model knows", () => {
    const { logits } = cases[0]!;
    const some = { ...logits, learned: [1, 3] };
    const { ids } = labelsWithConfidence(some, logits.shown);
    expect(new Set(ids)).toEqual(new Set([1, 3]));
  });
});

describe("shares", () => {
  it("are sorted and sum to one", () => {
    const shares = sharesOf(new Uint8Array([3, 3, 0, 255]));
    expect(shares).toEqual([
      { id: 3, share: 0.5 },
      { id: 0, share: 0.25 },
      { id: 255, share: 0.25 },
    ]);
  });

  it("are written as in keras_seg", () => {
    expect([0.1234, 0.0005, 1].map(formatShare)).toEqual(["12.3 %", "< 0.1 %", "100.0 %"]);
  });
});
