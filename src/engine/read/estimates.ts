// Rules of thumb for how many rows a step leaves, where nothing better is known. They decide the order of steps, never
// the answer.

import { unreachable } from "../../lib/assert.ts";
import type { Condition, TraversalClause } from "./conditions.ts";

const EQUALITY_SHARE = 1 / 20;
const FILTER_SHARE = 1 / 3;
const DIFFERENT_SHARE = 19 / 20;
const TEXT_SHARE = 1 / 10;
const NOT_SHARE = 1 / 2;
/** Of the pairs of two sides: those that an equality lets through. */
export const JOIN_SHARE = 1 / 100;

/** The share of rows that a condition lets through. */
export function shareOf(condition: Condition): number {
  switch (condition.kind) {
    case "match":
      return EQUALITY_SHARE;
    case "filter":
      switch (condition.clause.operator) {
        case "=":
          return EQUALITY_SHARE;
        case "!=":
          return DIFFERENT_SHARE;
        default:
          return FILTER_SHARE;
      }
    case "text":
      return TEXT_SHARE;
    case "not":
      return NOT_SHARE;
    default:
      return unreachable(condition);
  }
}

/** Nodes that a traversal reaches from one node, given the neighbours of a node and how many nodes there are. */
export function walkReach(
  fanOut: number,
  { minHops, maxHops }: Pick<TraversalClause, "minHops" | "maxHops">,
  size: number,
): number {
  if (maxHops === 1) return fanOut;
  let atHop = 1;
  let reached = 0;
  for (let hop = 1; hop <= maxHops && reached < size; hop++) {
    atHop = Math.min(size, atHop * fanOut);
    if (hop >= minHops) reached += atHop;
    // Fewer at each hop: nothing to add any more.
    if (atHop < 1) break;
  }
  return Math.min(size, reached);
}
