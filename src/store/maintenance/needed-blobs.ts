// The Blobs that readable states refer to. A row that was replaced or deleted before the oldest of them needs its Blobs no
// more, though the object that it stands in may stay for the sake of others.

import type { Catalog, Property, StableId } from "../../schema/catalog.ts";
import { blobDigests } from "../blob-reference.ts";
import type { RowBatch } from "../column.ts";
import type { GraphContext } from "../context.ts";
import type { StoredChanges } from "../entry.ts";
import { withDeletes } from "../log-read.ts";
import { liveBatches } from "../merge-rows.ts";
import { type LiveSource, liveRowsOf, type Pending } from "../type-state.ts";
import type { SegmentRef, TypeState } from "../types.ts";

/** A type at the oldest of some states: at a checkpoint, and what was done since. */
export interface OldestState {
  readonly type: StableId;
  readonly base: TypeState | null;
  readonly changes: readonly { readonly version: number; readonly stored: StoredChanges }[];
}

type Held = Pick<LiveSource, "segment" | "allDead">;

export class NeededBlobs {
  /** Blob properties of all types, in every schema that is needed. */
  private readonly properties = new Map<StableId, Property>();
  private readonly types = new Set<StableId>();
  /** By id: segments that are still to be read, each with the rows that no state needs. */
  private readonly segments = new Map<string, Held>();
  private oldest: OldestState[] = [];

  constructor(
    private readonly context: GraphContext,
    private readonly purged: ReadonlySet<StableId>,
    private readonly need: (digest: string) => void,
  ) {}

  /** Called with the schema of a commit before its rows. */
  schema({ typeById }: Catalog): void {
    for (const { id: type, properties } of typeById.values()) {
      for (const property of properties) {
        if (property.type.scalar !== "Blob" || this.purged.has(property.id)) continue;
        this.properties.set(property.id, property);
        this.types.add(type);
      }
    }
  }

  /** All rows of a segment. */
  segment(segment: SegmentRef): void {
    this.hold({ segment, allDead: new Uint32Array(0) });
  }

  rows(batch: RowBatch, isWanted?: (row: number) => boolean): void {
    if (this.properties.size === 0) return;
    const type = { properties: [...this.properties.values()] };
    for (const digest of blobDigests(batch, type, isWanted)) this.need(digest);
  }

  /** The rows that are alive in a state. */
  state(state: OldestState): void {
    this.oldest.push(state);
  }

  /** Tells of everything that was named and not told of yet. */
  async collect(): Promise<void> {
    const states = this.oldest;
    this.oldest = [];
    for (const state of states) if (this.types.has(state.type)) await this.findRows(state);
    const held = [...this.segments.values()];
    this.segments.clear();
    for (const source of held) {
      if (!source.segment.columns.some((property) => this.properties.has(property))) continue;
      for await (const batch of liveBatches(this.context, source)) this.rows(batch);
    }
  }

  private async findRows({ base, changes }: OldestState): Promise<void> {
    const whole = changes.map(async ({ version, stored }) => {
      return { version, changes: await withDeletes(this.context.objects, stored) };
    });
    const { sources, pending } = await liveRowsOf(this.context, base, await Promise.all(whole));
    for (const source of sources) this.hold(source);
    for (const [batch, rows] of byBatch(pending)) this.rows(batch, (row) => rows.has(row));
  }

  private hold({ segment, allDead }: Held): void {
    const known = this.segments.get(segment.id);
    const dead = known === undefined ? allDead : inBoth(known.allDead, allDead);
    this.segments.set(segment.id, { segment, allDead: dead });
  }
}

export function byBatch(pending: readonly Pending[]): Map<RowBatch, Set<number>> {
  const rows = new Map<RowBatch, Set<number>>();
  for (const { batch, row } of pending) {
    const known = rows.get(batch);
    if (known === undefined) rows.set(batch, new Set([row]));
    else known.add(row);
  }
  return rows;
}

function inBoth(a: Uint32Array, b: Uint32Array): Uint32Array {
  if (a.length === 0 || b.length === 0) return new Uint32Array(0);
  const known = new Set(b);
  return a.filter((row) => known.has(row));
}
