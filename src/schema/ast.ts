// A schema as written: every declaration with its place, nothing checked beyond the grammar.

import type { Span } from "../lib/source.ts";
import type { ScalarName } from "./catalog.ts";

/** A piece of text with its place: a name, a number as written, an enum value. */
export interface Word {
  readonly text: string;
  readonly span: Span;
}

export interface TypeAst {
  readonly base:
    | { readonly kind: "scalar"; readonly name: ScalarName }
    | { readonly kind: "vector"; readonly dimension: Word }
    | { readonly kind: "enum"; readonly values: readonly Word[] };
  readonly list: boolean;
  readonly nullable: boolean;
  readonly span: Span;
}

/** `value` is the decoded string or the text as written; null where the annotation has no parentheses. */
export interface AnnotationAst {
  readonly name: string;
  readonly value: string | null;
  readonly kwargs: readonly { readonly name: Word; readonly value: string }[];
  readonly span: Span;
}

export interface NumberAst {
  readonly kind: "int" | "float";
  /** With its sign. */
  readonly text: string;
  readonly span: Span;
}

export type RuleArgument =
  | { readonly kind: "name"; readonly text: string; readonly span: Span }
  | { readonly kind: "string"; readonly text: string; readonly span: Span }
  /** A number or `true`, `false`: well-formed, and never what a rule wants. */
  | { readonly kind: "literal"; readonly text: string; readonly span: Span }
  | {
      readonly kind: "bounds";
      readonly min: NumberAst | null;
      readonly max: NumberAst | null;
      readonly span: Span;
    };

export const RULE_NAMES = ["key", "unique", "index", "range", "check"] as const;
export type RuleName = (typeof RULE_NAMES)[number];

export interface RuleAst {
  readonly name: RuleName;
  readonly arguments: readonly RuleArgument[];
  readonly span: Span;
}

export interface PropertyAst {
  readonly name: Word;
  readonly type: TypeAst;
  readonly annotations: readonly AnnotationAst[];
}

export interface InterfaceAst {
  readonly kind: "interface";
  readonly name: Word;
  readonly properties: readonly PropertyAst[];
}

export interface NodeAst {
  readonly kind: "node";
  readonly name: Word;
  readonly annotations: readonly AnnotationAst[];
  readonly implements: readonly Word[];
  readonly properties: readonly PropertyAst[];
  readonly rules: readonly RuleAst[];
}

export interface CardinalityAst {
  readonly min: Word;
  readonly max: Word | null;
}

export interface EdgeAst {
  readonly kind: "edge";
  readonly name: Word;
  readonly source: Word;
  readonly target: Word;
  readonly cardinality: CardinalityAst | null;
  readonly annotations: readonly AnnotationAst[];
  readonly properties: readonly PropertyAst[];
  readonly rules: readonly RuleAst[];
}

export type DeclarationAst = InterfaceAst | NodeAst | EdgeAst;

export interface SchemaAst {
  readonly source: string;
  /** In the order of the text. */
  readonly declarations: readonly DeclarationAst[];
}
