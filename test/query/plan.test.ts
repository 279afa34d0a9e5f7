// What a checked plan says: resolved names, slots, orientation, typed constants.

import { describe, expect, it } from "bun:test";
import type { Clause, MutationPlan } from "../../src/query/index.ts";
import { matching, mutationPlan, people, readPlan, returning } from "./fixtures.ts";

type Traversal = Extract<Clause, { kind: "traversal" }>;

/** Every clause with the variables' names, in the order of slots. */
function match(clauses: string) {
  const plan = readPlan(`match { ${clauses} } return { 1 }`, people);
  return { clauses: plan.clauses, names: plan.variables.map(({ name }) => name), variables: plan.variables };
}

function traversal(clauses: string) {
  const { clauses: checked, names } = match(clauses);
  const found = checked.find((clause): clause is Traversal => clause.kind === "traversal");
  if (found === undefined) throw new Error("no traversal");
  return { ...found, from: names[found.from], to: names[found.to], edge: found.edge.name };
}

const literal = (value: unknown, scalar: string) => ({ kind: "literal", value, type: { scalar } });

describe("traversals", () => {
  it("go forward where the left variable is the edge's source, backward where it is its target", () => {
    expect(traversal("$u: User $u memberOf $t")).toMatchObject({ from: "u", to: "t", left: "from" });
    expect(traversal("$t: Team $t memberOf $u")).toMatchObject({ from: "u", to: "t", left: "to" });
  });

  it("follow the right variable where only it is typed", () => {
    expect(traversal("$t: Team $u memberOf $t")).toMatchObject({ from: "u", to: "t", left: "from" });
    expect(traversal("$u: User $t memberOf $u")).toMatchObject({ from: "u", to: "t", left: "to" });
  });

  it("take the left for the source where nothing is typed, and always on an edge between equal types", () => {
    expect(traversal("$a memberOf $b")).toMatchObject({ from: "a", to: "b", left: "from" });
    expect(traversal("$b: User $a follows $b")).toMatchObject({ from: "a", to: "b", left: "from" });
    expect(traversal("$a: User $b: User $a <follows> $b")).toMatchObject({ from: "a", undirected: true });
  });

  it("are oriented inside `not` as outside", () => {
    const { clauses, names } = match("$t: Team not { $t memberOf $u }");
    const inner = clauses[1]?.kind === "not" ? clauses[1].clauses[0] : undefined;
    expect(inner).toMatchObject({
      kind: "traversal",
      from: names.indexOf("u"),
      to: names.indexOf("t"),
      left: "to",
    });
  });

  it("bind untyped ends to the types of the edge", () => {
    const { variables } = match("$u memberOf $t");
    expect(variables.map(({ name, type }) => [name, type.name])).toEqual([
      ["u", "User"],
      ["t", "Team"],
    ]);
  });

  it("have one hop unless bounds say otherwise", () => {
    expect(traversal("$u follows $v")).toMatchObject({ minHops: 1, maxHops: 1, edgeVariable: null });
    expect(traversal("$u follows{2,5} $v")).toMatchObject({ minHops: 2, maxHops: 5 });
  });

  it("find their edge by exact spelling, then whatever the case", () => {
    expect(traversal("$u memberof $t").edge).toBe("MemberOf");
    expect(traversal("$u mEMBEROF $t").edge).toBe("MemberOf");
  });

  it("give each wildcard a slot of its own and an edge variable another", () => {
    const { clauses, variables } = match("$_ follows $_ $u $w:follows $_ $u $_:follows $v");
    expect(variables.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      "node _",
      "node _",
      "node u",
      "node _",
      "edge w",
      "node v",
    ]);
    expect(variables.map((variable) => variable.kind === "node" && variable.wildcard)).toEqual([
      true,
      true,
      false,
      true,
      false,
      false,
    ]);
    expect(clauses).toMatchObject([
      { from: 0, to: 1 },
      { edgeVariable: 4 },
      { edgeVariable: null, from: 2, to: 5 },
    ]);
  });
});

