// The objects that a graph still needs, found by going through what refers to them. Only keys are held, never rows.

import type { StableId } from "../../schema/catalog.ts";
import { blobKey } from "../blob-reference.ts";
import { genesisCheckpoint } from "../checkpoint.ts";
import { tryCheckpoint } from "../checkpoint-read.ts";
import type { GraphContext } from "../context.ts";
import { type DecodedEntry, decodeEntry, type StoredChanges } from "../entry.ts";
import { bundleKey, checkpointKey, deletesKey, logKey, schemaKey, segmentKey } from "../layout.ts";
import { PARALLEL_REQUESTS_MAX } from "../limits.ts";
import { logOwner } from "../lineage.ts";
import { inParallel } from "../parallel.ts";
import { damaged } from "../stored-json.ts";
import type { BranchRef, Checkpoint, LogPlace, SegmentRef } from "../types.ts";
import { NeededBlobs, type OldestState } from "./needed-blobs.ts";

/** States that stay readable: from a checkpoint, by the entries after it. */
export interface NeededStates {
  readonly ref: BranchRef;
  /** Positions: the first entry and the last one. */
  readonly from: number;
  readonly to: number;
  /** Position of the checkpoint before the first entry; null where it is needed by others anyway. */
  readonly checkpoint: number | null;
  /** Version of the oldest of the states: what was replaced up to it is not needed. */
  readonly first: number;
  /** Positions of all checkpoints there are in the branch's history. */
  readonly checkpoints: readonly number[];
}

export class Marks {
  private readonly keys = new Set<string>();
  private readonly schemas = new Set<string>();
  /** Null where a graph keeps no Blobs: then rows are not looked at. */
  private readonly neededBlobs: NeededBlobs | null;

  constructor(
    private readonly context: GraphContext,
    hasBlobs: boolean,
    /** Types and properties that were dropped for good: nobody may read them at any commit. */
    private readonly purged: ReadonlySet<StableId>,
  ) {
    this.neededBlobs = hasBlobs
      ? new NeededBlobs(context, purged, (digest) => this.keys.add(blobKey(digest)))
      : null;
  }

  has(key: string): boolean {
    return this.keys.has(key);
  }

  add(key: string): void {
    this.keys.add(key);
  }

  /** Throws where something that the states need is not there or damaged, as far as it has to be read. */
  async states({ ref, from, to, checkpoint, first, checkpoints }: NeededStates): Promise<void> {
    /** By type: changes up to the first of the states, from the last that replaced the type on. */
    const older = new Map<StableId, OldestState["changes"]>();
    const replaced = new Set<StableId>();
    for await (const { key, commits } of this.entries(ref, from, to)) {
      this.keys.add(key);
      for (const { record, changes } of commits) {
        await this.schema(record.schemaDigest);
        for (const stored of changes) {
          const { type, replaced: isReplaced } = stored.changes;
          this.deletes(stored);
          if (record.version > first) {
            this.added(stored);
            continue;
          }
          if (isReplaced) replaced.add(type);
          const change = { version: record.version, stored };
          older.set(type, isReplaced ? [change] : [...(older.get(type) ?? []), change]);
        }
      }
    }
    for (const { stored } of [...older.values()].flat()) {
      for (const segment of stored.changes.segments) this.segment(segment);
    }
    if (checkpoint !== null) {
      const base = await this.checkpoint(ref, checkpoint, replaced);
      if (base === null) {
        const place = checkpointKey(logOwner(ref, checkpoint), checkpoint);
        throw damaged(this.context.objects.address(place), "the checkpoint cannot be read");
      }
      for (const type of new Set([...base.types.keys(), ...older.keys()])) {
        if (this.purged.has(type)) continue;
        const before = replaced.has(type) ? null : (base.types.get(type) ?? null);
        this.neededBlobs?.state({ type, base: before, changes: older.get(type) ?? [] });
      }
    }
    // Those between spare time, and are no loss where they are lost.
    for (const position of checkpoints) {
      if (position < from || position > to) continue;
      await this.checkpoint(ref, position, new Set());
      this.keys.add(bundleKey(logOwner(ref, position), position));
    }
  }

