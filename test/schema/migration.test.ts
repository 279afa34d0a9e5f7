import { describe, expect, it } from "bun:test";
import { type Catalog, describeStep, planMigration, unsupportedReason } from "../../src/schema/index.ts";
import { admit, REPAIR_SHOP, refusalError } from "./support.ts";

const plan = (accepted: string, desired: string, allowDataLoss = false) =>
  planMigration(admit(accepted), desired, allowDataLoss);
const steps = (accepted: string, desired: string, allowDataLoss = false) =>
  plan(accepted, desired, allowDataLoss).steps;
/** `kind entity-ish` of each step, enough to see what is there and in which order. */
const lines = (accepted: string, desired: string, allowDataLoss = false) =>
  steps(accepted, desired, allowDataLoss).map(describeStep);
const refused = (accepted: string, desired: string) =>
  steps(accepted, desired).flatMap((step) => (step.kind === "unsupported_change" ? [step] : []));

const NOT_SUPPORTED = "is not supported in schema migration v1";

describe("a migration plan", () => {
  it("has no steps for the same meaning", () => {
    expect(plan(REPAIR_SHOP, REPAIR_SHOP)).toMatchObject({ supported: true, steps: [] });
    expect(steps(REPAIR_SHOP, `${REPAIR_SHOP}// a comment`)).toEqual([]);
    expect(steps("node A { s: enum(a, b) t: I32 }", "node A { t: I32 s: enum(b, a) }")).toEqual([]);
    expect(steps("node A { t: I32 @unique }", "node A { t: I32 @unique(t) }")).toEqual([]);
  });

  it("adds a nullable property", () => {
    expect(steps("node User {}", "node User { nick: String? }")).toEqual([
      {
        kind: "add_property",
        type_kind: "node",
        type_name: "User",
        property_name: "nick",
        property_type: { scalar: "String", nullable: true, list: false, enum_values: null },
      },
    ]);
  });

  it("refuses a required property", () => {
    const result = plan("node User {}", "node User { mail: String }");
    expect(result.supported).toBe(false);
    expect(result.steps).toEqual([
      {
        kind: "unsupported_change",
        entity: "node:User.mail",
        reason: `adding required property 'User.mail' requires a backfill and ${NOT_SUPPORTED}`,
        code: "OG-MF-103",
      },
    ]);
    expect(unsupportedReason(result)).toStartWith("[OG-MF-103] adding required property 'User.mail'");
    expect(unsupportedReason(plan("", "node A {}"))).toBeNull();
  });

  it.each([
    ["I32", "I64"],
    ["I64", "I32"],
    ["String", "String?"],
    ["String?", "String"],
    ["enum(a)", "String"],
    ["String", "enum(a)"],
    ["Vector(3)", "Vector(4)"],
    ["I32", "[I32]"],
    ["F32", "F64"],
    ["enum(a, b)", "enum(a)"],
    ["enum(a, b)", "enum(a, c)"],
    ["enum(a, b)", "enum(b, c, d)"],
    ["enum(a)", "enum(a, b)?"],
  ])("refuses to change %s to %s", (from, to) => {
    expect(refused(`node T { p: ${from} }`, `node T { p: ${to} }`)).toMatchObject([
      {
        entity: "node:T.p",
        code: "OG-MF-106",
        reason: expect.stringContaining("changing property type for 'T.p'"),
      },
    ]);
  });

  it("extends an enum with only the new values, sorted", () => {
    expect(steps("node T { p: enum(b, d)? }", "node T { p: enum(d, c, b, a)? }")).toEqual([
      {
        kind: "extend_enum",
        type_kind: "node",
        type_name: "T",
        property_name: "p",
        added_values: ["a", "c"],
      },
    ]);
  });

  it("renames before it extends, under the new name", () => {
    expect(steps("node T { p: enum(a) }", 'node T { q: enum(a, b) @rename_from("p") }')).toEqual([
      { kind: "rename_property", type_kind: "node", type_name: "T", from: "p", to: "q" },
      { kind: "extend_enum", type_kind: "node", type_name: "T", property_name: "q", added_values: ["b"] },
    ]);
  });

  it("renames a type, its key, a source of embeddings and the endpoints that name it in one go", () => {
    const before =
      'node Old { k: String v: Vector(2)? @embed(k) @key(k) @unique(k) @check(k, "x") } edge E: Old -> Old @card(0..1)';
    const after =
      'node New @rename_from("Old") { kk: String @rename_from("k") v: Vector(2)? @embed(kk) @key(kk) @unique(kk) @check(kk, "x") } edge E: New -> New @card(0..1)';
    const result = plan(before, after);
    expect(result.steps).toEqual([
      { kind: "rename_type", type_kind: "node", from: "Old", to: "New" },
      { kind: "rename_property", type_kind: "node", type_name: "New", from: "k", to: "kk" },
    ]);
    const old = admit(before).nodes.get("Old");
    const renamed = result.catalog.nodes.get("New");
    expect(renamed?.id).toBe(old?.id ?? -1);
    expect(renamed?.key?.[0].id).toBe(old?.key?.[0].id ?? -1);
  });

  it("ignores hints that were followed long ago, with a warning", () => {
    const result = plan("node B { q: I32 }", 'node B @rename_from("A") { q: I32 @rename_from("p") }');
    expect(result.steps).toEqual([]);
    expect(result.warnings).toHaveLength(2);
    expect(result.warnings[0]).toContain('@rename_from("A")');
  });

  it.each(["p: I32? @index", "p: I32? @index(p)"])("adds one index for %s", (property) => {
    expect(steps("node T { p: I32? }", `node T { ${property} }`)).toEqual([
      { kind: "add_constraint", type_kind: "node", type_name: "T", constraint: { Index: ["p"] } },
    ]);
    expect(steps("node T {}", `node T { ${property} }`).map(({ kind }) => kind)).toEqual([
      "add_property",
      "add_constraint",
    ]);
  });

  it("lists the properties of an index by name", () => {
    const [step] = steps(
      "node A {} edge E: A -> A { b: I32 }",
      "node A {} edge E: A -> A { b: I32 @index(src, b) }",
    );
    expect(step).toMatchObject({ type_kind: "edge", constraint: { Index: ["b", "src"] } });
  });

  it("changes descriptions and instructions", () => {
    expect(
      steps(
        'node T @description("a") { p: I32 }',
        'node T @instruction("i") @description("b", k="v") { p: I32 @description("c") }',
      ),
    ).toEqual([
      {
        kind: "update_type_metadata",
        type_kind: "node",
        name: "T",
        annotations: [
          { name: "instruction", value: "i" },
          { name: "description", value: "b", kwargs: { k: "v" } },
        ],
      },
      {
        kind: "update_property_metadata",
        type_kind: "node",
        type_name: "T",
        property_name: "p",
        annotations: [{ name: "description", value: "c" }],
      },
    ]);
    expect(steps('node T @description("a") {}', "node T {}")).toMatchObject([{ annotations: [] }]);
  });

  it.each([false, true])("drops properties and types (data loss allowed: %p)", (allowDataLoss) => {
    const mode = allowDataLoss ? "hard" : "soft";
    expect(
      steps("node A { p: I32? q: I32 @index } node B {} edge E: B -> B", "node A {}", allowDataLoss),
    ).toEqual([
      { kind: "drop_property", type_kind: "node", type_name: "A", property_name: "p", mode },
      { kind: "drop_property", type_kind: "node", type_name: "A", property_name: "q", mode },
      { kind: "drop_type", type_kind: "node", name: "B", mode },
      { kind: "drop_type", type_kind: "edge", name: "E", mode },
    ]);
  });

  it("lets rules go with their properties, but never a key and never half", () => {
    const all =
      'node T { p: I32 q: String r: I32 @unique @unique(p, r) @range(p, 0..1) @check(q, "x") @index(p) }';
    expect(plan(all, "node T {}").supported).toBe(true);
    expect(refused("node T { k: I32 @key }", "node T {}")[0].reason).toContain(
      "removing constraints from 'T'",
    );
    expect(refused("node T { p: I32 r: I32 @index(p, r) }", "node T { r: I32 }")).toHaveLength(1);
  });

  it("does not carry data over a drop and an add of one name", () => {
    const first = admit("node A { p: I32? }");
    const dropped = planMigration(first, "node A {}", false).catalog;
    const again = planMigration(dropped, "node A { p: I32? }", false).catalog;
    expect(again.nodes.get("A")?.properties[0].id).not.toBe(first.nodes.get("A")?.properties[0].id ?? -1);
  });

  it("takes a rename without a hint for a drop and an add", () => {
    expect(lines("node A { p: I32? }", "node A { q: I32? }")).toEqual([
      "add property 'A.q' (I32?) on node 'A'",
      "drop property 'A.p' of node 'A' (soft mode)",
    ]);
  });

  it("fails where a dropped node or source is still named", () => {
    const message = (desired: string) =>
      refusalError(() => plan("node A { s: String v: Vector(2)? @embed(s) } edge E: A -> A", desired))
        .message;
    expect(message("edge E: A -> A")).toContain("unresolved endpoint");
    expect(message("node A { v: Vector(2)? @embed(s) } edge E: A -> A")).toContain(
      "unknown source property s",
    );
  });
});

