// The physical layout of a column as a short text, which stands in log entries and checkpoints: rows can be decoded
// without any schema, also those of properties that were dropped since.

import type { PropertyType, ScalarName } from "../schema/catalog.ts";
import type { Column } from "./column.ts";

export type PlainKind = Exclude<Column["kind"], "vector" | "list">;

export type ColumnLayout =
  | { readonly kind: PlainKind }
  | { readonly kind: "vector"; readonly width: number }
  | { readonly kind: "list"; readonly items: ColumnLayout };

const PLAIN_KINDS: ReadonlySet<string> = new Set<PlainKind>([
  "utf8",
  "bool",
  "i32",
  "u32",
  "i64",
  "u64",
  "f32",
  "f64",
  "date",
  "datetime",
]);

const KIND_OF_SCALAR: Readonly<Record<ScalarName, PlainKind>> = {
  String: "utf8",
  Bool: "bool",
  I32: "i32",
  I64: "i64",
  U32: "u32",
  U64: "u64",
  F32: "f32",
  F64: "f64",
  Date: "date",
  DateTime: "datetime",
  // The reference to the bytes; they stand elsewhere.
  Blob: "utf8",
};

export const UTF8_LAYOUT: ColumnLayout = { kind: "utf8" };

/** How a property's values are laid out. */
export function layoutOfType(type: PropertyType): ColumnLayout {
  if (typeof type.scalar !== "string") return { kind: "vector", width: type.scalar.vector };
  const plain: ColumnLayout = { kind: KIND_OF_SCALAR[type.scalar] };
  return type.list ? { kind: "list", items: plain } : plain;
}

export function layoutOfColumn(column: Column): ColumnLayout {
  switch (column.kind) {
    case "vector":
      return { kind: "vector", width: column.width };
    case "list":
      return { kind: "list", items: layoutOfColumn(column.items) };
    default:
      return { kind: column.kind };
  }
}

export function printLayout(layout: ColumnLayout): string {
  switch (layout.kind) {
    case "vector":
      return `vector(${layout.width})`;
    case "list":
      return `list<${printLayout(layout.items)}>`;
    default:
      return layout.kind;
  }
}

/** Reads a layout back, or answers null for a text that is none. */
export function parseLayout(text: string): ColumnLayout | null {
  if (PLAIN_KINDS.has(text)) return { kind: text as PlainKind };
  const vector = /^vector\(([1-9]\d{0,8})\)$/.exec(text);
  if (vector !== null) return { kind: "vector", width: Number(vector[1]) };
  const list = /^list<(.+)>$/.exec(text);
  const items = list === null ? null : parseLayout(list[1]);
  return items === null ? null : { kind: "list", items };
}

export const sameLayout = (a: ColumnLayout, b: ColumnLayout): boolean => printLayout(a) === printLayout(b);
