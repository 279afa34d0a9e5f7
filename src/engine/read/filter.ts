// Filters over columns: a comparison of a property with a constant runs over the typed array of the base; rows that
// commits touched since, and pairs of properties, take the general path by value.

import { compareToBytes, propertyAt, type Table } from "../../index/index.ts";
import { encodeUtf8 } from "../../lib/utf8.ts";
import type { Clause, ComparisonOperator, Constant, Operand, Value, VariableSlot } from "../../query/plan.ts";
import type { Property } from "../../schema/catalog.ts";
import { type Column, isValid, type Utf8Column, valueAt } from "../../store/index.ts";
import { holds, narrowed } from "./compare.ts";
import type { ReadContext } from "./context.ts";
import { columnOf, keepRows, type Relation } from "./relation.ts";

type FilterClause = Extract<Clause, { kind: "filter" }>;

/** Tests one number of a table. */
export type NumberTest = (number: number) => boolean;

const NOTHING: NumberTest = () => false;

const MIRRORED: Partial<Record<ComparisonOperator, ComparisonOperator>> = {
  "=": "=",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

/** Keeps the rows for which a filter clause holds. */
export function applyFilter(context: ReadContext, relation: Relation, clause: FilterClause): Relation {
  const { left, operator, right } = clause;
  if (left.kind === "property" && right.kind !== "property") {
    const constant = meeting(left, context.value(right));
    return keepNumbers(
      relation,
      left.variable,
      propertyTest(context.table(left.variable), left.property, operator, constant),
    );
  }
  const mirrored = MIRRORED[operator];
  if (left.kind !== "property" && right.kind === "property" && mirrored !== undefined) {
    const constant = meeting(right, context.value(left));
    return keepNumbers(
      relation,
      right.variable,
      propertyTest(context.table(right.variable), right.property, mirrored, constant),
    );
  }
  const leftAt = valueReader(context, relation, left, right);
  const rightAt = valueReader(context, relation, right, left);
  return keepRows(relation, (row) => holds(leftAt(row), operator, rightAt(row)));
}

/** Keeps the rows that an inline match lets through: equality, or membership for a list property. */
export function applyMatch(
  context: ReadContext,
  relation: Relation,
  variable: VariableSlot,
  match: { readonly property: Property; readonly value: Constant },
): Relation {
  const operator = match.property.type.list ? "contains" : "=";
  const value = context.value(match.value);
  const constant = match.property.type.scalar === "F32" ? narrowed(value) : value;
  return keepNumbers(
    relation,
    variable,
    propertyTest(context.table(variable), match.property, operator, constant),
  );
}

export function keepNumbers(relation: Relation, variable: VariableSlot, test: NumberTest): Relation {
  const numbers = columnOf(relation, variable);
  return keepRows(relation, (row) => test(numbers[row]));
}

/** A constant as it compares with a property. */
function meeting(property: Extract<Operand, { kind: "property" }>, value: Value): Value {
  return property.property.type.scalar === "F32" ? narrowed(value) : value;
}

/** Reads an operand of a row by value; `other` is what it will be compared with. */
function valueReader(
  context: ReadContext,
  relation: Relation,
  operand: Operand,
  other: Operand,
): (row: number) => Value {
  if (operand.kind === "property") {
    const table = context.table(operand.variable);
    const numbers = columnOf(relation, operand.variable);
    return (row) => table.value(numbers[row], operand.property);
  }
  const value = context.value(operand);
  const constant = other.kind === "property" ? meeting(other, value) : value;
  return () => constant;
}

/** Tests whether `property operator constant` holds. */
export function propertyTest(
  table: Table,
  property: Property,
  operator: ComparisonOperator,
  constant: Value,
): NumberTest {
  if (constant === null) return NOTHING;
  const column = table.column(property);
  const inBase = column === undefined ? NOTHING : columnTest(column, operator, constant);
  if (table.isPlain) return inBase;
  return (number) => {
    if (!table.isTouched(number)) return inBase(number);
    const place = table.place(number);
    return place !== null && holds(propertyAt(place.batch, place.row, property), operator, constant);
  };
}

function columnTest(column: Column, operator: ComparisonOperator, constant: Value): NumberTest {
  switch (column.kind) {
    case "utf8":
      return typeof constant === "string"
        ? utf8Test(column, operator, constant)
        : valueTest(column, operator, constant);
    case "i32":
    case "u32":
    case "f32":
    case "f64":
    case "date":
      return typeof constant === "number"
        ? numericTest(column.values, column.valid, operator, constant)
        : valueTest(column, operator, constant);
    case "list":
      return operator === "contains" ? listTest(column, constant) : valueTest(column, operator, constant);
    default:
      return valueTest(column, operator, constant);
  }
}

/** Membership, asked of the items where they stand. */
function listTest(column: Extract<Column, { kind: "list" }>, constant: Value): NumberTest {
  const { offsets, valid } = column;
  const isItem = columnTest(column.items, "=", constant);
  return (row) => {
    if (!isValid(valid, row)) return false;
    for (let item = offsets[row]; item < offsets[row + 1]; item++) if (isItem(item)) return true;
    return false;
  };
}

function valueTest(column: Column, operator: ComparisonOperator, constant: Value): NumberTest {
  return (row) => holds(valueAt(column, row), operator, constant);
}

function numericTest(
  values: Int32Array | Uint32Array | Float32Array | Float64Array,
  valid: Column["valid"],
  operator: ComparisonOperator,
  constant: number,
): NumberTest {
  const test = comparison(values, operator, constant);
  return valid === null ? test : (row) => isValid(valid, row) && test(row);
}

function comparison(values: ArrayLike<number>, operator: ComparisonOperator, constant: number): NumberTest {
  switch (operator) {
    case "=":
      return (row) => values[row] === constant;
    case "!=":
      return (row) => values[row] !== constant;
    case "<":
      return (row) => values[row] < constant;
    case "<=":
      return (row) => values[row] <= constant;
    case ">":
      return (row) => values[row] > constant;
    case ">=":
      return (row) => values[row] >= constant;
    default:
      throw new Error(`invariant broken: '${operator}' on numbers`);
  }
}

function utf8Test(column: Utf8Column, operator: ComparisonOperator, constant: string): NumberTest {
  const bytes = encodeUtf8(constant);
  const test = textComparison(column, operator, bytes);
  const { valid } = column;
  return valid === null ? test : (row) => isValid(valid, row) && test(row);
}

function textComparison(column: Utf8Column, operator: ComparisonOperator, bytes: Uint8Array): NumberTest {
  const { offsets } = column;
  const lengthOf = (row: number) => offsets[row + 1] - offsets[row];
  switch (operator) {
    case "=":
      return (row) => lengthOf(row) === bytes.length && startsWith(column, row, bytes);
    case "!=":
      return (row) => lengthOf(row) !== bytes.length || !startsWith(column, row, bytes);
    case "<":
      return (row) => compareToBytes(column, row, bytes) < 0;
    case "<=":
      return (row) => compareToBytes(column, row, bytes) <= 0;
    case ">":
      return (row) => compareToBytes(column, row, bytes) > 0;
    case ">=":
      return (row) => compareToBytes(column, row, bytes) >= 0;
    case "starts_with":
      return (row) => lengthOf(row) >= bytes.length && startsWith(column, row, bytes);
    case "contains":
      return (row) => includes(column, row, bytes);
  }
}

function startsWith(column: Utf8Column, row: number, bytes: Uint8Array): boolean {
  const start = column.offsets[row];
  for (let i = 0; i < bytes.length; i++) if (column.bytes[start + i] !== bytes[i]) return false;
  return true;
}

function includes(column: Utf8Column, row: number, bytes: Uint8Array): boolean {
  if (bytes.length === 0) return true;
  const last = column.offsets[row + 1] - bytes.length;
  for (let at = column.offsets[row]; at <= last; at++) {
    if (column.bytes[at] !== bytes[0]) continue;
    let i = 1;
    while (i < bytes.length && column.bytes[at + i] === bytes[i]) i++;
    if (i === bytes.length) return true;
  }
  return false;
}
