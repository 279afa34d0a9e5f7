// First step of checking: reserved names refused, types and cardinalities read into values.

import { compareUtf8 } from "../lib/utf8.ts";
import type {
  AnnotationAst,
  CardinalityAst,
  DeclarationAst,
  EdgeAst,
  InterfaceAst,
  NodeAst,
  PropertyAst,
  TypeAst,
  Word,
} from "./ast.ts";
import type { PropertyType } from "./catalog.ts";
import { checkEach, type Fail } from "./errors.ts";
import { CARDINALITY_MAX, INTEGER_DIGITS_MAX, VECTOR_DIMENSION_MAX } from "./limits.ts";

/** A property whose type is known and whose annotations are still as written. */
export interface DraftProperty {
  readonly name: Word;
  readonly type: PropertyType;
  readonly annotations: readonly AnnotationAst[];
  /** False where an interface gave it. */
  readonly declared: boolean;
  /** Implemented interfaces that have it, sorted. */
  readonly interfaces: readonly string[];
}

export type Draft =
  | { readonly kind: "interface"; readonly ast: InterfaceAst; readonly properties: readonly DraftProperty[] }
  | { readonly kind: "node"; readonly ast: NodeAst; readonly properties: readonly DraftProperty[] }
  | {
      readonly kind: "edge";
      readonly ast: EdgeAst;
      readonly properties: readonly DraftProperty[];
      readonly cardinality: { readonly min: number; readonly max: number | null };
    };

const RESERVED_EVERYWHERE: ReadonlySet<string> = new Set([
  "id",
  "_rowid",
  "_rowaddr",
  "_rowoffset",
  "_row_created_at_version",
  "_row_last_updated_at_version",
  "_tombstone",
]);
const RESERVED_ON_EDGES: ReadonlySet<string> = new Set(["src", "dst", "from", "to"]);

export function draftDeclarations(declarations: readonly DeclarationAst[], fail: Fail): Draft[] {
  return checkEach(declarations, (ast) => draftDeclaration(ast, fail));
}

function draftDeclaration(ast: DeclarationAst, fail: Fail): Draft {
  const properties = ast.properties.map((property) => draftProperty(property, ast, fail));
  switch (ast.kind) {
    case "interface":
      return { kind: "interface", ast, properties };
    case "node":
      return { kind: "node", ast, properties };
    case "edge":
      return { kind: "edge", ast, properties, cardinality: readCardinality(ast.cardinality, fail) };
  }
}

function draftProperty(ast: PropertyAst, owner: DeclarationAst, fail: Fail): DraftProperty {
  const { name } = ast;
  if (RESERVED_EVERYWHERE.has(name.text)) {
    fail(name.span, `property name '${name.text}' is reserved (${owner.name.text}.${name.text})`);
  }
  if (owner.kind === "edge" && RESERVED_ON_EDGES.has(name.text)) {
    fail(name.span, `property name '${name.text}' is reserved on edges (${owner.name.text}.${name.text})`);
  }
  return {
    name,
    type: readType(ast.type, fail),
    annotations: ast.annotations,
    declared: true,
    interfaces: [],
  };
}

function readType(ast: TypeAst, fail: Fail): PropertyType {
  const { list, nullable, base } = ast;
  switch (base.kind) {
    case "scalar":
      if (list && base.name === "Blob") fail(ast.span, "list of Blob is not supported");
      return { scalar: base.name, list, nullable, enumValues: null };
    case "vector":
      return { scalar: { vector: readDimension(base.dimension, fail) }, list, nullable, enumValues: null };
    case "enum":
      return { scalar: "String", list, nullable, enumValues: readEnumValues(base.values, fail) };
  }
}

/** The value of digits, or null where 64 bits cannot hold it. */
function readUnsigned(digits: string): bigint | null {
  const significant = digits.replace(/^0+(?=\d)/, "");
  if (significant.length > INTEGER_DIGITS_MAX) return null;
  const value = BigInt(significant);
  return value < 2n ** 64n ? value : null;
}

function readDimension(word: Word, fail: Fail): number {
  const value = readUnsigned(word.text);
  if (value === null) return fail(word.span, "invalid Vector dimension: it does not fit 64 bits");
  if (value === 0n) return fail(word.span, "Vector dimension must be greater than zero");
  if (value > BigInt(VECTOR_DIMENSION_MAX)) {
    return fail(word.span, `Vector dimension ${value} exceeds maximum supported ${VECTOR_DIMENSION_MAX}`);
  }
  return Number(value);
}

function readEnumValues(words: readonly Word[], fail: Fail): string[] {
  const values = new Set<string>();
  for (const { text, span } of words) {
    if (values.has(text)) fail(span, `enum type cannot include duplicate values: '${text}' is listed twice`);
    values.add(text);
  }
  return [...values].sort(compareUtf8);
}

function readCardinality(ast: CardinalityAst | null, fail: Fail): { min: number; max: number | null } {
  if (ast === null) return { min: 0, max: null };
  const min = readCardinalityBound(ast.min, "min", fail);
  if (ast.max === null) return { min, max: null };
  const max = readCardinalityBound(ast.max, "max", fail);
  if (min > max) fail(ast.min.span, `cardinality min (${min}) exceeds max (${max})`);
  return { min, max };
}

function readCardinalityBound(word: Word, which: "min" | "max", fail: Fail): number {
  const value = readUnsigned(word.text);
  if (value === null || value > BigInt(CARDINALITY_MAX)) {
    return fail(word.span, `invalid cardinality ${which}: at most ${CARDINALITY_MAX}`);
  }
  return Number(value);
}
