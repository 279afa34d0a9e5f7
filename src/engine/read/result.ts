// The rows of a read, in columns until somebody asks for text or objects.

import type { JsonObject, JsonValue } from "../../lib/json.ts";
import { decodeUtf8, encodeUtf8 } from "../../lib/utf8.ts";
import { type Cells, cellValue, toJson } from "./cells.ts";
import { cellWriter, JsonWriter } from "./json-writer.ts";
import { ROWS_PER_LOOK } from "./limits.ts";

/** The part of a ReadResult that the rows make up. */
export interface ReadRows {
  readonly columns: readonly string[];
  readonly rowCount: number;
  rowsJson(): string;
  /** UTF-8 of `rowsJson()`. */
  rowsJsonBytes(): Uint8Array;
  rows(): JsonObject[];
}

const COMMA = 0x2c;

/** The columns of a result, and what stands before each value of a row object. */
export interface RowHeads {
  readonly columns: readonly string[];
  /** Of equal names the row holds the last value, in the place of the first. */
  readonly members: readonly { readonly name: string; readonly column: number; readonly head: Uint8Array }[];
}

export function rowHeads(columns: readonly string[]): RowHeads {
  const places = new Map(columns.map((name, column) => [name, column]));
  const members = Array.from(places, ([name, column], i) => ({
    name,
    column,
    head: encodeUtf8(`${i === 0 ? "{" : ","}${JSON.stringify(name)}:`),
  }));
  return { columns, members };
}

/** `check` is called now and then while text is made, and may throw. */
export function readRows(
  { columns, members }: RowHeads,
  cells: readonly Cells[],
  rowCount: number,
  check: () => void,
): ReadRows {
  const rowsJsonBytes = (): Uint8Array => {
    const writer = new JsonWriter(rowCount * members.length);
    const writers = members.map(({ column }) => cellWriter(cells[column]));
    writer.ascii("[");
    for (let row = 0; row < rowCount; row++) {
      if (row > 0) writer.byte(COMMA);
      if (row % ROWS_PER_LOOK === ROWS_PER_LOOK - 1) check();
      for (let i = 0; i < members.length; i++) {
        writer.raw(members[i].head);
        writers[i](writer, row);
      }
      writer.ascii("}");
    }
    writer.ascii("]");
    return writer.bytes();
  };

  return {
    columns,
    rowCount,
    rowsJsonBytes,
    rowsJson: () => decodeUtf8(rowsJsonBytes()),
    rows: () =>
      // Not by assignment, which would take a column called __proto__ for something else.
      Array.from({ length: rowCount }, (_, row): JsonObject => {
        const cell = (column: Cells): JsonValue => toJson(cellValue(column, row), column.type);
        return Object.fromEntries(members.map(({ name, column }) => [name, cell(cells[column])]));
      }),
  };
}
