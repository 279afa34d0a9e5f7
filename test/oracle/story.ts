// A graph's life as plain data that can be made smaller: mutations and loads on branches, merges, maintenance, and questions
// between them.

import { type JsonValue, stringifyJson } from "../../src/lib/json.ts";
import type { Value } from "../../src/query/plan.ts";
import type { PropertyType } from "../../src/schema/catalog.ts";
import type { EntityModel, PropertyModel, SchemaModel } from "./graph-model.ts";
import { type ParameterModel, type Question, questionText } from "./question.ts";
import { jsonOf, literal } from "./values.ts";

export interface Condition {
  /** A property, or `from` or `to` of an edge. */
  readonly name: string;
  readonly operator: string;
  readonly value: Value;
}

export type StatementModel =
  | { readonly kind: "insert"; readonly type: string; readonly entity: Omit<EntityModel, "id"> }
  | {
      readonly kind: "update";
      readonly type: string;
      readonly values: Readonly<Record<string, Value>>;
      readonly where: Condition;
    }
  | { readonly kind: "delete"; readonly type: string; readonly where: Condition };

/** Who is asked: the engine that writes, one that lives on beside it, or one that was just opened. */
export type Reader = "writer" | "resident" | "newcomer";

export type StoryStep =
  | { readonly kind: "mutate"; readonly branch: string; readonly statements: readonly StatementModel[] }
  | {
      readonly kind: "load";
      readonly branch: string;
      readonly entities: readonly { readonly type: string; readonly entity: EntityModel }[];
    }
  | { readonly kind: "fork"; readonly branch: string; readonly from: string }
  | { readonly kind: "merge"; readonly source: string; readonly target: string }
  | { readonly kind: "optimize" }
  | {
      readonly kind: "ask";
      readonly reader: Reader;
      readonly branch: string;
      /** So many commits before the newest of all branches; null: the branch's head. */
      readonly back: number | null;
      readonly question: Question;
    };

export interface Story {
  readonly schema: SchemaModel;
  readonly steps: readonly StoryStep[];
}

export interface Source {
  readonly text: string;
  readonly parameters: readonly ParameterModel[];
}

const STRING: PropertyType = { scalar: "String", list: false, nullable: false, enumValues: null };

/** A mutation as a `.gq` source; what has no literal comes as a parameter. */
export function mutationSource(schema: SchemaModel, statements: readonly StatementModel[]): Source {
  const parameters: ParameterModel[] = [];
  const value = (given: Value, type: PropertyType): string => {
    if (given === null) return "null";
    if (hasLiteral(given, type)) return literal(given, type);
    const name = `p${parameters.length}`;
    const scalar = typeof type.scalar === "string" ? type.scalar : `Vector(${type.scalar.vector})`;
    parameters.push({ name, type: type.list ? `[${scalar}]` : scalar, value: jsonOf(given, type) });
    return `$${name}`;
  };
  const text = statements.map((statement) => {
    const properties = propertiesOf(schema, statement.type);
    const typeOf = (name: string) => properties.find((property) => property.name === name)?.type ?? STRING;
    const assigned = (values: Readonly<Record<string, Value>>) =>
      Object.entries(values).map(([name, given]) => `${name}: ${value(given, typeOf(name))}`);
    if (statement.kind === "insert") {
      const { src, dst, values } = statement.entity;
      const ends = src === undefined || dst === undefined ? [] : assigned({ from: src, to: dst });
      return `insert ${statement.type} { ${[...ends, ...assigned(values)].join(", ")} }`;
    }
    const { name, operator, value: limit } = statement.where;
    const where = `where ${name} ${operator} ${value(limit, typeOf(name))}`;
    if (statement.kind === "delete") return `delete ${statement.type} ${where}`;
    return `update ${statement.type} set { ${assigned(statement.values).join(", ")} } ${where}`;
  });
  const declared = parameters.map(({ name, type }) => `$${name}: ${type}`).join(", ");
  return { text: `query m(${declared}) { ${text.join(" ")} }`, parameters };
}

/** Whether a value can be written down in a query; an empty list would be one of Strings. */
function hasLiteral(value: Value, type: PropertyType): boolean {
  if (type.scalar === "F64") return false;
  if (!Array.isArray(value)) return true;
  return value.length > 0 && (type.scalar === "String" || type.scalar === "Bool");
}

export function propertiesOf({ nodes, edges }: SchemaModel, type: string): readonly PropertyModel[] {
  return [...nodes, ...edges].find(({ name }) => name === type)?.properties ?? [];
}

/** A record of a load, all its properties spelled out. */
export function loadRecord(schema: SchemaModel, type: string, { id, src, dst, values }: EntityModel): string {
  const data: Record<string, JsonValue> = src === undefined ? {} : { id };
  for (const property of propertiesOf(schema, type)) {
    data[property.name] = jsonOf(values[property.name] ?? null, property.type);
  }
  if (src === undefined || dst === undefined) return stringifyJson({ type, data });
  return stringifyJson({ edge: type, from: src, to: dst, data });
}

export function stepText(schema: SchemaModel, step: StoryStep): string {
  switch (step.kind) {
    case "mutate": {
      const { text, parameters } = mutationSource(schema, step.statements);
      return `on ${step.branch}: ${text}${parameters.length === 0 ? "" : ` ${Bun.inspect(parameters)}`}`;
    }
    case "load":
      return `load into ${step.branch}: ${step.entities.map(({ type, entity }) => loadRecord(schema, type, entity)).join(" ")}`;
    case "fork":
      return `fork ${step.branch} from ${step.from}`;
    case "merge":
      return `merge ${step.source} into ${step.target}`;
    case "optimize":
      return "optimize";
    case "ask": {
      const where = step.back === null ? step.branch : `the commit ${step.back} before the newest`;
      return `ask the ${step.reader} about ${where}: ${questionText(step.question)}`;
    }
  }
}
