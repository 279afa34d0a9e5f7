// The log entries that led from one checkpoint to the next, in one object: a state between the two is two requests away,
// and not one for every entry. Derived: where a bundle is lost, the log itself tells.

import { decodeEntry, encodeEntry } from "./entry.ts";
import { bundleKey } from "./layout.ts";
import { BUNDLE_BYTES_MAX, BUNDLE_ENTRIES_MIN } from "./limits.ts";
import { logOwner } from "./lineage.ts";
import type { Objects } from "./objects.ts";
import { damaged } from "./stored-json.ts";
import type { BranchRef, LoggedCommit, LogPlace } from "./types.ts";

const LINE_END = "\n".charCodeAt(0);

/** Writes the bundle of a checkpoint: `commits` are those since the one before it. Few entries are as soon read one by one. */
export async function writeBundle(
  { storage }: Objects,
  { branch, position }: LogPlace,
  commits: readonly LoggedCommit[],
): Promise<void> {
  const bytes = encodeBundle(commits);
  if (bytes === null) return;
  try {
    await storage.putIfAbsent(bundleKey(branch, position), bytes);
  } catch {
    // As good as lost.
  }
}

/** Commits in the order of their entries, up to and with the place of the bundle; null where it is missing or damaged. */
export async function readBundle(
  objects: Objects,
  ref: BranchRef,
  { branch, position }: LogPlace,
): Promise<readonly LoggedCommit[] | null> {
  try {
    return await objects.read(bundleKey(branch, position), (bytes, address) =>
      decodeBundle(address, bytes, ref, position),
    );
  } catch {
    return null;
  }
}

/** One entry a line, as in the log; deleted ids stand inside. */
function encodeBundle(commits: readonly LoggedCommit[]): Uint8Array<ArrayBuffer> | null {
  const byPosition = Map.groupBy(commits, ({ record }) => record.position);
  if (byPosition.size < BUNDLE_ENTRIES_MIN) return null;
  const lines: Uint8Array[] = [];
  let bytes = 0;
  for (const [position, ofEntry] of byPosition) {
    const line = encodeEntry({ position, commits: ofEntry, closed: null }, new Map());
    lines.push(line, Uint8Array.of(LINE_END));
    bytes += line.length + 1;
    if (bytes > BUNDLE_BYTES_MAX) return null;
  }
  return new Uint8Array(Buffer.concat(lines));
}

function decodeBundle(address: string, bytes: Uint8Array, ref: BranchRef, last: number): LoggedCommit[] {
  const lines: Uint8Array[] = [];
  for (let from = 0, end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, from)) {
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  if (lines.length === 0) throw damaged(address, "it holds no entry");
  return lines.flatMap((line, i) => {
    const position = last - lines.length + 1 + i;
    const { commits } = decodeEntry(address, line, { branch: logOwner(ref, position), position });
    return commits.map(({ record, changes }) => ({
      record,
      changes: changes.map((stored) => stored.changes),
    }));
  });
}
