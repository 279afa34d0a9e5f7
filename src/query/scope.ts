// What names mean at one place of a query: its parameters, and the variables bound above that place. A `not` block
// is a scope inside another: it sees what is outside, and what it introduces ends with it.

import type { Catalog, Property, PropertyType } from "../schema/catalog.ts";
import type { ParameterDeclaration } from "./ast.ts";
import { typeError } from "./diagnostics.ts";
import type { Operand, VariableInfo, VariableSlot } from "./plan.ts";

/** The anonymous endpoint `$_`, without its `$`. */
export const WILDCARD = "_";

export interface BoundVariable {
  readonly slot: VariableSlot;
  readonly info: VariableInfo;
}

export class Scope {
  private readonly names = new Map<string, BoundVariable>();

  private constructor(
    readonly catalog: Catalog,
    private readonly parameters: ReadonlyMap<string, PropertyType>,
    /** Every variable of the query, by slot; shared by all its scopes. */
    private readonly slots: VariableInfo[],
    readonly outer: Scope | null,
  ) {}

  static of(catalog: Catalog, params: readonly ParameterDeclaration[]): Scope {
    return new Scope(catalog, new Map(params.map(({ name, type }) => [name, type])), [], null);
  }

  inner(): Scope {
    return new Scope(this.catalog, this.parameters, this.slots, this);
  }

  get variables(): readonly VariableInfo[] {
    return this.slots;
  }

  parameter(name: string): PropertyType | undefined {
    return this.parameters.get(name);
  }

  variable(name: string): BoundVariable | undefined {
    for (let scope: Scope | null = this; scope !== null; scope = scope.outer) {
      const bound = scope.names.get(name);
      if (bound !== undefined) return bound;
    }
    return undefined;
  }

  /** Binds a name here. A wildcard takes a slot and binds nothing. */
  declare(info: VariableInfo): BoundVariable {
    const bound = { slot: this.slots.length, info };
    this.slots.push(info);
    if (info.name !== WILDCARD) this.names.set(info.name, bound);
    return bound;
  }
}

/** The property of a bound variable that `$variable.name` means. T6 where either is missing. */
export function propertyOperand(
  scope: Scope,
  variable: string,
  name: string,
): Extract<Operand, { kind: "property" }> {
  const bound = scope.variable(variable);
  if (bound === undefined) {
    throw typeError("T6", `\`$${variable}.${name}\`: variable \`$${variable}\` is not bound`);
  }
  const property = bound.info.type.properties.find((candidate) => candidate.name === name);
  if (property === undefined) {
    throw typeError("T6", `\`$${variable}.${name}\`: ${describeMissing(bound.info.type, name)}`);
  }
  return { kind: "property", variable: bound.slot, property, type: property.type };
}

interface Typed {
  readonly kind: "node" | "edge";
  readonly name: string;
  readonly properties: readonly Property[];
}

/** Says that a type lacks a property, and which ones it has. */
export function describeMissing(type: Typed, property: string): string {
  const known = type.properties.map(({ name }) => name).join(", ");
  return `${type.kind} type '${type.name}' has no property '${property}' (${known === "" ? "it has none" : `it has ${known}`})`;
}

export const unboundVariable = (name: string) => typeError(null, `variable \`$${name}\` is not bound`);

/** What to say where an edge variable stands alone. */
export const bareEdgeVariable = (name: string) =>
  typeError("T23", `edge variable \`$${name}\` has no value of its own; use its properties, \`$${name}.…\``);
