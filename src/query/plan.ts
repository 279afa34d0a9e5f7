// A checked query: every name resolved against a catalog, every expression typed. Plain data, made by check.ts,
// executed by engine/. Values of parameters are not in it, so a plan can be cached by source, schema and name.

import type { EdgeType, NodeType, Property, PropertyType, StableId } from "../schema/catalog.ts";

/** A constant or parameter value in the engine: I64 and U64 as bigint; dates as days, datetimes as ms, both number. */
export type Value = null | boolean | number | bigint | string | Float32Array | readonly Value[];

export type VariableSlot = number;

export type VariableInfo =
  | {
      readonly kind: "node";
      readonly name: string;
      readonly type: NodeType /** `$_` endpoints */;
      readonly wildcard: boolean;
    }
  | { readonly kind: "edge"; readonly name: string; readonly type: EdgeType };

export interface ParameterInfo {
  readonly name: string;
  readonly type: PropertyType;
}

/** An operand whose value is known before rows are read. `date()` texts are validated when the query starts. */
export type Constant =
  | { readonly kind: "literal"; readonly value: Value; readonly type: PropertyType }
  | { readonly kind: "parameter"; readonly name: string; readonly type: PropertyType }
  | { readonly kind: "dateLiteral"; readonly text: string; readonly type: PropertyType }
  | { readonly kind: "dateListLiteral"; readonly texts: readonly string[]; readonly type: PropertyType }
  | { readonly kind: "now"; readonly type: PropertyType };

export type Operand =
  | Constant
  | {
      readonly kind: "property";
      readonly variable: VariableSlot;
      readonly property: Property;
      readonly type: PropertyType;
    };

export type ComparisonOperator = "=" | "!=" | "<" | "<=" | ">" | ">=" | "contains" | "starts_with";

export interface TextCall {
  readonly kind: "text";
  /** `search` and `match_text` are one predicate. */
  readonly function: "search" | "match_text" | "fuzzy";
  readonly variable: VariableSlot;
  readonly property: Property;
  readonly query: Constant;
  readonly maxEdits: Constant | null;
  /** False for `search(..) = false`. */
  readonly expected: Constant | true;
  readonly negated: boolean;
}

export type Clause =
  | {
      readonly kind: "binding";
      readonly variable: VariableSlot;
      readonly matches: readonly { readonly property: Property; readonly value: Constant }[];
    }
  | {
      readonly kind: "traversal";
      readonly edge: EdgeType;
      /** Slots of the two ends as the edge is stored (already oriented): `from` is at the edge's source. */
      readonly from: VariableSlot;
      readonly to: VariableSlot;
      readonly undirected: boolean;
      readonly minHops: number;
      readonly maxHops: number;
      /** Single hop, one row per edge; null for set semantics. */
      readonly edgeVariable: VariableSlot | null;
      /** The end written on the left: hop bounds walk from it, and it is the enumerated end of an unbound group. */
      readonly left: "from" | "to";
    }
  | {
      readonly kind: "filter";
      readonly left: Operand;
      readonly operator: ComparisonOperator;
      readonly right: Operand;
    }
  | TextCall
  | { readonly kind: "not"; readonly clauses: readonly Clause[] };

export type RankFunction =
  | {
      readonly kind: "bm25";
      readonly variable: VariableSlot;
      readonly property: Property;
      readonly query: Constant;
    }
  | {
      readonly kind: "nearest";
      readonly variable: VariableSlot;
      readonly property: Property;
      readonly query: Constant;
    }
  | { readonly kind: "rrf"; readonly first: RankArm; readonly second: RankArm; readonly k: Constant | null };
export type RankArm = Extract<RankFunction, { kind: "bm25" | "nearest" }>;

export type AggregateFunction = "count" | "sum" | "avg" | "min" | "max";

/** What one column of the result is computed from. A bare node variable is its id. */
export type ReturnExpression =
  | Operand
  | { readonly kind: "variable"; readonly variable: VariableSlot; readonly type: PropertyType }
  | {
      readonly kind: "aggregate";
      readonly function: AggregateFunction;
      readonly argument:
        | Operand
        | { readonly kind: "variable"; readonly variable: VariableSlot; readonly type: PropertyType };
      readonly type: PropertyType;
    }
  | { readonly kind: "rank"; readonly rank: RankFunction; readonly type: PropertyType }
  | { readonly kind: "textMatch"; readonly call: TextCall; readonly type: PropertyType };

export interface ReturnItem {
  /** Column name as rows carry it (`u.handle`, an alias, `count($f)` -> `f`). */
  readonly column: string;
  /** Short name of the operation descriptor (`handle`, `count`). */
  readonly shortName: string;
  readonly expression: ReturnExpression;
}

export type OrderKey =
  | { readonly kind: "item"; readonly item: number; readonly descending: boolean }
  | {
      readonly kind: "property";
      readonly operand: Extract<Operand, { kind: "property" }>;
      readonly descending: boolean;
    }
  | { readonly kind: "rank"; readonly rank: RankFunction };

export interface ReadPlan {
  readonly kind: "read";
  readonly name: string;
  readonly parameters: readonly ParameterInfo[];
  readonly variables: readonly VariableInfo[];
  readonly clauses: readonly Clause[];
  readonly items: readonly ReturnItem[];
  readonly aggregated: boolean;
  readonly order: readonly OrderKey[];
  /** Rows; null without a limit clause. */
  readonly limit: number | null;
}

export interface Assignment {
  /** Null for an edge's `from` or `to`, named by `endpoint`. */
  readonly property: Property | null;
  readonly endpoint: "from" | "to" | null;
  readonly value: Constant;
}

export interface MutationPredicate {
  /** `from`/`to` of an edge, or a property. */
  readonly target: { readonly endpoint: "from" | "to" } | { readonly property: Property };
  readonly operator: "=" | "!=" | "<" | "<=" | ">" | ">=";
  readonly value: Constant;
}

export type Statement =
  | { readonly kind: "insertNode"; readonly type: NodeType; readonly assignments: readonly Assignment[] }
  | { readonly kind: "insertEdge"; readonly type: EdgeType; readonly assignments: readonly Assignment[] }
  | {
      readonly kind: "update";
      readonly type: NodeType;
      readonly assignments: readonly Assignment[];
      readonly predicate: MutationPredicate;
    }
  | { readonly kind: "deleteNode"; readonly type: NodeType; readonly predicate: MutationPredicate }
  | { readonly kind: "deleteEdge"; readonly type: EdgeType; readonly predicate: MutationPredicate };

export interface MutationPlan {
  readonly kind: "mutation";
  readonly name: string;
  readonly parameters: readonly ParameterInfo[];
  readonly statements: readonly Statement[];
}

export type QueryPlan = ReadPlan | MutationPlan;

/** Decoded parameters by name; a nullable one left out is present as null. */
export type Parameters = ReadonlyMap<string, Value>;

export type { StableId };
