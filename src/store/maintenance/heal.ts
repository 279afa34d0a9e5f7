// Making what is derived again: checkpoints from the ones below them and the log, and the note of the newest.

import { writeBundle } from "../bundle.ts";
import { encodeCheckpoint, genesisCheckpoint } from "../checkpoint.ts";
import { readCheckpoint } from "../checkpoint-read.ts";
import { buildCheckpoint } from "../checkpointer.ts";
import type { GraphContext } from "../context.ts";
import { writeHint } from "../hint.ts";
import { bundleKey, checkpointKey, hintKey } from "../layout.ts";
import { logOwner } from "../lineage.ts";
import { readEntries } from "../log-read.ts";
import { nextTypeState, tailChanges } from "../type-state.ts";
import type { BranchRef, Checkpoint, LoggedCommit, TypeState } from "../types.ts";
import type { DerivedDamage } from "./check-log.ts";
import { attempt } from "./object-checks.ts";
import type { CheckedBranch } from "./verify.ts";

/**
 * Answers what could not be made again, in words. `mended` are the places that were seen to: branches share what they
 * inherit.
 */
export async function heal(
  context: GraphContext,
  branch: CheckedBranch,
  mended: Set<string>,
): Promise<string[]> {
  const failures: string[] = [];
  const { ref } = branch.checked;
  for (const [position, damages] of byPosition(branch.verdict.derived)) {
    const place = checkpointKey(logOwner(ref, position), position);
    if (mended.has(place)) continue;
    mended.add(place);
    const { problem } = await attempt(() => rebuild(context, branch, position, damages));
    if (problem !== null)
      failures.push(
        `branch '${ref.name}': what stands at position ${position} cannot be made again: ${problem.text}`,
      );
  }
  if (branch.hasBadHint) await noteNewest(context, branch);
  return failures;
}

/** Ascending, so that what one is made from is whole. */
function byPosition(derived: readonly DerivedDamage[]): [number, DerivedDamage[]][] {
  const positions = new Map<number, DerivedDamage[]>();
  for (const damage of derived) {
    const { position } = damage.place;
    positions.set(position, [...(positions.get(position) ?? []), damage]);
  }
  return [...positions].sort(([a], [b]) => a - b);
}

async function rebuild(
  context: GraphContext,
  { checked: { ref, checkpoints } }: CheckedBranch,
  position: number,
  damages: readonly DerivedDamage[],
): Promise<void> {
  const base = await checkpointBelow(context, ref, checkpoints, position - 1);
  const tail = (await readEntries(context.objects, ref, base.position + 1, position)).flatMap(
    ({ commits }) => commits,
  );
  const { objects } = context;
  const wrong = damages.filter(({ kind }) => kind === "checkpoint");
  if (wrong.length > 0) {
    const isWhole = wrong.some(({ type }) => type === null);
    const made = isWhole
      ? await madeFrom(context, ref, base, tail)
      : await mended(context, ref, base, tail, position, wrong);
    const bytes = encodeCheckpoint(made);
    const key = checkpointKey(made.branch, position);
    await objects.storage.put(key, bytes);
    objects.keep(key, made, bytes.length);
  }
  if (wrong.length < damages.length) {
    const place = { branch: logOwner(ref, position), position };
    await objects.storage.delete(bundleKey(place.branch, position));
    await writeBundle(objects, place, tail);
  }
}

async function madeFrom(
  context: GraphContext,
  ref: BranchRef,
  checkpoint: Checkpoint,
  tail: readonly LoggedCommit[],
): Promise<Checkpoint> {
  const head = tail.at(-1)?.record ?? checkpoint.head;
  const catalog = await context.catalogOf(head.schemaDigest);
  return buildCheckpoint(context, { ref, position: head.position, head, catalog, checkpoint, tail });
}

/** The checkpoint with the types that are wrong in it made again. */
async function mended(
  context: GraphContext,
  ref: BranchRef,
  base: Checkpoint,
  tail: readonly LoggedCommit[],
  position: number,
  damages: readonly DerivedDamage[],
): Promise<Checkpoint> {
  const place = { branch: logOwner(ref, position), position };
  const there = await readCheckpoint(context, ref, place);
  if (there === null) return madeFrom(context, ref, base, tail);
  const catalog = await context.catalogOf(there.head.schemaDigest);
  const types = new Map<number, TypeState>(there.types);
  for (const { type: id } of damages) {
    const type = id === null ? undefined : catalog.typeById.get(id);
    if (type === undefined) continue;
    const before = base.types.get(type.id) ?? null;
    const changes = tailChanges({ tail }, type.id);
    types.set(type.id, await nextTypeState(context, type, before, changes, position, catalog.purged));
  }
  return { ...there, types };
}

/** The nearest checkpoint at or below a position that can be read; genesis at the end. */
export async function checkpointBelow(
  context: GraphContext,
  ref: BranchRef,
  checkpoints: ReadonlySet<number>,
  position: number,
  isFit: (checkpoint: Checkpoint) => boolean = () => true,
): Promise<Checkpoint> {
  for (const candidate of [...checkpoints].filter((at) => at <= position).sort((a, b) => b - a)) {
    const place = { branch: logOwner(ref, candidate), position: candidate };
    const { value } = await attempt(() => readCheckpoint(context, ref, place));
    if (value !== null && isFit(value)) return value;
  }
  return genesisCheckpoint(context.graph.genesis);
}

async function noteNewest(context: GraphContext, { checked }: CheckedBranch): Promise<void> {
  const { ref, checkpoints } = checked;
  const own = new Set([...checkpoints].filter((position) => logOwner(ref, position) === ref.id));
  const newest = await checkpointBelow(context, ref, own, Number.MAX_SAFE_INTEGER);
  await context.objects.storage.delete(hintKey(ref.id));
  if (newest.position > 0) await writeHint(context.objects, newest, null);
}
