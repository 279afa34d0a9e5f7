// A branch's newest checkpoint, as somebody last noted it: opening needs no LIST. Stale or missing, it costs time only.

import type { JsonObject } from "../lib/json.ts";
import type { Version } from "../storage/adapter.ts";
import { hintKey } from "./layout.ts";
import { HINT_PACKS_MAX } from "./limits.ts";
import type { Objects } from "./objects.ts";
import { FORMAT, StoredValue, sealedJson } from "./stored-json.ts";
import type { BranchId, Checkpoint, IdRange } from "./types.ts";

export interface Hint {
  readonly position: number;
  readonly schemaDigest: string;
  /** The newest packs of the checkpoint, as far as their ids are known: a commit of the past is found beside it. */
  readonly packs: readonly PackIds[];
  readonly version: Version;
}

export interface PackIds {
  readonly position: number;
  readonly ids: IdRange;
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
  { branch, position, head, history }: Checkpoint,
  known: Hint | null,
): Promise<Hint | null> {
  const { storage } = objects;
  const key = hintKey(branch);
  const { schemaDigest } = head;
  const packs = history.packs
    .flatMap(({ position, ids }): PackIds[] => (ids === null ? [] : [{ position, ids }]))
    .slice(-HINT_PACKS_MAX);
  const json: JsonObject = {
    format: FORMAT,
    position,
    schema: schemaDigest,
    packs: packs.map(({ position, ids }) => [position, ids.least, ids.greatest]),
  };
  const bytes = sealedJson(json);
  let there = known;
  while (there === null || there.position < position) {
    const put =
      there === null
        ? await storage.putIfAbsent(key, bytes)
        : await storage.putIfMatch(key, bytes, there.version);
    if (put.outcome === "won") return { position, schemaDigest, packs, version: put.version };
    if (put.outcome === "unknown") return null;
    there = await lookUp(objects, branch);
  }
  return there;
}

/** Callers that ask together share one request. */
function lookUp(objects: Objects, branch: BranchId): Promise<Hint | null> {
  return objects.sharedLoad(objects.address(hintKey(branch)), () => load(objects, branch));
}

async function load(objects: Objects, branch: BranchId): Promise<Hint | null> {
  const key = hintKey(branch);
  const stored = await objects.storage.get(key);
  if (stored === null) return null;
  const { version } = stored;
  try {
    const hint = StoredValue.parse(objects.address(key), stored.bytes);
    const position = hint.member("position").integer();
    return { position, schemaDigest: hint.member("schema").string(), packs: readPacks(hint), version };
  } catch {
    return { position: DAMAGED, schemaDigest: "", packs: [], version };
  }
}

function readPacks(hint: StoredValue): PackIds[] {
  const packs = hint.member("packs");
  if (!packs.isPresent) return [];
  return packs.items().map((pack) => ({
    position: pack.item(0).integer(),
    ids: { least: pack.item(1).string(), greatest: pack.item(2).string() },
  }));
}
