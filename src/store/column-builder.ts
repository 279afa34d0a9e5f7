// Columns that grow by appending, in Arrow's layout from the start: finishing one only lets go of spare room.

import { assert, unreachable } from "../lib/assert.ts";
import type { Value } from "../query/plan.ts";
import { type Column, isValid, type Utf8Column, type Validity } from "./column.ts";
import type { ColumnLayout } from "./column-layout.ts";

/** Most columns belong to a commit of one row, and stay in memory for long. */
const FIRST_ROWS = 8;
/** Arrays up to this many bytes are copied without their spare room, larger ones are looked at in part. */
const COPY_BYTES_MAX = 4096;
/** Offsets are signed 32-bit numbers. */
const OFFSET_MAX = 2 ** 31 - 1;
const encoder = new TextEncoder();

export interface ColumnBuilder {
  readonly length: number;
  /** Appends a value of the column's type; null where there is none. */
  append(value: Value): void;
  appendNull(): void;
  /** Appends a row of a column with the same layout. */
  appendFrom(column: Column, row: number): void;
  /** The column so far. The builder is used up. */
  finish(): Column;
}

/** Which rows have a value; nothing is kept until the first one has none. */
class ValidityBuilder {
  private bits: Uint8Array | null = null;

  /** Notes that `row`, the next one, has no value. */
  setNull(row: number): void {
    if (this.bits === null) {
      this.bits = new Uint8Array(Math.max(8, (row >> 3) + 1));
      for (let before = 0; before < row; before++) this.bits[before >> 3] |= 1 << (before & 7);
    }
    this.reach(row);
  }

  setValid(row: number): void {
    if (this.bits === null) return;
    this.reach(row)[row >> 3] |= 1 << (row & 7);
  }

  finish(length: number): Validity {
    return this.bits === null ? null : filled(this.reach(length), (length + 7) >> 3);
  }

  private reach(row: number): Uint8Array {
    assert(this.bits !== null, "a validity that is kept has bits");
    if (row >> 3 >= this.bits.length) this.bits = grown(this.bits, (row >> 3) + 1);
    return this.bits;
  }
}

type Growable =
  | Uint8Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** A copy with at least twice the room. */
function grown<T extends Growable>(array: T, lengthMin: number): T {
  const Typed = array.constructor as new (length: number) => T;
  const larger = new Typed(Math.max(lengthMin, array.length * 2));
  larger.set(array as never);
  return larger;
}

/** What was filled of an array. */
function filled<T extends Growable>(array: T, length: number): T {
  const isSmall = length * array.BYTES_PER_ELEMENT <= COPY_BYTES_MAX;
  return (isSmall ? array.slice(0, length) : array.subarray(0, length)) as T;
}

/** Texts, one after the other in one growing buffer. */
export class Utf8Builder implements ColumnBuilder {
  length = 0;
  private offsets = new Int32Array(FIRST_ROWS + 1);
  private bytes = new Uint8Array(FIRST_ROWS * 16);
  private readonly validity = new ValidityBuilder();

  /** Bytes appended so far. */
  get byteLength(): number {
    return this.offsets[this.length];
  }

  append(value: Value): void {
    if (value === null) this.appendNull();
    else {
      assert(typeof value === "string", "a text column takes texts");
      this.appendText(value);
    }
  }

