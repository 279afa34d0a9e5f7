// Rows of many batches laid into one: stretches of rows are copied column by column, so that nothing but the result is
// held beside what is read.

import { tooLarge } from "../lib/errors.ts";
import type { StableId } from "../schema/catalog.ts";
import { type Column, isValid, type RowBatch, type Utf8Column, type Validity } from "../store/index.ts";
import { TEXT_COLUMN_BYTES_MAX } from "./limits.ts";

/** Stretches of rows, in the order of the result. */
export class Stretches {
  length = 0;
  private batches = new Int32Array(64);
  private froms = new Int32Array(64);
  private tos = new Int32Array(64);
  private count = 0;

  /** Adds rows `from` up to `to` of a batch. */
  add(batch: number, from: number, to: number): void {
    if (from >= to) return;
    this.length += to - from;
    const last = this.count - 1;
    if (last >= 0 && this.batches[last] === batch && this.tos[last] === from) {
      this.tos[last] = to;
      return;
    }
    if (this.count === this.froms.length) this.grow();
    this.batches[this.count] = batch;
    this.froms[this.count] = from;
    this.tos[this.count++] = to;
  }

  private grow(): void {
    const larger = (values: Int32Array) => {
      const next = new Int32Array(values.length * 2);
      next.set(values);
      return next;
    };
    this.batches = larger(this.batches);
    this.froms = larger(this.froms);
    this.tos = larger(this.tos);
  }

  each(handle: (batch: number, from: number, to: number) => void): void {
    for (let i = 0; i < this.count; i++) handle(this.batches[i], this.froms[i], this.tos[i]);
  }

  /** The only batch, where the stretches are all of it and nothing else; else -1. */
  whole(batches: readonly RowBatch[]): number {
    if (this.count !== 1 || this.froms[0] !== 0) return -1;
    return this.tos[0] === batches[this.batches[0]].length ? this.batches[0] : -1;
  }
}

/** Every row of every batch, one after the other. */
export function allRows(batches: readonly { readonly length: number }[]): Stretches {
  const stretches = new Stretches();
  batches.forEach(({ length }, i) => {
    stretches.add(i, 0, length);
  });
  return stretches;
}

/** The stretches as one batch; a property that only some of the batches have is null in the rows of the others. */
export function gather(batches: readonly RowBatch[], stretches: Stretches): RowBatch {
  const whole = stretches.whole(batches);
  if (whole >= 0) return batches[whole];
  const properties = new Set(batches.flatMap((batch) => [...batch.columns.keys()]));
  const columns = new Map<StableId, Column>();
  for (const id of properties) {
    columns.set(
      id,
      gatherColumn(
        batches.map((batch) => batch.columns.get(id)),
        stretches,
      ),
    );
  }
  const texts = (pick: (batch: RowBatch) => Utf8Column | null) =>
    gatherUtf8(
      batches.map((batch) => pick(batch) ?? undefined),
      stretches,
    );
  const hasEnds = batches.length > 0 && batches[0].src !== null;
  return {
    length: stretches.length,
    ids: texts((batch) => batch.ids),
    src: hasEnds ? texts((batch) => batch.src) : null,
    dst: hasEnds ? texts((batch) => batch.dst) : null,
    columns,
  };
}

type Parts<C extends Column> = readonly (C | undefined)[];

function gatherColumn(parts: Parts<Column>, stretches: Stretches): Column {
  const sample = parts.find((part) => part !== undefined);
  if (sample === undefined) throw new Error("invariant broken: a column that no batch has");
  const same = <K extends Column["kind"]>(kind: K) =>
    parts.map((part) => {
      if (part !== undefined && part.kind !== kind) throw new Error("invariant broken: mixed column kinds");
      return part as Extract<Column, { kind: K }> | undefined;
    });
  const valid = gatherValidity(parts, stretches);
  switch (sample.kind) {
    case "utf8":
      return gatherUtf8(same("utf8"), stretches);
    case "bool":
      return { kind: "bool", bits: gatherBits(same("bool"), stretches), valid };
    case "vector": {
      const values = new Float32Array(stretches.length * sample.width);
      copyValues(same("vector"), stretches, values, sample.width);
      return { kind: "vector", width: sample.width, values, valid };
    }
    case "list": {
      const lists = same("list");
      const { offsets, items } = gatherOffsets(lists, stretches);
      const gathered = gatherColumn(
        lists.map((list) => list?.items),
        items,
      );
      return { kind: "list", offsets, items: gathered, valid };
    }
    default: {
      const values = zeroes(sample, stretches.length);
      copyValues(same(sample.kind), stretches, values, 1);
      // One kind of column has one class of array.
      return { ...sample, values, valid } as Column;
    }
  }
}

