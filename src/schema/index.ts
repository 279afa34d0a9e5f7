// The schema language and schema evolution: `.pg` text -> catalog with stable ids; migrations between two of them.

export { acceptedDigest, catalogIdentity, decodeAccepted, encodeAccepted } from "./accepted.ts";
export { admitSchema, ignoredHints } from "./admit.ts";
export type * from "./catalog.ts";
export { describeStep } from "./describe.ts";
export { findEdge } from "./edges.ts";
export { SchemaError, type SchemaErrorStage } from "./errors.ts";
export { declaredIndexes, type IndexKind, indexKind } from "./indexes.ts";
export { canonicalKeyText, type KeyValue, nodeIdFromKey, tupleReader } from "./keys.ts";
export { type MigrationPlan, planMigration, unsupportedReason } from "./migration.ts";
export { namesAtSnapshot, withoutPurged } from "./past.ts";
export { compilePattern, type Pattern, PatternError } from "./pattern.ts";
export { sameMeaning } from "./semantic.ts";
export type { DropMode, MigrationCode, MigrationStep, UnsupportedChange } from "./steps.ts";
export {
  describeType,
  isNumeric,
  isText,
  isVector,
  type PropertyTypeJson,
  sameType,
  typeLabel,
  typeToJson,
} from "./types.ts";
