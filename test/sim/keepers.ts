// Who looks after the graph while others use it: now and then somebody compacts it, expires its
// history, or checks it.

import type { CleanupRequest, GraphMaintenance, RepairOutput } from "../../src/engine/maintenance/index.ts";
import type { Society } from "./clients.ts";
import type { Request } from "./oracle.ts";
import type { Random } from "./random.ts";
import type { Slot } from "./slot.ts";

export interface KeeperHabits {
  /** How many there are. */
  readonly count: number;
  /** Chance that the first of them expires history rather than compacts. */
  readonly cleanup: number;
  /** Chance that somebody checks and repairs rather than either. */
  readonly repair: number;
  /** Longest pause between two actions, in ms: what is younger than an hour is never deleted. */
  readonly pauseMs: number;
}

export async function runKeeper(
  { world, oracle, habits, takeStep }: Society,
  slot: Slot<GraphMaintenance>,
  name: string,
  /** One expires history; what two do to each other at it is not the graph's concern. */
  mayClean: boolean,
  random: Random,
): Promise<void> {
  const { cleanup, repair, pauseMs } = habits.keepers;
  for (let calls = 1; takeStep(); calls++) {
    await world.timeline.sleep(random.below(pauseMs));
    if (oracle.failure !== null) return;
    const request: Request = random.chance(repair)
      ? { kind: "repair" }
      : mayClean && random.chance(cleanup)
        ? { kind: "cleanup", policy: somePolicy(random) }
        : { kind: "optimize" };
    const operation = oracle.begin(`${name}-${calls}`, request);
    world.trace(`${operation.mark} begins: ${JSON.stringify(request)}`);
    const answer = await slot.call((maintenance) => perform(maintenance, request));
    world.trace(`${operation.mark} ends: ${answer.kind === "error" ? answer.thrown : answer.kind}`);
    if (answer.kind === "error") oracle.refused(operation, answer.thrown);
    else if (answer.kind === "value" && answer.value !== null) oracle.checked(operation, answer.value);
    else oracle.abandon(operation);
  }
}

/** What a check found; null for other work. */
async function perform(maintenance: GraphMaintenance, request: Request): Promise<RepairOutput | null> {
  if (request.kind === "repair") return maintenance.repair({ confirm: true, force: true });
  await (request.kind === "cleanup" ? maintenance.cleanup(request.policy) : maintenance.optimize());
  return null;
}

function somePolicy(random: Random): CleanupRequest {
  const keep = 1 + random.below(12);
  const olderThanSecs = random.below(10_000);
  return random.pick([{ keep }, { olderThanSecs }, { keep, olderThanSecs }, { keep: 1_000 }]);
}
