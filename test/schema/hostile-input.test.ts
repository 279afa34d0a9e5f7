// Whatever the text, a schema is admitted or refused with a place: no crash, no hang, no internal error.

import { describe, expect, it } from "bun:test";
import { decodeAccepted, encodeAccepted, planMigration, SchemaError } from "../../src/schema/index.ts";
import { admit, REPAIR_SHOP } from "./support.ts";

/** A small generator of numbers, the same for the same seed. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const SEEDS = [
  REPAIR_SHOP,
  'interface A { p: String @index } interface B { p: String @index v: Vector(3)? @embed(p, model="m") } node T @x(1, k="v") implements A, B { d: DateTime? n: U64 @range(n, -1..2.5) @unique(n, d) @key(n) } edge E: T -> T @card(1..) @instruction("i") { w: F32 @index w2: enum(9-lives, -x)? }',
];
/** Of longer texts the plan from themselves to themselves is made once, further down. */
const LONG_LENGTH_MIN = 10_000;
const BASE = admit(SEEDS[0]);
const FRAGMENTS = [
  ...'{}()[]:,?@=-."\\#$ \n',
  "..",
  "->",
  "//",
  "/*",
  "*/",
  "@key",
  "@key(",
  "@card(",
  "@range(",
  "@check(",
  "@embed(",
  "@rename_from(",
  "enum(",
  "Vector(",
  "node ",
  "edge ",
  "interface ",
  "implements ",
  "id",
  "src",
  "String",
  "T",
  "99999999999999999999999",
  "\\q",
  "é",
  "😀",
  "\ud800",
  "\u0000",
];

function mutate(source: string, pick: (below: number) => number): string {
  let text = source;
  for (let edits = 1 + pick(4); edits > 0; edits--) {
    const at = pick(text.length + 1);
    const length = pick(12);
    switch (pick(4)) {
      case 0:
        text = text.slice(0, at) + text.slice(at + length);
        break;
      case 1:
        text = text.slice(0, at) + FRAGMENTS[pick(FRAGMENTS.length)] + text.slice(at);
        break;
      case 2:
        text = text.slice(0, at) + text.slice(pick(text.length), at + length) + text.slice(at);
        break;
      default: {
        const word = text.slice(at, at + length);
        text = text.slice(0, at) + FRAGMENTS[pick(FRAGMENTS.length)] + word + text.slice(at + length);
      }
    }
  }
  return text;
}

/** Admits, and where that works, stores, reads back and plans; answers whether it worked. */
function survives(source: string): boolean {
  try {
    const catalog = admit(source);
    expect(encodeAccepted(decodeAccepted(encodeAccepted(catalog)))).toBe(encodeAccepted(catalog));
    const { steps, catalog: planned } = planMigration(BASE, source, false);
    // Every difference has a name, and none is left once they are all carried out.
    expect(steps.filter((step) => step.kind === "unsupported_change" && step.entity === "schema")).toEqual(
      [],
    );
    if (source.length < LONG_LENGTH_MIN) expect(planMigration(planned, source, false).steps).toEqual([]);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof SchemaError)) throw new Error(`on ${JSON.stringify(source)}: ${thrown}`);
    expect(thrown.line).toBeGreaterThan(0);
    expect(thrown.column).toBeGreaterThan(0);
    expect(thrown.span.end).toBeGreaterThan(thrown.span.start);
    expect(thrown.span.start).toBeLessThanOrEqual(source.length);
    return false;
  }
}

describe("a mutated schema", () => {
  it.each(SEEDS.map((_, i) => i))("is admitted or refused with a place (seed schema %i)", (index) => {
    const pick = generator(index + 1);
    let admitted = 0;
    for (let round = 0; round < 4000; round++) if (survives(mutate(SEEDS[index], pick))) admitted++;
    // Enough on both sides, or the mutations prove nothing.
    expect(admitted).toBeGreaterThan(50);
    expect(admitted).toBeLessThan(3900);
  });

  it("is refused at every place where it is cut off", () => {
    for (let end = 0; end < REPAIR_SHOP.length; end++) survives(REPAIR_SHOP.slice(0, end));
  });
});

const SIZE = 2 ** 20;
const repeat = (unit: string) => unit.repeat(Math.ceil(SIZE / unit.length)).slice(0, SIZE);
const numbered = (unit: (i: number) => string) => {
  const parts: string[] = [];
  for (let i = 0, size = 0; size < SIZE; i++) {
    const part = unit(i);
    parts.push(part);
    size += part.length;
  }
  return parts.join("");
};

describe("a megabyte of schema", () => {
  it.each<[string, () => string]>([
    ["opening braces", () => repeat("{")],
    ["opening brackets in a type", () => `node A { p: ${repeat("[")}`],
    ["nodes without a body", () => repeat("node A ")],
    ["comments", () => repeat("/**/")],
    ["one unclosed string", () => `node A @x("${repeat("a\n")}`],
    ["digits", () => `node A { p: Vector(${repeat("9")}) }`],
    ["a bound of digits", () => `node A { p: I32 @range(p, 0..${repeat("9")}) }`],
    ["a cardinality of digits", () => `node A {} edge E: A -> A @card(${repeat("9")}..)`],
    ["one pattern", () => `node A { p: String @check(p, "${repeat("(?i)a[b-c]")}") }`],
    ["one pattern of groups", () => `node A { p: String @check(p, "${repeat("(")}") }`],
    ["many large patterns", () => `node A { p: String ${repeat('@check(p, "((a{99}){99}") ')} }`],
    ["one description", () => `node A @description("${repeat("é")}") {}`],
    ["keyword arguments", () => `node A @x(1${numbered((i) => `, a${i}=1`)}) {}`],
    ["enum values", () => `node A { p: enum(x${numbered((i) => `, a${i}`)}) }`],
    ["the same property", () => `node A { ${repeat("p: I32 ")}`],
    ["properties", () => `node A { ${numbered((i) => `p${i}: I32? @index @unique `)} }`],
    ["rules", () => `node A { p: I32 q: I32 ${repeat("@unique(p, q) ")}`],
    ["one rule", () => `node A { p: I32 @unique(p${numbered(() => ", p")}) }`],
    ["nodes", () => numbered((i) => `node A${i} {} `)],
    ["edges", () => `node A {} ${numbered((i) => `edge E${i}: A -> A `)}`],
    [
      "an interface that many nodes implement",
      () => {
        const interfaceText = `interface I { ${numbered((i) => `p${i}: I32 `)} }`;
        return interfaceText + numbered((i) => `node N${i} implements I {} `);
      },
    ],
    ["implements", () => `interface I { p: I32 } node A implements I${numbered(() => ", I")} {}`],
    ["hints", () => numbered((i) => `node A${i} @rename_from("B${i}") { p: I32 @rename_from("q") } `)],
  ])("made of %s is admitted or refused with a place", (_subject, make) => {
    survives(make());
  });

  it("plans against itself", () => {
    const source = numbered((i) => `node A${i} { p: I32 @index q: enum(a, b) @unique(p, q) } `);
    const accepted = admit(source);
    expect(planMigration(accepted, `${source} // more`, false).steps).toEqual([]);
    expect(planMigration(accepted, "", false).steps).toHaveLength(accepted.nodes.size);
    const wide = admit(`node A { ${numbered((i) => `p${i}: I32? @index `)} }`);
    expect(planMigration(wide, "node A {}", true).supported).toBe(true);
  }, 60_000);
});
