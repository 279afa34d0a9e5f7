// Deleting what nobody needs, page by page. Objects that are young may belong to a commit that is about to be published;
// objects that are not the store's are left alone.

import type { StableId } from "../../schema/catalog.ts";
import type { ObjectInfo } from "../../storage/adapter.ts";
import { BLOBS_PREFIX } from "../blob-reference.ts";
import type { GraphContext } from "../context.ts";
import { PARALLEL_REQUESTS_MAX } from "../limits.ts";
import { inParallel } from "../parallel.ts";

export interface SweptType {
  bytes: number;
  /** What kept an object from going. */
  error: string | null;
}

export interface Swept {
  /** Of everything, rows or not. */
  readonly bytes: number;
  readonly types: ReadonlyMap<StableId, SweptType>;
}

interface Area {
  readonly prefix: string;
  /** Other objects under the prefix are foreign. */
  readonly pattern: RegExp;
  /**
   * Written again: by a writer that needs the same content, or by one that takes long and keeps what it wrote from growing
   * old. Its commit may come after the listing.
   */
  readonly isRenewed?: boolean;
}

const AREAS: readonly Area[] = [
  {
    prefix: "branches/",
    pattern: /^branches\/[^/]+\/(?:(?:(?:log|checkpoint)\/\d{20}|hint|floor)\.json|bundle\/\d{20}\.ndjson)$/,
  },
  { prefix: "segments/", pattern: /^segments\/\d+\/[^/]+\.arrow$/, isRenewed: true },
  { prefix: "deletes/", pattern: /^deletes\/\d+\/[^/]+\.arrow$/ },
  { prefix: "dead/", pattern: /^dead\/[^/]+\/\d{20}\.bin$/ },
  { prefix: "index/", pattern: /^index\/[^/]+\/[^/]+$/ },
  { prefix: BLOBS_PREFIX, pattern: /^blobs\/[0-9a-f]{64}$/, isRenewed: true },
  { prefix: "schema/", pattern: /^schema\/[0-9a-f]{64}\.json$/, isRenewed: true },
];

/** Deletes objects that are not needed and were written before `youngFrom`, in ms by the store's clock; a preview counts them. */
export async function sweep(
  { objects }: GraphContext,
  isNeeded: (key: string) => boolean,
  youngFrom: number,
  isPreview: boolean,
): Promise<Swept> {
  const { storage } = objects;
  const types = new Map<StableId, SweptType>();
  /** Types of the segments that there are, for what is named after a segment. */
  const typeOfSegment = new Map<string, StableId>();
  const failures: unknown[] = [];
  let bytes = 0;

  /** Asked right before a deletion, for a page of them takes its time. */
  const isYoungNow = async (key: string): Promise<boolean> =>
    ((await storage.head(key))?.modifiedAt ?? youngFrom) >= youngFrom;

  const remove = async (object: ObjectInfo, isRenewed: boolean): Promise<void> => {
    const type = typeOf(object.key, typeOfSegment);
    const swept = type === null ? null : (types.get(type) ?? { bytes: 0, error: null });
    if (type !== null && swept !== null) types.set(type, swept);
    try {
      if (isRenewed && (await isYoungNow(object.key))) return;
      if (!isPreview) await storage.delete(object.key);
      bytes += object.size;
      if (swept !== null) swept.bytes += object.size;
    } catch (thrown) {
      if (swept === null) failures.push(thrown);
      else swept.error ??= thrown instanceof Error ? thrown.message : String(thrown);
    }
  };

  for (const { prefix, pattern, isRenewed = false } of AREAS) {
    for (let startAfter: string | null = ""; startAfter !== null; ) {
      const page = await storage.list(prefix, startAfter === "" ? {} : { startAfter });
      for (const { key } of page.objects) noteSegment(key, typeOfSegment);
      const garbage = page.objects.filter(
        ({ key, modifiedAt }) => pattern.test(key) && modifiedAt < youngFrom && !isNeeded(key),
      );
      await inParallel(garbage, PARALLEL_REQUESTS_MAX, (object) => remove(object, isRenewed));
      startAfter = page.next;
    }
  }
  // What belongs to no type has no entry to report it in.
  if (failures.length > 0) throw failures[0];
  return { bytes, types };
}

function noteSegment(key: string, typeOfSegment: Map<string, StableId>): void {
  const match = /^segments\/(\d+)\/([^/]+)\.arrow$/.exec(key);
  if (match !== null) typeOfSegment.set(match[2], Number(match[1]));
}

function typeOf(key: string, typeOfSegment: ReadonlyMap<string, StableId>): StableId | null {
  const [area, name] = key.split("/");
  if (area === "segments" || area === "deletes") return Number(name);
  return area === "dead" || area === "index" ? (typeOfSegment.get(name) ?? null) : null;
}
