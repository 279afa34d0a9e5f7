// What cleanup left of a log (`floor.json`). Cleanup raises the floor before it deletes what lies below: no position under
// it is read as part of the log any more. Single states from below stay readable, each range of them from a checkpoint of
// its own. A log without a floor keeps everything.

import { OmnigraphError } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json.ts";
import type { Version } from "../storage/adapter.ts";
import { floorKey } from "./layout.ts";
import type { Objects } from "./objects.ts";
import { FORMAT, StoredValue, sealedJson } from "./stored-json.ts";
import type { BranchId, CommitId } from "./types.ts";

/** Versions whose states can be read: from the checkpoint, by the entries after it up to and with `to`. */
export interface KeptRange {
  readonly first: number;
  /** Null in the newest range, which grows with the log. */
  readonly last: number | null;
  /** A position; of the log, or of one that it inherits. */
  readonly checkpoint: number;
  /** Position of the last version; null as `last`. */
  readonly to: number | null;
}

export interface Retention {
  readonly floor: number;
  /** Ascending, and apart from each other. */
  readonly kept: readonly KeptRange[];
  /** Versions that repair gave up, first and last: cleanup does not try to keep them. */
  readonly lost: readonly (readonly [number, number])[];
}

export interface VersionedRetention extends Retention {
  readonly version: Version;
}

/** 0 where nothing was ever cleaned up. */
export async function readFloor(objects: Objects, branch: BranchId): Promise<number> {
  const key = floorKey(branch);
  const stored = await objects.storage.get(key);
  return stored === null ? 0 : floorOf(StoredValue.parse(objects.address(key), stored.bytes));
}

/** Null where nothing was ever cleaned up: then everything can be read. */
export async function readRetention(objects: Objects, branch: BranchId): Promise<VersionedRetention | null> {
  const key = floorKey(branch);
  const object = await objects.storage.get(key);
  if (object === null) return null;
  const stored = StoredValue.parse(objects.address(key), object.bytes);
  return {
    floor: floorOf(stored),
    kept: stored
      .member("kept")
      .items()
      .map((range) => ({
        first: range.item(0).integer(),
        last: integerOrNull(range.item(1)),
        checkpoint: range.item(2).integer(),
        to: integerOrNull(range.item(3)),
      })),
    lost: stored
      .member("lost")
      .items()
      .map((range): [number, number] => [range.item(0).integer(), range.item(1).integer()]),
    version: object.version,
  };
}

/** Replaces the retention that was read; false where somebody else did. */
export async function writeRetention(
  objects: Objects,
  branch: BranchId,
  { floor, kept, lost }: Retention,
  before: VersionedRetention | null,
): Promise<boolean> {
  const json: JsonObject = {
    format: FORMAT,
    position: floor,
    kept: kept.map(({ first, last, checkpoint, to }) => [first, last, checkpoint, to]),
    lost,
  };
  const key = floorKey(branch);
  const bytes = sealedJson(json);
  const put =
    before === null
      ? await objects.storage.putIfAbsent(key, bytes)
      : await objects.storage.putIfMatch(key, bytes, before.version);
  if (put.outcome !== "unknown") return put.outcome === "won";
  const there = await objects.storage.get(key);
  return there !== null && Buffer.from(there.bytes).equals(bytes);
}

/** The range that holds a version; null where its state is gone. */
export function rangeOf(retention: Retention | null, version: number): KeptRange | null {
  if (retention === null) return EVERYTHING;
  return (
    retention.kept.find(({ first, last }) => first <= version && (last === null || version <= last)) ?? null
  );
}

const EVERYTHING: KeptRange = { first: 0, last: null, checkpoint: 0, to: null };

export const commitReclaimed = (commit: CommitId) =>
  new OmnigraphError(
    "gone",
    `commit '${commit}' was reclaimed by cleanup: it is still listed, but its state cannot be read any more`,
  );

const floorOf = (stored: StoredValue): number => stored.member("position").integer();
const integerOrNull = (stored: StoredValue): number | null => (stored.isPresent ? stored.integer() : null);
