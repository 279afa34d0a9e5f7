// Names that the system writes its own commits under: nobody else may.

import { badRequest } from "./errors.ts";

const RESERVED_PREFIX = "omnigraph:";

/** Throws 400 for a name that is kept for the system itself; `what` tells whose it is. */
export function refuseReservedActor(actor: string, what: string): void {
  if (!actor.startsWith(RESERVED_PREFIX)) return;
  throw badRequest(`${what} '${actor}' is reserved: '${RESERVED_PREFIX}' names the system itself`);
}
