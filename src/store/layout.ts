// Where each object of a graph stands under its root.

import { notFound } from "../lib/errors.ts";

export const GRAPH_KEY = "graph.json";
export const REFS_PREFIX = "refs/";

const POSITION_DIGITS = 20;

const positionName = (position: number): string => String(position).padStart(POSITION_DIGITS, "0");

/** `encodeURIComponent` leaves `!'()*` alone; branch names have none of them. */
export const refKey = (name: string): string => `${REFS_PREFIX}${encodeURIComponent(name)}.json`;

/** The branch name that a key under `refs/` stands for, or null for a foreign object. */
export function refName(key: string): string | null {
  if (!key.startsWith(REFS_PREFIX) || !key.endsWith(".json")) return null;
  try {
    return decodeURIComponent(key.slice(REFS_PREFIX.length, -".json".length));
  } catch {
    return null;
  }
}

export const logKey = (branch: string, position: number): string =>
  `branches/${branch}/log/${positionName(position)}.json`;
export const checkpointsPrefix = (branch: string): string => `branches/${branch}/checkpoint/`;
export const checkpointKey = (branch: string, position: number): string =>
  `${checkpointsPrefix(branch)}${positionName(position)}.json`;

/** The position in a checkpoint's key, or null for a foreign object. */
export function checkpointPosition(key: string): number | null {
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
