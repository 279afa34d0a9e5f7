// Three-way merge, entity by entity (spec 03 §7). Both sides' commits since their common history name every entity that
// can differ; only those are looked up, in the base, the source and the target, so the cost follows what changed.

import type { View } from "../index/view.ts";
import { badRequest, conflict, type MergeConflict } from "../lib/errors.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import type { EdgeType, EntityType, NodeType, StableId } from "../schema/catalog.ts";
import type { GraphStore } from "../store/index.ts";
import type { DeletedEdge, LoggedCommit, ReadSet, Row, TypeChanges } from "../store/types.ts";
import { addedRows } from "./added-rows.ts";
import { stagedChanges } from "./write/changes.ts";
import { type EdgeRow, ImageCheck, type Violation } from "./write/image-check.ts";
import { ReadSetBuilder } from "./write/reads.ts";
import { rowCheck } from "./write/row-checks.ts";
import { sameRow } from "./write/same-row.ts";
import { Staging } from "./write/staging.ts";

export interface MergeSides {
  readonly store: GraphStore;
  readonly base: View;
  readonly source: View;
  readonly target: View;
  /** Each side's commits since the history that both share. */
  readonly sourceCommits: readonly LoggedCommit[];
  readonly targetCommits: readonly LoggedCommit[];
}

export interface PreparedMerge {
  readonly changes: readonly TypeChanges[];
  readonly reads: ReadSet;
}

/** Which entities of a type the commits name; `whole` when a commit replaced the type. */
interface Touched {
  whole: boolean;
  readonly ids: Set<string>;
  /** The places edges had or got: an edge id may stand at several. */
  readonly places: Map<string, DeletedEdge>;
}

/** Throws 409 with every conflict, in the fixed order; structural ones hide the others. */
export async function prepareMerge(sides: MergeSides): Promise<PreparedMerge> {
  const { store, target } = sides;
  const reads = new ReadSetBuilder();
  const staging = new Staging();
  const conflicts: MergeConflict[] = [];
  const touched = await touchedBy(sides.sourceCommits, sides);

  for (const type of edgesThenNodes(target)) {
    const names = touched.get(type.id);
    if (names === undefined) continue;
    if (type.kind === "node") await mergeNodes(type, names, sides, staging, reads, conflicts);
    else await mergeEdges(type, names, sides, staging, reads, conflicts);
  }
  if (conflicts.length > 0) throw mergeConflict(conflicts);

  const violations = await constraintViolations(staging, target, reads);
  if (violations.length > 0) throw mergeConflict(violations);
  return { changes: await stagedChanges(staging, store), reads: reads.build() };
}

function edgesThenNodes(view: View): EntityType[] {
  const byName = (a: EntityType, b: EntityType) => compareUtf8(a.name, b.name);
  return [...[...view.catalog.edges.values()].sort(byName), ...[...view.catalog.nodes.values()].sort(byName)];
}

async function touchedBy(
  commits: readonly LoggedCommit[],
  { store, source, base }: MergeSides,
): Promise<Map<StableId, Touched>> {
  const touched = new Map<StableId, Touched>();
  for (const { changes } of commits) {
    for (const change of changes) {
      const type = source.catalog.typeById.get(change.type);
      if (type === undefined) continue;
      let names = touched.get(type.id);
      if (names === undefined) {
        names = { whole: false, ids: new Set(), places: new Map() };
        touched.set(type.id, names);
      }
      names.whole ||= change.replaced;
      for (const id of change.deletedNodes) names.ids.add(id);
      for (const edge of change.deletedEdges) addPlace(names, edge);
      for (const row of await addedRows(store, type, change)) {
        names.ids.add(row.id);
        if (type.kind === "edge") addPlace(names, row as EdgeRow);
      }
    }
  }
  for (const [typeId, names] of touched) {
    const type = source.catalog.typeById.get(typeId);
    if (names.whole && type !== undefined) await addAll(type, names, [base, source]);
  }
  return touched;
}

/** A commit that replaced the whole type touched everything that was or is there. */
async function addAll(type: EntityType, names: Touched, views: readonly View[]): Promise<void> {
  for (const view of views) {
    if (type.kind === "node") {
      await view.load([type]);
      const reader = view.nodes(type);
      for (const node of reader.all()) names.ids.add(reader.id(node));
    } else {
      await view.load([type, type.source, type.target]);
      const reader = view.edges(type);
      for (const edge of reader.all()) {
        const row = reader.row(edge) as EdgeRow;
        names.ids.add(row.id);
        addPlace(names, row);
      }
    }
  }
}

function addPlace(names: Touched, { src, dst, id }: DeletedEdge): void {
  names.ids.add(id);
  names.places.set(JSON.stringify([src, dst, id]), { src, dst, id });
}

