// Random `.gq` sources by the grammar, over a vocabulary that is mostly that of one schema.

import type { Dice } from "../support/dice.ts";

export const SCHEMA = `
node User {
  handle: String @key
  age: I32?
  big: I64?
  ratio: F32?
  city: String?
  state: enum(new, old)?
  tags: [String]?
  joined: DateTime?
  born: Date?
  flag: Bool?
  photo: Blob?
  vec: Vector(3)?
  @range(age, 0..200)
  @unique(city)
}
node Team { code: String @key  title: String }
node Note { text: String? }
edge Follows: User -> User { since: Date?  weight: F64?  note: String? }
edge MemberOf: User -> Team @card(0..2)
`;

/** Properties of each type, by what fits them. */
const FITTING: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  User: {
    handle: "text",
    age: "number",
    big: "number",
    ratio: "number",
    city: "text",
    state: "state",
    joined: "time",
    born: "date",
    flag: "truth",
  },
  Team: { code: "text", title: "text" },
  Follows: { since: "date", weight: "number", note: "text" },
};
const VALUES: Readonly<Record<string, readonly string[]>> = {
  text: ['"ana"', '"red"', '""', '"é😀"', "$s", "$o"],
  number: ["0", "30", "-1", "2.5", "9007199254740993", "$i", "$l"],
  state: ['"new"', '"old"', "$s"],
  time: ['datetime("2024-01-01T00:00:00Z")', "now()", "$d"],
  date: ['date("2024-01-01")', 'date("1999-1-1")'],
  truth: ["true", "false"],
};
/** Node variables as reads mostly bind them. */
const BOUND = { $a: "User", $b: "User", $t: "Team" } as const;
const PROPERTIES = "handle age tags photo vec code title since id from nope".split(" ");
const VARIABLES = "$a $b $t $w $s $i $v $_".split(" ");
const NODES = ["User", "User", "Team", "Note", "Nope"];
const EDGES = ["follows", "follows", "memberOf", "Follows", "likes"];
const OPERATORS = ["=", "!=", "<", "<=", ">", ">=", "contains", "starts_with"];

/** How often a part fits its place: a source has a dozen parts. */
const RIGHT = 0.96;

/** Parameters that every source declares. */
const PARAMETERS = "$s: String, $o: String?, $i: I32, $l: I64?, $d: DateTime?, $v: Vector(3), $t: [String]?";

/** Values for them: right, wrong and missing. */
export function randomParams(dice: Dice): Record<string, unknown> {
  const params: Record<string, unknown> = { s: "ana", i: 30, v: [1, 0, 0.5], t: ["x"] };
  const values = [null, "", "red", 0, -1, 2 ** 31, 1.5, true, [], [1, 2, 3], { a: 1 }, "2024-01-01"];
  if (dice.chance(0.2)) params[dice.pick(["s", "o", "i", "l", "d", "v", "t", "x"])] = dice.pick(values);
  if (dice.chance(0.05)) delete params[dice.pick(["s", "i"])];
  return params;
}

const some = (dice: Dice, least: number, most: number, make: () => string, between = " ") =>
  Array.from({ length: least + dice.below(most - least + 1) }, make).join(between);

function literal(dice: Dice, depth = 0): string {
  switch (dice.below(depth > 2 ? 8 : 10)) {
    case 0:
      return String(dice.below(100));
    case 1:
      return `-${dice.below(100)}.${dice.below(100)}`;
    case 2:
      return dice.pick(["true", "false"]);
    case 3:
      return dice.pick(['date("2024-01-01")', 'datetime("2024-01-01T00:00:00Z")', 'date("nope")']);
    case 4:
      return dice.pick(["9223372036854775807", "-9223372036854775808", "99999999999999999999", "0.1"]);
    case 5:
    case 6:
    case 7:
      return dice.pick(['"ana"', '"red"', '"new"', '""', '"a\\nb"', '"é😀"', '"layers of x"']);
    default:
      return `[${some(dice, 0, 3, () => literal(dice, depth + 1), ", ")}]`;
  }
}

const value = (dice: Dice) =>
  dice.chance(0.5) ? literal(dice) : dice.chance(0.8) ? dice.pick(VARIABLES) : "now()";

/** A property of a variable, and what fits it. */
function property(dice: Dice, scope: readonly (keyof typeof BOUND)[]): readonly [text: string, fits: string] {
  if (!dice.chance(RIGHT)) return [`${dice.pick(VARIABLES)}.${dice.pick(PROPERTIES)}`, "text"];
  const variable = dice.pick(scope);
  const properties = FITTING[BOUND[variable]];
  const name = dice.pick(Object.keys(properties));
  return [`${variable}.${name}`, properties[name]];
}

const fitting = (dice: Dice, fits: string) => (dice.chance(RIGHT) ? dice.pick(VALUES[fits]) : value(dice));

type Bound = readonly (keyof typeof BOUND)[];

function textField(dice: Dice, scope: Bound): string {
  return dice.chance(RIGHT) ? "$a.city" : property(dice, scope)[0];
}

function textCall(dice: Dice, scope: Bound): string {
  const name = dice.pick(["search", "match_text", "fuzzy"]);
  const edits = name === "fuzzy" && dice.chance(0.3) ? ", 1" : "";
  return `${name}(${textField(dice, scope)}, ${fitting(dice, "text")}${edits})`;
}

function rank(dice: Dice, scope: Bound, depth = 0): string {
  switch (dice.below(depth === 0 ? 3 : 2)) {
    case 0:
      return `bm25(${textField(dice, scope)}, ${fitting(dice, "text")})`;
    case 1:
      return `nearest($a.vec, ${dice.chance(RIGHT) ? dice.pick(["$v", "[1, 0, 0.5]"]) : value(dice)})`;
    default:
      return `rrf(${rank(dice, scope, 1)}, ${rank(dice, scope, 1)}${dice.chance(0.2) ? ", 60" : ""})`;
  }
}

