// From the entities that a commit names to the changes that it made: each is looked up in the state before, and what turns
// out equal is no change.

import type { View } from "../../index/view.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { EntityType } from "../../schema/catalog.ts";
import type { SegmentReader } from "../../store/index.ts";
import type { Row } from "../../store/types.ts";
import type { ChangeOp } from "../outputs.ts";
import { sameRow } from "../write/same-row.ts";
import type { CommitBlock } from "./commit-block.ts";
import { type ChangeFilter, wantsType } from "./filter.ts";
import { type NamedEntity, namedEntities } from "./named-entities.ts";
import { isSent, type SentChange } from "./tokens.ts";
import { typeIdText } from "./type-id.ts";

/** What a commit did to one entity, by rows. */
export interface RowChange {
  readonly type: EntityType;
  readonly id: string;
  readonly op: ChangeOp;
  readonly before: Row | null;
  readonly after: Row | null;
}

/**
 * The changes of a commit that pass the filter, in order: nodes before edges, then by type id, then by entity id. `sent` is
 * the last one that need not come again.
 */
export async function* rowChanges(
  source: SegmentReader,
  block: CommitBlock,
  filter: ChangeFilter,
  sent: SentChange | null,
): AsyncIterable<readonly RowChange[]> {
  for (const { type, change } of changedTypes(block)) {
    if (!wantsType(filter, type)) continue;
    const order = sent === null ? 1 : compareTypes(type, sent);
    if (order < 0) continue;
    const resumed = order === 0 ? sent : null;
    const named = namedEntities({ type, change, parent: block.parent, source }, resumed?.id ?? "");
    for await (const entities of resumed === null ? named : after(named, resumed)) {
      const former = await formerRows(block.parent, type, entities);
      yield entities
        .flatMap((entity, i) => rowChange(type, former[i], entity) ?? [])
        .filter(({ op }) => filter.ops === null || filter.ops.has(op));
    }
  }
}

function changedTypes({ catalog, changes }: CommitBlock) {
  const known = changes.flatMap((change) => {
    const type = catalog.typeById.get(change.type);
    return type === undefined ? [] : [{ type, change }];
  });
  return known.sort((a, b) => compareTypes(a.type, { kind: b.type.kind, typeId: typeIdText(b.type.id) }));
}

function compareTypes(type: EntityType, other: Pick<SentChange, "kind" | "typeId">): number {
  if (type.kind !== other.kind) return type.kind === "node" ? -1 : 1;
  return compareUtf8(typeIdText(type.id), other.typeId);
}

/** What follows the change that was sent last; nothing where it never comes. */
async function* after(
  named: AsyncIterable<readonly NamedEntity[]>,
  sent: SentChange,
): AsyncIterable<readonly NamedEntity[]> {
  let isPast = false;
  for await (const entities of named) {
    if (isPast) {
      yield entities;
      continue;
    }
    const at = entities.findIndex(({ id }) => isSent(sent, id));
    if (at < 0) continue;
    isPast = true;
    yield entities.slice(at + 1);
  }
}

/** The rows of these entities in the state before, in their order. */
async function formerRows(
  parent: View,
  type: EntityType,
  entities: readonly NamedEntity[],
): Promise<readonly (Row | null)[]> {
  if (type.kind === "node") {
    return parent.lookupNodes(
      type,
      entities.map(({ id }) => id),
    );
  }
  const rows = await parent.lookupEdgeTriples(
    type,
    entities.flatMap(({ places }) => places),
  );
  const byId = new Map(rows.flatMap((row) => (row === null ? [] : [[row.id, row] as const])));
  return entities.map(({ id }) => byId.get(id) ?? null);
}

function rowChange(type: EntityType, before: Row | null, { id, after }: NamedEntity): RowChange | null {
  if (sameRow(before, after)) return null;
  return { type, id, op: before === null ? "insert" : after === null ? "delete" : "update", before, after };
}
