// A declaration and a catalog -> the plan that the engine executes, or the first thing that is wrong with it.

import { badRequest } from "../lib/errors.ts";
import { badSource, Problems } from "../lib/problems.ts";
import type { Catalog } from "../schema/catalog.ts";
import type { MutationDeclaration, ParameterDeclaration, QueryDeclaration } from "./ast.ts";
import { checkRead } from "./check-read.ts";
import { checkStatements } from "./check-write.ts";
import { TYPE_ERROR_PREFIX, typeError } from "./diagnostics.ts";
import { VECTOR_WIDTH_MAX } from "./limits.ts";
import { parseQueries } from "./parser.ts";
import type { QueryPlan } from "./plan.ts";
import { Scope } from "./scope.ts";
import { selectQuery } from "./select.ts";
import { typeText, vectorWidth } from "./types.ts";

/** Parses a source, picks the declaration of that name (or the only one) and checks it. */
export function planQuery(source: string, name: string | undefined, catalog: Catalog): QueryPlan {
  return checkQuery(selectQuery(parseQueries(source), name), catalog);
}

/**
 * Resolves every name and types every expression. Throws `type error: …`, of several problems each on a line of its own,
 * or that a mutation mixes its statements.
 */
export function checkQuery(declaration: QueryDeclaration, catalog: Catalog): QueryPlan {
  if (declaration.kind === "mutation") refuseMixedStatements(declaration);
  const { name, params, source } = declaration;
  const problems = new Problems(badSource(source, TYPE_ERROR_PREFIX));
  const broken = params.filter((param) => problems.attempt(() => checkParameter(param)) === null);
  const scope = Scope.of(catalog, problems, params, new Set(broken));
  const parameters = params.map((param) => ({ name: param.name, type: param.type }));
  const plan: QueryPlan =
    declaration.kind === "read"
      ? { name, parameters, ...checkRead(declaration, scope) }
      : { kind: "mutation", name, parameters, statements: checkStatements(declaration, scope) };
  problems.settle();
  return plan;
}

function refuseMixedStatements({ name, statements }: MutationDeclaration): void {
  const deletes = statements.filter(({ kind }) => kind === "delete").length;
  if (deletes === 0 || deletes === statements.length) return;
  throw badRequest(
    `mutation '${name}' on the same query mixes inserts/updates and deletes; split into separate mutations: (1) inserts and updates, then (2) deletes`,
  );
}

/** Kept free for the request's time, which older clients passed as a parameter. */
const RESERVED_PARAMETER = "__nanograph_now";

function checkParameter(parameter: ParameterDeclaration): void {
  const { name, type } = parameter;
  if (name === RESERVED_PARAMETER) {
    throw typeError(parameter, null, `parameter \`$${name}\` is reserved for runtime timestamp injection`);
  }
  const width = vectorWidth(type);
  if (width !== null && (width < 1 || width > VECTOR_WIDTH_MAX)) {
    throw typeError(
      parameter,
      null,
      `unknown parameter type '${typeText(type)}' of \`$${name}\`: a Vector has 1 to ${VECTOR_WIDTH_MAX} components`,
    );
  }
}
