// Steps for the header of a type that survives: its name, what it implements or connects, its metadata.

import type { Annotation } from "./catalog.ts";
import type { ResolvedEdge, ResolvedType } from "./resolved.ts";
import { annotationTexts } from "./semantic.ts";
import { annotationToJson, type MigrationStep, unsupportedChange } from "./steps.ts";

/** A type that survives, and how its properties do. */
export interface TypeContext {
  readonly desired: ResolvedType;
  readonly accepted: ResolvedType;
  /** Desired names of surviving properties by accepted name. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Names of new properties. */
  readonly added: ReadonlySet<string>;
  /** Accepted names of properties that are gone. */
  readonly dropped: ReadonlySet<string>;
}

/** How plans name a type or one of its properties: `node:T`, `edge:E.p`. */
export function entityOf(type: ResolvedType, property?: string): string {
  const entity = `${type.kind}:${type.name}`;
  return property === undefined ? entity : `${entity}.${property}`;
}

/** `formerNames`: accepted names of surviving types by `kind:desired name`. */
export function typeSteps(
  { desired, accepted }: TypeContext,
  formerNames: ReadonlyMap<string, string | null>,
): MigrationStep[] {
  const { kind, name } = desired;
  const entity = entityOf(desired);
  const steps: MigrationStep[] = [];
  if (accepted.name !== name)
    steps.push({ kind: "rename_type", type_kind: kind, from: accepted.name, to: name });
  if (desired.kind === "node" && accepted.kind === "node") {
    if (desired.implements.join() !== accepted.implements.join()) {
      steps.push(unsupportedChange(entity, `changing implemented interfaces on node '${name}'`));
    }
  }
  if (desired.kind === "edge" && accepted.kind === "edge") {
    steps.push(...edgeSteps(desired, accepted, formerNames));
  }
  const metadata = compareMetadata(accepted.annotations, desired.annotations);
  if (metadata.updated !== null) {
    steps.push({
      kind: "update_type_metadata",
      type_kind: kind,
      name,
      annotations: metadata.updated.map(annotationToJson),
    });
  }
  if (metadata.changesOthers) {
    steps.push(
      unsupportedChange(entity, `changing annotations beyond @description/@instruction on ${kind} '${name}'`),
    );
  }
  return steps;
}

function edgeSteps(
  desired: ResolvedEdge,
  accepted: ResolvedEdge,
  formerNames: ReadonlyMap<string, string | null>,
): MigrationStep[] {
  const { name } = desired;
  const steps: MigrationStep[] = [];
  const keepsEndpoints =
    formerNames.get(`node:${desired.source}`) === accepted.source &&
    formerNames.get(`node:${desired.target}`) === accepted.target;
  if (!keepsEndpoints) {
    steps.push(unsupportedChange(entityOf(desired), `changing edge endpoints on '${name}'`));
  }
  const { min, max } = desired.cardinality;
  if (min !== accepted.cardinality.min || max !== accepted.cardinality.max) {
    steps.push(unsupportedChange(entityOf(desired), `changing cardinality on edge '${name}'`));
  }
  return steps;
}

const METADATA: ReadonlySet<string> = new Set(["description", "instruction"]);

/** `updated`: the complete new metadata where it differs; `changesOthers`: some other annotation differs. */
export function compareMetadata(
  accepted: readonly Annotation[],
  desired: readonly Annotation[],
): { readonly updated: readonly Annotation[] | null; readonly changesOthers: boolean } {
  const isMetadata = ({ name }: Annotation) => METADATA.has(name);
  const isOther = ({ name }: Annotation) => !METADATA.has(name);
  const differ = (keep: (annotation: Annotation) => boolean) =>
    annotationTexts(accepted.filter(keep)).join() !== annotationTexts(desired.filter(keep)).join();
  return {
    updated: differ(isMetadata) ? desired.filter(isMetadata) : null,
    changesOthers: differ(isOther),
  };
}
