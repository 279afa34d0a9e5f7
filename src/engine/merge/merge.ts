// Three-way merge, entity by entity (spec 03 §7). The source's commits since the base name every entity that the merge can
// change; only those are looked up, and only in the base, so the cost follows what changed.

import type { View } from "../../index/view.ts";
import type { MergeConflict } from "../../lib/errors.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { EdgeType, EntityType, NodeType } from "../../schema/catalog.ts";
import type { GraphStore } from "../../store/index.ts";
import type { DeletedEdge, ReadSet, Row, TypeChanges } from "../../store/types.ts";
import { stagedChanges } from "../write/changes.ts";
import { type EdgeRow, ImageCheck, type Violation } from "../write/image-check.ts";
import { ReadSetBuilder } from "../write/reads.ts";
import { rowCheck } from "../write/row-checks.ts";
import { Staging } from "../write/staging.ts";
import { committedTarget } from "./committed.ts";
import { constraintConflicts, mergeConflict, structuralConflict } from "./conflicts.ts";
import { type Apart, Side } from "./side.ts";
import { mergeEntity } from "./verdict.ts";

export interface MergeSides {
  readonly store: GraphStore;
  readonly base: View;
  readonly source: View;
  readonly target: View;
  /** How each side and the base came apart. */
  readonly sourceApart: Apart;
  readonly targetApart: Apart;
}

export interface PreparedMerge {
  readonly changes: readonly TypeChanges[];
  readonly reads: ReadSet;
}

/** A merge while it is prepared. */
interface Merging {
  readonly base: View;
  readonly source: Side;
  readonly target: Side;
  readonly staging: Staging;
  readonly reads: ReadSetBuilder;
}

/** Throws 409 with every conflict, in the fixed order; structural ones hide the others. */
export async function prepareMerge(sides: MergeSides): Promise<PreparedMerge> {
  const { store, base } = sides;
  const [source, target] = await Promise.all([
    Side.read(store, base, sides.source, sides.sourceApart),
    Side.read(store, base, sides.target, sides.targetApart),
  ]);
  const merging: Merging = { base, source, target, staging: new Staging(), reads: new ReadSetBuilder() };
  const named = edgesThenNodes(sides.target).filter((type) => {
    const { rows, replaced, isBaseReplaced } = source.changesOf(type);
    return replaced || isBaseReplaced || rows.size > 0;
  });
  const found = await Promise.all(named.map((type) => lookUp(type, merging)));
  const conflicts = found.flatMap((entities) => settle(entities, merging));
  if (conflicts.length > 0) throw mergeConflict(conflicts);

  const violations = await constraintViolations(merging);
  if (violations.length > 0) throw mergeConflict(constraintConflicts(violations));
  return { changes: await stagedChanges(merging.staging, store), reads: merging.reads.build() };
}

function edgesThenNodes(view: View): EntityType[] {
  const byName = (a: EntityType, b: EntityType) => compareUtf8(a.name, b.name);
  return [...[...view.catalog.edges.values()].sort(byName), ...[...view.catalog.nodes.values()].sort(byName)];
}

/** The entities of a type that the merge may change: ids in order, and the row of each in the three states. */
interface Entities {
  readonly type: EntityType;
  readonly ids: readonly string[];
  readonly inBase: readonly (Row | null)[];
  readonly inSource: readonly (Row | null)[];
  readonly inTarget: readonly (Row | null)[];
}

const lookUp = (type: EntityType, merging: Merging): Promise<Entities> =>
  type.kind === "node" ? nodesOf(type, merging) : edgesOf(type, merging);

async function nodesOf(type: NodeType, merging: Merging): Promise<Entities> {
  const { rows, replaced, isBaseReplaced } = merging.source.changesOf(type);
  // A commit that emptied the type touched everything that was there.
  const wasThere = replaced ? await allNodes(merging.base, type) : [];
  const isThere = isBaseReplaced ? await allNodes(merging.source.view, type) : [];
  const ids = [...new Set([...rows.keys(), ...wasThere, ...isThere])].sort(compareUtf8);
  return inThreeStates(type, ids, merging, (view) => view.lookupNodes(type, ids));
}

