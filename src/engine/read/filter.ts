// Filters over the rows of relations. A comparison of a property with a constant is tested where the property is stored;
// pairs of properties go by value.

import type { Operand, Value, VariableSlot } from "../../query/plan.ts";
import type { NumberTest } from "./column-test.ts";
import { holds, narrowed } from "./compare.ts";
import { comparisonOf, comparisonTest } from "./comparison.ts";
import type { Condition, FilterClause } from "./conditions.ts";
import type { ReadContext } from "./context.ts";
import { columnOf, keepRows, type Relation } from "./relation.ts";

/** Keeps the rows for which an inline match or a filter holds. */
export function applyCondition(
  context: ReadContext,
  relation: Relation,
  condition: Extract<Condition, { kind: "match" | "filter" }>,
): Relation {
  const compared = comparisonOf(context, condition);
  if (compared !== null) {
    const { variable } = compared;
    return keepNumbers(relation, variable, comparisonTest(context.table(variable), compared));
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
  const constant = beside(other, value);
  return () => constant;
}

/** A constant as it compares with another operand. */
function beside(other: Operand, value: Value): Value {
  return other.kind === "property" && other.property.type.scalar === "F32" ? narrowed(value) : value;
}

export function keepNumbers(relation: Relation, variable: VariableSlot, test: NumberTest): Relation {
  const numbers = columnOf(relation, variable);
  return keepRows(relation, (row) => test(numbers[row]));
}

/** A test of one variable's numbers, for a condition that names no other. */
export function conditionTest(context: ReadContext, condition: Condition): NumberTest {
  const compared = comparisonOf(context, condition);
  if (compared !== null) return comparisonTest(context.table(compared.variable), compared);
  if (condition.kind !== "filter")
    throw new Error(`invariant broken: ${condition.kind} is no test of a number`);
  const { left, operator, right } = condition.clause;
  const [slot] = condition.slots;
  const table = context.table(slot);
  const reader = (operand: Operand, other: Operand): ((number: number) => Value) => {
    if (operand.kind === "property") return (number) => table.value(number, operand.property);
    const value = context.value(operand);
    const constant = beside(other, value);
    return () => constant;
  };
  const leftAt = reader(left, right);
  const rightAt = reader(right, left);
  return (number) => holds(leftAt(number), operator, rightAt(number));
}
