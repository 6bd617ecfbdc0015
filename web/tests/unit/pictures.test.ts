import { inflateSync } from "node:zlib";

import { describe, expect, it } from "vitest";

import { contours } from "../../src/pictures/contours";
import { labelPng } from "../../src/pictures/label_png";
import { drawOverlay } from "../../src/pictures/overlay";
import fixtures from "./fixtures.json";

describe("the overlay", () => {
  it("is that of keras_seg", () => {
    const { image, labels, palette, opacity, picture, size } = fixtures.overlay;
    const ids = new Uint8Array(labels);
    const pixels = new Uint8ClampedArray((image.length / 3) * 4);
    for (let i = 0; i < image.length / 3; i++) {
      pixels.set([...image.slice(3 * i, 3 * i + 3), 255], 4 * i);
    }
    const border = contours(ids, { height: size[0]!, width: size[1]! });
    drawOverlay(pixels, ids, border, palette, opacity);
    const rgb = Array.from(pixels).filter((_, i) => i % 4 !== 3);
    expect(rgb).toEqual(picture);
  });

  it("has no contours in small pictures", () => {
    const ids = new Uint8Array(31 * 40).map((_, i) => i % 2);
    expect(contours(ids, { height: 31, width: 40 }).some(Boolean)).toBe(false);
  });
});

describe("the label map", () => {
  it("is an indexed PNG with the ids", async () => {
    const ids = new Uint8Array([0, 1, 2, 255, 1, 0]);
    const file = await labelPng(ids, { height: 2, width: 3 }, [[1, 2, 3], [4, 5, 6]]);
    const chunks = chunksOf(new Uint8Array(await file.arrayBuffer()));
    expect([...chunks.keys()]).toEqual(["IHDR", "PLTE", "IDAT", "IEND"]);
    expect([...chunks.get("IHDR")!]).toEqual([0, 0, 0, 3, 0, 0, 0, 2, 8, 3, 0, 0, 0]);
    expect([...chunks.get("PLTE")!.slice(0, 9)]).toEqual([1, 2, 3, 4, 5, 6, 0, 0, 0]);
    const lines = inflateSync(chunks.get("IDAT")!);
    expect([...lines]).toEqual([0, 0, 1, 2, 0, 255, 1, 0]);
  });
});

function chunksOf(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer);
  const chunks = new Map<string, Uint8Array>();
  for (let at = 8; at < bytes.length; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.slice(at + 4, at + 8));
    chunks.set(name, bytes.slice(at + 8, at + 8 + length));
    at += 12 + length;
  }
  return chunks;
}
