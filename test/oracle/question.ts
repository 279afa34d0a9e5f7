// A read as plain data that can be made smaller: clauses, items and keys are texts, and any of them may be left out. What is
// no query then is refused by the checker, as it would be by hand.

import type { JsonValue } from "../../src/lib/json.ts";
import { stringifyJson } from "../../src/lib/json.ts";

export type ClauseModel =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "binding";
      readonly variable: string;
      readonly type: string;
      readonly matches: readonly string[];
    }
  | {
      readonly kind: "traversal";
      readonly left: string;
      /** `$w:` or nothing. */
      readonly binding: string;
      readonly edge: string;
      /** `{1,2}` or nothing. */
      readonly hops: string;
      readonly right: string;
    }
  | { readonly kind: "not"; readonly clauses: readonly ClauseModel[] };

export interface ParameterModel {
  readonly name: string;
  readonly type: string;
  readonly value: JsonValue;
}

export interface Question {
  readonly parameters: readonly ParameterModel[];
  readonly clauses: readonly ClauseModel[];
  readonly items: readonly string[];
  readonly order: readonly string[];
  readonly limit: number | null;
}

/** The question as a `.gq` source. */
export function questionText({ parameters, clauses, items, order, limit }: Question): string {
  const declared = parameters.map(({ name, type }) => `$${name}: ${type}`).join(", ");
  const ordered = order.length === 0 ? "" : ` order { ${order.join(", ")} }`;
  const cut = limit === null ? "" : ` limit ${limit}`;
  const matched = clauses.map(clauseText).join(" ");
  return `query q(${declared}) { match { ${matched} } return { ${items.join(", ")} }${ordered}${cut} }`;
}

function clauseText(clause: ClauseModel): string {
  switch (clause.kind) {
    case "text":
      return clause.text;
    case "binding": {
      const matches = clause.matches.length === 0 ? "" : ` { ${clause.matches.join(", ")} }`;
      return `$${clause.variable}: ${clause.type}${matches}`;
    }
    case "traversal":
      return `${clause.left} ${clause.binding}${clause.edge}${clause.hops} ${clause.right}`;
    case "not":
      return `not { ${clause.clauses.map(clauseText).join(" ")} }`;
  }
}

export function parametersJson({ parameters }: Question): string {
  return stringifyJson(Object.fromEntries(parameters.map(({ name, value }) => [name, value])));
}
