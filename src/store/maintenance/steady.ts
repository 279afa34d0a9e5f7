// Looking at a whole graph while others clean it up: what cleanup removes, or a branch that is deleted takes along, is not
// lost. Whether either happened meanwhile is told by the floors and the names.

import { conflict } from "../../lib/errors.ts";
import type { GraphContext } from "../context.ts";
import { floorKey } from "../layout.ts";
import { PARALLEL_REQUESTS_MAX } from "../limits.ts";
import { inParallel } from "../parallel.ts";
import { listRefNames, readRef } from "../refs.ts";
import { STEADY_ATTEMPTS_MAX } from "./limits.ts";
import { attempt } from "./object-checks.ts";

/** What a look found that was either without findings, or not disturbed. */
export async function whileSteady<T>(
  context: GraphContext,
  look: () => Promise<T>,
  isClean: (found: T) => boolean,
): Promise<T> {
  for (let tries = 1; tries <= STEADY_ATTEMPTS_MAX; tries++) {
    const before = await traceOf(context);
    const found = await look();
    if (isClean(found) || before === (await traceOf(context))) return found;
  }
  throw conflict(
    "cleanup is at work on this graph, or branches come and go; nothing was repaired: run repair again",
  );
}

async function traceOf(context: GraphContext): Promise<string> {
  const { objects, graph } = context;
  const names = (await listRefNames(objects)).sort();
  const refs = await inParallel(names, PARALLEL_REQUESTS_MAX, async (name) => {
    // One that cannot be read has no log to look at.
    return (await attempt(() => readRef(objects, name))).value?.ref ?? null;
  });
  const logs = new Set([graph.mainId]);
  for (const ref of refs)
    if (ref !== null) for (const { branch } of [...ref.lineage, { branch: ref.id }]) logs.add(branch);
  const floors = await inParallel([...logs], PARALLEL_REQUESTS_MAX, async (log) => {
    return `${log} ${(await objects.storage.get(floorKey(log)))?.version ?? ""}`;
  });
  return [...names, ...floors].join("\n");
}
