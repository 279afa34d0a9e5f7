// The header that makes a write conditional, and the refusal of it everywhere else: a server that ignored it would
// run a write that the caller wanted guarded.

import { badRequest } from "../../lib/errors.ts";

export const PRECONDITION_HEADER = "Omnigraph-If-Graph-Commit";

export const preconditionHeader = {
  name: PRECONDITION_HEADER,
  description: "Commit id that must still be the branch's head.",
} as const;

/** The commit id of a conditional route's header; throws where it is missing or not one raw id. */
export function requiredPrecondition(request: Request): string {
  const header = request.headers.get(PRECONDITION_HEADER);
  if (header === null) {
    throw badRequest(`${PRECONDITION_HEADER} is required on this conditional mutation route`);
  }
  const id = header.trim();
  if (id === "") throw badRequest(`${PRECONDITION_HEADER} must name a graph commit id`);
  // A header that was sent twice arrives as one value with a comma.
  if (id === "*" || id.includes(",") || id.startsWith("W/") || id.startsWith('"') || id.endsWith('"')) {
    throw badRequest(
      `${PRECONDITION_HEADER} must appear exactly once and hold one raw graph commit id, not entity-tag syntax`,
    );
  }
  return id;
}

/** Refuses the header on a route that would not honour it. */
export function refusePrecondition(request: Request): void {
  if (request.headers.has(PRECONDITION_HEADER)) {
    throw badRequest(`${PRECONDITION_HEADER} requires the fail-closed conditional route (…/if-graph-commit)`);
  }
}
