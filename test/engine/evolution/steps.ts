// What the steps of a plan say, carried out on a schema that is nothing but names: an interpreter that shares no code with
// the planner. Steps that are carried out on the first of two schemas must give the second.

import type { JsonObject } from "../../../src/lib/json.ts";
import { effectiveProperties, type PropertyModel, type SchemaModel, type TypeModel } from "./model.ts";

interface FlatProperty {
  type: string;
  values: string[] | null;
  isIndexed: boolean;
  description: string | null;
}

interface FlatType {
  description: string | null;
  properties: Map<string, FlatProperty>;
}

/** By `kind:name`. */
export type FlatSchema = Map<string, FlatType>;

/** A model by names only, with inherited properties in the nodes that have them. */
export function flatten(schema: SchemaModel): FlatSchema {
  return new Map(schema.types.map((type) => [`${type.kind}:${type.name}`, flattenType(schema, type)]));
}

function flattenType(schema: SchemaModel, type: TypeModel): FlatType {
  const properties = effectiveProperties(schema, type).map((property): [string, FlatProperty] => [
    property.name,
    flattenProperty(property),
  ]);
  return {
    description: type.description,
    properties: new Map(properties.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function flattenProperty({ base, values, nullable, isIndexed, description }: PropertyModel): FlatProperty {
  const type = `${base === "enum" ? "String" : base}${nullable ? "?" : ""}`;
  return { type, values: base === "enum" ? [...values].sort() : null, isIndexed, description };
}

/** Carries out steps in order. A new type is as `desired` has it: its step implies all of it. */
export function replaySteps(
  before: FlatSchema,
  steps: readonly JsonObject[],
  desired: FlatSchema,
): FlatSchema {
  const schema: FlatSchema = structuredClone(before);
  for (const step of steps) replayStep(schema, step, desired);
  for (const type of schema.values()) {
    type.properties = new Map([...type.properties].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return new Map([...schema].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function replayStep(schema: FlatSchema, step: JsonObject, desired: FlatSchema): void {
  const word = (name: string): string => {
    const value = step[name];
    if (typeof value !== "string") throw new Error(`step ${JSON.stringify(step)} has no ${name}`);
    return value;
  };
  const keyOf = (name: string) => `${word("type_kind")}:${name}`;
  const typeAt = (key: string): FlatType => {
    const type = schema.get(key);
    if (type === undefined) throw new Error(`step ${JSON.stringify(step)} names no type`);
    return type;
  };
  const propertyOf = (name: string): FlatProperty => {
    const property = typeAt(keyOf(word("type_name"))).properties.get(name);
    if (property === undefined) throw new Error(`step ${JSON.stringify(step)} names no property`);
    return property;
  };
  const move = <T>(map: Map<string, T>, from: string, to: string): void => {
    const value = map.get(from);
    if (value === undefined || map.has(to)) throw new Error(`step ${JSON.stringify(step)} cannot rename`);
    map.delete(from);
    map.set(to, value);
  };
  switch (step.kind) {
    case "add_type": {
      const type = desired.get(keyOf(word("name")));
      if (type === undefined || schema.has(keyOf(word("name")))) throw new Error("adds an odd type");
      schema.set(keyOf(word("name")), structuredClone(type));
      return;
    }
    case "rename_type":
      move(schema, keyOf(word("from")), keyOf(word("to")));
      return;
    case "drop_type":
      typeAt(keyOf(word("name")));
      schema.delete(keyOf(word("name")));
      return;
    case "add_property":
      typeAt(keyOf(word("type_name"))).properties.set(word("property_name"), addedProperty(step, desired));
      return;
    case "rename_property":
      move(typeAt(keyOf(word("type_name"))).properties, word("from"), word("to"));
      return;
    case "drop_property":
      propertyOf(word("property_name"));
      typeAt(keyOf(word("type_name"))).properties.delete(word("property_name"));
      return;
    case "extend_enum": {
      const property = propertyOf(word("property_name"));
      property.values = [...(property.values ?? []), ...(step.added_values as string[])].sort();
      return;
    }
    case "add_constraint": {
      const { Index: names } = step.constraint as { Index: string[] };
      for (const name of names) propertyOf(name).isIndexed = true;
      return;
    }
    case "update_property_metadata":
      propertyOf(word("property_name")).description = descriptionIn(step);
      return;
    case "update_type_metadata":
      typeAt(keyOf(word("name"))).description = descriptionIn(step);
      return;
    default:
      throw new Error(`step ${JSON.stringify(step)} was not expected`);
  }
}

/** Its description rides along, and on an interface its index: that is a step of the nodes that receive it. */
function addedProperty(step: JsonObject, desired: FlatSchema): FlatProperty {
  const type = step.property_type as {
    scalar: string;
    nullable: boolean;
    list: boolean;
    enum_values: string[] | null;
  };
  const base = type.list ? `[${type.scalar}]` : type.scalar;
  const whole = desired
    .get(`${step.type_kind}:${step.type_name}`)
    ?.properties.get(String(step.property_name));
  return {
    type: `${base}${type.nullable ? "?" : ""}`,
    values: type.enum_values,
    isIndexed: step.type_kind === "interface" && whole?.isIndexed === true,
    description: whole?.description ?? null,
  };
}

function descriptionIn(step: JsonObject): string | null {
  const [first] = step.annotations as { name: string; value: string }[];
  return first?.value ?? null;
}
