// Reading log entries by position.

import { assert } from "../lib/assert.ts";
import { decodeDeletedIds } from "./deleted-ids.ts";
import { type DecodedEntry, decodeEntry, type LogEntry, type StoredChanges } from "./entry.ts";
import { deletesKey, logKey } from "./layout.ts";
import { PARALLEL_REQUESTS_MAX } from "./limits.ts";
import { logOwner } from "./lineage.ts";
import type { Objects } from "./objects.ts";
import { inParallel } from "./parallel.ts";
import { damaged } from "./stored-json.ts";
import type { BranchId, BranchRef, LoggedCommit, LogPlace, TypeChanges } from "./types.ts";

export interface ReadEntry extends LogEntry {
  readonly bytes: number;
}

/** The entry at a place, deleted ids included; null where there is none. */
export function readEntry(objects: Objects, place: LogPlace): Promise<ReadEntry | null> {
  return objects.readNow(logKey(place.branch, place.position), async (bytes, address) => ({
    ...(await complete(objects, decodeEntry(address, bytes, place))),
    bytes: bytes.length,
  }));
}

/** Entries [from, to] of a branch's history, which must all be there. */
export async function readEntries(
  objects: Objects,
  ref: BranchRef,
  from: number,
  to: number,
): Promise<ReadEntry[]> {
  const positions = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
  return inParallel(positions, PARALLEL_REQUESTS_MAX, async (position) => {
    const place = { branch: logOwner(ref, position), position };
    const entry = await readEntry(objects, place);
    if (entry === null) throw missingEntry(objects, place);
    return entry;
  });
}

/** The entries of a log from a position on, up to the first missing one. A hole with entries behind it is damage. */
export async function readWindow(
  objects: Objects,
  branch: BranchId,
  from: number,
  size: number,
): Promise<ReadEntry[]> {
  const places = Array.from({ length: size }, (_, i): LogPlace => ({ branch, position: from + i }));
  const found = await Promise.all(places.map((place) => readEntry(objects, place)));
  const entries: ReadEntry[] = [];
  for (const [i, entry] of found.entries()) {
    if (entry === null && found.slice(i).every((later) => later === null)) break;
    // A hole may have been filled while the window was read.
    const sound = entry ?? (await readEntry(objects, places[i]));
    if (sound === null) throw missingEntry(objects, places[i]);
    entries.push(sound);
  }
  return entries;
}

export const missingEntry = (objects: Objects, place: LogPlace) =>
  damaged(objects.address(logKey(place.branch, place.position)), "the log entry is missing");

async function complete(objects: Objects, entry: DecodedEntry): Promise<LogEntry> {
  const commits = await Promise.all(
    entry.commits.map(
      async ({ record, changes }): Promise<LoggedCommit> => ({
        record,
        changes: await Promise.all(changes.map((change) => withDeletes(objects, change))),
      }),
    ),
  );
  return { position: entry.position, closed: entry.closed, commits };
}

/** Changes with the ids that they delete, wherever those stand. */
export async function withDeletes(
  objects: Objects,
  { changes, deletesObject }: StoredChanges,
): Promise<TypeChanges> {
  if (deletesObject === null) return changes;
  const key = deletesKey(changes.type, deletesObject.id);
  const stored = await objects.storage.get(key);
  const address = objects.address(key);
  if (stored === null) throw damaged(address, "the deleted ids are missing");
  const ids = decodeDeletedIds(address, stored.bytes, deletesObject.rows);
  assert(
    ids.deletedNodes.length + ids.deletedEdges.length === deletesObject.rows,
    "all deleted ids were read",
  );
  return { ...changes, ...ids };
}
