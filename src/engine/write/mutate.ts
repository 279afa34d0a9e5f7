// Prepares the commit of one mutation query on one state. Run again from the start when the state moved on.

import type { GraphView } from "../../index/index.ts";
import { badRequest } from "../../lib/errors.ts";
import type { Ports } from "../../lib/ports.ts";
import type { MutationPlan, Parameters } from "../../query/plan.ts";
import type { GraphStore } from "../../store/index.ts";
import type { ReadSet, TypeChanges } from "../../store/types.ts";
import type { BlobIntake } from "../blob/index.ts";
import { stagedChanges } from "./changes.ts";
import { ImageCheck } from "./image-check.ts";
import { ReadSetBuilder } from "./reads.ts";
import { rowCheck } from "./row-checks.ts";
import { Staging } from "./staging.ts";
import { type Affected, runStatements } from "./statements.ts";

export interface PreparedMutation {
  readonly affected: Affected;
  readonly reads: ReadSet;
  readonly changes: readonly TypeChanges[];
}

export interface MutationContext {
  readonly store: GraphStore;
  readonly view: GraphView;
  readonly ports: Ports;
  readonly parameters: Parameters;
  readonly nowMs: number;
  readonly blobs: BlobIntake;
}

/** Throws bad_request for the first violated rule of the final image; nothing is written then. */
export async function prepareMutation(
  plan: MutationPlan,
  context: MutationContext,
): Promise<PreparedMutation> {
  const { view, store } = context;
  const staging = new Staging();
  const reads = new ReadSetBuilder();
  const affected = await runStatements(plan, { ...context, staging, reads });
  checkRows(staging);
  const check = new ImageCheck(view.catalog, view, reads, (violation) => {
    throw badRequest(violation.message);
  });
  staging.describeTo(check);
  await check.finish();
  await context.blobs.finish();
  const isEffective = affected.nodes + affected.edges > 0;
  return { affected, reads: reads.build(), changes: isEffective ? await stagedChanges(staging, store) : [] };
}

/** Only the final image counts: intermediate values never violate. */
function checkRows(staging: Staging): void {
  for (const { type, entities } of staging.nodeTypes()) {
    const check = rowCheck(type);
    for (const { row } of entities.values()) refuse(row === null ? null : check(row.values));
  }
  for (const { type, entities } of staging.edgeTypes()) {
    const check = rowCheck(type);
    for (const { row } of entities.values()) refuse(row === null ? null : check(row.values));
  }
}

function refuse(violation: string | null): void {
  if (violation !== null) throw badRequest(violation);
}