  /** An entry for what it says of its commits, not for their rows. */
  async record(place: LogPlace): Promise<void> {
    this.keys.add(logKey(place.branch, place.position));
    // It cannot be read without the ids that it deletes.
    for (const { changes } of (await this.entry(place)).commits)
      for (const change of changes) this.deletes(change);
  }

  /** The Blobs that marked rows refer to; called after the last of the states. */
  async blobs(): Promise<void> {
    await this.neededBlobs?.collect();
  }

  private async *entries(
    ref: BranchRef,
    first: number,
    to: number,
  ): AsyncGenerator<{ readonly key: string; readonly commits: DecodedEntry["commits"] }> {
    for (let from = first; from <= to; from += PARALLEL_REQUESTS_MAX) {
      const end = Math.min(from + PARALLEL_REQUESTS_MAX - 1, to);
      const places = Array.from({ length: end - from + 1 }, (_, i): LogPlace => {
        return { branch: logOwner(ref, from + i), position: from + i };
      });
      const entries = await inParallel(places, places.length, (place) => this.entry(place));
      for (const [i, { commits }] of entries.entries()) {
        yield { key: logKey(places[i].branch, places[i].position), commits };
      }
    }
  }

  /** An entry with the names of its objects. */
  private async entry(place: LogPlace): Promise<DecodedEntry> {
    const { objects } = this.context;
    const key = logKey(place.branch, place.position);
    const address = objects.address(key);
    const cacheKey = `${address}#stored`;
    const known = objects.cache.get<DecodedEntry>(cacheKey);
    if (known !== undefined) return known;
    const stored = await objects.storage.get(key);
    if (stored === null) throw damaged(address, "the log entry is missing");
    const entry = decodeEntry(address, stored.bytes, place);
    objects.cache.put(cacheKey, entry, stored.bytes.length);
    return entry;
  }

  /** `replaced` are types whose rows there nobody needs any more. Null where the checkpoint is lost. */
  private async checkpoint(
    ref: BranchRef,
    position: number,
    replaced: ReadonlySet<StableId>,
  ): Promise<Checkpoint | null> {
    if (position === 0) {
      const { genesis } = this.context.graph;
      await this.schema(genesis.schemaDigest);
      return genesisCheckpoint(genesis);
    }
    const place = { branch: logOwner(ref, position), position };
    const key = checkpointKey(place.branch, position);
    this.keys.add(key);
    const checkpoint = await tryCheckpoint(this.context, ref, place);
    if (checkpoint === null) return null;
    await this.schema(checkpoint.head.schemaDigest);
    for (const pack of checkpoint.history.packs) {
      this.keys.add(checkpointKey(logOwner(ref, pack.position), pack.position));
    }
    for (const { type, segments } of checkpoint.types.values()) {
      if (replaced.has(type) || this.purged.has(type)) continue;
      for (const { segment, dead } of segments) {
        this.segment(segment);
        if (dead.kind === "object") this.keys.add(dead.key);
      }
    }
    return checkpoint;
  }

  private async schema(digest: string): Promise<void> {
    if (this.schemas.has(digest)) return;
    this.schemas.add(digest);
    this.keys.add(schemaKey(digest));
    if (this.neededBlobs !== null) this.neededBlobs.schema(await this.context.catalogOf(digest));
  }

  private deletes({ changes, deletesObject }: StoredChanges): void {
    if (deletesObject !== null) this.keys.add(deletesKey(changes.type, deletesObject.id));
  }

  /** All that a commit added. */
  private added({ changes }: StoredChanges): void {
    for (const segment of changes.segments) {
      this.segment(segment);
      if (!this.purged.has(segment.type)) this.neededBlobs?.segment(segment);
    }
    if (changes.rows !== null) this.neededBlobs?.rows(changes.rows);
  }

  private segment({ type, id }: SegmentRef): void {
    if (!this.purged.has(type)) this.keys.add(segmentKey(type, id));
  }
}