describe("an unsupported change", () => {
  it.each<[string, string, string, string]>([
    [
      "node T { p: I32 }",
      "node T { p: I32 @unique }",
      "node:T.p",
      "adding a property-level @unique constraint to 'T.p'",
    ],
    ["node T { p: I32 }", "node T { p: I32 @unique }", "node:T", "adding constraint '@unique(p)' to 'T'"],
    ["node T { p: I32 }", "node T { p: I32 @unique(p) }", "node:T", "adding constraint '@unique(p)' to 'T'"],
    [
      "node T { p: I32 }",
      "node T { p: I32 @key }",
      "node:T.p",
      "adding a property-level @key constraint to 'T.p'",
    ],
    [
      "node T { p: I32 }",
      "node T { p: I32 @range(p, 0..) }",
      "node:T",
      "adding constraint '@range(p, 0..)' to 'T'",
    ],
    ["node T { p: I32 @index }", "node T { p: I32 }", "node:T.p", "removing property constraints from 'T.p'"],
    ["node T { p: I32 @index }", "node T { p: I32 }", "node:T", "removing constraints from 'T'"],
    ["node T { p: I32 @index(p) }", "node T { p: I32 }", "node:T", "removing constraints from 'T'"],
    [
      "node T { p: I32 @range(p, 0..1) }",
      "node T { p: I32 @range(p, 0..2) }",
      "node:T",
      "removing constraints from 'T'",
    ],
    [
      "node T { p: I32 @range(p, 0..1) }",
      "node T { p: I32 @range(p, 0..2) }",
      "node:T",
      "adding constraint '@range(p, 0..2)'",
    ],
    [
      'node T { p: String @check(p, "a") }',
      'node T { p: String @check(p, "b") }',
      "node:T",
      "removing constraints from 'T'",
    ],
    [
      "node T { a: I32 b: I32 @key(a) }",
      "node T { a: I32 b: I32 @key(a, b) }",
      "node:T",
      "adding constraint '@key(a, b)'",
    ],
    ["node T {}", "node T { p: I32? @unique }", "node:T", "adding constraint '@unique(p)' to 'T'"],
    [
      "node A {} edge E: A -> A",
      "node A {} edge E: A -> A @card(0..1)",
      "edge:E",
      "changing cardinality on edge 'E'",
    ],
    [
      "node A {} node B {} edge E: A -> B",
      "node A {} node B {} edge E: B -> A",
      "edge:E",
      "changing edge endpoints on 'E'",
    ],
    [
      "node A {} node B {} edge E: A -> B",
      'node C @rename_from("A") {} node A2 @rename_from("B") {} edge E: A2 -> C',
      "edge:E",
      "changing edge endpoints on 'E'",
    ],
    [
      "interface I {} node T {}",
      "interface I {} node T implements I {}",
      "node:T",
      "changing implemented interfaces on node 'T'",
    ],
    ["interface I {} node T {}", "node T {}", "interface:I", "removing interface 'I'"],
    [
      "interface I { p: I32 } node T implements I {}",
      "interface I { p: I32 } node T implements I { p: I32 }",
      "node:T.p",
      "changing declaration provenance for 'T.p'",
    ],
    [
      "interface I {} node T implements I { p: I32? }",
      "interface I { p: I32? } node T implements I { p: I32? }",
      "node:T.p",
      "changing interface-property satisfaction links for 'T.p'",
    ],
    [
      "node T @owner(a) {}",
      "node T @owner(b) {}",
      "node:T",
      "changing annotations beyond @description/@instruction",
    ],
    [
      "node T { p: I32 }",
      "node T { p: I32 @owner(b) }",
      "node:T.p",
      "changing annotations beyond @description/@instruction",
    ],
    [
      "node T { s: String v: Vector(2) @embed(s) }",
      "node T { s: String v: Vector(2) }",
      "node:T.v",
      "changing @embed source or model for 'T.v'",
    ],
    [
      "node T { s: String v: Vector(2) @embed(s) }",
      'node T { s: String v: Vector(2) @embed(s, model="m") }',
      "node:T.v",
      "changing @embed source or model for 'T.v'",
    ],
    [
      "node T { s: String t: String v: Vector(2) @embed(s) }",
      "node T { s: String t: String v: Vector(2) @embed(t) }",
      "node:T.v",
      "changing @embed source or model for 'T.v'",
    ],
    [
      "interface I { p: I32? }",
      "interface I { p: I64? }",
      "interface:I.p",
      "changing property type for 'I.p'",
    ],
    [
      "interface I {}",
      "interface I { p: I32? @unique }",
      "interface:I",
      "adding constraint '@unique(p)' to 'I'",
    ],
  ])("from %j to %j is refused on %s", (from, to, entity, phrase) => {
    const result = plan(from, to);
    expect(result.supported).toBe(false);
    const found = result.steps.find(
      (step) => step.kind === "unsupported_change" && step.entity === entity && step.reason.includes(phrase),
    );
    expect(found).toMatchObject({ reason: expect.stringContaining(NOT_SUPPORTED) });
  });

  it("has no code where none is given", () => {
    const [step] = refused("node T @owner(a) {}", "node T {}");
    expect(Object.keys(step)).toEqual(["kind", "entity", "reason"]);
    expect(unsupportedReason(plan("node T @owner(a) {}", "node T {}"))).toBe(step.reason);
  });

  it("leaves the other steps in the plan", () => {
    expect(lines("node T { p: I32 }", "node T { p: I64 q: I32? } node U {}")).toEqual([
      expect.stringContaining("unsupported change on node:T.p [OG-MF-106, destructive]: "),
      "add property 'T.q' (I32?) on node 'T'",
      "add node type 'U'",
    ]);
  });
});

