// A branch's newest checkpoint, as somebody last noted it: opening needs no LIST. Stale or missing, it costs time only.

import { stringifyJson } from "../lib/json.ts";
import { encodeUtf8 } from "../lib/utf8.ts";
import { hintKey } from "./layout.ts";
import type { Objects } from "./objects.ts";
import { FORMAT, StoredValue } from "./stored-json.ts";
import type { BranchId, Checkpoint } from "./types.ts";

export interface Hint {
  readonly position: number;
  readonly schemaDigest: string;
}

export async function readHint(objects: Objects, branch: BranchId): Promise<Hint | null> {
  const key = hintKey(branch);
  const stored = await objects.storage.get(key);
  return stored === null ? null : decodeHint(objects.address(key), stored.bytes);
}

/** A damaged hint says as little as a missing one; the next checkpoint overwrites it. */
function decodeHint(address: string, bytes: Uint8Array): Hint | null {
  try {
    const hint = StoredValue.parse(address, bytes);
    return { position: hint.member("position").integer(), schemaDigest: hint.member("schema").string() };
  } catch {
    return null;
  }
}

/** Notes a checkpoint unless a newer one is noted: who was slow must not lead others to where cleanup has been. */
export async function writeHint(objects: Objects, { branch, position, head }: Checkpoint): Promise<void> {
  const { storage } = objects;
  const key = hintKey(branch);
  const bytes = encodeUtf8(stringifyJson({ format: FORMAT, position, schema: head.schemaDigest }));
  const there = await storage.get(key);
  if (there === null) await storage.putIfAbsent(key, bytes);
  else if ((decodeHint(objects.address(key), there.bytes)?.position ?? 0) < position)
    await storage.putIfMatch(key, bytes, there.version);
}