  appendText(text: string): void {
    const at = this.offsets[this.length];
    // A UTF-16 code unit takes at most three bytes.
    this.reserve(at + text.length * 3);
    const { bytes } = this;
    let end = at;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        end += encoder.encodeInto(i === 0 ? text : text.slice(i), bytes.subarray(end)).written;
        break;
      }
      bytes[end++] = code;
    }
    this.close(end);
  }

  /** Appends bytes [start, end), which are UTF-8. */
  appendUtf8(source: Uint8Array, start: number, end: number): void {
    const at = this.offsets[this.length];
    const length = end - start;
    this.reserve(at + length);
    if (length < 24) {
      for (let i = 0; i < length; i++) this.bytes[at + i] = source[start + i];
    } else {
      this.bytes.set(source.subarray(start, end), at);
    }
    this.close(at + length);
  }

  appendNull(): void {
    this.validity.setNull(this.length);
    this.closeOffsets(this.offsets[this.length]);
  }

  appendFrom(column: Column, row: number): void {
    assert(column.kind === "utf8", "texts come from a text column");
    if (isValid(column.valid, row))
      this.appendUtf8(column.bytes, column.offsets[row], column.offsets[row + 1]);
    else this.appendNull();
  }

  finish(): Utf8Column {
    const { length } = this;
    return {
      kind: "utf8",
      offsets: filled(this.offsets, length + 1),
      bytes: filled(this.bytes, this.offsets[length]),
      valid: this.validity.finish(length),
    };
  }

  private close(end: number): void {
    this.validity.setValid(this.length);
    this.closeOffsets(end);
  }

  private closeOffsets(end: number): void {
    assert(end <= OFFSET_MAX, "texts of a column take less than 2 GiB");
    this.length++;
    if (this.length >= this.offsets.length) this.offsets = grown(this.offsets, this.length + 1);
    this.offsets[this.length] = end;
  }

  private reserve(bytes: number): void {
    if (bytes > this.bytes.length) this.bytes = grown(this.bytes, bytes);
  }
}

type FixedColumn = Extract<
  Column,
  { kind: "i32" | "u32" | "i64" | "u64" | "f32" | "f64" | "date" | "datetime" }
>;
type FixedValues = FixedColumn["values"];

const NEW_VALUES: Readonly<Record<FixedColumn["kind"], (length: number) => FixedValues>> = {
  i32: (length) => new Int32Array(length),
  u32: (length) => new Uint32Array(length),
  i64: (length) => new BigInt64Array(length),
  u64: (length) => new BigUint64Array(length),
  f32: (length) => new Float32Array(length),
  f64: (length) => new Float64Array(length),
  date: (length) => new Int32Array(length),
  datetime: (length) => new BigInt64Array(length),
};

/** Numbers of one width. */
export class FixedBuilder implements ColumnBuilder {
  length = 0;
  private values: FixedValues;
  private readonly validity = new ValidityBuilder();

  constructor(private readonly kind: FixedColumn["kind"]) {
    this.values = NEW_VALUES[kind](FIRST_ROWS);
  }

  append(value: Value): void {
    if (value === null) {
      this.appendNull();
    } else if (this.values instanceof BigInt64Array || this.values instanceof BigUint64Array) {
      assert(typeof value === "bigint" || typeof value === "number", "a number column takes numbers");
      this.appendBigInt(BigInt(value));
    } else {
      assert(typeof value === "number", "a number column takes numbers");
      this.appendNumber(value);
    }
  }

  appendNumber(value: number): void {
    this.validity.setValid(this.length);
    (this.next() as Float64Array)[this.length++] = value;
  }

  appendBigInt(value: bigint): void {
    this.validity.setValid(this.length);
    (this.next() as BigInt64Array)[this.length++] = value;
  }

  appendNull(): void {
    this.validity.setNull(this.length);
    this.next();
    this.length++;
  }

  appendFrom(column: Column, row: number): void {
    assert(column.kind === this.kind, "numbers come from a column of the same kind");
    const { values } = column as FixedColumn;
    if (!isValid(column.valid, row)) this.appendNull();
    else if (values instanceof BigInt64Array || values instanceof BigUint64Array)
      this.appendBigInt(values[row]);
    else this.appendNumber(values[row]);
  }

  finish(): Column {
    const values = filled(this.values, this.length);
    return { kind: this.kind, values, valid: this.validity.finish(this.length) } as FixedColumn;
  }

  private next(): FixedValues {
    if (this.length >= this.values.length) this.values = grown(this.values, this.length + 1);
    return this.values;
  }
}

export class BoolBuilder implements ColumnBuilder {
  length = 0;
  private bits = new Uint8Array(FIRST_ROWS / 8);
  private readonly validity = new ValidityBuilder();

  append(value: Value): void {
    if (value === null) {
      this.appendNull();
    } else {
      this.validity.setValid(this.length);
      this.reserve();
      assert(typeof value === "boolean", "a boolean column takes booleans");
      if (value) this.bits[this.length >> 3] |= 1 << (this.length & 7);
      this.length++;
    }
  }

