/** Reads the PNG files of the tests: 8 bits, indexed or RGB(A), not interlaced. */

import { inflateSync } from "node:zlib";

export interface Png {
  width: number;
  height: number;
  colourType: number;
  /** Values row by row: ids, or RGB(A). */
  values: Uint8Array;
}

const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 6: 4 };

export function readPng(bytes: Buffer): Png {
  const width = bytes.readUInt32BE(16);
  const height = bytes.readUInt32BE(20);
  const depth = bytes[24]!;
  const colourType = bytes[25]!;
  const parts: Buffer[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    if (bytes.toString("latin1", at + 4, at + 8) === "IDAT") {
      parts.push(bytes.subarray(at + 8, at + 8 + length));
    }
    at += 12 + length;
  }
  if (depth !== 8) throw new Error(`${depth} bits are not read`);
  const channels = CHANNELS[colourType]!;
  const lines = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const values = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = lines[y * (stride + 1)]!;
    for (let x = 0; x < stride; x++) {
      const raw = lines[y * (stride + 1) + 1 + x]!;
      const left = x >= channels ? values[y * stride + x - channels]! : 0;
      const above = y > 0 ? values[(y - 1) * stride + x]! : 0;
      const corner = y > 0 && x >= channels ? values[(y - 1) * stride + x - channels]! : 0;
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)];
      values[y * stride + x] = raw + guess[filter]!;
    }
  }
  return { width, height, colourType, values };
}

function paeth(left: number, above: number, corner: number): number {
  const guess = left + above - corner;
  const far = (value: number) => Math.abs(guess - value);
  if (far(left) <= far(above) && far(left) <= far(corner)) return left;
  return far(above) <= far(corner) ? above : corner;
}

/** The share of values that differ. */
export function difference(a: Png, b: Png): number {
  if (a.width !== b.width || a.height !== b.height) return 1;
  let different = 0;
  a.values.forEach((value, i) => {
    if (value !== b.values[i]) different += 1;
  });
  return different / a.values.length;
}
