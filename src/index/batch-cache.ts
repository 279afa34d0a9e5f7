// Decoded record batches of recent point lookups.

import type { DeadRows, RowBatch, SegmentReader, SegmentRef } from "../store/index.ts";
import { LOOKUP_BATCHES_MAX } from "./limits.ts";

/** By segment and place; the oldest go first. */
export class BatchCache {
  private readonly batches = new Map<string, Promise<RowBatch>>();
  private readonly dead = new Map<string, Promise<Uint32Array>>();

  constructor(private readonly source: SegmentReader) {}

  /** Batches of one segment, in the order asked; those that are not at hand are read together. */
  async read(segment: SegmentRef, wanted: readonly number[]): Promise<RowBatch[]> {
    const missing = wanted.filter((index) => !this.batches.has(`${segment.id}/${index}`));
    if (missing.length > 0) {
      const work = this.source.readSegmentBatches(segment, missing);
      missing.forEach((index, i) => {
        const batch = work.then((read) => read[i]);
        const key = `${segment.id}/${index}`;
        batch.catch(() => this.batches.delete(key));
        this.batches.set(key, batch);
      });
    }
    const read = await Promise.all(wanted.map((index) => this.batches.get(`${segment.id}/${index}`)));
    for (const key of this.batches.keys()) {
      if (this.batches.size <= LOOKUP_BATCHES_MAX) break;
      this.batches.delete(key);
    }
    return read.map((batch) => {
      if (batch === undefined) throw new Error("invariant broken: a batch was asked for and not read");
      return batch;
    });
  }

  /** All batches of a segment, to be looked at once. */
  readWhole(segment: SegmentRef): Promise<RowBatch[]> {
    return this.source.readSegmentBatches(segment);
  }

  deadRows(dead: DeadRows): Promise<Uint32Array> {
    if (dead.kind !== "object") return this.source.readDead(dead);
    let work = this.dead.get(dead.key);
    if (work === undefined) {
      work = this.source.readDead(dead);
      work.catch(() => this.dead.delete(dead.key));
      this.dead.set(dead.key, work);
    }
    return work;
  }

  clear(): void {
    this.batches.clear();
    this.dead.clear();
  }
}
