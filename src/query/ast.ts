// What a `.gq` source says, before any name is resolved: the shapes that the parser makes and the checker reads. What an
// error may be about knows its place in the source.

import type { Span } from "../lib/source.ts";
import type { PropertyType } from "../schema/catalog.ts";
import type { AggregateFunction, ComparisonOperator } from "./plan.ts";

export type Literal =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "int"; readonly value: bigint }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "date"; readonly text: string }
  | { readonly kind: "datetime"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly Literal[] };

/** A name where it stands; a variable without its `$`. */
export interface Word extends Span {
  readonly text: string;
}

/** What may stand behind the colon of an inline match or an assignment, and in a predicate. */
export type ValueExpression = Span &
  (
    | { readonly kind: "literal"; readonly literal: Literal }
    | { readonly kind: "variable"; readonly name: string }
    | { readonly kind: "now" }
  );

export interface TextExpression extends Span {
  readonly kind: "text";
  readonly function: "search" | "match_text" | "fuzzy";
  readonly field: Expression;
  readonly query: Expression;
  readonly maxEdits: Expression | null;
}

export type RankExpression = Span &
  (
    | { readonly kind: "bm25"; readonly field: Expression; readonly query: Expression }
    | {
        readonly kind: "nearest";
        readonly target: PropertyExpression;
        readonly query: Expression;
      }
    | {
        readonly kind: "rrf";
        readonly first: Expression;
        readonly second: Expression;
        readonly k: Expression | null;
      }
  );

export interface PropertyExpression extends Span {
  readonly kind: "property";
  readonly variable: string;
  readonly property: string;
}

/** Variables stand without their `$`. A bare name is an alias of `return`. */
export type Expression =
  | ValueExpression
  | PropertyExpression
  | (Span & { readonly kind: "alias"; readonly name: string })
  | (Span & {
      readonly kind: "aggregate";
      readonly function: AggregateFunction;
      readonly argument: Expression;
    })
  | TextExpression
  | RankExpression;

export interface InlineMatch {
  readonly property: Word;
  readonly value: ValueExpression;
}

export interface BindingClause {
  readonly kind: "binding";
  readonly variable: Word;
  readonly type: Word;
  readonly matches: readonly InlineMatch[];
}

export interface HopBounds extends Span {
  readonly min: number;
  /** Null for `{min,}`. */
  readonly max: number | null;
}

export interface TraversalClause {
  readonly kind: "traversal";
  readonly left: Word;
  readonly right: Word;
  readonly edge: Word;
  readonly edgeVariable: Word | null;
  readonly undirected: boolean;
  readonly hops: HopBounds | null;
}

export interface FilterClause {
  readonly kind: "filter";
  readonly left: Expression;
  readonly operator: ComparisonOperator;
  readonly right: Expression;
}

export interface NotClause {
  readonly kind: "not";
  readonly word: Word;
  readonly clauses: readonly MatchClause[];
}

export type MatchClause = BindingClause | TraversalClause | FilterClause | TextExpression | NotClause;

export interface ReturnClauseItem {
  readonly expression: Expression;
  readonly alias: string | null;
}

export interface OrderClauseKey {
  readonly expression: Expression;
  readonly descending: boolean;
}

export interface AssignmentClause {
  readonly property: Word;
  readonly value: ValueExpression | (Span & { readonly kind: "null" });
}

export interface PredicateClause {
  readonly property: Word;
  readonly operator: "=" | "!=" | "<" | "<=" | ">" | ">=";
  readonly value: ValueExpression;
}

export type StatementClause =
  | { readonly kind: "insert"; readonly type: Word; readonly assignments: readonly AssignmentClause[] }
  | {
      readonly kind: "update";
      readonly type: Word;
      readonly assignments: readonly AssignmentClause[];
      readonly predicate: PredicateClause;
    }
  | { readonly kind: "delete"; readonly type: Word; readonly predicate: PredicateClause };

export interface ParameterDeclaration extends Span {
  readonly name: string;
  /** A vector's width is as written, in range or not: the checker refuses the ones out of range. */
  readonly type: PropertyType;
}

interface Declaration {
  /** The whole text that the declaration stands in. */
  readonly source: string;
  readonly name: string;
  readonly description: string | null;
  readonly instruction: string | null;
  readonly params: readonly ParameterDeclaration[];
}

export interface ReadDeclaration extends Declaration {
  readonly kind: "read";
  readonly match: readonly MatchClause[];
  readonly items: readonly ReturnClauseItem[];
  readonly order: readonly OrderClauseKey[];
  /** Rows; null without a limit clause. */
  readonly limit: number | null;
}

export interface MutationDeclaration extends Declaration {
  readonly kind: "mutation";
  readonly statements: readonly StatementClause[];
}

/** One `query name(…) { … }` of a source. */
export type QueryDeclaration = ReadDeclaration | MutationDeclaration;
