// The migration planner: from an accepted catalog and a desired text to the steps between them. It reads no rows.

import { compareUtf8 } from "../lib/utf8.ts";
import { admitMatched } from "./admit.ts";
import type { Catalog } from "./catalog.ts";
import { checkSchema } from "./check.ts";
import { matchSchemas, type SchemaMatch, type TypeMatch } from "./match.ts";
import { propertySteps } from "./migration-property.ts";
import { compareRules, ruleSteps } from "./migration-rules.ts";
import { type TypeContext, typeSteps } from "./migration-type.ts";
import type { ResolvedType, TypeKind } from "./resolved.ts";
import { semanticText } from "./semantic.ts";
import { type DropMode, type MigrationStep, type UnsupportedChange, unsupportedChange } from "./steps.ts";

export interface MigrationPlan {
  /** False when any step is an `unsupported_change`; nothing may be applied then. */
  readonly supported: boolean;
  readonly steps: readonly MigrationStep[];
  /** What the graph would have after the migration: stable ids kept, new ones handed out. */
  readonly catalog: Catalog;
  /** Rename hints without effect, one sentence each. */
  readonly warnings: readonly string[];
}

const KIND_ORDER: readonly TypeKind[] = ["interface", "node", "edge"];

/**
 * Plans the way from `accepted` to `source`. `allowDataLoss` makes every drop hard and changes nothing else. Throws
 * SchemaError where the source does not check or a rename hint cannot be followed.
 */
export function planMigration(accepted: Catalog, source: string, allowDataLoss: boolean): MigrationPlan {
  const former = checkSchema(accepted.source);
  const desired = checkSchema(source);
  const match = matchSchemas(former, desired);
  const mode: DropMode = allowDataLoss ? "hard" : "soft";
  const formerNames = new Map(
    match.types.map(({ desired: type, accepted: old }) => [`${type.kind}:${type.name}`, old?.name ?? null]),
  );
  const steps = KIND_ORDER.flatMap((kind) => [
    ...match.types
      .filter((type) => type.desired.kind === kind)
      .sort((a, b) => compareUtf8(a.desired.name, b.desired.name))
      .flatMap((type) => stepsOfType(type, formerNames, mode)),
    ...droppedTypes(match, kind).flatMap((type) => dropSteps(type, mode)),
  ]);
  if (steps.length === 0 && semanticText(former) !== semanticText(desired)) {
    steps.push({
      kind: "unsupported_change",
      entity: "schema",
      reason: "unclassified change between the accepted and the desired schema",
    });
  }
  return {
    supported: steps.every((step) => step.kind !== "unsupported_change"),
    steps,
    catalog: admitMatched(desired, match, accepted, mode),
    warnings: match.warnings,
  };
}

/** Why a plan cannot be applied, as error messages say it: `[CODE] reason` or `reason`; null when it can. */
export function unsupportedReason(plan: MigrationPlan): string | null {
  const first = plan.steps.find((step): step is UnsupportedChange => step.kind === "unsupported_change");
  if (first === undefined) return null;
  return first.code === undefined ? first.reason : `[${first.code}] ${first.reason}`;
}

function droppedTypes(match: SchemaMatch, kind: TypeKind): ResolvedType[] {
  return match.dropped.filter((type) => type.kind === kind).sort((a, b) => compareUtf8(a.name, b.name));
}

function dropSteps(type: ResolvedType, mode: DropMode): MigrationStep[] {
  if (type.kind === "interface") {
    return [unsupportedChange(`interface:${type.name}`, `removing interface '${type.name}'`)];
  }
  return [{ kind: "drop_type", type_kind: type.kind, name: type.name, mode }];
}

function stepsOfType(
  match: TypeMatch,
  formerNames: ReadonlyMap<string, string | null>,
  mode: DropMode,
): MigrationStep[] {
  const { desired, accepted, properties, droppedProperties } = match;
  const { kind, name } = desired;
  if (accepted === null) return [{ kind: "add_type", type_kind: kind, name }];
  const context: TypeContext = {
    desired,
    accepted,
    renamed: new Map(
      properties.flatMap(({ desired: property, accepted: old }) =>
        old === null ? [] : [[old.name, property.name]],
      ),
    ),
    added: new Set(
      properties.filter((property) => property.accepted === null).map((property) => property.desired.name),
    ),
    dropped: new Set(droppedProperties.map((property) => property.name)),
  };
  const changes = compareRules(context);
  return [
    ...typeSteps(context, formerNames),
    ...properties.flatMap((property) => propertySteps(context, changes, property)),
    ...droppedProperties.map(
      (property): MigrationStep => ({
        kind: "drop_property",
        type_kind: kind,
        type_name: name,
        property_name: property.name,
        mode,
      }),
    ),
    ...ruleSteps(context, changes),
  ];
}
