// What the checker refuses without a code, mixed mutations, and the cases over users and teams.

import { describe, expect, it } from "bun:test";
import { planQuery } from "../../src/query/index.ts";
import { admitSchema } from "../../src/schema/index.ts";
import { insertDoc, library, matching, messageOf, people, plan, planMessage, returning } from "./fixtures.ts";

describe("errors without a code", () => {
  it.each([
    [matching("$y = $s"), "variable `$y` is not bound"],
    [matching("$_ = $s"), "variable `$_` is not bound"],
    [returning("$y"), "variable `$y` is not bound"],
    [returning("count($y)"), "variable `$y` is not bound"],
    [matching("search($x.title, $y)"), "variable `$y` is not bound"],
    [matching("$x: Pair"), "variable `$x` already bound to type `Doc`"],
    [matching("$x heldIn $y $y: Doc"), "variable `$y` already bound to type `Pair`"],
    [matching("not { $x: Pair }"), "variable `$x` already bound to type `Doc`"],
    ["match { $_: Doc } return { 1 }", "`$_` cannot be bound to a node type"],
    [matching("$x.title = [[1]]"), "nested list literals are not supported"],
    [matching('$x.title = [1, "a"]'), "list literal elements must share a compatible scalar type"],
    [
      matching('$x.title = [date("2025-01-01"), datetime("2025-01-01")]'),
      "must share a compatible scalar type",
    ],
    [insertDoc("tags: [[1]]"), "nested list literals are not supported"],
    [returning("total"), "alias 'total' is no value to return"],
    [returning("$x.slug as a, a"), "alias 'a' is no value to return"],
    [returning("$x.slug", "order { slug }"), "alias 'slug' not found for ordering"],
    [returning("$x.slug as name", "order { other desc }"), "alias 'other' not found for ordering"],
    [returning("$x.slug", "order { $x }"), "unsupported ordering expression"],
    [returning("$x.slug", "order { $s }"), "unsupported ordering expression"],
    [returning("$x.slug", "order { 1 }"), "unsupported ordering expression"],
    [returning("$x.slug", "order { now() }"), "unsupported ordering expression"],
    [returning("count($x)", "order { count($x) }"), "unsupported ordering expression"],
    [returning("$x.slug", "order { search($x.title, $s) }"), "unsupported ordering expression"],
    [returning("$x.slug", "order { $x.slug, bm25($x.title, $s) }"), "bm25(…) must be the first key"],
    [returning("$x.slug", "order { $x.tags }"), "unsupported ordering expression: `$x.tags` is [String]?"],
    [returning("$x.vec as v", "order { v }"), "unsupported ordering expression: alias 'v' is Vector(3)?"],
    [returning("count($x) as n, $x.state", "order { $x.title }"), "unsupported ordering expression"],
    [
      "update Doc set { slug: $s } where title = $s",
      "cannot update @key property 'slug' — delete and re-insert instead",
    ],
    ["update Pair set { note: $s, number: $u } where hall = $s", "cannot update @key property 'number'"],
  ])("%s", (body, phrase) => {
    const message = planMessage(body);
    expect(message).toStartWith("type error: ");
    expect(message).not.toMatch(/^type error: T\d/);
    expect(message).toContain(phrase);
  });

  it.each([
    ["$__nanograph_now: DateTime", "is reserved for runtime timestamp injection"],
    ["$v: Vector(0)", "unknown parameter type 'Vector(0)'"],
    ["$v: Vector(2147483648)", "unknown parameter type 'Vector(2147483648)'"],
    [`$v: Vector(${"9".repeat(400)})?`, "unknown parameter type"],
  ])("refuse the parameter %s", (param, phrase) => {
    const source = `query q(${param}) { delete Doc where slug = "a" }`;
    expect(messageOf(() => planQuery(source, "q", library))).toContain(phrase);
  });
});

describe("a name that a schema lacks", () => {
  it("is told with what there is, up to twenty names", () => {
    const names = Array.from({ length: 30 }, (_, i) => `p${String(i).padStart(2, "0")}`);
    const wide = admitSchema(`node Wide { ${names.map((name) => `${name}: I32?`).join(" ")} }`, null);
    expect(planMessage("match { $w: Wide { q: 1 } } return { $w }", wide)).toContain(
      "node type 'Wide' has no property 'q' (it has p00, p01, ",
    );
    expect(planMessage("match { $w: Wide { q: 1 } } return { $w }", wide)).toContain(
      "p18, p19 and 10 more) (line 1,",
    );
    expect(planMessage("match { $w: Wide $w likes $x } return { $w }", wide)).toContain(
      "unknown edge 'likes' (the schema has none)",
    );
  });
});