type FlatColumn = Exclude<Column, { kind: "utf8" | "bool" | "list" }>;

/** An array of the same class as a column's. */
function zeroes<C extends FlatColumn>({ values }: C, length: number): C["values"] {
  return new (values.constructor as new (length: number) => C["values"])(length);
}

/** Copies `width` values a row; rows of batches without the column stay zero. */
function copyValues(
  parts: Parts<FlatColumn>,
  stretches: Stretches,
  out: FlatColumn["values"],
  width: number,
): void {
  let at = 0;
  stretches.each((batch, from, to) => {
    const values = parts[batch]?.values;
    // Parts are of one kind, so the arrays are of one class.
    if (values !== undefined)
      (out as Float32Array).set(values.subarray(from * width, to * width) as Float32Array, at);
    at += (to - from) * width;
  });
}

function gatherValidity(parts: Parts<Column>, stretches: Stretches): Validity {
  if (parts.every((part) => part !== undefined && part.valid === null)) return null;
  const valid = new Uint8Array((stretches.length + 7) >> 3);
  let at = 0;
  stretches.each((batch, from, to) => {
    const part = parts[batch];
    if (part !== undefined) {
      for (let row = from; row < to; row++, at++)
        if (isValid(part.valid, row)) valid[at >> 3] |= 1 << (at & 7);
    } else at += to - from;
  });
  return valid;
}

function gatherBits(parts: Parts<Extract<Column, { kind: "bool" }>>, stretches: Stretches): Uint8Array {
  const bits = new Uint8Array((stretches.length + 7) >> 3);
  let at = 0;
  stretches.each((batch, from, to) => {
    const part = parts[batch];
    if (part !== undefined) {
      for (let row = from; row < to; row++, at++) {
        if ((part.bits[row >> 3] & (1 << (row & 7))) !== 0) bits[at >> 3] |= 1 << (at & 7);
      }
    } else at += to - from;
  });
  return bits;
}

/** Offsets of the gathered rows, and the stretches of what they point to. */
function gatherOffsets(
  parts: readonly ({ readonly offsets: Int32Array } | undefined)[],
  stretches: Stretches,
): { offsets: Int32Array; items: Stretches } {
  const offsets = new Int32Array(stretches.length + 1);
  const items = new Stretches();
  let at = 0;
  stretches.each((batch, from, to) => {
    const part = parts[batch];
    const base = items.length;
    if (part === undefined) {
      for (let row = from; row < to; row++) offsets[++at] = base;
      return;
    }
    const own = part.offsets;
    const shift = base - own[from];
    for (let row = from; row < to; row++) offsets[++at] = own[row + 1] + shift;
    items.add(batch, own[from], own[to]);
  });
  return { offsets, items };
}

/** Runs of bytes up to this long are copied by hand: a call costs more. */
const SHORT_COPY_BYTES_MAX = 48;

function gatherUtf8(parts: Parts<Utf8Column>, stretches: Stretches): Utf8Column {
  const { offsets, items } = gatherOffsets(parts, stretches);
  if (items.length > TEXT_COLUMN_BYTES_MAX) {
    throw tooLarge("bytes of one property's texts in memory", TEXT_COLUMN_BYTES_MAX, items.length);
  }
  const bytes = new Uint8Array(items.length);
  let at = 0;
  items.each((batch, from, to) => {
    const source = parts[batch]?.bytes;
    if (source === undefined) return;
    if (to - from > SHORT_COPY_BYTES_MAX) {
      bytes.set(source.subarray(from, to), at);
      at += to - from;
    } else for (let i = from; i < to; i++) bytes[at++] = source[i];
  });
  return { kind: "utf8", offsets, bytes, valid: gatherValidity(parts, stretches) };
}
