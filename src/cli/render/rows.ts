// Rows of a read for people and for programs: table, kv, csv, jsonl and json.

import type { ReadResult, ReadTarget } from "../../engine/outputs.ts";
import { type JsonObject, type JsonValue, prettyJson, stringifyJson } from "../../lib/json.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { OperatorConfig, OutputFormat } from "../config.ts";
import type { Output } from "../io.ts";

export interface RowStyle {
  readonly format: OutputFormat;
  /** Characters of the widest cell of a table. */
  readonly columnWidthMax: number;
  readonly cellLayout: "truncate" | "wrap";
}

/** Columns of a table are never squeezed below this many characters. */
const COLUMN_WIDTH_MIN = 8;
/** Rows are handed to the output in pieces of about this many characters, so that a long answer is never one string. */
const PIECE_LENGTH = 64 * 1024;

/** The style of a command: its own flags, else what the alias says, else the operator's default, else a table. */
export function rowStyle(
  config: OperatorConfig,
  chosen: OutputFormat | null,
  aliasFormat: OutputFormat | null = null,
): RowStyle {
  const { output, tableMaxColumnWidth, tableCellLayout } = config.defaults;
  return {
    format: chosen ?? aliasFormat ?? output ?? "table",
    columnWidthMax: tableMaxColumnWidth,
    cellLayout: tableCellLayout,
  };
}

/** Prints the result in the style's format. */
export async function printRows(output: Output, result: ReadResult, style: RowStyle): Promise<void> {
  let piece = "";
  for (const line of renderLines(result, style)) {
    piece += `${line}\n`;
    if (piece.length < PIECE_LENGTH) continue;
    await output.write(piece);
    piece = "";
  }
  if (piece !== "") await output.write(piece);
}

/** The result as the object that HTTP sends. */
export function readDocument(result: ReadResult): JsonObject {
  return {
    query_name: result.queryName,
    target: targetObject(result.target),
    row_count: result.rowCount,
    ...(result.columns.length === 0 ? {} : { columns: result.columns }),
    rows: result.rows(),
    ...(result.graphCommitId === null ? {} : { graph_commit_id: result.graphCommitId }),
    ...(result.plan === undefined ? {} : { plan: result.plan as unknown as JsonObject }),
  };
}

function renderLines(result: ReadResult, style: RowStyle): Iterable<string> {
  switch (style.format) {
    case "json":
      return [prettyJson(readDocument(result))];
    case "jsonl":
      return jsonlLines(result);
    case "csv":
      return csvLines(result);
    case "kv":
      return kvLines(result);
    case "table":
      return tableLines(result, style);
  }
}

const targetObject = (target: ReadTarget): JsonObject => ({
  branch: target.branch,
  snapshot: target.snapshot,
});

function* jsonlLines(result: ReadResult): Iterable<string> {
  yield stringifyJson({
    kind: "metadata",
    query_name: result.queryName,
    target: targetObject(result.target),
    row_count: result.rowCount,
  });
  for (const row of result.rows()) yield stringifyJson(row);
}

function* csvLines(result: ReadResult): Iterable<string> {
  const rows = result.rows();
  const columns = columnsOf(result, rows);
  yield columns.map(csvField).join(",");
  for (const row of rows) yield columns.map((column) => csvField(cellText(row[column]))).join(",");
}

const csvField = (text: string): string => (/[,"\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function* kvLines(result: ReadResult): Iterable<string> {
  yield summaryLine(result);
  const rows = result.rows();
  if (rows.length === 0) yield "(no rows)";
  const columns = columnsOf(result, rows);
  for (const [index, row] of rows.entries()) {
    if (index > 0) yield "";
    yield `row ${index + 1}`;
    for (const column of columns) yield `${column}: ${cellText(row[column])}`;
  }
}

function* tableLines(result: ReadResult, style: RowStyle): Iterable<string> {
  yield summaryLine(result);
  const rows = result.rows();
  const columns = columnsOf(result, rows);
  if (columns.length === 0) {
    yield "(no rows)";
    return;
  }
  const cells = rows.map((row) => columns.map((column) => cellText(row[column]).replaceAll("\n", "\\n")));
  const cap = Math.max(style.columnWidthMax, COLUMN_WIDTH_MIN);
  const widths = columns.map((column, index) => {
    const longest = cells.reduce((width, row) => Math.max(width, characters(row[index])), 0);
    return Math.max(characters(column), Math.min(longest, cap));
  });
  yield joinCells(columns, widths);
  yield widths.map((width) => "-".repeat(width)).join("-+-");
  for (const row of cells) {
    const pieces = row.map((cell, index) =>
      style.cellLayout === "wrap" ? wrap(cell, widths[index]) : [truncate(cell, widths[index])],
    );
    const height = Math.max(...pieces.map((lines) => lines.length));
    for (let line = 0; line < height; line++) {
      yield joinCells(
        pieces.map((lines) => lines[line] ?? ""),
        widths,
      );
    }
  }
}

/** Always "rows", also for one. */
function summaryLine(result: ReadResult): string {
  const { branch, snapshot } = result.target;
  const from = snapshot === null ? `branch ${branch ?? "main"}` : `snapshot ${snapshot}`;
  return `${result.rowCount} rows from ${from} via ${result.queryName}`;
}

function columnsOf(result: ReadResult, rows: readonly JsonObject[]): readonly string[] {
  if (result.columns.length > 0) return result.columns;
  return [...new Set(rows.flatMap((row) => Object.keys(row)))].sort(compareUtf8);
}

/** Strings as they are, everything else as compact JSON. */
export function cellText(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "null";
  return typeof value === "string" ? value : stringifyJson(value);
}

const joinCells = (cells: readonly string[], widths: readonly number[]): string =>
  cells.map((cell, index) => cell + " ".repeat(Math.max(0, widths[index] - characters(cell)))).join(" | ");

/** Code points: what `padEnd` would count as two where a character is beyond the basic plane counts as one. */
const characters = (text: string): number => [...text].length;

function truncate(text: string, width: number): string {
  const all = [...text];
  return all.length <= width ? text : `${all.slice(0, width - 1).join("")}…`;
}

function wrap(text: string, width: number): readonly string[] {
  const all = [...text];
  if (all.length <= width) return [text];
  const lines: string[] = [];
  for (let start = 0; start < all.length; start += width)
    lines.push(all.slice(start, start + width).join(""));
  return lines;
}
