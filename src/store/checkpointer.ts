// Checkpoints after the fact: whoever publishes a commit and finds the tail too long writes one, beside its next work and
// never in front of it. A checkpoint that fails or is lost costs time, so nobody hears of it.

import { assert } from "../lib/assert.ts";
import { OmnigraphError, StorageError } from "../lib/errors.ts";
import type { BranchLog } from "./branch-log.ts";
import { writeBundle } from "./bundle.ts";
import { encodeCheckpoint, extendHistory } from "./checkpoint.ts";
import { tryCheckpoint } from "./checkpoint-read.ts";
import type { GraphContext } from "./context.ts";
import { checkpointKey } from "./layout.ts";
import { DRAFT_AGE_MS_MAX, TAIL_BYTES_MAX, TAIL_ENTRIES_MAX } from "./limits.ts";
import { logOwner } from "./lineage.ts";
import { settlePut } from "./settle-put.ts";
import { holdsPurged, nextTypeState, type TypeChange } from "./type-state.ts";
import type { BranchState, Checkpoint, LoggedCommit, TypeState } from "./types.ts";

/** A hint read longer ago than this is read again before work that somebody else may have done, in ms. */
const HINT_FRESH_MS = 2000;

export class Checkpointer {
  private readonly running = new Map<BranchLog, Promise<void>>();
  private readonly noted = new Set<BranchLog>();

  constructor(private readonly context: GraphContext) {}

  /** Starts a checkpoint where one is due, unless one is being made; `isLater` leaves it to `settle`. */
  note(log: BranchLog, isLater: boolean): void {
    if (!isDue(log) || this.running.has(log)) return;
    if (isLater) this.noted.add(log);
    else this.start(log);
  }

  /** Waits until everything that is due is done. */
  async settle(): Promise<void> {
    for (const log of this.noted) if (!this.running.has(log)) this.start(log);
    this.noted.clear();
    while (this.running.size > 0) await Promise.all(this.running.values());
  }

  /** Does work that ends in a checkpoint of its own, while no other is made of the branch. */
  async alone<T>(log: BranchLog, work: () => Promise<T>): Promise<T> {
    for (let before = this.running.get(log); before !== undefined; before = this.running.get(log))
      await before;
    const result = work();
    const ended = () => {
      this.running.delete(log);
    };
    this.running.set(log, result.then(ended, ended));
    return result;
  }

  private start(log: BranchLog): void {
    const work = this.run(log).finally(() => this.running.delete(log));
    this.running.set(log, work);
  }

  private async run(log: BranchLog): Promise<void> {
    // The commit that called for it is answered first.
    await Promise.resolve();
    while (isDue(log)) {
      try {
        await this.checkpoint(log);
      } catch {
        return;
      }
    }
  }

  private async checkpoint(log: BranchLog): Promise<void> {
    const { context } = this;
    const state = log.latest;
    assert(state !== null, "a log that is too long is open");
    // Another process may have made one in the meantime.
    if (context.ports.now() - log.openedAt > HINT_FRESH_MS && (await log.adoptNoted())) return;
    await makeCheckpoint(context, log, state);
  }
}

/** Writes a checkpoint of a state of a branch. */
export async function makeCheckpoint(
  context: GraphContext,
  log: BranchLog,
  state: BranchState,
): Promise<void> {
  const begunAt = context.ports.now();
  const checkpoint = await buildCheckpoint(context, state);
  if (tookLong(context, begunAt)) {
    throw new OmnigraphError("internal", `a checkpoint of branch '${log.ref.name}' took too long to be made`);
  }
  await storeCheckpoint(context, log, checkpoint, state.tail);
}

/** Whether what was written since some time, in ms, may be so old that cleanup takes it for what a dead process left. */
export const tookLong = ({ ports }: GraphContext, begunAt: number): boolean =>
  ports.now() - begunAt > DRAFT_AGE_MS_MAX;

/**
 * Writes a checkpoint of a branch, `commits` after the one before it, and lets the branch stand on it; false where another
 * one stood there, which is taken.
 */
export async function storeCheckpoint(
  context: GraphContext,
  log: BranchLog,
  checkpoint: Checkpoint,
  commits: readonly LoggedCommit[],
): Promise<boolean> {
  const { objects, ports } = context;
  const bytes = encodeCheckpoint(checkpoint);
  const key = checkpointKey(checkpoint.branch, checkpoint.position);
  const isOurs = (there: Uint8Array) => Buffer.from(there).equals(bytes);
  const [outcome] = await Promise.all([
    settlePut(objects.storage, ports, key, bytes, isOurs),
    writeBundle(objects, checkpoint, commits),
  ]);
  if (outcome === "unreachable") {
    throw new StorageError("internal", `storage stopped answering while ${key} was written`);
  }
  if (outcome === "lost") {
    const theirs = await tryCheckpoint(context, log.ref, checkpoint);
    if (theirs !== null) log.adopt(theirs);
    return false;
  }
  objects.keep(key, checkpoint, bytes.length);
  await log.note(checkpoint);
  return true;
}

function isDue(log: BranchLog): boolean {
  const { entries, bytes } = log.tailSize;
  return entries > TAIL_ENTRIES_MAX || (entries > 0 && bytes > TAIL_BYTES_MAX);
}

/** The whole state, with the rows of the tail in segments. */
export async function buildCheckpoint(context: GraphContext, state: BranchState): Promise<Checkpoint> {
  const { checkpoint: base, catalog, position } = state;
  const { purged } = catalog;
  const branch = logOwner(state.ref, position);
  const touched = new Map<number, TypeChange[]>();
  for (const { record, changes } of state.tail) {
    for (const change of changes) {
      const list = touched.get(change.type);
      const typeChange = { version: record.version, changes: change };
      if (list === undefined) touched.set(change.type, [typeChange]);
      else list.push(typeChange);
    }
  }
  // A type that the schema dropped has no place in new states; old ones have their own checkpoints.
  const ids = [...new Set([...base.types.keys(), ...touched.keys()])].sort((a, b) => a - b);
  const states = await Promise.all(
    ids.map(async (id): Promise<TypeState[]> => {
      const type = catalog.typeById.get(id);
      const before = base.types.get(id) ?? null;
      const changes = touched.get(id);
      if (type === undefined) return [];
      const isClean = before === null || !before.segments.some(({ segment }) => holdsPurged(segment, purged));
      if (changes === undefined && isClean) return before === null ? [] : [before];
      return [await nextTypeState(context, type, before, changes ?? [], position, purged)];
    }),
  );
  return {
    branch,
    position,
    head: state.head,
    types: new Map(states.flat().map((type) => [type.type, type])),
    history: extendHistory(
      base,
      state.tail.map(({ record }) => record),
    ),
  };
}
