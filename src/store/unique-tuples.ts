// The tuples that rows claim under a unique constraint, spelled as in a ReadSet.

import { canonicalKeyText, type EntityType, type KeyValue, tupleReader } from "../schema/index.ts";
import type { RowBatch } from "./column.ts";
import { textAt, valueAt } from "./column-value.ts";

/** The member of `ReadSet.unique` for a group of properties (`src` and `dst` among them for edges). */
export const uniqueKey = (type: EntityType, properties: readonly string[]): string =>
  `${type.id}:${properties.join("\0")}`;

/** The tuple of each row as the JSON array of canonical texts; null where one of its values is null. */
export function uniqueTuples(
  batch: RowBatch,
  type: EntityType,
  properties: readonly string[],
): (row: number) => string | null {
  const parts = properties.map((name): ((row: number) => string | null) => {
    const { src, dst } = batch;
    if (name === "src" && src !== null) return (row) => textAt(src, row);
    if (name === "dst" && dst !== null) return (row) => textAt(dst, row);
    const property = type.properties.find((candidate) => candidate.name === name);
    const column = property === undefined ? undefined : batch.columns.get(property.id);
    if (property === undefined || column === undefined) return () => null;
    return (row) => {
      const value = valueAt(column, row);
      return value === null ? null : canonicalKeyText(value as KeyValue, property.type);
    };
  });
  return tupleReader(parts);
}
