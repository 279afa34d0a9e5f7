// What an expression stands for by itself, wherever one may stand: a constant, a property or a node.

import type { PropertyType } from "../schema/catalog.ts";
import type { Expression } from "./ast.ts";
import { literalConstant, NOW } from "./literals.ts";
import type { Constant, Operand, VariableSlot } from "./plan.ts";
import { bareEdgeVariable, propertyOperand, type Scope, unboundVariable } from "./scope.ts";
import { scalarType } from "./types.ts";

/** A node variable by itself: where a value is wanted, its id. */
export interface NodeOperand {
  readonly kind: "variable";
  readonly variable: VariableSlot;
  readonly type: PropertyType;
}

/** Null for what is no operand anywhere: calls and aliases. */
export function resolveOperand(expression: Expression, scope: Scope): Operand | NodeOperand | null {
  switch (expression.kind) {
    case "literal":
      return literalConstant(expression.literal, expression);
    case "now":
      return NOW;
    case "property":
      return propertyOperand(scope, expression);
    case "variable":
      return resolveVariable(expression, scope);
    default:
      return null;
  }
}

/** Where a parameter and a binding share a name, bare it is the parameter. */
function resolveVariable(
  expression: Extract<Expression, { kind: "variable" }>,
  scope: Scope,
): Constant | NodeOperand {
  const { name } = expression;
  const type = scope.parameter(name);
  if (type !== undefined) return { kind: "parameter", name, type };
  const bound = scope.variable(name);
  if (bound === undefined) throw unboundVariable(expression, name);
  if (bound.info.kind === "edge") throw bareEdgeVariable(expression, name);
  return { kind: "variable", variable: bound.slot, type: scalarType("String") };
}

/** A literal or a parameter; null for everything else, which is not known before rows are read. */
export function constantOf(expression: Expression, scope: Scope): Constant | null {
  if (expression.kind === "literal") return literalConstant(expression.literal, expression);
  if (expression.kind !== "variable") return null;
  const type = scope.parameter(expression.name);
  if (type !== undefined) return { kind: "parameter", name: expression.name, type };
  if (scope.variable(expression.name) === undefined) throw unboundVariable(expression, expression.name);
  return null;
}