async function mergeNodes(
  type: NodeType,
  names: Touched,
  { base, source, target }: MergeSides,
  staging: Staging,
  reads: ReadSetBuilder,
  conflicts: MergeConflict[],
): Promise<void> {
  const ids = [...names.ids].sort(compareUtf8);
  reads.lookedUp(type.id, ids);
  const [inBase, inSource, inTarget] = await Promise.all(
    [base, source, target].map((view) => view.lookupNodes(type, ids)),
  );
  ids.forEach((id, i) => {
    const verdict = mergeEntity(inBase[i], inSource[i], inTarget[i]);
    if (verdict.kind === "take") {
      if (verdict.row === null) staging.deleteNode(type, id);
      else staging.putNode(type, verdict.row);
    } else if (verdict.kind === "conflict") {
      conflicts.push(structuralConflict(type, id, verdict.conflict));
    }
  });
}

async function mergeEdges(
  type: EdgeType,
  names: Touched,
  sides: MergeSides,
  staging: Staging,
  reads: ReadSetBuilder,
  conflicts: MergeConflict[],
): Promise<void> {
  const ids = [...names.ids].sort(compareUtf8);
  reads.lookedUp(type.id, ids);
  // An edge that the target moved stands at a place that only the target's own commits name.
  const targetTouched = await touchedBy(sides.targetCommits, { ...sides, source: sides.target });
  const places = new Map([...names.places, ...(targetTouched.get(type.id)?.places ?? [])]);
  const wanted = [...places.values()].filter(({ id }) => names.ids.has(id));
  const find = async (view: View): Promise<Map<string, EdgeRow>> => {
    const rows = await view.lookupEdgeTriples(type, wanted);
    return new Map((rows.filter((row) => row !== null) as EdgeRow[]).map((row) => [row.id, row]));
  };
  const [inBase, inSource, inTarget] = await Promise.all([sides.base, sides.source, sides.target].map(find));
  for (const id of ids) {
    const current = inTarget.get(id) ?? null;
    const verdict = mergeEntity(inBase.get(id) ?? null, inSource.get(id) ?? null, current);
    if (verdict.kind === "take") {
      const committed = current === null ? null : { src: current.src, dst: current.dst, id };
      if (verdict.row !== null) staging.putEdge(type, verdict.row as EdgeRow, committed);
      else if (committed !== null) staging.deleteEdge(type, committed);
    } else if (verdict.kind === "conflict") {
      conflicts.push(structuralConflict(type, id, verdict.conflict));
    }
  }
}

type StructuralConflict = "divergent_insert" | "divergent_update" | "delete_vs_update";
export type MergeVerdict =
  | { readonly kind: "keep" }
  | { readonly kind: "take"; readonly row: Row | null }
  | { readonly kind: "conflict"; readonly conflict: StructuralConflict };

/** The truth table of spec 03 §7.2; null is "absent". */
export function mergeEntity(base: Row | null, source: Row | null, target: Row | null): MergeVerdict {
  if (sameRow(source, base) || sameRow(source, target)) return { kind: "keep" };
  if (sameRow(target, base)) return { kind: "take", row: source };
  if (base === null) return { kind: "conflict", conflict: "divergent_insert" };
  if (source === null || target === null) return { kind: "conflict", conflict: "delete_vs_update" };
  return { kind: "conflict", conflict: "divergent_update" };
}

const STRUCTURAL_TEXT: Readonly<Record<StructuralConflict, string>> = {
  divergent_insert: "divergent insert for id",
  divergent_update: "divergent update for id",
  delete_vs_update: "delete/update conflict for id",
};

function structuralConflict(type: EntityType, id: string, kind: StructuralConflict): MergeConflict {
  return conflictOf(type, id, kind, `${STRUCTURAL_TEXT[kind]} '${id}'`);
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

const CONSTRAINT_ORDER: readonly MergeConflict["kind"][] = [
  "value_constraint_violation",
  "unique_violation",
  "orphan_edge",
  "cardinality_violation",
];

/** Every rule, over what the merge adds, changes and deletes on the target. */
async function constraintViolations(
  staging: Staging,
  target: View,
  reads: ReadSetBuilder,
): Promise<MergeConflict[]> {
  const found: Violation[] = [];
  const checkValues = (type: EntityType, row: Row | null) => {
    const message = row === null ? null : rowCheck(type)(row.values);
    if (message !== null) found.push({ type, entityId: null, kind: "value_constraint_violation", message });
  };
  for (const { type, entities } of staging.nodeTypes()) {
    for (const row of entities.values()) checkValues(type, row);
  }
  for (const { type, entities } of staging.edgeTypes()) {
    for (const { row } of entities.values()) checkValues(type, row);
  }
  const check = new ImageCheck(target.catalog, target, reads, (violation) => found.push(violation));
  staging.describeTo(check);
  await check.finish();
  return found
    .map(({ type, entityId, kind, message }) => conflictOf(type, entityId, kind, message))
    .sort(
      (a, b) =>
        CONSTRAINT_ORDER.indexOf(a.kind) - CONSTRAINT_ORDER.indexOf(b.kind) ||
        compareUtf8(a.type_name, b.type_name) ||
        compareUtf8(a.entity_id ?? "", b.entity_id ?? ""),
    );
}

const CONFLICTS_NAMED = 3;

function mergeConflict(conflicts: readonly MergeConflict[]): Error {
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
