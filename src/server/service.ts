// What a running server holds: made once at boot, read by every request.

import type { Graph } from "../engine/graph.ts";
import type { Ports } from "../lib/ports.ts";
import type { PolicyGate } from "../policy/index.ts";
import type { Admission } from "./admission.ts";
import type { Authenticator } from "./auth.ts";
import type { Logger } from "./log.ts";
import type { StoredQuery } from "./stored-queries.ts";
import type { StreamSlots } from "./streams.ts";

/** One graph that is ready to serve. */
export interface ServedGraph {
  readonly id: string;
  readonly uri: string;
  readonly graph: Graph;
  /** Null where no bundle is bound to this graph. */
  readonly gate: PolicyGate | null;
  /** By name, in byte order of names. */
  readonly queries: ReadonlyMap<string, StoredQuery>;
}

export interface Service {
  readonly ports: Ports;
  readonly log: Logger;
  /** Null in an open server, where nobody is asked for a token. */
  readonly authenticator: Authenticator | null;
  /** The bundle bound to the cluster, or null. */
  readonly serverGate: PolicyGate | null;
  readonly graphs: ReadonlyMap<string, ServedGraph>;
  readonly admission: Admission;
  readonly exports: StreamSlots;
}
