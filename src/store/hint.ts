// A branch's newest checkpoint, as somebody last noted it: opening needs no LIST. Stale or missing, it costs time only.

import { stringifyJson } from "../lib/json.ts";
import { encodeUtf8 } from "../lib/utf8.ts";
import type { Version } from "../storage/adapter.ts";
import { hintKey } from "./layout.ts";
import type { Objects } from "./objects.ts";
import { FORMAT, StoredValue } from "./stored-json.ts";
import type { BranchId, Checkpoint } from "./types.ts";

export interface Hint {
  readonly position: number;
  readonly schemaDigest: string;
  readonly version: Version;
}

/** Position of a hint that cannot be read: it says as little as a missing one, and the next checkpoint overwrites it. */
const DAMAGED = -1;

export async function readHint(objects: Objects, branch: BranchId): Promise<Hint | null> {
  const hint = await lookUp(objects, branch);
  return hint === null || hint.position === DAMAGED ? null : hint;
}

/**
 * Notes a checkpoint unless a newer one is noted: who was slow must not lead others to where cleanup has been. `known` is
 * the hint as it was last seen. Answers the one that stands then; null where storage does not say.
 */
export async function writeHint(
  objects: Objects,
  { branch, position, head }: Checkpoint,
  known: Hint | null,
): Promise<Hint | null> {
  const { storage } = objects;
  const key = hintKey(branch);
  const { schemaDigest } = head;
  const bytes = encodeUtf8(stringifyJson({ format: FORMAT, position, schema: schemaDigest }));
  let there = known;
  while (there === null || there.position < position) {
    const put =
      there === null
        ? await storage.putIfAbsent(key, bytes)
        : await storage.putIfMatch(key, bytes, there.version);
    if (put.outcome === "won") return { position, schemaDigest, version: put.version };
    if (put.outcome === "unknown") return null;
    there = await lookUp(objects, branch);
  }
  return there;
}

async function lookUp(objects: Objects, branch: BranchId): Promise<Hint | null> {
  const key = hintKey(branch);
  const stored = await objects.storage.get(key);
  if (stored === null) return null;
  const { version } = stored;
  try {
    const hint = StoredValue.parse(objects.address(key), stored.bytes);
    const position = hint.member("position").integer();
    return { position, schemaDigest: hint.member("schema").string(), version };
  } catch {
    return { position: DAMAGED, schemaDigest: "", version };
  }
}
