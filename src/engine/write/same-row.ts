// Exact, typed equality of two entities, as merge and diff need it: null is not the empty string, list order counts,
// edge end points count.

import type { Value } from "../../query/plan.ts";
import type { Row } from "../../store/types.ts";

/** Null stands for "absent" and equals only itself. */
export function sameRow(a: Row | null, b: Row | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.id === b.id &&
    a.src === b.src &&
    a.dst === b.dst &&
    a.values.length === b.values.length &&
    a.values.every((value, i) => sameValue(value, b.values[i]))
  );
}

function sameValue(a: Value, b: Value): boolean {
  if (isSequence(a) && isSequence(b)) {
    if (a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!sameValue(a[i], b[i])) return false;
    return true;
  }
  return Object.is(a, b);
}

function isSequence(value: Value): value is Float32Array | readonly Value[] {
  return Array.isArray(value) || value instanceof Float32Array;
}
