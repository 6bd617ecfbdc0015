/** A photo with its classes drawn over it. */

import { roundHalfEven } from "../labels/area_mean";

const { fround } = Math;

/**
 * Draws classes and contours over rows of a photo, in place.
 *
 * @param pixels RGBA of the rows.
 * @param ids Classes of their pixels; ids without a colour, such as void, stay as they
 *   are.
 * @param border 1 where a contour is, see `contours`.
 * @param opacity Opacity of the colours, 0 to 1.
 */
export function drawOverlay(
  pixels: Uint8ClampedArray,
  ids: Uint8Array,
  border: Uint8Array,
  palette: number[][],
  opacity: number,
): void {
  const alpha = fround(opacity);
  const rest = fround(1 - opacity);
  for (let i = 0; i < ids.length; i++) {
    const colour = palette[ids[i]!];
    for (let channel = 0; channel < 3; channel++) {
      const at = 4 * i + channel;
      let value = pixels[at]!;
      if (colour) {
        const tint = fround(colour[channel]! * alpha);
        value = roundHalfEven(fround(fround(value * rest) + tint));
      }
      // 25 % photo, 75 % white.
      pixels[at] = border[i] ? (value >> 2) + 191 : value;
    }
    pixels[4 * i + 3] = 255;
  }
}
