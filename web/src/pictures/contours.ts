/** The borders between classes, as `draw_overlay` of keras_seg_runtime draws them. */

import { roundHalfEven } from "../labels/area_mean";
import type { Size } from "../labels/longest_side";

// Lines would hide the regions of smaller pictures.
const LEAST_SIDE = 32;

/** 1 at the pixels of a border, else 0. */
export function contours(ids: Uint8Array, size: Size): Uint8Array {
  const { height, width } = size;
  const border = new Uint8Array(height * width);
  if (Math.min(height, width) < LEAST_SIDE) return border;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const above = y > 0 && ids[at] !== ids[at - width];
      const beside = x > 0 && ids[at] !== ids[at - 1];
      if (above || beside) border[at] = 1;
    }
  }
  const thickness = Math.max(1, roundHalfEven(Math.sqrt(height * width) / 700));
  if (thickness === 1) return border;
  return thicken(thicken(border, size, thickness, width), size, thickness, 1);
}

/** Widens lines along one axis, whose neighbours are `stride` apart. */
function thicken(
  border: Uint8Array,
  size: Size,
  thickness: number,
  stride: number,
): Uint8Array {
  const { height, width } = size;
  const thick = border.slice();
  const after = Math.floor(thickness / 2);
  const before = thickness - after - 1;
  for (let at = 0; at < border.length; at++) {
    if (!border[at]) continue;
    const place = stride === 1 ? at % width : Math.floor(at / width);
    const length = stride === 1 ? width : height;
    const last = Math.min(after, length - 1 - place);
    for (let shift = -Math.min(before, place); shift <= last; shift++) {
      thick[at + shift * stride] = 1;
    }
  }
  return thick;
}
