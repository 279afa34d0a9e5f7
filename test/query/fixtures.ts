// Schemas that queries are checked against, and short ways to check one.

import { OmnigraphError } from "../../src/lib/errors.ts";
import {
  type MutationPlan,
  parseQueries,
  planQuery,
  type QueryPlan,
  type ReadPlan,
} from "../../src/query/index.ts";
import { admitSchema } from "../../src/schema/index.ts";

/** People and their teams. */
export const people = admitSchema(
  `
  node User { handle: String @key  age: I32?  city: String?  joined: DateTime? }
  node Team { code: String @key }
  edge Follows: User -> User { since: Date? }
  edge MemberOf: User -> Team
  `,
  null,
);

/** One property of every kind that the rules tell apart. */
export const library = admitSchema(
  `
  node Doc {
    slug: String @key
    title: String
    body: String?
    state: enum(draft, live)
    tags: [String]?
    scores: [I32]?
    times: [DateTime]?
    flag: Bool?
    pages: I32?
    bytes: U64?
    weight: F32?
    ratio: F64?
    day: Date?
    at: DateTime?
    scan: Blob?
    vec: Vector(3)?
    made: Vector(3) @embed("title")
  }
  node Pair { hall: String  number: U32  note: String?  @key(hall, number) }
  node Plain { word: String? }
  edge Cites: Doc -> Doc { note: String?  weight: F64?  scan: Blob?  place: String }
  edge Plain: Doc -> Pair
  edge HeldIn: Doc -> Pair
  `,
  null,
);

/** The message of what a call throws; fails where it throws nothing or something that is not an error of ours. */
export function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (thrown) {
    if (!(thrown instanceof OmnigraphError)) throw thrown;
    if (thrown.status !== 400) throw new Error(`status ${thrown.status}: ${thrown.message}`);
    return thrown.message;
  }
  return "(nothing was thrown)";
}

export const parseMessage = (source: string) => messageOf(() => parseQueries(source));

/** Parameters that test queries may use, one of each type. */
const PARAMS = [
  "$s: String, $os: String?, $b: Bool, $i: I32, $l: I64, $u: U32, $ul: U64, $f: F32, $d: F64",
  "$day: Date, $at: DateTime, $blob: Blob, $v3: Vector(3), $v2: Vector(2)",
  "$ss: [String], $is: [I32], $fs: [F64]",
].join(", ");

/** Checks `body` against the library, with the parameters above. */
export function plan(body: string, catalog = library): QueryPlan {
  return planQuery(`query q(${PARAMS}) { ${body} }`, undefined, catalog);
}

export function readPlan(body: string, catalog = library): ReadPlan {
  const checked = plan(body, catalog);
  if (checked.kind !== "read") throw new Error("not a read");
  return checked;
}

export function mutationPlan(body: string, catalog = library): MutationPlan {
  const checked = plan(body, catalog);
  if (checked.kind !== "mutation") throw new Error("not a mutation");
  return checked;
}

export const planMessage = (body: string, catalog = library) => messageOf(() => plan(body, catalog));

/** A read that binds `$x` to a Doc and then says `clauses`. */
export const matching = (clauses: string) => `match { $x: Doc ${clauses} } return { $x.slug }`;

/** A read over `$x: Doc` that returns `items`. */
export const returning = (items: string, rest = "") => `match { $x: Doc } return { ${items} } ${rest}`;

/** A complete insert of a Doc that assigns `more` as well. */
export const insertDoc = (more: string) =>
  `insert Doc { slug: $s, title: $s, state: "live", made: $v3, ${more} }`;
