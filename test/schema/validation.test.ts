import { describe, expect, it } from "bun:test";
import { admit, marked, refusal, refusalError } from "./support.ts";

const A_TO_A = "node A {} edge E: A -> A";

describe("validation", () => {
  it.each([
    // Reserved names.
    ["node A { id: String }", "property name 'id' is reserved"],
    ["interface I { id: String }", "property name 'id' is reserved"],
    ["interface I { _rowid: I64 }", "property name '_rowid' is reserved"],
    ["node A { _tombstone: Bool }", "property name '_tombstone' is reserved"],
    ["node A { _row_last_updated_at_version: I64 }", "is reserved"],
    [`${A_TO_A} { id: String }`, "property name 'id' is reserved"],
    [`${A_TO_A} { src: String }`, "property name 'src' is reserved"],
    [`${A_TO_A} { dst: String }`, "property name 'dst' is reserved"],
    [`${A_TO_A} { from: String }`, "property name 'from' is reserved"],
    [`${A_TO_A} { to: String }`, "property name 'to' is reserved"],
    [`${A_TO_A} { _rowaddr: I64 }`, "property name '_rowaddr' is reserved"],
    // Types.
    ["node A { p: [Blob] }", "list of Blob is not supported"],
    ["node A { p: Vector(0) }", "Vector dimension must be greater than zero"],
    ["node A { p: Vector(2147483648) }", "exceeds maximum supported 2147483647"],
    ["node A { p: Vector(18446744073709551616) }", "invalid Vector dimension"],
    [`node A { p: Vector(${"9".repeat(1000)}) }`, "invalid Vector dimension"],
    ["node A { size: enum(s, m, s) }", "enum type cannot include duplicate values"],
    [`${A_TO_A} @card(3..1)`, "cardinality min (3) exceeds max (1)"],
    [`${A_TO_A} @card(4294967296..)`, "invalid cardinality min"],
    [`${A_TO_A} @card(0..4294967296)`, "invalid cardinality max"],
    // Interfaces.
    ["node T implements I {}", "node T implements unknown interface 'I'"],
    ["node I {} node T implements I {}", "node T implements unknown interface 'I'"],
    [
      "interface Named { title: String } node T implements Named { title: I32 }",
      "node T property 'title' has type I32 but interface Named declares it as String",
    ],
    [
      "interface Named { title: String? } node T implements Named { title: String }",
      "node T property 'title' has type String but interface Named declares it as String?",
    ],
    [
      "interface A { p: I32 } interface B { p: I64 } node T implements A, B {}",
      "node T property 'p' has type I32 but interface B declares it as I64",
    ],
    [
      "interface A { ref: String } interface B { ref: String @unique } node T implements A, B {}",
      "incompatible property semantics",
    ],
    [
      'interface A { p: String @owner("a") } interface B { p: String @owner("b") } node T implements A, B {}',
      "incompatible property semantics",
    ],
    // Annotations.
    ["node T @key {}", "@key is only supported on node properties or as body constraint (node T)"],
    ["node T @unique {}", "@unique is only supported on node properties or as body constraint (node T)"],
    ["node T @index {}", "@index is only supported on node properties or as body constraint (node T)"],
    ["node T @embed(a) {}", "@embed is only supported on node properties or as body constraint (node T)"],
    [`${A_TO_A} @key`, "@key is not supported on edges (edge E)"],
    [`${A_TO_A} @embed("x")`, "@embed is not supported on edges (edge E)"],
    [`${A_TO_A} { p: String @key }`, "@key is not supported on edge properties (edge E.p)"],
    [`${A_TO_A} { p: Vector(2) @embed(q) }`, "@embed is not supported on edge properties (edge E.p)"],
    ["node T { p: String @unique @unique }", "property T.p declares @unique multiple times"],
    ["node T { p: String @key @key }", "property T.p declares @key multiple times"],
    [`node T @description("  ") {}`, "@description on node T requires a non-empty value"],
    ["node T @description {}", "@description on node T requires a non-empty value"],
    [`${A_TO_A} @instruction("")`, "@instruction on edge E requires a non-empty value"],
    [`node T { p: I32 @description("") }`, "@description on property T.p requires a non-empty value"],
    [`node T @description("a") @description("b") {}`, "node T declares @description multiple times"],
    [`node T { p: I32 @instruction("x") }`, "@instruction is only supported on node and edge types"],
    [`${A_TO_A} { p: I32 @instruction("x") }`, "@instruction is only supported on node and edge types"],
    ["node T { p: I32 @range }", "@range requires property name and bounds"],
    ["node T { p: String @check }", "@check requires property name and pattern"],
    ["node T @range {}", "@range requires property name and bounds"],
    [`${A_TO_A} { p: I32 @range }`, "@range constraint is not supported on edges (edge E)"],
    // Embeddings.
    ["node T { s: String p: String @embed(s) }", "@embed is only supported on vector properties (T.p)"],
    ["node T { s: String p: [String] @embed(s) }", "@embed is not supported on list property T.p"],
    ["node T { v: Vector(3) @embed }", "@embed on T.v requires a source property name"],
    [`node T { v: Vector(3) @embed(" ") }`, "@embed on T.v requires a non-empty source property name"],
    ["node T { v: Vector(3) @embed(s) }", "@embed on T.v references unknown source property s"],
    ["node T { s: I64 v: Vector(3) @embed(s) }", "@embed source property T.s must be String"],
    ["node T { s: [String] v: Vector(3) @embed(s) }", "@embed source property T.s must be String"],
    [`node T { s: String v: Vector(3) @embed(s, dims="3") }`, "has unknown argument 'dims='"],
    ["interface I { v: Vector(3) @embed(s) }", "@embed on I.v references unknown source property s"],
    // Rules.
    [`node T { @key("p") p: String }`, "expected property name in constraint"],
    ["node T { @unique(1) }", "expected property name in constraint"],
    ["node T { @index(0..1) }", "expected property name in constraint"],
    ["node T { p: I32 @range(p) }", "@range requires property name and bounds"],
    ["node T { p: I32 @range(p, 0..1, 2) }", "@range requires property name and bounds"],
    ["node T { p: I32 @range(p, 5) }", "expected range bounds (min..max)"],
    [`node T { p: I32 @range("p", 0..1) }`, "expected property name in constraint"],
    ["node T { p: String @check(p) }", "@check requires property name and pattern"],
    ["node T { p: String @check(p, p) }", "expected string argument in constraint"],
    ["node T { @key(p) }", "@key on T references unknown property 'p'"],
    ["node T { @unique(src) }", "@unique on T references unknown property 'src'"],
    ["node T { @index(p) }", "@index on T references unknown property 'p'"],
    ["node T { @range(p, 0..1) }", "@range on T references unknown property 'p'"],
    [`node T { @check(p, "x") }`, "@check on T references unknown property 'p'"],
    [`${A_TO_A} { @unique(p) }`, "@unique on E references unknown property 'p'"],
    [
      "node Bin { code: String @key lane: String @key }",
      "node type Bin has multiple @key constraints; only one is supported",
    ],
    ["node T { p: String @key @key(p) }", "multiple @key constraints"],
    ["interface I { k: I32 @key } node T implements I { p: I32 @key }", "multiple @key constraints"],
    ["node T { p: String? @key }", "@key property T.p cannot be nullable"],
    ["node T { p: [String] @key }", "@key is not supported on list property T.p"],
    ["node T { p: Vector(2) @key }", "@key is not supported on vector property T.p"],
    ["node T { p: Blob @key }", "@key is not supported on blob property T.p"],
    ["node T { p: Blob @unique(p) }", "@unique is not supported on blob property T.p"],
    ["node T { tags: [String] @unique(tags) }", "@unique is not supported on list property T.tags"],
    ["node T { p: Vector(2) @unique }", "@unique is not supported on vector property T.p"],
    ["node T { p: [I32] @index }", "@index is not supported on list property T.p"],
    ["node T { p: Blob? @index }", "@index is not supported on blob property T.p"],
    ["interface I { p: Blob @index } node T implements I {}", "@index is not supported on blob property T.p"],
    ["node T { name: String @range(name, 0..3) }", "@range on T.name requires a numeric type, got String"],
    ["node T { xs: [I32] @range(xs, 0..3) }", "@range is not supported on list property T.xs"],
    ["node T { xs: [I32] @range(xs, 0..3) }", "requires a numeric type, got [I32]"],
    ["node T { v: Vector(3) @range(v, 0..3) }", "requires a numeric type, got Vector(3)"],
    ["node T { d: Date @range(d, 0..3) }", "requires a numeric type, got Date"],
    [`node T { age: I32? @check(age, "x") }`, "@check on T.age requires String type, got I32?"],
    [`node T { xs: [String] @check(xs, "x") }`, "requires String type, got [String]"],
    ["node T { p: I32 @range(p, 5..4) }", "@range on T.p has min 5 above max 4"],
    ["node T { p: I32 @range(p, 1..0.5) }", "has min 1 above max 0.5"],
    ["node T { p: U64 @range(p, 0..18446744073709551616) }", "invalid integer in @range"],
    [`node T { p: F64 @range(p, 0..${"9".repeat(400)}.0) }`, "invalid float in @range"],
    [`node T { p: String @check(p, "(") }`, "@check on T.p has invalid regex: unclosed '('"],
    [`node T { p: String @check(p, "(?=a)") }`, "look-around is not supported"],
    [`node T { p: String @check(p, "(a)\\\\1") }`, "back-references are not supported"],
    [`${A_TO_A} { a: String @key(a) }`, "@key constraint is not supported on edges (edge E)"],
    [`${A_TO_A} { w: F64 @range(w, 0..1) }`, "@range constraint is not supported on edges (edge E)"],
    [`${A_TO_A} { s: String @check(s, "x") }`, "@check constraint is not supported on edges (edge E)"],
  ])("refuses %j", (source, phrase) => {
    const error = refusalError(() => admit(source));
    expect(error.message).toStartWith("parse error: ");
    expect(error.message).toContain(phrase);
    expect(error.message).toMatch(/ \(line \d+, column \d+\)$/);
  });

  it.each([
    ["node T {} node T {}", "duplicate node type: T"],
    ["node A {} edge E: A -> A edge E: A -> A", "duplicate edge type: E"],
    ["interface I {} interface I {}", "duplicate interface"],
    ["node T { p: I32 p: I32 }", "duplicate property"],
    ["interface I { p: I32 p: I64 }", "duplicate property"],
    [`${A_TO_A} { p: I32 p: I32 }`, "duplicate property"],
    ["node B {} edge E: A -> B", "edge E references unknown source type: A"],
    ["node A {} edge E: A -> B", "edge E references unknown target type: B"],
    ["node Pump {} interface Labelled {} edge Feeds: Pump -> Labelled", "unknown target type: Labelled"],
    ["node A {} edge E: A -> B", "edge 'E' has an unresolved endpoint"],
    ["node A {} edge Likes: A -> A edge LIKES: A -> A", "edge name collision after case folding"],
  ])("refuses the names of %j", (source, phrase) => {
    const error = refusalError(() => admit(source));
    expect(error.stage).toBe("catalog");
    expect(error.message).toStartWith("catalog error: ");
    expect(error.message).toContain(phrase);
  });

  it.each(["node T", "edge E: T -> T", "property T.p", "property E.p", "property I.p"])(
    "refuses every bad rename hint on %s",
    (target) => {
      const withHint = (hint: string) => {
        const on = (place: string) => (place === target ? hint : "");
        return `interface I { p: I32 ${on("property I.p")} } node T ${on("node T")} { p: I32 ${on("property T.p")} } edge E: T -> T ${on("edge E: T -> T")} { p: I32 ${on("property E.p")} }`;
      };
      const name = target.startsWith("edge") ? "edge E" : target;
      const one = "requires exactly one non-empty positional value";
      expect(refusal(withHint('@rename_from(" ")'))).toContain(`@rename_from on ${name} ${one}`);
      expect(refusal(withHint("@rename_from"))).toContain(`@rename_from on ${name} ${one}`);
      expect(refusal(withHint('@rename_from("A") @rename_from("B")'))).toContain(
        `${name} declares @rename_from multiple times`,
      );
      expect(refusal(withHint('@rename_from("A", k="v")'))).toContain("does not accept keyword arguments");
      expect(() => admit(withHint('@rename_from("A")'))).not.toThrow();
    },
  );

  it.each([
    "node A { p: Vector(2147483647) }",
    "node A { p: Vector(0003) }",
    "node A { _row_id: I64 _ROWID: I64 src: String dst: String from: String to: String }",
    "node Report {} interface Report {} edge Report: Report -> Report",
    "node T { p: String @key p2: String @unique p3: String @index }",
    "node Bin { code: String lane: String @key(code, lane) }",
    "node T { v: Vector(2) @index }",
    `${A_TO_A} { since: Date? @unique(src, dst) @index(since) @index(src) p: I32 @unique @index }`,
    "node T { p: U64 @range(p, 0..18446744073709551615) }",
    "node T { p: I64 @range(p, -9223372036854775808..0.5) }",
    "node T { p: I32 @range(p, 4..4) }",
    'node T { p: enum(a, b)? @check(p, "^a") }',
    'node T { s: enum(a) v: Vector(3) @embed(s, model="m") }',
    "edge E: A -> A node A {}",
    "interface I { p: String } node T implements I, I {}",
    "interface A { ref: String @index } interface B { ref: String @index } node T implements A, B {}",
    'interface A { v: Vector(2) @embed("s") s: String } interface B { v: Vector(2) @embed(s) s: String } node T implements B, A {}',
    // What nobody implements is hardly checked.
    "interface I { p: Blob @index @key }",
  ])("admits %j", (source) => {
    expect(() => admit(source)).not.toThrow();
  });

  it("marks the offending word", () => {
    expect(marked("node A { a: I32 @unique(a, b) }")).toBe("b");
    expect(marked("edge E: A -> B node B {}")).toBe("A");
    expect(marked('node T { s: String v: Vector(3) @embed(s, dims="3") }')).toBe("dims");
    expect(marked("node T { p: I32 @range(p, 5..4) }")).toBe("5..4");
    expect(marked("interface I { p: I32 } node T implements I {\n p: I64 }")).toBe("p");
  });
});

describe("the order of checks", () => {
  const steps = [
    ["node", "expected a node type name"],
    ["node Reserved { id: I32 }", "is reserved"],
    ["node Unknown implements Missing {}", "unknown interface"],
    ["node Annotated { p: I32 @instruction(x) }", "@instruction is only supported"],
    ["node Ruled { @key(missing) }", "references unknown property"],
    ["edge Dangling: Missing -> Missing", "unknown source type"],
  ] as const;

  it("is syntax, names and types, interfaces, annotations, rules, names across declarations", () => {
    for (let first = 0; first < steps.length; first++) {
      const source = steps
        .slice(first)
        .reverse()
        .map(([text]) => text)
        .join("\n");
      expect(refusal(source)).toContain(steps[first][1]);
    }
  });

  it("takes annotations in the order of declarations", () => {
    const source = "node B { p: I32 @instruction(b) } node A @description {}";
    expect(refusal(source)).toContain("@instruction");
  });
});
