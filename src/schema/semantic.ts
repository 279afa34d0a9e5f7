// Whether two schemas mean the same: comments, layout, the order of declarations, of properties, of enum values, of
// annotations and of a rule's columns, and hints about former names do not count; everything else does.

import { stringifyJson } from "../lib/json.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import type { Annotation } from "./catalog.ts";
import { checkSchema } from "./check.ts";
import { type ResolvedSchema, type ResolvedType, ruleText } from "./resolved.ts";
import { describeType } from "./types.ts";

/** Compares two schema texts, both of which must check. Throws SchemaError. */
export function sameMeaning(a: string, b: string): boolean {
  return a === b || semanticText(checkSchema(a)) === semanticText(checkSchema(b));
}

/** One text for all schemas of one meaning. */
export function semanticText(schema: ResolvedSchema): string {
  return schema.types.map(typeText).sort(compareUtf8).join("\n");
}

function typeText(type: ResolvedType): string {
  const header = {
    kind: type.kind,
    name: type.name,
    annotations: annotationTexts(type.annotations),
    rules: type.rules.map(ruleText),
    properties: type.properties.map(
      ({ name, type: propertyType, annotations, embed, declared, interfaces }) => ({
        name,
        type: describeType(propertyType),
        annotations: annotationTexts(annotations),
        embed: embed === null ? null : { source: embed.source, model: embed.model },
        declared,
        interfaces,
      }),
    ),
  };
  switch (type.kind) {
    case "interface":
      return stringifyJson(header);
    case "node":
      return stringifyJson({ ...header, implements: type.implements });
    case "edge": {
      const { source, target, cardinality } = type;
      return stringifyJson({
        ...header,
        source,
        target,
        cardinality: { min: cardinality.min, max: cardinality.max },
      });
    }
  }
}

/** Canonical texts of annotations, sorted. */
export function annotationTexts(annotations: readonly Annotation[]): string[] {
  return annotations
    .map(({ name, value, kwargs }) => {
      const named = Object.entries(kwargs ?? {}).sort(([a], [b]) => compareUtf8(a, b));
      return stringifyJson([name, value, named]);
    })
    .sort(compareUtf8);
}
