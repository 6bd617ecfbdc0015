/** The shares of the area that classes take. */

export interface Share {
  id: number;
  share: number;
}

/** Labels in which pixels with less than `threshold` of confidence are void. */
export function withThreshold(
  ids: Uint8Array,
  confidence: Float32Array,
  threshold: number,
  voidId: number,
): Uint8Array {
  if (threshold <= 0) return ids;
  const limit = Math.fround(threshold);
  return ids.map((id, i) => (confidence[i]! < limit ? voidId : id));
}

/** Shares in descending order. */
export function sharesOf(ids: Uint8Array): Share[] {
  const counts = new Uint32Array(256);
  for (const id of ids) counts[id] = counts[id]! + 1;
  return Array.from(counts, (count, id) => ({ id, share: count / ids.length }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share || a.id - b.id);
}

/** A share as `12.3 %` or `< 0.1 %`, as in the legends of keras_seg. */
export function formatShare(share: number): string {
  return share >= 0.001 ? `${(share * 100).toFixed(1)} %` : "< 0.1 %";
}
