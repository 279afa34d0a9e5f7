// The steps of a migration plan, exactly as JSON carries them.

import type { Annotation } from "./catalog.ts";
import type { TypeKind } from "./resolved.ts";
import type { PropertyTypeJson } from "./types.ts";

/** `soft`: still readable at earlier commits; `hard`: gone from history too. */
export type DropMode = "soft" | "hard";

/** A frozen identifier of a refusal, whatever its wording. */
export type MigrationCode = "OG-MF-103" | "OG-MF-106";

/** What it would take to allow it: a scan of the rows, or the consent to lose data. */
export const CODE_TIERS: Readonly<Record<MigrationCode, "validated" | "destructive">> = {
  /** Adding a required property. */
  "OG-MF-103": "validated",
  /** Changing a property's type. */
  "OG-MF-106": "destructive",
};

export type AnnotationJson = {
  readonly name: string;
  readonly value: string | null;
  readonly kwargs?: { readonly [name: string]: string };
};

export type UnsupportedChange = {
  readonly kind: "unsupported_change";
  /** `node:T`, `edge:E.p`, `interface:I`, or `schema`; new names. */
  readonly entity: string;
  readonly reason: string;
  readonly code?: MigrationCode;
};

export type MigrationStep =
  | { readonly kind: "add_type"; readonly type_kind: TypeKind; readonly name: string }
  | {
      readonly kind: "rename_type";
      readonly type_kind: TypeKind;
      readonly from: string;
      readonly to: string;
    }
  | {
      readonly kind: "add_property";
      readonly type_kind: TypeKind;
      readonly type_name: string;
      readonly property_name: string;
      readonly property_type: PropertyTypeJson;
    }
  | {
      readonly kind: "rename_property";
      readonly type_kind: TypeKind;
      readonly type_name: string;
      readonly from: string;
      readonly to: string;
    }
  | {
      readonly kind: "extend_enum";
      readonly type_kind: TypeKind;
      readonly type_name: string;
      readonly property_name: string;
      readonly added_values: readonly string[];
    }
  | {
      readonly kind: "add_constraint";
      readonly type_kind: TypeKind;
      readonly type_name: string;
      readonly constraint: { readonly Index: readonly string[] };
    }
  | {
      readonly kind: "update_type_metadata";
      readonly type_kind: TypeKind;
      readonly name: string;
      readonly annotations: readonly AnnotationJson[];
    }
  | {
      readonly kind: "update_property_metadata";
      readonly type_kind: TypeKind;
      readonly type_name: string;
      readonly property_name: string;
      readonly annotations: readonly AnnotationJson[];
    }
  | {
      readonly kind: "drop_property";
      readonly type_kind: TypeKind;
      readonly type_name: string;
      readonly property_name: string;
      readonly mode: DropMode;
    }
  | {
      readonly kind: "drop_type";
      readonly type_kind: TypeKind;
      readonly name: string;
      readonly mode: DropMode;
    }
  | UnsupportedChange;

/** `kwargs` is left out when empty. */
export function annotationToJson({ name, value, kwargs }: Annotation): AnnotationJson {
  return kwargs === undefined ? { name, value } : { name, value, kwargs };
}

const NOT_SUPPORTED = "is not supported in schema migration v1";

/** A change that migrations do not do; `change` is the subject of the sentence. */
export function unsupportedChange(entity: string, change: string, code?: MigrationCode): UnsupportedChange {
  const reason = `${change} ${NOT_SUPPORTED}`;
  return code === undefined
    ? { kind: "unsupported_change", entity, reason }
    : { kind: "unsupported_change", entity, reason, code };
}
