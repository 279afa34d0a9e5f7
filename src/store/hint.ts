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
  if (stored === null) return null;
  try {
    const hint = StoredValue.parse(objects.address(key), stored.bytes);
    return { position: hint.member("position").integer(), schemaDigest: hint.member("schema").string() };
  } catch {
    // A damaged hint says as little as a missing one; the next checkpoint overwrites it.
    return null;
  }
}

export async function writeHint(objects: Objects, { branch, position, head }: Checkpoint): Promise<void> {
  const json = stringifyJson({ format: FORMAT, position, schema: head.schemaDigest });
  await objects.storage.put(hintKey(branch), encodeUtf8(json));
}