async function edgesOf(type: EdgeType, merging: Merging): Promise<Entities> {
  const { rows, replaced, isBaseReplaced, places } = merging.source.changesOf(type);
  const inBase = replaced ? await allEdges(merging.base, type) : [];
  const wasThere = isBaseReplaced ? [...inBase, ...(await allEdges(merging.source.view, type))] : inBase;
  const named = new Set([...rows.keys(), ...wasThere.map(({ id }) => id)]);
  const ids = [...named].sort(compareUtf8);
  // An edge that the target moved stands at a place that only the target's own commits name.
  const ofTarget = merging.target.changesOf(type).places.filter(({ id }) => named.has(id));
  const everyPlace = distinct([...places, ...wasThere, ...ofTarget]);
  return inThreeStates(type, ids, merging, async (view) => {
    const edges = await view.lookupEdgeTriples(type, everyPlace);
    const byId = new Map(edges.flatMap((row) => (row === null ? [] : [[row.id, row]])));
    return ids.map((id) => byId.get(id) ?? null);
  });
}

async function inThreeStates(
  type: EntityType,
  ids: readonly string[],
  { base, source, target }: Merging,
  rowsIn: (view: View) => Promise<readonly (Row | null)[]>,
): Promise<Entities> {
  const inBase = await rowsIn(base);
  const [inSource, inTarget] = await Promise.all([
    source.rows(type, ids, inBase, rowsIn),
    target.rows(type, ids, inBase, rowsIn),
  ]);
  return { type, ids, inBase, inSource, inTarget };
}

/** Stages what the merge takes from the source; answers what it cannot decide. */
function settle(
  { type, ids, inBase, inSource, inTarget }: Entities,
  { staging, reads }: Merging,
): MergeConflict[] {
  reads.lookedUp(type.id, ids);
  const conflicts: MergeConflict[] = [];
  ids.forEach((id, i) => {
    const verdict = mergeEntity(inBase[i], inSource[i], inTarget[i]);
    if (verdict.kind === "take") take(staging, type, id, verdict.row, inTarget[i]);
    else if (verdict.kind === "conflict") conflicts.push(structuralConflict(type, id, verdict.conflict));
  });
  return conflicts;
}

function take(staging: Staging, type: EntityType, id: string, row: Row | null, inTarget: Row | null): void {
  if (type.kind === "node") {
    if (row === null) staging.deleteNode(type, id);
    else staging.putNode(type, row);
    return;
  }
  const committed = inTarget === null ? null : placeOf(inTarget as EdgeRow);
  if (row !== null) staging.putEdge(type, row as EdgeRow, committed);
  else if (committed !== null) staging.deleteEdge(type, committed);
}

async function allNodes(view: View, type: NodeType): Promise<string[]> {
  await view.load([type]);
  const reader = view.nodes(type);
  return Array.from(reader.all(), (node) => reader.id(node));
}

async function allEdges(view: View, type: EdgeType): Promise<DeletedEdge[]> {
  await view.load([type, type.source, type.target]);
  const reader = view.edges(type);
  return Array.from(reader.all(), (edge) => placeOf(reader.row(edge) as EdgeRow));
}

const placeOf = ({ src, dst, id }: DeletedEdge): DeletedEdge => ({ src, dst, id });

const distinct = (places: readonly DeletedEdge[]): DeletedEdge[] => [
  ...new Map(places.map((place) => [JSON.stringify(placeOf(place)), placeOf(place)])).values(),
];

/** Every rule that is broken by what the merge adds, changes and deletes on the target. */
async function constraintViolations({ staging, source, target, reads }: Merging): Promise<Violation[]> {
  const found: Violation[] = [];
  const checkValues = (type: EntityType, row: Row | null) => {
    const message = row === null ? null : rowCheck(type)(row.values);
    if (message !== null)
      found.push({ type, entityId: null, kind: "value_constraint_violation", message, hasPart: null });
  };
  for (const { type, entities } of staging.nodeTypes()) {
    for (const { row } of entities.values()) checkValues(type, row);
  }
  for (const { type, entities } of staging.edgeTypes()) {
    for (const { row } of entities.values()) checkValues(type, row);
  }
  const committed = committedTarget(source, target);
  const gather = (violation: Violation) => found.push(violation);
  const check = new ImageCheck(target.view.catalog, committed, reads, gather, "every violation");
  staging.describeTo(check);
  await check.finish();
  return found;
}
