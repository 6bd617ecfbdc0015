/** Label maps as PNG files whose pixel values are the class ids. */

import type { Size } from "../labels/longest_side";

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

/**
 * An indexed PNG of 8 bits, as `label_png` of keras_seg_runtime writes it: image viewers
 * show it in colour, and programs read the ids. Ids without a colour, such as void, are
 * black.
 */
export async function labelPng(
  ids: Uint8Array,
  size: Size,
  palette: number[][],
): Promise<Blob> {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, size.width);
  view.setUint32(4, size.height);
  header.set([8, 3, 0, 0, 0], 8); // 8 bits, indexed, deflate, no interlacing
  const colours = new Uint8Array(768);
  colours.set(palette.slice(0, 256).flat());
  const lines = new Uint8Array(size.height * (size.width + 1)); // filter 0 before each
  for (let y = 0; y < size.height; y++) {
    const row = ids.subarray(y * size.width, (y + 1) * size.width);
    lines.set(row, y * (size.width + 1) + 1);
  }
  const parts = [
    new Uint8Array(SIGNATURE),
    chunk("IHDR", header),
    chunk("PLTE", colours),
    chunk("IDAT", await deflate(lines)),
    chunk("IEND", new Uint8Array(0)),
  ];
  return new Blob(parts, { type: "image/png" });
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(name: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = name.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) {
    value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  }
  return value;
});

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255]! ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
