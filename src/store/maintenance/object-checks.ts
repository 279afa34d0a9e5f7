// Whether objects are what the references to them say. Each is looked at once, however many refer to it.

import { OmnigraphError } from "../../lib/errors.ts";
import type { Catalog, Property, StableId } from "../../schema/catalog.ts";
import { blobKey, readBlobReference } from "../blob-reference.ts";
import { sortColumns } from "../builder.ts";
import { isValid, type RowBatch } from "../column.ts";
import { textAt } from "../column-value.ts";
import type { GraphContext } from "../context.ts";
import { readDead } from "../dead-rows.ts";
import type { StoredChanges } from "../entry.ts";
import { schemaKey, segmentKey } from "../layout.ts";
import { withDeletes } from "../log-read.ts";
import { compareRows, liveBatches } from "../merge-rows.ts";
import { readSegmentBatches } from "../segment-read.ts";
import { isSorted } from "../sort.ts";
import { DamagedObject, damaged } from "../stored-json.ts";
import { type LiveSource, liveRowsOf, type TypeChange } from "../type-state.ts";
import type { DeadRows, SegmentRef, TypeState } from "../types.ts";
import { byBatch } from "./needed-blobs.ts";

/** What is wrong with an object. */
export interface Problem {
  readonly text: string;
  /** Storage did not let it be read: nobody knows what is there. */
  readonly isUnreadable: boolean;
}

/** What a thrown error says of the object that was read. Whatever is not storage's own complaint comes from its bytes. */
export function problemOf(thrown: unknown): Problem {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return { text, isUnreadable: thrown instanceof OmnigraphError && !(thrown instanceof DamagedObject) };
}

/** The value of some work, or what kept it from being had. */
export async function attempt<T>(
  work: () => Promise<T>,
): Promise<
  { readonly value: T; readonly problem: null } | { readonly value: null; readonly problem: Problem }
> {
  try {
    return { value: await work(), problem: null };
  } catch (thrown) {
    return { value: null, problem: problemOf(thrown) };
  }
}

export class ObjectChecks {
  private readonly known = new Map<string, Promise<Problem | null>>();
  private readonly blobProperties = new Map<StableId, Property>();

  constructor(
    private readonly context: GraphContext,
    /** Types and properties that were dropped for good: their rows may be gone. */
    private readonly purged: ReadonlySet<StableId>,
  ) {}

  /** Asked before the commits and states that the schema describes. */
  schema(digest: string): Promise<Problem | null> {
    return this.once(schemaKey(digest), async () => this.noteBlobs(await this.context.catalogOf(digest)));
  }

  /** A type at a checkpoint: its segments, their dead rows, and how many are alive. */
  async typeState({ type, count, segments }: TypeState, areBlobsNeeded: boolean): Promise<Problem | null> {
    if (this.purged.has(type)) return null;
    let live = 0;
    for (const { segment, dead } of segments) {
      const problem =
        (await this.segment(segment)) ??
        (await this.dead(segment, dead)) ??
        (areBlobsNeeded ? await this.blobsOfLive(segment, dead) : null);
      if (problem !== null) return problem;
      live +=
        segment.rows - (dead.kind === "none" ? 0 : dead.kind === "rows" ? dead.rows.length : dead.count);
    }
    if (live === count) return null;
    return {
      text: `the segments of type ${type} hold ${live} live rows where ${count} are counted`,
      isUnreadable: false,
    };
  }

  /** What a commit did to a type: the rows that it added, and the ids that it deleted. */
  async changes(stored: StoredChanges, areBlobsNeeded: boolean): Promise<Problem | null> {
    const { changes } = stored;
    if (this.purged.has(changes.type)) return null;
    const deletes = await attempt(() => withDeletes(this.context.objects, stored));
    if (deletes.problem !== null) return deletes.problem;
    for (const segment of changes.segments) {
      const problem =
        (await this.segment(segment)) ??
        (areBlobsNeeded ? await this.blobsOfLive(segment, { kind: "none" }) : null);
      if (problem !== null) return problem;
    }
    const { rows } = changes;
    return rows === null || !areBlobsNeeded ? null : (await attempt(() => this.blobsOf(rows))).problem;
  }

  /** The Blobs of the rows of a type that are alive after some changes to a checkpoint. */
  async blobsAfter(base: TypeState | null, changes: readonly TypeChange[]): Promise<Problem | null> {
    if (this.blobProperties.size === 0) return null;
    const { problem } = await attempt(async () => {
      const { sources, pending } = await liveRowsOf(this.context, base, changes);
      for (const source of sources) await this.blobsIn(source);
      for (const [batch, rows] of byBatch(pending)) await this.blobsOf(batch, (row) => rows.has(row));
    });
    return problem;
  }

