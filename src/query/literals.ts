// Literals as typed constants, by themselves or against the property that they meet.

import type { Span } from "../lib/source.ts";
import type { PropertyType } from "../schema/catalog.ts";
import type { Literal, ValueExpression } from "./ast.ts";
import { typeError } from "./diagnostics.ts";
import type { Constant } from "./plan.ts";
import {
  compatible,
  elementType,
  scalarType,
  temporalHint,
  typeText,
  vectorType,
  vectorWidth,
} from "./types.ts";

type LiteralExpression = Extract<ValueExpression, { kind: "literal" }>;
type ScalarLiteral = Exclude<Literal, { kind: "list" }>;

const SCALAR_TYPES: Readonly<Record<ScalarLiteral["kind"], PropertyType>> = {
  string: scalarType("String"),
  int: scalarType("I64"),
  float: scalarType("F64"),
  bool: scalarType("Bool"),
  date: scalarType("Date"),
  datetime: scalarType("DateTime"),
};

/** The time at which the request began. */
export const NOW: Constant = { kind: "now", type: scalarType("DateTime") };

/** The constant that a literal at `at` is where nothing demands a type. */
export function literalConstant(literal: Literal, at: Span): Constant {
  if (literal.kind === "list") return listConstant(literal.items, at);
  const type = SCALAR_TYPES[literal.kind];
  return literal.kind === "date" || literal.kind === "datetime"
    ? { kind: "dateLiteral", text: literal.text, type }
    : { kind: "literal", value: literal.value, type };
}

function listConstant(items: readonly Literal[], at: Span): Constant {
  const scalars = items.map((item) => {
    if (item.kind === "list") throw typeError(at, null, "nested list literals are not supported");
    return item;
  });
  const type = listType(scalars, at);
  if (type.scalar === "Date" || type.scalar === "DateTime") {
    return {
      kind: "dateListLiteral",
      texts: scalars.flatMap((item) => ("text" in item ? [item.text] : [])),
      type,
    };
  }
  const values = scalars.flatMap((item) => ("value" in item ? [item.value] : []));
  return { kind: "literal", value: type.scalar === "F64" ? values.map(Number) : values, type };
}

/** `[]` is a list of Strings; integers beside floats are floats. */
function listType(items: readonly ScalarLiteral[], at: Span): PropertyType {
  const types = items.map((item) => SCALAR_TYPES[item.kind]);
  const first = types[0] ?? scalarType("String");
  if (!types.every((type) => compatible(type, first))) {
    throw typeError(at, null, "list literal elements must share a compatible scalar type");
  }
  const widest = types.find((type) => type.scalar === "F64") ?? first;
  return { ...widest, list: true };
}

/**
 * The constant that a literal is against a property of type `target`; `subject` names the property in the message.
 * T3 where it cannot be one.
 */
export function fitLiteral(at: LiteralExpression, target: PropertyType, subject: string): Constant {
  const { literal } = at;
  if (vectorWidth(target) !== null && literal.kind === "list") return fitVector(literal, at, target, subject);
  const constant = literalConstant(literal, at);
  if (!compatible(constant.type, target)) {
    throw typeError(
      at,
      "T3",
      `${subject} is ${typeText(target)} and takes no ${typeText(constant.type)} literal${temporalHint(constant.type, target)}`,
    );
  }
  return constant;
}

/** T3 where the literal is a String outside the closed set of an enum. */
export function checkEnumValue(at: LiteralExpression, target: PropertyType, subject: string): void {
  const { literal } = at;
  if (target.enumValues === null || literal.kind !== "string") return;
  if (!target.enumValues.includes(literal.value)) {
    const values = target.enumValues.join(", ");
    throw typeError(at, "T3", `${subject} expects one of [${values}], got '${literal.value}'`);
  }
}

function fitVector(
  literal: Extract<Literal, { kind: "list" }>,
  at: Span,
  target: PropertyType,
  subject: string,
): Constant {
  const width = vectorWidth(target);
  if (literal.items.length !== width) {
    throw typeError(
      at,
      "T3",
      `${subject} is ${typeText(target)}, the literal has ${literal.items.length} elements`,
    );
  }
  const vector = vectorConstant(literal);
  if (vector === null)
    throw typeError(at, "T3", `${subject} is ${typeText(target)} and takes finite numbers only`);
  return vector;
}

/** A numeric list literal as a vector of its own width; null where an element is no number that 32 bits hold. */
export function vectorConstant(literal: Extract<Literal, { kind: "list" }>): Constant | null {
  const numbers = literal.items.map((item) =>
    item.kind === "int" || item.kind === "float" ? Number(item.value) : Number.NaN,
  );
  const value = Float32Array.from(numbers);
  return value.every(Number.isFinite) ? { kind: "literal", value, type: vectorType(value.length) } : null;
}

/** The scalar type that an inline match compares with: a list property is matched by its elements. */
export const matchedType = (type: PropertyType): PropertyType => (type.list ? elementType(type) : type);
