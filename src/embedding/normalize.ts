/** A shorter vector has no direction worth keeping (float32 epsilon). */
const NORM_MIN = 2 ** -23;

/**
 * The vector divided by its length, squares summed in float64 in index order, the root and each quotient rounded to
 * float32; null where it has no length to speak of.
 */
export function normalized(vector: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> | null {
  let sum = 0;
  for (const component of vector) sum += component * component;
  const norm = Math.fround(Math.sqrt(sum));
  return norm <= NORM_MIN ? null : vector.map((component) => component / norm);
}
