// Where each object of a graph stands under its root.

import { sha256Hex } from "../lib/digest.ts";
import { notFound } from "../lib/errors.ts";

export const GRAPH_KEY = "graph.json";
export const REFS_PREFIX = "refs/";
export const BRANCHES_PREFIX = "branches/";

const POSITION_DIGITS = 20;

const positionName = (position: number): string => String(position).padStart(POSITION_DIGITS, "0");

/** Longer encoded names would pass what file systems (255 bytes a name) and S3 (1,024 bytes a key) take. */
const REF_NAME_LENGTH_MAX = 200;
/** Begins a digest that stands for a longer name; no encoded name begins so. */
const DIGEST_MARK = "~";

/** A name too long to be a key is found by its digest, and stands inside the ref. */
export function refKey(name: string): string {
  const encoded = encodeURIComponent(name);
  const short = encoded.length <= REF_NAME_LENGTH_MAX ? encoded : `${DIGEST_MARK}${sha256Hex(name)}`;
  return `${REFS_PREFIX}${short}.json`;
}

/** What a key under `refs/` tells of the branch's name: the name, that it stands in the object, or null for a foreign object. */
export function refName(key: string): { readonly name: string } | "inside" | null {
  if (!key.startsWith(REFS_PREFIX) || !key.endsWith(".json")) return null;
  const short = key.slice(REFS_PREFIX.length, -".json".length);
  if (short.startsWith(DIGEST_MARK)) return "inside";
  try {
    return { name: decodeURIComponent(short) };
  } catch {
    return null;
  }
}

export const logPrefix = (branch: string): string => `branches/${branch}/log/`;
export const logKey = (branch: string, position: number): string =>
  `${logPrefix(branch)}${positionName(position)}.json`;
export const checkpointsPrefix = (branch: string): string => `branches/${branch}/checkpoint/`;
export const checkpointKey = (branch: string, position: number): string =>
  `${checkpointsPrefix(branch)}${positionName(position)}.json`;

export const bundleKey = (branch: string, position: number): string =>
  `branches/${branch}/bundle/${positionName(position)}.ndjson`;

/** The position in the key of a log entry or a checkpoint, or null for a foreign object. */
export function positionIn(key: string): number | null {
  const match = /\/(\d{20})\.json$/.exec(key);
  return match === null ? null : Number(match[1]);
}

export const hintKey = (branch: string): string => `branches/${branch}/hint.json`;
export const floorKey = (branch: string): string => `branches/${branch}/floor.json`;
export const schemaKey = (digest: string): string => `schema/${digest}.json`;
export const segmentKey = (type: number, segment: string): string => `segments/${type}/${segment}.arrow`;
export const deletesKey = (type: number, object: string): string => `deletes/${type}/${object}.arrow`;
export const deadKey = (segment: string, position: number): string =>
  `dead/${segment}/${positionName(position)}.bin`;

export const branchNotFound = (name: string) => notFound(`branch '${name}' not found`);
export const commitNotFound = (commit: string) => notFound(`commit '${commit}' not found`);
