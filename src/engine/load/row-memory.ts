// How much of a load is in memory: whoever holds rows says so, and the largest holder writes its rows out when all of them
// together take too much. So a load holds a bounded number of rows however long its input and however many its types.

import type { Value } from "../../query/plan.ts";
import type { Row } from "../../store/types.ts";
import { SEGMENTS_IN_FLIGHT_MAX } from "./limits.ts";

export interface MemoryLimits {
  /** Of one type. */
  readonly rows: number;
  /** Of all types. */
  readonly bytes: number;
}

/** What holds rows of one type. */
export interface RowHolder {
  /** Of the rows in memory. */
  readonly heldBytes: number;
  /** Starts to write them out. */
  writeOut(): void;
}

export class RowMemory {
  private bytes = 0;
  private readonly holders: RowHolder[] = [];
  private readonly writing = new Set<Promise<unknown>>();

  constructor(readonly limits: MemoryLimits) {}

  add(holder: RowHolder): void {
    this.holders.push(holder);
  }

  /** Notes bytes that a holder took on, and makes room where there are too many. */
  grew(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes < this.limits.bytes) return;
    let largest = this.holders[0];
    for (const holder of this.holders) if (holder.heldBytes > largest.heldBytes) largest = holder;
    largest.writeOut();
  }

  shrank(bytes: number): void {
    this.bytes -= bytes;
  }

  /** Notes a segment on its way to storage; whoever needs it hears of its failure, `room` does so first. */
  writes(segment: Promise<unknown>): void {
    const settled = segment.finally(() => this.writing.delete(settled));
    this.writing.add(settled);
    settled.catch(() => undefined);
  }

  /** Waits while too much is on its way; asked between the chunks of a long input. */
  async room(): Promise<void> {
    while (this.writing.size > SEGMENTS_IN_FLIGHT_MAX) await Promise.race(this.writing);
  }
}

const FIXED_BYTES = 8;

/** About what a row takes in its columns. */
export function rowBytes(row: Row): number {
  let bytes = FIXED_BYTES + row.id.length;
  if (row.src !== null && row.dst !== null) bytes += 2 * FIXED_BYTES + row.src.length + row.dst.length;
  for (const value of row.values) bytes += valueBytes(value);
  return bytes;
}

function valueBytes(value: Value): number {
  if (typeof value === "string") return value.length + FIXED_BYTES;
  if (value instanceof Float32Array) return value.byteLength;
  if (Array.isArray(value)) {
    let bytes = FIXED_BYTES;
    for (const item of value as readonly Value[]) bytes += valueBytes(item);
    return bytes;
  }
  return FIXED_BYTES;
}
