// The target as the rules of a merge have to look at it. Base, source and target each keep the rules by themselves, so
// only what the target changed since the base can stand against what the source did:
//
// - A node that an added edge needs is there in the source. Where the target did not touch it, it is there as in the base,
//   or the merge adds it.
// - An edge at a node that the source deleted is gone from the source. Where the target did not touch it, the merge deletes it.
// - Who holds a tuple in the target as in the base does not hold it in the source, beside the claimant. So the source
//   changed it, and the merge takes that change.

import type { Committed } from "../write/image-check.ts";
import { type EdgeRow, rowTuple } from "../write/image-check.ts";
import type { Side } from "./side.ts";

/** The whole target where a side does not follow the base: then the three are not all that there is. */
export function committedTarget(source: Side, target: Side): Committed {
  const { view } = target;
  if (!source.followsBase || !target.followsBase) return view;
  return {
    // How many edges a node has is a matter of all of them.
    lookupEdgesFrom: (type, sources) => view.lookupEdgesFrom(type, sources),
    load: (types) => view.load(types),
    edges: (type) => view.edges(type),
    count: (type) => view.count(type),
    nodesExist: async (type, ids) => {
      const { rows, replaced } = target.changesOf(type);
      return ids.map((id) => {
        const row = rows.get(id);
        return row === undefined ? !replaced : row !== null;
      });
    },
    lookupEdgesTo: async (type, targets) => {
      const wanted = new Set(targets);
      return [...target.changesOf(type).rows.values()].filter(
        (row): row is EdgeRow => row !== null && wanted.has((row as EdgeRow).dst),
      );
    },
    uniqueHolders: async (type, properties, tuples) => {
      const wanted = new Set(tuples);
      const tupleOf = rowTuple(type, properties);
      const holders = new Map<string, string[]>();
      for (const row of target.changesOf(type).rows.values()) {
        const tuple = row === null ? null : tupleOf(row);
        if (row === null || tuple === null || !wanted.has(tuple)) continue;
        holders.set(tuple, [...(holders.get(tuple) ?? []), row.id]);
      }
      return holders;
    },
  };
}