describe("interfaces in a plan", () => {
  it("are added, and get properties without touching any node", () => {
    expect(lines("", "interface I {}")).toEqual(["add interface type 'I'"]);
    expect(lines("interface I {}", "interface I { p: I32? @index }")).toEqual([
      "add property 'I.p' (I32?) on interface 'I'",
    ]);
  });

  it("pass a new property and its index on to the nodes", () => {
    const body = "node B implements I {} node A implements I {}";
    expect(lines(`interface I {} ${body}`, `interface I { p: I32? @index } ${body}`)).toEqual([
      "add property 'I.p' (I32?) on interface 'I'",
      "add property 'A.p' (I32?) on node 'A'",
      "add constraint @index(p) on node 'A'",
      "add property 'B.p' (I32?) on node 'B'",
      "add constraint @index(p) on node 'B'",
    ]);
  });

  it("pass a new index on an old property on to the nodes that receive it", () => {
    const body = "node A implements I {} node B implements I { p: I32? }";
    expect(lines(`interface I { p: I32? } ${body}`, `interface I { p: I32? @index } ${body}`)).toEqual([
      "add constraint @index(p) on interface 'I'",
      "add constraint @index(p) on node 'A'",
    ]);
  });

  it("pass the rename of a property on, and only where it applies", () => {
    const before = "interface I { p: I32? } node A implements I {} node B implements I {}";
    const after = `${before.replace("p: I32?", 'q: I32? @rename_from("p")')} node New implements I {}`;
    expect(lines(before, after)).toEqual([
      "rename property 'I.p' -> 'I.q' on interface 'I'",
      "rename property 'A.p' -> 'A.q' on node 'A'",
      "rename property 'B.p' -> 'B.q' on node 'B'",
      "add node type 'New'",
    ]);
  });
});

