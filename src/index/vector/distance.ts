/** The squared Euclidean distance of a query and the vector that begins at `start`; every path to an answer ends in this sum. */
export function squaredDistance(values: Float32Array, start: number, query: Float32Array): number {
  const width = query.length;
  const inFours = width & ~3;
  // Four sums that do not wait for one another.
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i < inFours; i += 4) {
    const at = start + i;
    const da = values[at] - query[i];
    const db = values[at + 1] - query[i + 1];
    const dc = values[at + 2] - query[i + 2];
    const dd = values[at + 3] - query[i + 3];
    a += da * da;
    b += db * db;
    c += dc * dc;
    d += dd * dd;
  }
  for (; i < width; i++) {
    const rest = values[start + i] - query[i];
    a += rest * rest;
  }
  return a + b + (c + d);
}