function filter(dice: Dice, scope: Bound): string {
  const [left, fits] = property(dice, scope);
  const isText = fits === "text" || fits === "state";
  const operator = dice.pick(dice.chance(RIGHT) && !isText ? OPERATORS.slice(0, 6) : OPERATORS);
  if (dice.chance(0.15)) return `${property(dice, scope)[0]} ${operator} ${left}`;
  return `${left} ${operator} ${fitting(dice, fits)}`;
}

function clause(dice: Dice, scope: Bound, depth: number): string {
  switch (dice.below(depth < 3 ? 8 : 7)) {
    case 0:
    case 1: {
      const variable = dice.pick(["$a", "$b", "$t"] as const);
      const type = dice.chance(RIGHT) ? BOUND[variable] : dice.pick(NODES);
      const properties = FITTING[type] ?? FITTING.Team;
      const name = dice.pick(Object.keys(properties));
      const entry = dice.chance(0.5) ? ` { ${name}: ${fitting(dice, properties[name])} }` : "";
      return `${variable}: ${type}${entry}`;
    }
    case 2:
    case 3: {
      const edge = dice.chance(RIGHT) ? "follows" : dice.pick(EDGES);
      const binding = dice.chance(0.1) ? dice.pick(["$w:", "$x:", "$_:"]) : "";
      const hops =
        binding === "" && dice.chance(0.3) ? `{${dice.pick(["1,2", "2,3", "1,1", "0,2", "1,"])}}` : "";
      const word = dice.chance(0.3) ? `<${edge}>` : edge;
      return dice.chance(0.8)
        ? `$a ${binding}${word}${hops} ${dice.pick(["$b", "$a", "$_", "$c"])}`
        : `${dice.pick(scope)} memberOf $t`;
    }
    case 4:
    case 5:
      return filter(dice, scope);
    case 6:
      return textCall(dice, scope) + (dice.chance(0.3) ? " = false" : "");
    default:
      return `not { ${dice.chance(RIGHT) ? "$a follows $_ " : ""}${some(dice, 0, 2, () => clause(dice, scope, depth + 1))} }`;
  }
}

function item(dice: Dice, scope: Bound, isAggregated: boolean): string {
  const alias = dice.chance(0.3) ? ` as ${dice.pick(["n", "m", "count", "limit"])}` : "";
  const [text, fits] = property(dice, scope);
  if (!isAggregated) return (dice.chance(0.8) ? text : value(dice)) + alias;
  if (dice.chance(0.4)) return text + alias;
  const name = dice.pick(fits === "number" ? ["sum", "avg", "min", "max", "count"] : ["count"]);
  return `${name}(${text})${alias}`;
}

function read(dice: Dice): string {
  const scope = dice.pick<Bound>([["$a"], ["$a", "$b"], ["$a", "$t"]]);
  const isAggregated = dice.chance(0.25);
  const key = () => {
    const text = dice.chance(0.8) && !isAggregated ? property(dice, scope)[0] : dice.pick(["n", "m"]);
    return text + dice.pick(["", " asc", " desc"]);
  };
  const first = dice.chance(0.25) ? rank(dice, scope) : key();
  const ordered = dice.chance(0.4);
  return [
    `match { ${scope.map((variable) => `${variable}: ${BOUND[variable]}`).join(" ")}`,
    `${some(dice, 0, 4, () => clause(dice, scope, 0))} }`,
    `return { ${some(dice, 1, 3, () => item(dice, scope, isAggregated), ", ")} }`,
    ordered ? `order { ${[first, ...(dice.chance(0.3) ? [key()] : [])].join(", ")} }` : "",
    dice.chance(ordered ? 0.9 : 0.4) ? `limit ${dice.below(5)}` : "",
  ].join(" ");
}

function statement(dice: Dice, verb: string): string {
  const type = dice.chance(RIGHT) ? "User" : dice.pick([...NODES, "Follows", "MemberOf"]);
  const properties = FITTING[type] ?? FITTING.User;
  const entry = (name: string) => `${name}: ${fitting(dice, properties[name] ?? "text")}`;
  const names = Object.keys(properties);
  const name = dice.pick(names);
  const where = `where ${name} ${dice.pick(OPERATORS.slice(0, 6))} ${fitting(dice, properties[name])}`;
  const assigned = [...new Set([dice.pick(names.slice(1)), dice.pick(names.slice(1))])].map(entry).join(", ");
  switch (verb) {
    case "insert":
      return dice.chance(0.3)
        ? `insert Follows { from: ${fitting(dice, "text")}, to: ${fitting(dice, "text")} }`
        : `insert ${type} { ${entry("handle")}, ${assigned} }`;
    case "update":
      return `update ${type} set { ${assigned} } ${where}`;
    default:
      return `delete ${type} ${where}`;
  }
}

function mutation(dice: Dice): string {
  const deletes = dice.chance(0.4);
  const verb = () => (deletes ? "delete" : dice.pick(["insert", "update"]));
  return some(dice, 1, 3, () => statement(dice, dice.chance(0.05) ? "delete" : verb()));
}

/** One to three declarations. */
export function randomQueries(dice: Dice): string {
  const declaration = () => {
    const notes = dice.chance(0.1) ? '@description("words") ' : "";
    const body = dice.chance(0.6) ? read(dice) : mutation(dice);
    return `query ${dice.pick(["q", "r", "match"])}(${PARAMETERS}) ${notes}{ ${body} }`;
  };
  return some(dice, 1, dice.chance(0.2) ? 3 : 1, declaration, "\n");
}