describe("a mutation that mixes inserts or updates with deletes", () => {
  const mixed =
    "mutation 'q' on the same query mixes inserts/updates and deletes; split into separate mutations: (1) inserts and updates, then (2) deletes";

  it("is refused before anything else is looked at", () => {
    expect(planMessage("insert Plain { word: $s } delete Plain where word = $s")).toBe(mixed);
    expect(planMessage("delete Nothing where a = 1 update Nothing set { } where b = $c")).toBe(mixed);
    const source = "query q($__nanograph_now: Vector(0)) { delete A where a = 1 insert B { } }";
    expect(messageOf(() => planQuery(source, "q", library))).toBe(mixed);
  });

  it("is fine with either kind alone", () => {
    expect(plan("insert Plain { word: $s } update Plain set { word: $os } where word = $s").kind).toBe(
      "mutation",
    );
    expect(plan("delete Plain where word = $s delete Cites where from = $s").kind).toBe("mutation");
  });
});

describe("the cases of the people schema", () => {
  const check = (body: string, params = "") =>
    messageOf(() => planQuery(`query q(${params}) { ${body} }`, "q", people));
  const fine = "(nothing was thrown)";

  it.each([
    ['match { $u: User { handle: "ana" } } return { $u.handle, $u.age }', fine],
    ["match { $u: User $u.age > 26 } return { $u.handle } order { $u.age desc } limit 2", fine],
    ["match { $u: User $u <follows>{1,2} $v } return { $v }", fine],
    ["match { $u: User $u follows{1,} $v } return { $v }", "T15"],
    ["match { $u: User $u follows{0,2} $v } return { $v }", "T15"],
    ["match { $u: User $u follows{3,2} $v } return { $v }", "T15"],
    ["match { $u: User $u memberOf{1,2} $t } return { $t }", fine],
    ['match { $t: Team { code: "red" } $t memberOf $u } return { $u }', fine],
    ['match { $t: Team { code: "red" } $t <memberOf> $u } return { $u }', "T22"],
    ['match { $u memberOf $t $t: Team { code: "red" } } return { $u }', fine],
    ["match { $u: User $u $w:follows $v } return { $w }", "T23"],
    ["match { $u: User $u $w:follows{1,2} $v } return { $v }", "T23"],
    ["match { $u: User not { $u memberOf $_ } } return { $u }", fine],
    ['match { $u: User not { $u memberOf $t $t.code != "" } } return { $u }', fine],
    ['match { $u: User not { $u memberOf $t not { $t.code = "red" } } } return { $u }', fine],
    ["match { $u: User not { $u follows{2,2} $v } } return { $u }", fine],
    ["match { $u: User not { $x: Team } } return { $u }", "T9"],
    ["match { $t: Team not { $t memberOf $u } } return { $t }", fine],
    ["match { $a: User $b: User $b.city starts_with $a.city } return { $a, $b }", fine],
    ['match { $u: User "we like rome" contains $u.city $u.city contains "a_b" } return { $u }', fine],
    ["match { $u: User { age: 2.7 } $u.age = 2.7 } return { $u }", fine],
    ['match { $u: User $u.joined < "2025-01-01" } return { $u }', "T7"],
    ['match { $u: User $u.joined < datetime("2025-01-01T00:00:00Z") } return { $u }', fine],
    ['match { $u: User $u.joined < datetime("nope") } return { $u }', fine],
    ["match { $u: User $u.joined < now() } return { now() as t }", fine],
    ["match { $u follows $v } return { $u.handle, count($v) as n } order { n desc } limit 1", fine],
    ["match { $u: User } return { count($u) as n, avg($u.age) as a }", fine],
    ["match { $u: User } return { sum($u.handle) }", "T8"],
    ['match { $u: User } return { count($u), "x" }', "T9"],
    ["insert User { age: 3 }", "T12"],
    ['insert User { handle: "a", nope: 1 }', "T11"],
    ['insert User { handle: "a", handle: "b" }', "T13"],
    ["insert User { handle: $h }", "T14"],
    ['insert Nobody { handle: "a" }', "T10"],
    ['update User set { handle: "b" } where handle = "a"', "@key"],
    ['update Follows set { since: date("2025-01-01") } where from = "a"', "T16"],
    ["update User set { age: 99 } where age > 1 update User set { age: 10 } where age > 50", fine],
    ['delete User where handle = "ana" delete User where age > 29', fine],
    ['insert User { handle: "a" } delete User where age > 29', "inserts/updates and deletes"],
  ])("%s", (body, outcome) => {
    expect(check(body)).toContain(outcome);
  });

  it("take a text beside a bare variable for an edge", () => {
    expect(check("match { $u: User $q contains $u } return { $u }", "$q: String")).toContain("T4");
  });
});
