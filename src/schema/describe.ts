// Migration steps as lines for people.

import { stringLiteral } from "./literal.ts";
import { type AnnotationJson, CODE_TIERS, type MigrationStep } from "./steps.ts";
import type { PropertyTypeJson } from "./types.ts";
import { planTypeLabel } from "./types.ts";

/** One step as one line, without the leading dash. */
export function describeStep(step: MigrationStep): string {
  switch (step.kind) {
    case "add_type":
      return `add ${step.type_kind} type '${step.name}'`;
    case "rename_type":
      return `rename ${step.type_kind} type '${step.from}' -> '${step.to}'`;
    case "add_property":
      return `add property '${step.type_name}.${step.property_name}' (${typeText(step.property_type)}) on ${step.type_kind} '${step.type_name}'`;
    case "rename_property":
      return `rename property '${step.type_name}.${step.from}' -> '${step.type_name}.${step.to}' on ${step.type_kind} '${step.type_name}'`;
    case "extend_enum": {
      const added = step.added_values.map((value) => `+${value}`).join(", ");
      return `extend enum '${step.type_name}.${step.property_name}' (${added}) on ${step.type_kind} '${step.type_name}'`;
    }
    case "add_constraint":
      return `add constraint @index(${step.constraint.Index.join(", ")}) on ${step.type_kind} '${step.type_name}'`;
    case "update_type_metadata":
      return `update metadata on ${step.type_kind} '${step.name}' (${annotationsText(step.annotations)})`;
    case "update_property_metadata":
      return `update metadata on property '${step.type_name}.${step.property_name}' of ${step.type_kind} '${step.type_name}' (${annotationsText(step.annotations)})`;
    case "drop_property":
      return `drop property '${step.type_name}.${step.property_name}' of ${step.type_kind} '${step.type_name}' (${step.mode} mode)`;
    case "drop_type":
      return `drop ${step.type_kind} type '${step.name}' (${step.mode} mode)`;
    case "unsupported_change": {
      const code = step.code === undefined ? "" : ` [${step.code}, ${CODE_TIERS[step.code]}]`;
      return `unsupported change on ${step.entity}${code}: ${step.reason}`;
    }
  }
}

function typeText({ scalar, nullable, list, enum_values }: PropertyTypeJson): string {
  const name = typeof scalar === "string" ? scalar : { vector: scalar.Vector };
  return planTypeLabel({ scalar: name, nullable, list, enumValues: enum_values });
}

function annotationsText(annotations: readonly AnnotationJson[]): string {
  if (annotations.length === 0) return "none";
  return annotations
    .map(({ name, value, kwargs }) => {
      const named = Object.entries(kwargs ?? {}).map(([key, text]) => `${key}=${stringLiteral(text)}`);
      const texts = value === null ? named : [stringLiteral(value), ...named];
      return texts.length === 0 ? `@${name}` : `@${name}(${texts.join(", ")})`;
    })
    .join(", ");
}
