// Filters. A comparison of a property with a constant runs over the typed array of the base; rows that commits touched
// since, and pairs of properties, take the general path by value.

import { propertyAt, type Table } from "../../index/index.ts";
import { encodeUtf8 } from "../../lib/utf8.ts";
import type { ComparisonOperator, Operand, Value, VariableSlot } from "../../query/plan.ts";
import type { Property } from "../../schema/catalog.ts";
import { type ColumnTest, columnTest, doublesTest, type NumberTest, selecting } from "./column-test.ts";
import { holds, narrowed } from "./compare.ts";
import type { Condition, FilterClause } from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { columnOf, keepRows, type Relation } from "./relation.ts";

const NOTHING: NumberTest = () => false;

const MIRRORED: Partial<Record<ComparisonOperator, ComparisonOperator>> = {
  "=": "=",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

/** `property operator constant`, of one variable. */
interface Comparison {
  readonly variable: VariableSlot;
  readonly property: Property;
  readonly operator: ComparisonOperator;
  readonly constant: Value;
}

/** A condition as a comparison with a constant; null where it is none. */
function comparisonOf(context: ReadContext, condition: Condition): Comparison | null {
  if (condition.kind === "match") {
    const { property, value } = condition.match;
    const operator = property.type.list ? "contains" : "=";
    const constant = meeting(property, context.value(value));
    return { variable: condition.slots[0], property, operator, constant };
  }
  if (condition.kind !== "filter") return null;
  const { left, operator, right } = condition.clause;
  if (left.kind === "property" && right.kind !== "property") {
    const { variable, property } = left;
    return { variable, property, operator, constant: meeting(property, context.value(right)) };
  }
  const mirrored = MIRRORED[operator];
  if (left.kind !== "property" && right.kind === "property" && mirrored !== undefined) {
    const { variable, property } = right;
    return { variable, property, operator: mirrored, constant: meeting(property, context.value(left)) };
  }
  return null;
}

/** A constant as it compares with a property. */
function meeting(property: Property, value: Value): Value {
  return property.type.scalar === "F32" ? narrowed(value) : value;
}

/** Keeps the rows for which an inline match or a filter holds. */
export function applyCondition(
  context: ReadContext,
  relation: Relation,
  condition: Extract<Condition, { kind: "match" | "filter" }>,
): Relation {
  const comparison = comparisonOf(context, condition);
  if (comparison !== null) {
    const { variable, property, operator, constant } = comparison;
    return keepNumbers(
      relation,
      variable,
      propertyTest(context.table(variable), property, operator, constant),
    );
  }
  return condition.kind === "filter" ? applyFilter(context, relation, condition.clause) : relation;
}

/** Keeps the rows for which a filter clause holds. */
export function applyFilter(context: ReadContext, relation: Relation, clause: FilterClause): Relation {
  const test = rowTest(context, relation, clause);
  return keepRows(relation, test);
}

/** Tests the rows of a relation by the values of both operands. */
function rowTest(context: ReadContext, relation: Relation, clause: FilterClause): (row: number) => boolean {
  const { left, operator, right } = clause;
  const leftAt = valueReader(context, relation, left, right);
  const rightAt = valueReader(context, relation, right, left);
  return (row) => holds(leftAt(row), operator, rightAt(row));
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
  const constant = other.kind === "property" ? meeting(other.property, value) : value;
  return () => constant;
}

export function keepNumbers(relation: Relation, variable: VariableSlot, test: NumberTest): Relation {
  const numbers = columnOf(relation, variable);
  return keepRows(relation, (row) => test(numbers[row]));
}

/** A test of one variable's numbers, for a condition that names no other. */
export function conditionTest(context: ReadContext, condition: Condition): NumberTest {
  const comparison = comparisonOf(context, condition);
  if (comparison !== null) {
    const { variable, property, operator, constant } = comparison;
    return propertyTest(context.table(variable), property, operator, constant);
  }
  if (condition.kind !== "filter")
    throw new Error(`invariant broken: ${condition.kind} is no test of a number`);
  const { left, operator, right } = condition.clause;
  const [slot] = condition.slots;
  const table = context.table(slot);
  const reader = (operand: Operand, other: Operand): ((number: number) => Value) => {
    if (operand.kind === "property") return (number) => table.value(number, operand.property);
    const value = context.value(operand);
    const constant = other.kind === "property" ? meeting(other.property, value) : value;
    return () => constant;
  };
  const leftAt = reader(left, right);
  const rightAt = reader(right, left);
  return (number) => holds(leftAt(number), operator, rightAt(number));
}

/** Tests whether `property operator constant` holds. */
export function propertyTest(
  table: Table,
  property: Property,
  operator: ComparisonOperator,
  constant: Value,
): NumberTest {
  const inBase = baseTest(table, property, operator, constant)?.test ?? NOTHING;
  if (table.isPlain || constant === null) return inBase;
  return (number) =>
    table.isTouched(number) ? touchedHolds(table, number, property, operator, constant) : inBase(number);
}

function touchedHolds(
  table: Table,
  number: number,
  property: Property,
  operator: ComparisonOperator,
  constant: Value,
): boolean {
  const place = table.place(number);
  return place !== null && holds(propertyAt(place.batch, place.row, property), operator, constant);
}

/** The test of base rows; null where none can pass. */
function baseTest(
  table: Table,
  property: Property,
  operator: ComparisonOperator,
  constant: Value,
): ColumnTest | null {
  const column = table.column(property);
  if (constant === null || column === undefined) return null;
  // Codes are a number each where somebody has made them already.
  if (column.kind === "utf8" && operator === "=" && typeof constant === "string") {
    const dictionary = table.base.knownDictionary(property.id);
    if (dictionary !== null) {
      const code = dictionary.code(encodeUtf8(constant));
      return code < 0
        ? null
        : doublesTest(dictionary.codes, null, { least: code, greatest: code, outside: false });
    }
  }
  return columnTest(column, operator, constant);
}

/** Numbers of a whole table that pass all conditions, ascending. The conditions name one variable, and no other. */
export function scanWhere(context: ReadContext, table: Table, conditions: readonly Condition[]): Int32Array {
  const [first, ...others] = conditions;
  if (first === undefined) return table.all();
  let numbers = scanFirst(context, table, first);
  for (const condition of others) {
    const test = conditionTest(context, condition);
    let kept = 0;
    for (let i = 0; i < numbers.length; i++) if (test(numbers[i])) numbers[kept++] = numbers[i];
    numbers = numbers.subarray(0, kept);
  }
  return numbers;
}

/** The first condition runs over the stretches of the base that nothing touched. */
function scanFirst(context: ReadContext, table: Table, condition: Condition): Int32Array {
  const comparison = comparisonOf(context, condition);
  const test = conditionTest(context, condition);
  const base =
    comparison === null
      ? selecting(test)
      : baseTest(table, comparison.property, comparison.operator, comparison.constant);
  const out = new Int32Array(table.bound + 1);
  let count = 0;
  table.forStretches(
    (from, to) => {
      if (base !== null) count = base.select(from, to, out, count);
    },
    (number) => {
      if (test(number)) out[count++] = number;
    },
  );
  return out.slice(0, count);
}