describe("scopes", () => {
  it("share outer variables with `not` and end inner ones with it", () => {
    const { clauses, names } = match("$u: User not { $u follows $v } $u follows $v not { $v follows $x } ");
    expect(names).toEqual(["u", "v", "v", "x"]);
    expect(clauses).toMatchObject([
      { variable: 0 },
      { clauses: [{ from: 0, to: 1 }] },
      { from: 0, to: 2 },
      { clauses: [{ from: 2, to: 3 }] },
    ]);
  });

  it("let one name mean different types in different blocks", () => {
    const { variables } = match("$u: User not { $u follows $v } not { $u memberOf $v }");
    expect(variables.map(({ type }) => type.name)).toEqual(["User", "User", "Team"]);
  });

  it("take a bare name that parameter and variable share for the parameter, with a property for the variable", () => {
    const plan = readPlan("match { $s: Doc $s.title = $s } return { $s, $s.slug }");
    expect(plan.clauses[1]).toMatchObject({
      left: { kind: "property", variable: 0 },
      right: { kind: "parameter", name: "s" },
    });
    expect(plan.items.map(({ expression }) => expression.kind)).toEqual(["parameter", "property"]);
  });

  it("conjoin the inline matches of a variable bound twice", () => {
    const plan = readPlan('match { $x: Doc { slug: "a" } $x: Doc { title: $s, title: "b" } } return { $x }');
    expect(plan.variables).toHaveLength(1);
    expect(plan.clauses).toMatchObject([
      { variable: 0, matches: [{ property: { name: "slug" } }] },
      { variable: 0, matches: [{ value: { kind: "parameter" } }, { value: literal("b", "String") }] },
    ] as never);
  });
});

describe("constants", () => {
  const right = (text: string) => {
    const clause = readPlan(matching(`$x.title = "" ${text}`)).clauses[2];
    return clause?.kind === "filter" ? clause.right : undefined;
  };

  it("have the types of their literals", () => {
    expect(right("$x.pages = 3")).toMatchObject(literal(3n, "I64") as never);
    expect(right("$x.ratio = 3.0")).toMatchObject(literal(3, "F64") as never);
    expect(right("$x.flag = true")).toMatchObject(literal(true, "Bool") as never);
    expect(right('$x.day = date("nope")')).toMatchObject({
      kind: "dateLiteral",
      text: "nope",
      type: { scalar: "Date" },
    });
    expect(right("$x.at = now()")).toMatchObject({ kind: "now", type: { scalar: "DateTime" } });
    expect(right("$x.pages = $ul")).toMatchObject({ kind: "parameter", name: "ul", type: { scalar: "U64" } });
  });

  it("keep 64-bit integers exact", () => {
    expect(right("$x.bytes = 9223372036854775807")).toMatchObject(
      literal(9223372036854775807n, "I64") as never,
    );
  });

  it("make a list of one type", () => {
    const left = (list: string, property: string) => {
      const clause = readPlan(matching(`${list} contains $x.${property}`)).clauses[1];
      return clause?.kind === "filter" ? clause.left : undefined;
    };
    expect(left("[1, 2]", "pages")).toMatchObject({ value: [1n, 2n], type: { scalar: "I64", list: true } });
    expect(left("[1, 2.5]", "pages")).toMatchObject({ value: [1, 2.5], type: { scalar: "F64", list: true } });
    expect(left("[]", "title")).toMatchObject({ value: [], type: { scalar: "String", list: true } });
    expect(left('[date("2025-01-01")]', "day")).toMatchObject({
      kind: "dateListLiteral",
      texts: ["2025-01-01"],
      type: { scalar: "Date", list: true },
    });
  });

  it("become vectors of 32-bit floats against a vector", () => {
    const plan = readPlan(
      "match { $x: Doc { vec: [1, 0.5, -2] } } return { $x } order { nearest($x.made, [0, 0.1, 1]) } limit 3",
    );
    expect(plan.clauses[0]).toMatchObject({
      matches: [{ value: { value: Float32Array.of(1, 0.5, -2), type: { scalar: { vector: 3 } } } }],
    });
    expect(plan.order[0]).toMatchObject({
      kind: "rank",
      rank: { query: { value: Float32Array.of(0, 0.1, 1) } },
    });
  });
});

describe("text predicates", () => {
  const call = (text: string) => readPlan(matching(text)).clauses[1];

  it("hold when they stand alone", () => {
    expect(call("fuzzy($x.title, $s)")).toMatchObject({
      kind: "text",
      function: "fuzzy",
      variable: 0,
      property: { name: "title" },
      query: { kind: "parameter", name: "s" },
      maxEdits: null,
      expected: true,
      negated: false,
    });
  });

  it("carry what they are compared with", () => {
    expect(call('search($x.title, "a") = false')).toMatchObject({
      expected: { value: false },
      negated: false,
    });
    expect(call('$b != search($x.title, "a")')).toMatchObject({ expected: { name: "b" }, negated: true });
  });
});

