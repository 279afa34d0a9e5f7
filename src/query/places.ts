// Where the parts of a declaration stand in its source. Places are kept beside the tree, not in it: two sources that say
// the same have equal trees, and only an error asks where something was written.

import { OmnigraphError } from "../lib/errors.ts";
import { positionOf } from "../lib/lexer.ts";

const places = new WeakMap<object, { readonly source: string; readonly offset: number }>();

/** Remembers that a node was read from `offset` on. */
export function rememberPlace<T extends object>(node: T, source: string, offset: number): T {
  places.set(node, { source, offset });
  return node;
}

const HAS_PLACE = /\(line \d+, column \d+\)$/;

/** Runs a check of a node; what it throws says where the node stands, unless a part of it already said. */
export function atPlace<T>(node: object, check: () => T): T {
  try {
    return check();
  } catch (error) {
    const place = places.get(node);
    if (place === undefined || !(error instanceof OmnigraphError) || HAS_PLACE.test(error.message))
      throw error;
    const { line, column } = positionOf(place.source, place.offset);
    throw new OmnigraphError(error.kind, `${error.message} (line ${line}, column ${column})`, error.details, {
      cause: error,
    });
  }
}