  private blobsOfLive(segment: SegmentRef, dead: DeadRows): Promise<Problem | null> {
    const rows = dead.kind === "object" ? dead.key : dead.kind === "rows" ? dead.rows.join() : "";
    return this.once(`blobs of ${segment.id} without ${rows}`, async () =>
      this.blobsIn({ segment, allDead: await readDead(this.context.objects, dead) }),
    );
  }

  private async blobsIn(source: Pick<LiveSource, "segment" | "allDead">): Promise<void> {
    if (!source.segment.columns.some((property) => this.blobProperties.has(property))) return;
    for await (const batch of liveBatches(this.context, source)) await this.blobsOf(batch);
  }

  private segment(segment: SegmentRef): Promise<Problem | null> {
    return this.once(segmentKey(segment.type, segment.id), () => this.readSegment(segment));
  }

  private async readSegment(segment: SegmentRef): Promise<void> {
    const { objects } = this.context;
    const key = segmentKey(segment.type, segment.id);
    const address = objects.address(key);
    const info = await objects.storage.head(key);
    if (info === null) throw damaged(address, "the segment is missing");
    if (info.size !== segment.bytes)
      throw damaged(address, `expected ${segment.bytes} bytes, found ${info.size}`);
    if (segment.crc !== undefined && (await this.crcOf(key)) !== segment.crc)
      throw damaged(address, "the file fails its checksum");
    let before: RowBatch | null = null;
    for (const [place, { least, greatest }] of segment.batches.entries()) {
      const [batch] = await readSegmentBatches(objects, segment, [place]);
      const keys = sortColumns(batch);
      if (batch.length === 0 || !isSorted(keys, batch.length))
        throw damaged(address, `record batch ${place} is not sorted`);
      if (before !== null && compareRows(sortColumns(before), before.length - 1, keys, 0) >= 0)
        throw damaged(address, `record batch ${place} does not follow the one before`);
      if (textAt(keys[0], 0) !== least || textAt(keys[0], batch.length - 1) !== greatest)
        throw damaged(address, `record batch ${place} does not span what its reference says`);
      before = batch;
    }
  }

  private async crcOf(key: string): Promise<number | null> {
    const chunks = await this.context.objects.storage.getStream(key);
    if (chunks === null) return null;
    let crc = 0;
    for await (const chunk of chunks) crc = Bun.hash.crc32(chunk, crc);
    return crc;
  }

  private async dead(segment: SegmentRef, dead: DeadRows): Promise<Problem | null> {
    if (dead.kind !== "object") return null;
    return this.once(dead.key, async () => {
      const rows = await readDead(this.context.objects, dead);
      if ((rows.at(-1) ?? 0) >= segment.rows)
        throw damaged(this.context.objects.address(dead.key), `names rows beyond ${segment.rows}`);
    });
  }

  /** Every Blob that rows refer to, by its bytes. */
  private async blobsOf(batch: RowBatch, isWanted: (row: number) => boolean = () => true): Promise<void> {
    for (const id of this.blobProperties.keys()) {
      const column = batch.columns.get(id);
      if (column?.kind !== "utf8") continue;
      for (let row = 0; row < batch.length; row++) {
        if (!isValid(column.valid, row) || !isWanted(row)) continue;
        const reference = readBlobReference(textAt(column, row));
        if (reference.kind !== "managed") continue;
        const problem = await this.once(blobKey(reference.digest), () => this.readBlob(reference.digest));
        if (problem?.isUnreadable === false) throw new DamagedObject("internal", problem.text);
        if (problem !== null) throw new OmnigraphError("internal", problem.text);
      }
    }
  }

  private async readBlob(digest: string): Promise<void> {
    const { objects } = this.context;
    const key = blobKey(digest);
    const chunks = await objects.storage.getStream(key);
    if (chunks === null) throw damaged(objects.address(key), "the Blob is missing");
    const hash = new Bun.CryptoHasher("sha256");
    for await (const chunk of chunks) hash.update(chunk);
    if (hash.digest("hex") !== digest)
      throw damaged(objects.address(key), "its content is not what its name says");
  }

  private noteBlobs({ typeById }: Catalog): void {
    for (const { properties } of typeById.values()) {
      for (const property of properties) {
        const isBlob = property.type.scalar === "Blob" && !this.purged.has(property.id);
        if (isBlob) this.blobProperties.set(property.id, property);
      }
    }
  }

  private once(key: string, check: () => Promise<unknown>): Promise<Problem | null> {
    let known = this.known.get(key);
    if (known === undefined) {
      known = attempt(check).then(({ problem }) => problem);
      this.known.set(key, known);
    }
    return known;
  }
}