describe("a rename hint that cannot be followed", () => {
  it.each([
    ["node A {}", 'node B @rename_from("X") {}', "but no accepted declaration has that name"],
    ["node A {} edge E: A -> A", 'node A {} node B @rename_from("E") {}', "across declaration kinds"],
    ["interface I {}", 'interface I {} node B @rename_from("I") {}', "across declaration kinds"],
    [
      "node A {}",
      'node A {} node B @rename_from("A") {}',
      "is consumed by more than one desired declaration",
    ],
    [
      "node A {}",
      'node B @rename_from("A") {} node C @rename_from("A") {}',
      "is consumed by more than one desired declaration",
    ],
    [
      "node A {}",
      'node A { q: I32? @rename_from("p") }',
      "no accepted property with that name exists under the stable owner",
    ],
    [
      "node A {} node B { p: I32? }",
      'node A { q: I32? @rename_from("p") } node B {}',
      "property moves across stable owners are not supported",
    ],
    ["node A { p: I32? }", 'node A { p: I32? q: I32? @rename_from("p") }', "is consumed more than once"],
    [
      "node A { p: I32? }",
      'node A { q: I32? @rename_from("p") r: I32? @rename_from("p") }',
      "is consumed more than once",
    ],
    [
      "node A { p: I32? }",
      'node B { q: I32? @rename_from("p") }',
      "cannot import property identity with @rename_from",
    ],
    [
      "interface I {}",
      'interface I { q: I32? @rename_from("p") }',
      "no accepted property with that name exists under the stable owner",
    ],
  ])("from %j to %j is an error", (from, to, phrase) => {
    const error = refusalError(() => plan(from, to));
    expect(error.message).toStartWith("schema identity resolution failed: ");
    expect(error.message).toContain(phrase);
    expect(error.message).toMatch(/ \(line \d+, column \d+\)$/);
    expect(error.stage).toBe("identity");
    expect(error.status).toBe(400);
  });
});

