// The query language: `.gq` text to declarations, declarations and a catalog to checked plans, and what goes with
// them: parameters, constants, descriptors and lint. Pure: nothing here reads or writes anything.

export type { MutationDeclaration, ParameterDeclaration, QueryDeclaration, ReadDeclaration } from "./ast.ts";
export { checkQuery, planQuery } from "./check.ts";
export { resolveConstant } from "./constants.ts";
export {
  type CatalogEntry,
  catalogEntry,
  catalogWarnings,
  describeOperation,
  type NamedValue,
  type OperationDescriptor,
  type TypeReference,
  type ValueKind,
} from "./descriptor.ts";
export {
  type LintFinding,
  type LintInput,
  type LintLine,
  type LintOutput,
  type LintReport,
  type LintResult,
  lintQueries,
  type SchemaSource,
} from "./lint.ts";
export { decodeParams } from "./params.ts";
export { parseQueries } from "./parser.ts";
export type * from "./plan.ts";
export { selectQuery } from "./select.ts";
export { typeText } from "./types.ts";
