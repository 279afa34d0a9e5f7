// `cleanup`: expires history, and gives back the space that only it needed.

import { badRequest } from "../../lib/errors.ts";
import { type GraphStore, MAIN } from "../../store/index.ts";
import type { CleanupOutput } from "./outputs.ts";
import { typeKey, typesByKey } from "./types.ts";

/** A commit expires when it is beyond both limits, or beyond the one that is given. */
export interface CleanupRequest {
  /** Newest commits to keep on each branch; 0 behaves as 1. */
  readonly keep?: number;
  readonly olderThanSecs?: number;
  /** Tell what would go, and change nothing. */
  readonly preview?: boolean;
}

const MS_PER_SECOND = 1000;

export async function cleanup(store: GraphStore, request: CleanupRequest): Promise<CleanupOutput> {
  const { keep = null, olderThanSecs = null, preview = false } = request;
  if (keep === null && olderThanSecs === null) {
    throw badRequest("cleanup requires at least one of --keep or --older-than");
  }
  const olderThanMs = olderThanSecs === null ? null : olderThanSecs * MS_PER_SECOND;
  const report = await store.cleanUp({ keep, olderThanMs }, preview);
  const { catalog } = await store.branch(MAIN).head();
  return {
    uri: store.storage.uri,
    keep_versions: keep,
    older_than_secs: olderThanSecs,
    datasets: typesByKey(catalog).map((type) => {
      const swept = report.types.get(type.id);
      return {
        type_key: typeKey(type),
        bytes_removed: swept?.bytes ?? 0,
        old_versions_removed: report.expiredByType.get(type.id) ?? 0,
        error: swept?.error ?? null,
      };
    }),
    commits_expired: report.expired,
    bytes_removed: report.bytes,
    ...(preview ? { preview } : {}),
  };
}
