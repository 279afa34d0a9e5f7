// Work on columns as a whole: laying batches end to end, and comparing strings by their bytes.

import { assert } from "../lib/assert.ts";
import type { StableId } from "../schema/catalog.ts";
import { type Column, isValid, type RowBatch, type Utf8Column, type Validity } from "../store/index.ts";

/** Orders two byte ranges as unsigned bytes, a prefix first. */
export function compareRanges(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < length; i++) {
    const difference = a[aStart + i] - b[bStart + i];
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}

/** Orders two rows of two string columns. */
export function compareText(a: Utf8Column, aRow: number, b: Utf8Column, bRow: number): number {
  return compareRanges(
    a.bytes,
    a.offsets[aRow],
    a.offsets[aRow + 1],
    b.bytes,
    b.offsets[bRow],
    b.offsets[bRow + 1],
  );
}

/** Orders a row against encoded text. */
export function compareToBytes(column: Utf8Column, row: number, bytes: Uint8Array): number {
  return compareRanges(column.bytes, column.offsets[row], column.offsets[row + 1], bytes, 0, bytes.length);
}

function concatValidity(columns: readonly (Column | undefined)[], lengths: readonly number[]): Validity {
  if (columns.every((column) => column !== undefined && column.valid === null)) return null;
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const valid = new Uint8Array((total + 7) >> 3);
  let at = 0;
  columns.forEach((column, i) => {
    const length = lengths[i];
    if (column !== undefined) {
      for (let row = 0; row < length; row++) {
        if (isValid(column.valid, row)) valid[(at + row) >> 3] |= 1 << ((at + row) & 7);
      }
    }
    at += length;
  });
  return valid;
}

/** Lays offsets end to end, each part moved behind the one before; answers where each part's items begin and end. */
function concatOffsets(
  parts: readonly (Int32Array | undefined)[],
  lengths: readonly number[],
): { offsets: Int32Array; spans: { start: number; length: number }[] } {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const offsets = new Int32Array(total + 1);
  const spans: { start: number; length: number }[] = [];
  let row = 0;
  let items = 0;
  parts.forEach((part, i) => {
    const length = lengths[i];
    const start = part?.[0] ?? 0;
    for (let k = 1; k <= length; k++) offsets[row + k] = items + (part === undefined ? 0 : part[k] - start);
    const span = part === undefined ? 0 : part[length] - start;
    spans.push({ start, length: span });
    row += length;
    items += span;
  });
  return { offsets, spans };
}

function concatUtf8(parts: readonly (Utf8Column | undefined)[], lengths: readonly number[]): Utf8Column {
  const { offsets, spans } = concatOffsets(
    parts.map((part) => part?.offsets),
    lengths,
  );
  const bytes = new Uint8Array(offsets[offsets.length - 1]);
  let at = 0;
  parts.forEach((part, i) => {
    const { start, length } = spans[i];
    if (part !== undefined) bytes.set(part.bytes.subarray(start, start + length), at);
    at += length;
  });
  return { kind: "utf8", offsets, bytes, valid: concatValidity(parts, lengths) };
}

type FlatColumn = Exclude<Column, { kind: "utf8" | "bool" | "vector" | "list" }>;

/** A zeroed column of `length` values like `sample`; null rows stay zero. */
function emptyLike<T extends FlatColumn>(sample: T, length: number, valid: Validity): T {
  const make = sample.values.constructor as new (length: number) => T["values"];
  return { ...sample, values: new make(length), valid };
}

function concatColumn(parts: readonly (Column | undefined)[], lengths: readonly number[]): Column {
  const sample = parts.find((part) => part !== undefined);
  if (sample === undefined) throw new Error("invariant broken: a column that no batch has");
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const same = <K extends Column["kind"]>(kind: K) =>
    parts.map((part) => {
      if (part !== undefined && part.kind !== kind) throw new Error("invariant broken: mixed column kinds");
      return part as Extract<Column, { kind: K }> | undefined;
    });
  switch (sample.kind) {
    case "utf8":
      return concatUtf8(same("utf8"), lengths);
    case "bool": {
      const bits = new Uint8Array((total + 7) >> 3);
      let at = 0;
      same("bool").forEach((part, i) => {
        for (let row = 0; part !== undefined && row < lengths[i]; row++) {
          if ((part.bits[row >> 3] & (1 << (row & 7))) !== 0) bits[(at + row) >> 3] |= 1 << ((at + row) & 7);
        }
        at += lengths[i];
      });
      return { kind: "bool", bits, valid: concatValidity(parts, lengths) };
    }
    case "vector": {
      const values = new Float32Array(total * sample.width);
      let at = 0;
      same("vector").forEach((part, i) => {
        if (part !== undefined) values.set(part.values.subarray(0, lengths[i] * part.width), at);
        at += lengths[i] * sample.width;
      });
      return { kind: "vector", width: sample.width, values, valid: concatValidity(parts, lengths) };
    }
    case "list": {
      const lists = same("list");
      const { offsets, spans } = concatOffsets(
        lists.map((part) => part?.offsets),
        lengths,
      );
      assert(
        spans.every((span) => span.start === 0),
        "the items of a list column begin with its first row's",
      );
      const items = concatColumn(
        lists.map((part) => part?.items),
        spans.map((span) => span.length),
      );
      return { kind: "list", offsets, items, valid: concatValidity(parts, lengths) };
    }
    default: {
      const out = emptyLike(sample, total, concatValidity(parts, lengths));
      let at = 0;
      same(sample.kind).forEach((part, i) => {
        // The kinds are equal (checked above), so the arrays are of one class.
        if (part !== undefined)
          (out.values as Int32Array).set(part.values.subarray(0, lengths[i]) as Int32Array, at);
        at += lengths[i];
      });
      return out;
    }
  }
}

/** Batches of one type end to end; a property that only some of them have is null in the rows of the others. */
export function concatBatches(batches: readonly RowBatch[]): RowBatch {
  if (batches.length === 1) return batches[0];
  const lengths = batches.map((batch) => batch.length);
  const properties = new Set(batches.flatMap((batch) => [...batch.columns.keys()]));
  const columns = new Map<StableId, Column>();
  for (const id of properties) {
    columns.set(
      id,
      concatColumn(
        batches.map((batch) => batch.columns.get(id)),
        lengths,
      ),
    );
  }
  const ends = (pick: (batch: RowBatch) => Utf8Column | null) =>
    batches.length === 0 || pick(batches[0]) === null
      ? null
      : concatUtf8(
          batches.map((batch) => pick(batch) ?? undefined),
          lengths,
        );
  return {
    length: lengths.reduce((sum, length) => sum + length, 0),
    ids: concatUtf8(
      batches.map((batch) => batch.ids),
      lengths,
    ),
    src: ends((batch) => batch.src),
    dst: ends((batch) => batch.dst),
    columns,
  };
}
