// What a `.gq` source says, before any name is resolved: the shapes that the parser makes and the checker reads.

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

/** What may stand behind the colon of an inline match or an assignment, and in a predicate. */
export type ValueExpression =
  | { readonly kind: "literal"; readonly literal: Literal }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "now" };

export interface TextExpression {
  readonly kind: "text";
  readonly function: "search" | "match_text" | "fuzzy";
  readonly field: Expression;
  readonly query: Expression;
  readonly maxEdits: Expression | null;
}

export type RankExpression =
  | { readonly kind: "bm25"; readonly field: Expression; readonly query: Expression }
  | {
      readonly kind: "nearest";
      readonly variable: string;
      readonly property: string;
      readonly query: Expression;
    }
  | {
      readonly kind: "rrf";
      readonly first: Expression;
      readonly second: Expression;
      readonly k: Expression | null;
    };

/** Variables stand without their `$`. A bare name is an alias of `return`. */
export type Expression =
  | { readonly kind: "literal"; readonly literal: Literal }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "property"; readonly variable: string; readonly property: string }
  | { readonly kind: "alias"; readonly name: string }
  | { readonly kind: "now" }
  | { readonly kind: "aggregate"; readonly function: AggregateFunction; readonly argument: Expression }
  | TextExpression
  | RankExpression;

export interface InlineMatch {
  readonly property: string;
  readonly value: ValueExpression;
}

export interface BindingClause {
  readonly kind: "binding";
  readonly variable: string;
  readonly type: string;
  readonly matches: readonly InlineMatch[];
}

export interface TraversalClause {
  readonly kind: "traversal";
  readonly left: string;
  readonly right: string;
  readonly edge: string;
  readonly edgeVariable: string | null;
  readonly undirected: boolean;
  /** As written; null without bounds. `max` null for `{min,}`. */
  readonly hops: { readonly min: number; readonly max: number | null } | null;
}

export interface FilterClause {
  readonly kind: "filter";
  readonly left: Expression;
  readonly operator: ComparisonOperator;
  readonly right: Expression;
}

export interface NotClause {
  readonly kind: "not";
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
  readonly property: string;
  readonly value: ValueExpression | { readonly kind: "null" };
}

export interface PredicateClause {
  readonly property: string;
  readonly operator: "=" | "!=" | "<" | "<=" | ">" | ">=";
  readonly value: ValueExpression;
}

export type StatementClause =
  | { readonly kind: "insert"; readonly type: string; readonly assignments: readonly AssignmentClause[] }
  | {
      readonly kind: "update";
      readonly type: string;
      readonly assignments: readonly AssignmentClause[];
      readonly predicate: PredicateClause;
    }
  | { readonly kind: "delete"; readonly type: string; readonly predicate: PredicateClause };

export interface ParameterDeclaration {
  readonly name: string;
  /** A vector's width is as written, in range or not: the checker refuses the ones out of range. */
  readonly type: PropertyType;
}

interface Declaration {
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
