// How conflicts of a merge are told (spec 03 §7.4).

import { badRequest, conflict, type MergeConflict } from "../../lib/errors.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { EntityType } from "../../schema/catalog.ts";
import type { Violation } from "../write/image-check.ts";
import type { StructuralConflict } from "./verdict.ts";

const STRUCTURAL_TEXT: Readonly<Record<StructuralConflict, string>> = {
  divergent_insert: "divergent insert for id",
  divergent_update: "divergent update for id",
  delete_vs_update: "delete/update conflict for id",
};

export function structuralConflict(type: EntityType, id: string, kind: StructuralConflict): MergeConflict {
  return conflictOf(type, id, kind, `${STRUCTURAL_TEXT[kind]} '${id}'`);
}

const CONSTRAINT_ORDER: readonly MergeConflict["kind"][] = [
  "value_constraint_violation",
  "unique_violation",
  "orphan_edge",
  "cardinality_violation",
];

/** Broken rules in their fixed order. */
export function constraintConflicts(violations: readonly Violation[]): MergeConflict[] {
  return violations
    .map(({ type, entityId, kind, message }) => conflictOf(type, entityId, kind, message))
    .sort(
      (a, b) =>
        CONSTRAINT_ORDER.indexOf(a.kind) - CONSTRAINT_ORDER.indexOf(b.kind) ||
        compareUtf8(a.type_name, b.type_name) ||
        compareUtf8(a.entity_id ?? "", b.entity_id ?? ""),
    );
}

function conflictOf(
  type: EntityType,
  id: string | null,
  kind: MergeConflict["kind"],
  message: string,
): MergeConflict {
  return {
    entity_kind: type.kind,
    type_name: type.name,
    entity_id: id,
    kind,
    message,
    table_key: `${type.kind}:${type.name}`,
    ...(id === null ? {} : { row_id: id }),
  };
}

const CONFLICTS_NAMED = 3;

/** 409 with all of them; the text names the first few. */
export function mergeConflict(conflicts: readonly MergeConflict[]): Error {
  const named = conflicts
    .slice(0, CONFLICTS_NAMED)
    .map(({ entity_kind, type_name, entity_id, kind }) =>
      entity_id === null
        ? `${entity_kind} type '${type_name}' (${kind})`
        : `${entity_kind} type '${type_name}', entity id '${entity_id}' (${kind})`,
    );
  const more = conflicts.length - named.length;
  const text = `merge conflicts: ${named.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
  return conflict(text, { merge_conflicts: conflicts });
}

/** 400 for a merge of a branch with itself. */
export function requireDistinct(source: string, target: string): void {
  if (source === target)
    throw badRequest(`branch merge requires distinct source and target branches, got '${source}' twice`);
}
