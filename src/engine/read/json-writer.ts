// JSON text straight from columns: rows are written as bytes into one growing buffer, and become a string once.

import { tooLarge } from "../../lib/errors.ts";
import { stringifyJson } from "../../lib/json.ts";
import { encodeUtf8 } from "../../lib/utf8.ts";
import { isValid, type Utf8Column } from "../../store/index.ts";
import { type Cells, cellValue, toJson } from "./cells.ts";
import { RESULT_BYTES_MAX } from "./limits.ts";

/** Room for a row or two; an array this small is cheaper by far than one of a few kilobytes. */
const FIRST_BYTES_MIN = 512;
const FIRST_BYTES_MAX = 1 << 16;
const CELL_BYTES = 32;
const COPY_BYTES_MAX = 4096;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NULL = encodeUtf8("null");
const HEX = "0123456789abcdef";

/** For each byte that a JSON string cannot hold as it is: the bytes that stand for it. */
const ESCAPES: readonly (Uint8Array | undefined)[] = Array.from({ length: 256 }, (_, byte) => {
  const short: Readonly<Record<number, string>> = {
    8: "\\b",
    9: "\\t",
    10: "\\n",
    12: "\\f",
    13: "\\r",
    [QUOTE]: '\\"',
    [BACKSLASH]: "\\\\",
  };
  const text = short[byte] ?? (byte < 0x20 ? `\\u00${HEX[byte >> 4]}${HEX[byte & 15]}` : undefined);
  return text === undefined ? undefined : encodeUtf8(text);
});
const NEEDS_ESCAPE = Uint8Array.from(ESCAPES, (replacement) => (replacement === undefined ? 0 : 1));
/** No byte becomes more than this many. */
const ESCAPED_BYTES_MAX = 6;

export class JsonWriter {
  private buffer: Uint8Array;
  private length = 0;

  constructor(/** About how many values there will be. */ cells: number) {
    this.buffer = new Uint8Array(Math.min(FIRST_BYTES_MAX, Math.max(FIRST_BYTES_MIN, cells * CELL_BYTES)));
  }

  private reserve(bytes: number): void {
    const wanted = this.length + bytes;
    if (wanted <= this.buffer.length) return;
    if (wanted > RESULT_BYTES_MAX) throw tooLarge("bytes of a query's answer", RESULT_BYTES_MAX, wanted);
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, wanted));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
  }

  byte(byte: number): void {
    this.reserve(1);
    this.buffer[this.length++] = byte;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    const { buffer } = this;
    let at = this.length;
    for (let i = 0; i < bytes.length; i++) buffer[at++] = bytes[i];
    this.length = at;
  }

  ascii(text: string): void {
    this.reserve(text.length);
    for (let i = 0; i < text.length; i++) this.buffer[this.length++] = text.charCodeAt(i);
  }

  /** A string of which the UTF-8 bytes are at hand. */
  string(bytes: Uint8Array, start: number, end: number): void {
    this.reserve((end - start) * ESCAPED_BYTES_MAX + 2);
    const { buffer } = this;
    let at = this.length;
    buffer[at++] = QUOTE;
    for (let i = start; i < end; i++) {
      const byte = bytes[i];
      if (NEEDS_ESCAPE[byte] === 0) {
        buffer[at++] = byte;
      } else {
        const replacement = ESCAPES[byte] ?? NULL;
        for (let k = 0; k < replacement.length; k++) buffer[at++] = replacement[k];
      }
    }
    buffer[at++] = QUOTE;
    this.length = at;
  }

  /** What was written. Of little a copy is made: a view of a small array costs more than its bytes. */
  bytes(): Uint8Array {
    const { buffer, length } = this;
    return length <= COPY_BYTES_MAX ? buffer.slice(0, length) : buffer.subarray(0, length);
  }
}

type CellWriter = (writer: JsonWriter, row: number) => void;

function writeText(writer: JsonWriter, column: Utf8Column, row: number): void {
  if (isValid(column.valid, row)) writer.string(column.bytes, column.offsets[row], column.offsets[row + 1]);
  else writer.raw(NULL);
}

/** Writes the value of one column's cells. */
export function cellWriter(cells: Cells): CellWriter {
  const general: CellWriter = (writer, row) => {
    writer.raw(encodeUtf8(stringifyJson(toJson(cellValue(cells, row), cells.type))));
  };
  if (cells.kind === "constant") {
    const text = encodeUtf8(stringifyJson(toJson(cells.value, cells.type)));
    return (writer) => writer.raw(text);
  }
  if (cells.kind === "counts") return (writer, row) => writer.ascii(String(cells.counts[row]));
  if (cells.kind === "values") return general;
  const { table, numbers } = cells;
  if (cells.kind === "id") {
    return (writer, row) => {
      if (numbers[row] < table.base.length) writeText(writer, table.rows.ids, numbers[row]);
      else general(writer, row);
    };
  }
  const column = table.column(cells.property);
  if (column === undefined || column.kind !== "utf8") {
    const isSmallInteger = column?.kind === "i32" || column?.kind === "u32";
    if (!isSmallInteger) return general;
    return (writer, row) => {
      const number = numbers[row];
      if (table.isTouched(number)) general(writer, row);
      else if (isValid(column.valid, number)) writer.ascii(String(column.values[number]));
      else writer.raw(NULL);
    };
  }
  return (writer, row) => {
    if (table.isTouched(numbers[row])) general(writer, row);
    else writeText(writer, column, numbers[row]);
  };
}
