// Our columns as Arrow's data and back, without copying. Loaded only where a segment is read or written: the Arrow
// package takes some milliseconds to start.

import {
  Bool,
  type Data,
  type DataType,
  DateDay,
  DateMillisecond,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  makeData,
  Uint32,
  Uint64,
  Utf8,
} from "apache-arrow";
import { unreachable } from "../lib/assert.ts";
import type { Column, Validity } from "./column.ts";
import type { ColumnLayout } from "./column-layout.ts";

const ITEM_FIELD = "item";

export function arrowType(layout: ColumnLayout): DataType {
  switch (layout.kind) {
    case "utf8":
      return new Utf8();
    case "bool":
      return new Bool();
    case "i32":
      return new Int32();
    case "u32":
      return new Uint32();
    case "i64":
      return new Int64();
    case "u64":
      return new Uint64();
    case "f32":
      return new Float32();
    case "f64":
      return new Float64();
    case "date":
      return new DateDay();
    case "datetime":
      return new DateMillisecond();
    case "vector":
      return new FixedSizeList(layout.width, new Field(ITEM_FIELD, new Float32(), false));
    case "list":
      return new List(new Field(ITEM_FIELD, arrowType(layout.items), true));
    default:
      return unreachable(layout);
  }
}

/** A column of `length` rows as Arrow data of `type`, which is that of its layout. */
export function arrowData(type: DataType, column: Column, length: number): Data {
  const nulls = { nullCount: nullCount(column.valid, length), nullBitmap: column.valid ?? undefined };
  switch (column.kind) {
    case "utf8":
      return makeData({
        type: type as Utf8,
        length,
        ...nulls,
        valueOffsets: column.offsets,
        data: column.bytes,
      });
    case "bool":
      return makeData({ type: type as Bool, length, ...nulls, data: column.bits });
    case "vector": {
      const items = makeData({ type: new Float32(), length: length * column.width, data: column.values });
      return makeData({ type: type as FixedSizeList, length, ...nulls, child: items });
    }
    case "list": {
      const { valueType } = type as List;
      const items = arrowData(valueType, column.items, column.offsets[length]);
      return makeData({ type: type as List, length, ...nulls, valueOffsets: column.offsets, child: items });
    }
    default:
      return makeData({ type: type as Int32, length, ...nulls, data: column.values as Int32Array });
  }
}

function nullCount(valid: Validity, length: number): number {
  if (valid === null) return 0;
  let set = 0;
  for (let row = 0; row < length; row++) set += (valid[row >> 3] >> (row & 7)) & 1;
  return length - set;
}
