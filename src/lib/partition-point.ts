/**
 * The first place of [low, high) that is not before what is looked for, `high` where all are; `isBefore` holds for a
 * beginning of the range and for nothing behind it. Binary search: it is asked log2(high - low) times.
 */
export function partitionPoint(low: number, high: number, isBefore: (place: number) => boolean): number {
  let from = low;
  let to = high;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (isBefore(middle)) from = middle + 1;
    else to = middle;
  }
  return from;
}