describe("return items", () => {
  const names = (items: string) =>
    readPlan(returning(items)).items.map(({ column, shortName }) => [column, shortName]);

  it("are named after what they return", () => {
    expect(names('$x.slug, $x, $s, 1, "a", now(), [1]')).toEqual([
      ["x.slug", "slug"],
      ["x", "x"],
      ["s", "s"],
      ["literal", "literal"],
      ["literal", "literal"],
      ["now", "now"],
      ["literal", "literal"],
    ]);
    expect(
      names("bm25($x.title, $s), nearest($x.vec, $v3), search($x.title, $s), match_text($x.title, $s)"),
    ).toEqual([
      ["bm25", "bm25"],
      ["nearest", "nearest"],
      ["search", "search"],
      ["match_text", "match_text"],
    ]);
  });

  it("call an aggregate by its argument in rows, by its function in descriptors", () => {
    expect(names("count($x), max($x.pages), count(1), count($s)")).toEqual([
      ["x", "count"],
      ["x.pages", "max"],
      ["literal", "count"],
      ["s", "count"],
    ]);
  });

  it("take the alias for both, duplicates included", () => {
    expect(names("$x.slug as a, count($x) as a")).toEqual([
      ["a", "a"],
      ["a", "a"],
    ]);
  });

  it("type aggregates", () => {
    const types = readPlan(
      returning("count($x), sum($x.pages), avg($x.ratio), min($x.title), max($x.pages), max($x.state)"),
    ).items.map(({ expression: { type } }) => [type.scalar, type.nullable]);
    expect(types).toEqual([
      ["I64", true],
      ["F64", true],
      ["F64", true],
      ["String", true],
      ["I32", true],
      ["String", true],
    ]);
  });
});

describe("order", () => {
  it("keeps properties, aliases and rank functions apart", () => {
    const plan = readPlan(
      returning(
        "$x.slug as a, $x.title as b, $x.body as a",
        "order { bm25($x.title, $s) desc, $x.pages desc, a, b desc } limit 7",
      ),
    );
    expect(plan.order).toMatchObject([
      { kind: "rank", rank: { kind: "bm25" } },
      { kind: "property", operand: { property: { name: "pages" } }, descending: true },
      { kind: "item", item: 2, descending: false },
      { kind: "item", item: 1, descending: true },
    ]);
    expect([plan.limit, plan.aggregated]).toEqual([7, false]);
  });

  it("turns a group key's property into its item, aliased or not", () => {
    const plan = readPlan(
      returning("count($x) as n, $x.state as kind, $x.title", "order { $x.title, $x.state desc, n }"),
    );
    expect(plan.aggregated).toBe(true);
    expect(plan.order).toEqual([
      { kind: "item", item: 2, descending: false },
      { kind: "item", item: 1, descending: true },
      { kind: "item", item: 0, descending: false },
    ]);
  });
});

describe("statements", () => {
  const statements = (body: string): MutationPlan["statements"] => mutationPlan(body).statements;

  it("resolve their types and properties", () => {
    expect(
      statements('insert Plain { word: $os } update Plain set { word: null } where word >= "a"'),
    ).toMatchObject([
      {
        kind: "insertNode",
        type: { kind: "node", name: "Plain" },
        assignments: [{ endpoint: null, value: { name: "os" } }],
      },
      {
        kind: "update",
        assignments: [{ property: { name: "word" }, value: { kind: "literal", value: null } }],
        predicate: { target: { property: { name: "word" } }, operator: ">=", value: literal("a", "String") },
      },
    ] as never);
  });

  it("name the ends of an edge", () => {
    expect(statements("insert HeldIn { from: $s, to: $os }")).toMatchObject([
      {
        kind: "insertEdge",
        assignments: [
          { property: null, endpoint: "from", value: { name: "s" } },
          { property: null, endpoint: "to", value: { name: "os" } },
        ],
      },
    ]);
    expect(statements("delete Cites where to != $s delete Doc where slug = $s")).toMatchObject([
      { kind: "deleteEdge", predicate: { target: { endpoint: "to" }, operator: "!=" } },
      { kind: "deleteNode", predicate: { target: { property: { name: "slug" } } } },
    ]);
  });

  it("address the node type where an edge type has the same name", () => {
    expect(statements("delete Plain where word = $s")).toMatchObject([{ kind: "deleteNode" }]);
  });

  it("keep the parameters in the order of their declaration", () => {
    expect(mutationPlan("delete Plain where word = $s").parameters.slice(0, 3)).toEqual([
      { name: "s", type: { scalar: "String", list: false, nullable: false, enumValues: null } },
      { name: "os", type: { scalar: "String", list: false, nullable: true, enumValues: null } },
      { name: "b", type: { scalar: "Bool", list: false, nullable: false, enumValues: null } },
    ]);
  });
});
