// Branch refs: a name, the log it stands for, and where that was forked.
//
// A ref is only ever created or replaced, each on the condition that the name is as the writer found it. A deleted branch
// leaves an empty object: to remove it would be a request without a condition, and one that comes late, or is sent again
// because its answer was lost, would take away the branch that has the name by then.

import type { JsonObject } from "../lib/json.ts";
import type { Version } from "../storage/adapter.ts";
import { MAIN } from "./branch-name.ts";
import { placeJson, readPlace } from "./entry.ts";
import type { GraphRecord } from "./graph-record.ts";
import { REFS_PREFIX, refKey, refName } from "./layout.ts";
import { PARALLEL_REQUESTS_MAX } from "./limits.ts";
import type { Objects } from "./objects.ts";
import { inParallel } from "./parallel.ts";
import { FORMAT, StoredValue, sealedJson } from "./stored-json.ts";
import type { BranchRef, Inherited, LogPlace } from "./types.ts";

/** A ref with what opening the branch needs beside it. */
export interface StoredRef {
  readonly ref: BranchRef;
  /** The newest checkpoint known at the fork, at or below it; null for the genesis state. */
  readonly checkpoint: LogPlace | null;
  /** Schema at that checkpoint, so that it is fetched beside it. */
  readonly schemaDigest: string;
}

export interface VersionedRef extends StoredRef {
  readonly version: Version;
}

/** Main has no ref: graph.json names its log. */
export function mainRef(graph: GraphRecord): StoredRef {
  return {
    ref: { name: MAIN, id: graph.mainId, lineage: [] },
    checkpoint: null,
    schemaDigest: graph.genesis.schemaDigest,
  };
}

/** What stands under a name: a branch, what a deleted one left, or nothing. */
export type NameHolder = VersionedRef | { readonly ref: null; readonly version: Version } | null;

export async function readName(objects: Objects, name: string): Promise<NameHolder> {
  const key = refKey(name);
  const stored = await objects.storage.get(key);
  if (stored === null) return null;
  const { version } = stored;
  return isLeft(stored.bytes)
    ? { ref: null, version }
    : { ...decodeRef(objects.address(key), name, stored.bytes), version };
}

/** The ref of a branch other than main; null where there is none. */
export async function readRef(objects: Objects, name: string): Promise<VersionedRef | null> {
  const holder = await readName(objects, name);
  return holder === null || holder.ref === null ? null : holder;
}

/** What a deleted branch leaves under its name. */
export const DELETED: Uint8Array = new Uint8Array(0);
export const isLeft = (bytes: Uint8Array): boolean => bytes.length === DELETED.length;

export function encodeRef({ ref, checkpoint, schemaDigest }: StoredRef): Uint8Array {
  const json: JsonObject = {
    format: FORMAT,
    name: ref.name,
    branch: ref.id,
    lineage: ref.lineage.map(({ branch, name, until }) => ({ branch, name, until })),
    checkpoint: checkpoint === null ? null : placeJson(checkpoint),
    schema: schemaDigest,
  };
  return sealedJson(json);
}

export function decodeRef(object: string, name: string, bytes: Uint8Array): StoredRef {
  const stored = StoredValue.parse(object, bytes);
  if (stored.member("name").string() !== name) stored.member("name").fail(`the name '${name}'`);
  const lineage = stored
    .member("lineage")
    .items()
    .map(
      (inherited): Inherited => ({
        branch: inherited.member("branch").string(),
        name: inherited.member("name").string(),
        until: inherited.member("until").integer(),
      }),
    );
  if (lineage.length === 0) stored.member("lineage").fail("at least one inherited log");
  return {
    ref: { name, id: stored.member("branch").string(), lineage },
    checkpoint: readPlace(stored.member("checkpoint")),
    schemaDigest: stored.member("schema").string(),
  };
}

/** Names of all branches but main, in no order. */
export async function listRefNames(objects: Objects): Promise<string[]> {
  const names: string[] = [];
  let startAfter: string | undefined;
  for (;;) {
    const page = await objects.storage.list(REFS_PREFIX, startAfter === undefined ? {} : { startAfter });
    const refs = page.objects.filter(({ size }) => size > DELETED.length);
    const found = await inParallel(refs, PARALLEL_REQUESTS_MAX, ({ key }) => nameOf(objects, key));
    for (const name of found) if (name !== null) names.push(name);
    if (page.next === null) return names;
    startAfter = page.next;
  }
}

async function nameOf(objects: Objects, key: string): Promise<string | null> {
  const told = refName(key);
  if (told !== "inside") return told?.name ?? null;
  const stored = await objects.storage.get(key);
  return stored === null || isLeft(stored.bytes)
    ? null
    : StoredValue.parse(objects.address(key), stored.bytes).member("name").string();
}
