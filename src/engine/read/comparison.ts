// Comparisons of a field with a constant: the form in which conditions are pushed down to where rows are stored. Over the
// base they run on its columns; rows that commits touched since are asked by value.

import { type Place, propertyAt, type Table } from "../../index/index.ts";
import { encodeUtf8 } from "../../lib/utf8.ts";
import type { ComparisonOperator, Value, VariableSlot } from "../../query/plan.ts";
import type { EntityType, Property } from "../../schema/catalog.ts";
import { type Column, textAt } from "../../store/index.ts";
import { type ColumnTest, columnTest, doublesTest, type NumberTest } from "./column-test.ts";
import { type FieldOperator, narrowed, valueTest } from "./compare.ts";
import type { Condition } from "./conditions.ts";
import type { ReadContext } from "./context.ts";

/** A property, or the id at an end of an edge. */
export type Field = Property | "src" | "dst";

/** `field operator constant`. */
export interface Comparison {
  readonly field: Field;
  readonly operator: FieldOperator;
  readonly constant: Value;
}

const NOTHING: NumberTest = () => false;

/** What an operator with the constant on its left says of the field on its right. */
const MIRRORED: Readonly<Record<ComparisonOperator, FieldOperator | null>> = {
  "=": "=",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  contains: "in",
  starts_with: null,
};

/** A condition as a comparison of one variable's property with a constant; null where it is none. */
export function comparisonOf(
  context: ReadContext,
  condition: Condition,
): (Comparison & { readonly variable: VariableSlot; readonly field: Property }) | null {
  if (condition.kind === "match") {
    const { property, value } = condition.match;
    const operator = property.type.list ? "contains" : "=";
    return { variable: condition.slots[0], ...comparison(property, operator, context.value(value)) };
  }
  if (condition.kind !== "filter") return null;
  const { left, operator, right } = condition.clause;
  if (left.kind === "property" && right.kind !== "property") {
    return { variable: left.variable, ...comparison(left.property, operator, context.value(right)) };
  }
  if (left.kind === "property" || right.kind !== "property") return null;
  const value = context.value(left);
  const mirrored = MIRRORED[operator];
  // A text that contains a property is no list of the values sought.
  if (mirrored === null || (mirrored === "in" && !Array.isArray(value))) return null;
  return { variable: right.variable, ...comparison(right.property, mirrored, value) };
}

/** A constant beside an F32 property is rounded to 32 bits first. */
export function comparison<F extends Field>(
  field: F,
  operator: FieldOperator,
  constant: Value,
): Comparison & { readonly field: F } {
  const isNarrow = typeof field === "object" && field.type.scalar === "F32";
  return { field, operator, constant: isNarrow ? narrowed(constant) : constant };
}

/** True where no two entities of a type have one value of a field. */
export function isUnique(type: EntityType, field: Field): boolean {
  const name = typeof field === "object" ? field.name : field;
  return type.constraints.some(
    (rule) => rule.kind === "unique" && rule.properties.length === 1 && rule.properties[0] === name,
  );
}

export const fieldId = (field: Field) => (typeof field === "object" ? field.id : field);

export function fieldColumn(table: Table, field: Field): Column | undefined {
  return table.base.values.column(fieldId(field));
}

/** Tests whether a comparison holds for a number of a table. */
export function comparisonTest(table: Table, compared: Comparison): NumberTest {
  const { field, operator, constant } = compared;
  const inBase = baseTest(table, compared)?.test ?? NOTHING;
  if (table.isPlain || constant === null) return inBase;
  const test = valueTest(operator, constant);
  return (number) => {
    if (!table.isTouched(number)) return inBase(number);
    const place = table.place(number);
    return place !== null && test(fieldAt(place, field));
  };
}

function fieldAt({ batch, row }: Place, field: Field): Value {
  if (typeof field === "object") return propertyAt(batch, row, field);
  const ends = batch[field];
  return ends === null ? null : textAt(ends, row);
}

/** The test of base rows; null where none can pass. */
export function baseTest(table: Table, { field, operator, constant }: Comparison): ColumnTest | null {
  const column = fieldColumn(table, field);
  if (constant === null || column === undefined) return null;
  // Codes are a number each where somebody has made them already.
  if (
    column.kind === "utf8" &&
    operator === "=" &&
    typeof constant === "string" &&
    typeof field === "object"
  ) {
    const dictionary = table.base.knownDictionary(field.id);
    if (dictionary !== null) {
      const code = dictionary.code(encodeUtf8(constant));
      return code < 0
        ? null
        : doublesTest(dictionary.codes, null, { least: code, greatest: code, outside: false });
    }
  }
  return columnTest(column, operator, constant);
}
