// Declared indexes that cannot be built. All others are derived in memory by whoever needs them.

import type { EntityType, Property } from "../../schema/catalog.ts";
import { declaredIndexes, indexKind } from "../../schema/index.ts";
import { type BranchState, isValid, type SegmentReader } from "../../store/index.ts";
import type { PendingIndex } from "./outputs.ts";

const NO_VECTORS = "property has no non-null vectors";

/** Vector indexes over properties without a vector, at a state whose rows all stand in the checkpoint. */
export async function pendingIndexes(
  source: SegmentReader,
  { checkpoint }: BranchState,
  type: EntityType,
): Promise<PendingIndex[]> {
  const segments = checkpoint.types.get(type.id)?.segments ?? [];
  const pending: PendingIndex[] = [];
  for (const property of indexedVectors(type)) {
    if (!(await hasVectors(source, segments, property)))
      pending.push({ property: property.name, reason: NO_VECTORS });
  }
  return pending;
}

function indexedVectors(type: EntityType): Property[] {
  const single = declaredIndexes(type).flatMap((properties) => (properties.length === 1 ? properties : []));
  return type.properties.filter(({ name, type: of }) => indexKind(of) === "vector" && single.includes(name));
}

type Segments = NonNullable<ReturnType<BranchState["checkpoint"]["types"]["get"]>>["segments"];

/** Stops at the first live row that has one: most often the first row of all. */
async function hasVectors(source: SegmentReader, segments: Segments, { id }: Property): Promise<boolean> {
  for (const { segment, dead } of segments) {
    if (!segment.columns.includes(id)) continue;
    const deadRows = new Set(await source.readDead(dead));
    let firstRow = 0;
    for (const place of segment.batches.keys()) {
      const [batch] = await source.readSegmentBatches(segment, [place]);
      const valid = batch.columns.get(id)?.valid ?? null;
      for (let row = 0; row < batch.length; row++) {
        if (isValid(valid, row) && !deadRows.has(firstRow + row)) return true;
      }
      firstRow += batch.length;
    }
  }
  return false;
}
