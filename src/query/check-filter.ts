// Filters of the `match` block: two operands and what compares them.

import type { PropertyType } from "../schema/catalog.ts";
import type { Expression, FilterClause } from "./ast.ts";
import { checkTextCall } from "./check-search.ts";
import { describeOperand, typeError } from "./diagnostics.ts";
import { resolveOperand } from "./operands.ts";
import type { Clause, ComparisonOperator, Operand } from "./plan.ts";
import type { Scope } from "./scope.ts";
import {
  compatible,
  elementType,
  isBlob,
  isBoolean,
  isScalar,
  isText,
  temporalHint,
  typeText,
} from "./types.ts";

export function checkFilter(clause: FilterClause, scope: Scope): Clause {
  if (clause.left.kind === "text" || clause.right.kind === "text") {
    return checkComparedTextCall(clause, scope);
  }
  const [left, right] = scope.problems.both(
    () => checkOperand(clause.left, scope),
    () => checkOperand(clause.right, scope),
  );
  const misfit = findMisfit(left.type, clause.operator, right.type);
  if (misfit !== null) {
    const types = `${typeText(left.type)} and ${typeText(right.type)}`;
    throw typeError(
      { start: clause.left.start, end: clause.right.end },
      "T7",
      `cannot apply '${clause.operator}' to ${types}: it ${misfit}${temporalHint(left.type, right.type)}`,
    );
  }
  return { kind: "filter", left, operator: clause.operator, right };
}

/** `search(…) = false` and the like: a text predicate beside a Bool that is known before rows are read. */
function checkComparedTextCall(clause: FilterClause, scope: Scope): Clause {
  const [call, other] =
    clause.left.kind === "text" ? [clause.left, clause.right] : ([clause.right, clause.left] as const);
  if (call.kind !== "text" || (clause.operator !== "=" && clause.operator !== "!=")) {
    throw typeError(call, "T7", "a text predicate compares by = or != only");
  }
  const expected = other.kind === "text" ? null : checkOperand(other, scope);
  if (expected === null || expected.kind === "property" || !isBoolean(expected.type)) {
    throw typeError(other, "T7", `${call.function}(…) compares with a Bool literal or parameter only`);
  }
  return checkTextCall(call, scope, expected, clause.operator === "!=");
}

function checkOperand(expression: Expression, scope: Scope): Operand {
  const operand = resolveOperand(expression, scope);
  const subject = describeOperand(expression);
  if (operand === null) throw typeError(expression, "T7", `${subject} cannot be an operand of a filter`);
  if (operand.kind === "variable") {
    throw typeError(
      expression,
      "T7",
      `node variable ${subject} is not a scalar; compare one of its properties`,
    );
  }
  if (isBlob(operand.type)) {
    throw typeError(expression, "T24", `${subject} is a Blob and cannot be compared`);
  }
  return operand;
}

/** What an operator demands and two types do not give; null where they do. */
function findMisfit(left: PropertyType, operator: ComparisonOperator, right: PropertyType): string | null {
  switch (operator) {
    case "contains":
      return (
        left.list
          ? isScalar(right) && compatible(elementType(left), right)
          : isText(left) && isText(right)
      )
        ? null
        : "needs a list and a value of its element type, or two Strings";
    case "starts_with":
      return isText(left) && isText(right) ? null : "needs two Strings";
    default:
      if (!isScalar(left) || !isScalar(right)) return "compares scalars, neither lists nor vectors";
      return compatible(left, right) ? null : "needs compatible types";
  }
}
