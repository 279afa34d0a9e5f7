// Steps for one property of a type that survives: added, renamed, or changed.

import type { PropertyMatch } from "./match.ts";
import type { RuleChanges } from "./migration-rules.ts";
import { compareMetadata, entityOf, type TypeContext } from "./migration-type.ts";
import type { Mark, ResolvedProperty } from "./resolved.ts";
import { annotationToJson, type MigrationStep, unsupportedChange } from "./steps.ts";
import { describeType, sameType, typeToJson } from "./types.ts";

export function propertySteps(
  context: TypeContext,
  changes: RuleChanges,
  { desired, accepted }: PropertyMatch,
): MigrationStep[] {
  return accepted === null
    ? additionSteps(context, desired)
    : changeSteps(context, changes, desired, accepted);
}

function additionSteps({ desired: type }: TypeContext, property: ResolvedProperty): MigrationStep[] {
  if (!property.type.nullable) {
    const place = `'${type.name}.${property.name}'`;
    return [
      unsupportedChange(
        entityOf(type, property.name),
        `adding required property ${place} requires a backfill and`,
        "OG-MF-103",
      ),
    ];
  }
  return [
    {
      kind: "add_property",
      type_kind: type.kind,
      type_name: type.name,
      property_name: property.name,
      property_type: typeToJson(property.type),
    },
  ];
}

function changeSteps(
  context: TypeContext,
  changes: RuleChanges,
  desired: ResolvedProperty,
  accepted: ResolvedProperty,
): MigrationStep[] {
  const type = context.desired;
  const target = { type_kind: type.kind, type_name: type.name };
  const place = `'${type.name}.${desired.name}'`;
  const refuse = (change: string) => unsupportedChange(entityOf(type, desired.name), change);
  const steps: MigrationStep[] = [];
  if (accepted.name !== desired.name) {
    steps.push({ kind: "rename_property", ...target, from: accepted.name, to: desired.name });
  }
  if (!sameType(accepted.type, desired.type)) steps.push(typeChange(context, desired, accepted));
  if (embedText(accepted, context.renamed) !== embedText(desired, new Map())) {
    steps.push(refuse(`changing @embed source or model for ${place}`));
  }
  steps.push(...markSteps(changes, desired, accepted, place, refuse));
  if (accepted.declared !== desired.declared) {
    steps.push(refuse(`changing declaration provenance for ${place}`));
  }
  if (accepted.interfaces.join() !== desired.interfaces.join()) {
    steps.push(refuse(`changing interface-property satisfaction links for ${place}`));
  }
  const metadata = compareMetadata(accepted.annotations, desired.annotations);
  if (metadata.updated !== null) {
    steps.push({
      kind: "update_property_metadata",
      ...target,
      property_name: desired.name,
      annotations: metadata.updated.map(annotationToJson),
    });
  }
  if (metadata.changesOthers) {
    steps.push(refuse(`changing annotations beyond @description/@instruction on property ${place}`));
  }
  return steps;
}

/** Two enums of one nullability, the old set inside the new one, is an extension; any other difference is refused. */
function typeChange(
  { desired: type }: TypeContext,
  desired: ResolvedProperty,
  accepted: ResolvedProperty,
): MigrationStep {
  const oldValues = accepted.type.enumValues;
  const newValues = desired.type.enumValues;
  if (oldValues !== null && newValues !== null && accepted.type.nullable === desired.type.nullable) {
    const old = new Set(oldValues);
    const added = newValues.filter((value) => !old.has(value));
    if (added.length === newValues.length - oldValues.length) {
      return {
        kind: "extend_enum",
        type_kind: type.kind,
        type_name: type.name,
        property_name: desired.name,
        added_values: added,
      };
    }
  }
  const change = `changing property type for '${type.name}.${desired.name}' from ${describeType(accepted.type)} to ${describeType(desired.type)}`;
  return unsupportedChange(entityOf(type, desired.name), change, "OG-MF-106");
}

function embedText({ embed }: ResolvedProperty, renamed: ReadonlyMap<string, string>): string {
  return embed === null ? "" : JSON.stringify([renamed.get(embed.source) ?? embed.source, embed.model]);
}

/** Findings about constraints written behind the property; the rules they stand for are reported with the type's. */
function markSteps(
  changes: RuleChanges,
  desired: ResolvedProperty,
  accepted: ResolvedProperty,
  place: string,
  refuse: (change: string) => MigrationStep,
): MigrationStep[] {
  const ruleOf = (mark: Mark) => `@${mark}(${desired.name})`;
  const added = desired.marks.filter((mark) => mark !== "index" && changes.added.has(ruleOf(mark)));
  const steps = added.map((mark) => refuse(`adding a property-level @${mark} constraint to ${place}`));
  if (accepted.marks.some((mark) => changes.removed.has(ruleOf(mark)))) {
    steps.push(refuse(`removing property constraints from ${place}`));
  }
  return steps;
}