describe("the order of steps", () => {
  it("is interfaces, nodes, edges; by new name, then removals by old name", () => {
    const before =
      "interface J {} interface I {} node Z {} node Q {} node A {} node B {} edge F: A -> A edge E: A -> A edge D: A -> A";
    const after =
      'edge G: A -> A edge C: A -> A @rename_from("F") edge E: A -> A @description("d") node M {} node Y @rename_from("A") {} interface K {} interface H {} node A2 @rename_from("Z") {}'.replaceAll(
        "A -> A",
        "Y -> Y",
      );
    expect(lines(before, after).map((line) => line.replace(/ is not supported.*/, ""))).toEqual([
      "add interface type 'H'",
      "add interface type 'K'",
      "unsupported change on interface:I: removing interface 'I'",
      "unsupported change on interface:J: removing interface 'J'",
      "rename node type 'Z' -> 'A2'",
      "add node type 'M'",
      "rename node type 'A' -> 'Y'",
      "drop node type 'B' (soft mode)",
      "drop node type 'Q' (soft mode)",
      "rename edge type 'F' -> 'C'",
      `update metadata on edge 'E' (@description("d"))`,
      "add edge type 'G'",
      "drop edge type 'D' (soft mode)",
    ]);
  });

  it("within a type is name, structure, metadata, properties, drops, rules", () => {
    const before =
      "interface I {} node A {} node B {} node T { p: enum(a) gone: I32 v: Vector(2) s: String u: I32 @unique(u) } edge E: A -> B";
    const after =
      'interface I {} node A {} node B {} node U @rename_from("T") @owner(o) @description("d") implements I { a: I32? @index q: enum(a, b) @rename_from("p") @unique @owner(o) @description("d") v: Vector(2) @embed(s) s: String u: I64 } edge E: B -> A @card(1..)';
    expect(lines(before, after).map((line) => line.replace(/ is not supported.*/, ""))).toEqual([
      "rename node type 'T' -> 'U'",
      "unsupported change on node:U: changing implemented interfaces on node 'U'",
      `update metadata on node 'U' (@description("d"))`,
      "unsupported change on node:U: changing annotations beyond @description/@instruction on node 'U'",
      "add property 'U.a' (I32?) on node 'U'",
      "rename property 'U.p' -> 'U.q' on node 'U'",
      "extend enum 'U.q' (+b) on node 'U'",
      "unsupported change on node:U.q: adding a property-level @unique constraint to 'U.q'",
      `update metadata on property 'U.q' of node 'U' (@description("d"))`,
      "unsupported change on node:U.q: changing annotations beyond @description/@instruction on property 'U.q'",
      "unsupported change on node:U.u [OG-MF-106, destructive]: changing property type for 'U.u' from I32 to I64",
      "unsupported change on node:U.v: changing @embed source or model for 'U.v'",
      "drop property 'U.gone' of node 'U' (soft mode)",
      "unsupported change on node:U: removing constraints from 'U' (@unique(u))",
      "add constraint @index(a) on node 'U'",
      "unsupported change on node:U: adding constraint '@unique(q)' to 'U'",
      "unsupported change on edge:E: changing edge endpoints on 'E'",
      "unsupported change on edge:E: changing cardinality on edge 'E'",
    ]);
  });
});

describe("the catalog of a plan", () => {
  it("is what admission of the new text after the old would give", () => {
    const accepted: Catalog = admit(REPAIR_SHOP);
    const { catalog } = planMigration(accepted, `${REPAIR_SHOP} node Extra { x: I32? }`, false);
    expect(catalog.nodes.get("Extra")?.id).toBe(accepted.nextId);
    expect(catalog.nodes.get("Machine")).toEqual(accepted.nodes.get("Machine"));
    expect(catalog.source).toContain("Extra");
  });
});
