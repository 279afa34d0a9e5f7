// What becomes of one entity, by what it is in the base, the source and the target (spec 03 §7.2).

import type { Row } from "../../store/types.ts";
import { sameRow } from "../write/same-row.ts";

export type StructuralConflict = "divergent_insert" | "divergent_update" | "delete_vs_update";
export type MergeVerdict =
  | { readonly kind: "keep" }
  | { readonly kind: "take"; readonly row: Row | null }
  | { readonly kind: "conflict"; readonly conflict: StructuralConflict };

/** The truth table; null is "absent". */
export function mergeEntity(base: Row | null, source: Row | null, target: Row | null): MergeVerdict {
  if (sameRow(source, base) || sameRow(source, target)) return { kind: "keep" };
  if (sameRow(target, base)) return { kind: "take", row: source };
  if (base === null) return { kind: "conflict", conflict: "divergent_insert" };
  if (source === null || target === null) return { kind: "conflict", conflict: "delete_vs_update" };
  return { kind: "conflict", conflict: "divergent_update" };
}
