// Who looks after the graph while others use it: now and then somebody compacts it, or expires its history.

import type { CleanupRequest, GraphMaintenance } from "../../src/engine/maintenance/index.ts";
import type { Society } from "./clients.ts";
import type { Random } from "./random.ts";
import type { Slot } from "./slot.ts";

export interface KeeperHabits {
  /** How many there are. */
  readonly count: number;
  /** Chance that the first of them expires history rather than compacts. */
  readonly cleanup: number;
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
  const { cleanup, pauseMs } = habits.keepers;
  for (let calls = 1; takeStep(); calls++) {
    await world.timeline.sleep(random.below(pauseMs));
    if (oracle.failure !== null) return;
    const policy = mayClean && random.chance(cleanup) ? somePolicy(random) : null;
    const mark = `${name}-${calls}`;
    const operation = oracle.begin(
      mark,
      policy === null ? { kind: "optimize" } : { kind: "cleanup", policy },
    );
    world.trace(`${mark} begins: ${JSON.stringify(operation.request)}`);
    const answer = await slot.call<unknown>((maintenance) =>
      policy === null ? maintenance.optimize() : maintenance.cleanup(policy),
    );
    world.trace(`${mark} ends: ${answer.kind === "error" ? answer.thrown : answer.kind}`);
    if (answer.kind === "error") oracle.refused(operation, answer.thrown);
    else oracle.abandon(operation);
  }
}

function somePolicy(random: Random): CleanupRequest {
  const keep = 1 + random.below(12);
  const olderThanSecs = random.below(10_000);
  return random.pick([{ keep }, { olderThanSecs }, { keep, olderThanSecs }, { keep: 1_000 }]);
}