  appendNull(): void {
    this.validity.setNull(this.length);
    this.reserve();
    this.length++;
  }

  appendFrom(column: Column, row: number): void {
    assert(column.kind === "bool", "booleans come from a boolean column");
    this.append(isValid(column.valid, row) ? isValid(column.bits, row) : null);
  }

  finish(): Column {
    const bits = filled(this.bits, (this.length + 7) >> 3);
    return { kind: "bool", bits, valid: this.validity.finish(this.length) };
  }

  private reserve(): void {
    if (this.length >> 3 >= this.bits.length) this.bits = grown(this.bits, (this.length >> 3) + 1);
  }
}

class VectorBuilder implements ColumnBuilder {
  length = 0;
  private values: Float32Array;
  private readonly validity = new ValidityBuilder();

  constructor(private readonly width: number) {
    this.values = new Float32Array(width * 4);
  }

  append(value: Value): void {
    assert(value === null || value instanceof Float32Array, "a vector column takes vectors");
    if (value === null) this.appendNull();
    else this.appendVector(value);
  }

  appendNull(): void {
    this.validity.setNull(this.length);
    this.reserve();
    this.length++;
  }

  appendFrom(column: Column, row: number): void {
    assert(column.kind === "vector", "vectors come from a vector column");
    const start = row * column.width;
    if (isValid(column.valid, row)) this.appendVector(column.values.subarray(start, start + column.width));
    else this.appendNull();
  }

  finish(): Column {
    const values = filled(this.values, this.length * this.width);
    return { kind: "vector", width: this.width, values, valid: this.validity.finish(this.length) };
  }

  private appendVector(vector: Float32Array): void {
    assert(vector.length === this.width, "vectors of a column have one width");
    this.validity.setValid(this.length);
    this.reserve();
    this.values.set(vector, this.length * this.width);
    this.length++;
  }

  private reserve(): void {
    const end = (this.length + 1) * this.width;
    if (end > this.values.length) this.values = grown(this.values, end);
  }
}

class ListBuilder implements ColumnBuilder {
  length = 0;
  private offsets = new Int32Array(FIRST_ROWS + 1);
  private readonly items: ColumnBuilder;
  private readonly validity = new ValidityBuilder();

  constructor(items: ColumnLayout) {
    this.items = columnBuilder(items);
  }

  append(value: Value): void {
    if (value === null) {
      this.appendNull();
    } else {
      assert(Array.isArray(value), "a list column takes lists");
      for (const item of value as readonly Value[]) this.items.append(item);
      this.validity.setValid(this.length);
      this.close();
    }
  }

  appendNull(): void {
    this.validity.setNull(this.length);
    this.close();
  }

  appendFrom(column: Column, row: number): void {
    assert(column.kind === "list", "lists come from a list column");
    if (!isValid(column.valid, row)) {
      this.appendNull();
    } else {
      const end = column.offsets[row + 1];
      for (let at = column.offsets[row]; at < end; at++) this.items.appendFrom(column.items, at);
      this.validity.setValid(this.length);
      this.close();
    }
  }

  finish(): Column {
    const offsets = filled(this.offsets, this.length + 1);
    return { kind: "list", offsets, items: this.items.finish(), valid: this.validity.finish(this.length) };
  }

  private close(): void {
    this.length++;
    if (this.length >= this.offsets.length) this.offsets = grown(this.offsets, this.length + 1);
    this.offsets[this.length] = this.items.length;
  }
}

export function columnBuilder(layout: ColumnLayout): ColumnBuilder {
  switch (layout.kind) {
    case "utf8":
      return new Utf8Builder();
    case "bool":
      return new BoolBuilder();
    case "vector":
      return new VectorBuilder(layout.width);
    case "list":
      return new ListBuilder(layout.items);
    case "i32":
    case "u32":
    case "i64":
    case "u64":
    case "f32":
    case "f64":
    case "date":
    case "datetime":
      return new FixedBuilder(layout.kind);
    default:
      return unreachable(layout);
  }
}

/** A column of texts. */
export function utf8ColumnOf(texts: readonly string[]): Utf8Column {
  const builder = new Utf8Builder();
  for (const text of texts) builder.appendText(text);
  return builder.finish();
}
