// A schema that passed every check, still by name: interfaces injected, rules gathered, no stable ids yet. Catalogs
// are built from it and migrations compare two of them.

import type { Span } from "../lib/source.ts";
import type { Annotation, Constraint, Embed, PropertyType } from "./catalog.ts";
import { stringLiteral } from "./literal.ts";

/** Constraints that may be written behind a property without arguments. */
export type Mark = "key" | "unique" | "index";

/** `@rename_from("from")`; `inherited` where an interface's property brought it into a node. */
export interface RenameHint {
  readonly from: string;
  readonly inherited: boolean;
  readonly span: Span;
}

export interface ResolvedProperty {
  readonly name: string;
  readonly type: PropertyType;
  /** The description and whatever the language gives no meaning to. */
  readonly annotations: readonly Annotation[];
  readonly embed: Embed | null;
  readonly marks: readonly Mark[];
  readonly hint: RenameHint | null;
  /** False where only interfaces give it. */
  readonly declared: boolean;
  /** Implemented interfaces that have this property, sorted. */
  readonly interfaces: readonly string[];
}

/** Property names sorted by bytes, each once. */
export type Rule = { readonly kind: "key"; readonly properties: readonly string[] } | Constraint;

interface ResolvedEntity {
  readonly name: string;
  /** In byte order of name. */
  readonly properties: readonly ResolvedProperty[];
  /** Marks and body rules alike, each once, in order of `ruleText`. */
  readonly rules: readonly Rule[];
  readonly annotations: readonly Annotation[];
  readonly hint: RenameHint | null;
}

export interface ResolvedInterface extends ResolvedEntity {
  readonly kind: "interface";
}

export interface ResolvedNode extends ResolvedEntity {
  readonly kind: "node";
  /** Sorted, each once. */
  readonly implements: readonly string[];
  /** The key's properties as its rule names them; null without a key. */
  readonly keyAsDeclared: readonly string[] | null;
}

export interface ResolvedEdge extends ResolvedEntity {
  readonly kind: "edge";
  readonly source: string;
  readonly target: string;
  readonly cardinality: { readonly min: number; readonly max: number | null };
}

export type ResolvedType = ResolvedInterface | ResolvedNode | ResolvedEdge;
export type TypeKind = ResolvedType["kind"];

export interface ResolvedSchema {
  readonly source: string;
  /** In the order of the text. */
  readonly types: readonly ResolvedType[];
}

/** A rule as a schema spells it, with its properties sorted: `@unique(a, b)`, `@range(p, 0..5)`. */
export function ruleText(rule: Rule): string {
  switch (rule.kind) {
    case "key":
    case "unique":
    case "index":
      return `@${rule.kind}(${rule.properties.join(", ")})`;
    case "range":
      return `@range(${rule.property}, ${boundText(rule.min)}..${boundText(rule.max)})`;
    case "check":
      return `@check(${rule.property}, ${stringLiteral(rule.pattern)})`;
  }
}

type Bound = Extract<Rule, { kind: "range" }>["min"];

function boundText(bound: Bound): string {
  if (bound === null) return "";
  const text = String(bound.value);
  return bound.kind === "float" && Number.isInteger(bound.value) ? `${text}.0` : text;
}

/** The properties that a rule names; `src` and `dst` of an edge included. */
export function ruleProperties(rule: Rule): readonly string[] {
  return rule.kind === "range" || rule.kind === "check" ? [rule.property] : rule.properties;
}
