// Rows of many batches laid into one: stretches of rows are copied column by column, so that nothing but the result is
// held beside what is read.

import { tooLarge } from "../lib/errors.ts";
import { Uint32List } from "../lib/uint32-list.ts";
import type { StableId } from "../schema/catalog.ts";
import { type Column, isValid, type RowBatch, type Utf8Column, type Validity } from "../store/index.ts";
import { TEXT_COLUMN_BYTES_MAX } from "./limits.ts";

/** Stretches of rows, in the order of the result. */
export class Stretches {
  /** Rows of all of them. */
  length = 0;
  private readonly batches = new Uint32List();
  private readonly froms = new Uint32List();
  private readonly tos = new Uint32List();

  /** Adds rows `from` up to `to` of a batch. */
  add(batch: number, from: number, to: number): void {
    if (from >= to) return;
    this.length += to - from;
    const last = this.froms.length - 1;
    if (last >= 0 && this.batches.at(last) === batch && this.tos.at(last) === from) {
      this.tos.set(last, to);
      return;
    }
    this.batches.push(batch);
    this.froms.push(from);
    this.tos.push(to);
  }

  each(handle: (batch: number, from: number, to: number) => void): void {
    const { batches, froms, tos } = this;
    for (let i = 0; i < froms.length; i++) handle(batches.at(i), froms.at(i), tos.at(i));
  }

  /** The only batch, where the stretches are all of it and nothing else; else -1. */
  whole(batches: readonly RowBatch[]): number {
    if (this.froms.length !== 1 || this.froms.at(0) !== 0) return -1;
    const batch = this.batches.at(0);
    return this.tos.at(0) === batches[batch].length ? batch : -1;
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
      const items = gatherColumn(
        lists.map((list) => list?.items),
        itemsOf(lists, stretches),
      );
      return { kind: "list", offsets: gatherOffsets(lists, stretches), items, valid };
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

interface WithOffsets {
  readonly offsets: Int32Array;
}

/** Offsets of the gathered rows; refuses more than a column holds. */
function gatherOffsets(parts: readonly (WithOffsets | undefined)[], stretches: Stretches): Int32Array {
  const offsets = new Int32Array(stretches.length + 1);
  let row = 0;
  let end = 0;
  stretches.each((batch, from, to) => {
    const own = parts[batch]?.offsets;
    const shift = own === undefined ? 0 : end - own[from];
    if (own !== undefined) end = own[to] + shift;
    if (end > TEXT_COLUMN_BYTES_MAX) {
      throw tooLarge("bytes of one property's texts in memory", TEXT_COLUMN_BYTES_MAX, end);
    }
    for (let next = from + 1; next <= to; next++)
      offsets[++row] = own === undefined ? end : own[next] + shift;
  });
  return offsets;
}

/** What the stretches of rows point to. */
function itemsOf(parts: readonly (WithOffsets | undefined)[], stretches: Stretches): Stretches {
  const items = new Stretches();
  stretches.each((batch, from, to) => {
    const own = parts[batch]?.offsets;
    if (own !== undefined) items.add(batch, own[from], own[to]);
  });
  return items;
}

/** Runs of bytes up to this long are copied by hand: a call costs more. */
const SHORT_COPY_BYTES_MAX = 48;

function gatherUtf8(parts: Parts<Utf8Column>, stretches: Stretches): Utf8Column {
  const offsets = gatherOffsets(parts, stretches);
  const bytes = new Uint8Array(offsets[stretches.length]);
  let at = 0;
  // Without a list of the stretches of bytes: of rows that come from here and there it would be longer than the texts.
  stretches.each((batch, from, to) => {
    const source = parts[batch];
    if (source === undefined) return;
    const start = source.offsets[from];
    const end = source.offsets[to];
    if (end - start > SHORT_COPY_BYTES_MAX) {
      bytes.set(source.bytes.subarray(start, end), at);
      at += end - start;
    } else for (let i = start; i < end; i++) bytes[at++] = source.bytes[i];
  });
  return { kind: "utf8", offsets, bytes, valid: gatherValidity(parts, stretches) };
}
