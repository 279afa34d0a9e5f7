// What names mean at one place of a query: its parameters, and the variables bound above that place. A `not` block
// is a scope inside another: it sees what is outside, and what it introduces ends with it.

import { ALREADY_TOLD, type Problems } from "../lib/problems.ts";
import type { Span } from "../lib/source.ts";
import type { Catalog, EdgeType, NodeType, Property, PropertyType } from "../schema/catalog.ts";
import type { ParameterDeclaration, PropertyExpression, Word } from "./ast.ts";
import { listNames, typeError } from "./diagnostics.ts";
import type { Operand, VariableInfo, VariableSlot } from "./plan.ts";

/** The anonymous endpoint `$_`, without its `$`. */
export const WILDCARD = "_";

export interface BoundVariable {
  readonly slot: VariableSlot;
  readonly info: VariableInfo;
}

/** A name whose declaration is wrong: nothing more is said about it. */
const BROKEN = "broken";

export class Scope {
  private readonly names = new Map<string, BoundVariable | typeof BROKEN>();

  private constructor(
    readonly catalog: Catalog,
    /** What is wrong with the query, as far as it was checked. */
    readonly problems: Problems,
    private readonly parameters: ReadonlyMap<string, PropertyType | typeof BROKEN>,
    /** Every variable of the query, by slot; shared by all its scopes. */
    private readonly slots: VariableInfo[],
    readonly outer: Scope | null,
  ) {}

  /** The outermost scope of a query; the types of `broken` parameters are not known. */
  static of(
    catalog: Catalog,
    problems: Problems,
    params: readonly ParameterDeclaration[],
    broken: ReadonlySet<ParameterDeclaration>,
  ): Scope {
    const types = params.map((param) => [param.name, broken.has(param) ? BROKEN : param.type] as const);
    return new Scope(catalog, problems, new Map(types), [], null);
  }

  inner(): Scope {
    return new Scope(this.catalog, this.problems, this.parameters, this.slots, this);
  }

  get variables(): readonly VariableInfo[] {
    return this.slots;
  }

  /** The type of a parameter. Throws ALREADY_TOLD where that is not known. */
  parameter(name: string): PropertyType | undefined {
    const type = this.parameters.get(name);
    if (type === BROKEN) throw ALREADY_TOLD;
    return type;
  }

  /** What a name is bound to. Throws ALREADY_TOLD where that is not known. */
  variable(name: string): BoundVariable | undefined {
    const bound = this.find(name);
    if (bound === BROKEN) throw ALREADY_TOLD;
    return bound;
  }

  /** Whether a clause above introduces the name, right or wrong. */
  knows(name: string): boolean {
    return this.find(name) !== undefined;
  }

  private find(name: string): BoundVariable | typeof BROKEN | undefined {
    for (let scope: Scope | null = this; scope !== null; scope = scope.outer) {
      const bound = scope.names.get(name);
      if (bound !== undefined) return bound;
    }
    return undefined;
  }

  /** A wrong clause would have introduced the name: what follows may use it. */
  giveUp(name: string): void {
    if (name !== WILDCARD && !this.knows(name)) this.names.set(name, BROKEN);
  }

  /** Binds a name here. A wildcard takes a slot and binds nothing. */
  declare(info: VariableInfo): BoundVariable {
    const bound = { slot: this.slots.length, info };
    this.slots.push(info);
    if (info.name !== WILDCARD) this.names.set(info.name, bound);
    return bound;
  }
}

/** The property of a bound variable that an expression means. T6 where either is missing. */
export function propertyOperand(
  scope: Scope,
  expression: PropertyExpression,
): Extract<Operand, { kind: "property" }> {
  const { variable, property: name } = expression;
  const bound = scope.variable(variable);
  if (bound === undefined) {
    throw typeError(expression, "T6", `\`$${variable}.${name}\`: variable \`$${variable}\` is not bound`);
  }
  const property = bound.info.type.properties.find((candidate) => candidate.name === name);
  if (property === undefined) {
    throw typeError(expression, "T6", `\`$${variable}.${name}\`: ${describeMissing(bound.info.type, name)}`);
  }
  return { kind: "property", variable: bound.slot, property, type: property.type };
}

/** The property that a word names. */
export function findProperty(type: NodeType | EdgeType, word: Word, code: "T2" | "T11"): Property {
  const property = type.properties.find(({ name }) => name === word.text);
  if (property === undefined) throw typeError(word, code, describeMissing(type, word.text));
  return property;
}

/** Says that a type lacks a property, and which ones it has. */
function describeMissing(type: NodeType | EdgeType, property: string): string {
  const known = listNames(type.properties.map(({ name }) => name));
  return `${type.kind} type '${type.name}' has no property '${property}' (it has ${known})`;
}

export const unboundVariable = (at: Span, name: string) =>
  typeError(at, null, `variable \`$${name}\` is not bound`);

/** What to say where an edge variable stands alone. */
export const bareEdgeVariable = (at: Span, name: string) =>
  typeError(
    at,
    "T23",
    `edge variable \`$${name}\` has no value of its own; use its properties, \`$${name}.…\``,
  );
