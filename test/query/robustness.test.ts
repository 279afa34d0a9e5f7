// Sources of any shape and size end in a plan or in one of our errors: never in a crash, an overflow or a long wait.

import { describe, expect, it } from "bun:test";
import { lintQueries, parseQueries, planQuery } from "../../src/query/index.ts";
import { library, messageOf, parseMessage } from "./fixtures.ts";

const WORDS = [
  ..."{ } ( ) [ ] , : . < > = != <= >= @ ? - $a $b $_ $w $s T Doc Cites cites heldIn title vec slug 1 2.5 0 99999999999999999999".split(
    " ",
  ),
  ..."query match return order limit not insert update delete set where as asc desc count sum now search fuzzy bm25 nearest rrf".split(
    " ",
  ),
  ...'contains starts_with date true null String Vector I32 description # é 😀 ! / // /* */ \\ \' "a" "'.split(
    " ",
  ),
  "query q($s: String) { match { $a: Doc",
  "} return { $a.title } }",
  "\n",
];

/** Numbers in [0, bound), the same for the same seed. */
function randomNumbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

const VALID = `
  query find($s: String, $n: I32?) @description("d") {
    match {
      $a: Doc { title: $s, tags: "x" }
      $a cites{1,3} $b
      $b $w:cites $c
      $w.weight >= 1.5
      not { $a heldIn $_ not { $c.slug = $a.slug } }
      search($a.title, "words") = false
    }
    return { $a.slug as slug, count($w.note), max($b.pages) as n }
    order { slug desc, n } limit 10
  }
  query change($s: String) { update Doc set { pages: 3, body: null } where slug = $s }
`;

describe("any source", () => {
  it("of random words parses or fails as a bad request, and the checker then does the same", () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const random = randomNumbers(seed);
      const source = Array.from({ length: 1 + random(40) }, () => WORDS[random(WORDS.length)]).join(
        random(2) ? " " : "",
      );
      expect(messageOf(() => planQuery(source, undefined, library))).toBeString();
    }
  });

  it("cut short or damaged at any place never crashes", () => {
    for (let at = 0; at < VALID.length; at++) {
      const random = randomNumbers(at + 1);
      const damaged = VALID.slice(0, at) + WORDS[random(WORDS.length)] + VALID.slice(at + random(6));
      for (const source of [VALID.slice(0, at), damaged]) {
        expect(messageOf(() => lintQueries(source, library, lintInput))).toBe("(nothing was thrown)");
      }
    }
    expect(lintQueries(VALID, library, lintInput).output.status).toBe("ok");
  });
});

const lintInput = { schema_source: { kind: "file", path: "s" }, query_path: "q" } as const;

const MIB = 2 ** 20;
const fill = (text: string) => text.repeat(Math.ceil(MIB / text.length));
const inMatch = (text: string) => `query q() { match { $a: Doc ${text} } return { $a } }`;

describe("nesting", () => {
  it("is bounded in negations, expressions and lists", () => {
    const deep = (times: number) =>
      inMatch(`${"not { $a.title = $a.slug ".repeat(times)}${"}".repeat(times)}`);
    expect(parseMessage(deep(32))).toBe("(nothing was thrown)");
    expect(parseMessage(deep(33))).toContain("'not' blocks nest deeper than 32");
    expect(parseMessage(inMatch(`$a.pages = ${"count(".repeat(40)}`))).toContain(
      "expressions nest deeper than 32",
    );
    expect(parseMessage(inMatch(`$a.pages = ${"[".repeat(40)}`))).toContain(
      "list literals nest deeper than 32",
    );
  });
});

describe("a source of a mebibyte", () => {
  it.each([
    ["negations", "query q() { match { ", "not {"],
    ["calls", "query q() { match { $a.x = ", "count("],
    ["text calls", "query q() { match { ", "search("],
    ["lists", "query q() { match { $a.x = ", "["],
    ["digits", "query q() { match { $a.x = ", "9"],
    ["fraction digits", "query q() { match { $a.x = 0.", "9"],
    ["list elements", "query q() { match { $a.x = [", "1,"],
    ["dollars", "", "$"],
    ["an open string", "", '"a'],
    ["escapes", 'query q() { match { $a.x = "', "\\n"],
    ["one word", "", "a"],
    ["open comments", "", "/*"],
    ["parameters", "query q(", "$a: I32, "],
    ["annotations", "query q() ", '@description("a") '],
  ])("of %s is refused with its place", (_, head, text) => {
    expect(parseMessage(head + fill(text))).toMatch(/^parse error: .* \(line 1, column \d+\)$/s);
  });

  it("of ordinary clauses, items, keys and assignments checks", () => {
    const sources = [
      inMatch(fill("$a.pages = 1 $a cites $b not { $b cites $_ } ")),
      `query q() { match { $a: Doc } return { ${fill("$a.slug as n, ")} } order { ${fill("n, ")} n }}`,
      `query q() { match { $a: Doc } return { ${fill("$a.slug, count($a) as n ")} } order { ${fill("$a.slug, n, ")} n }}`,
      `query q() { ${fill('insert Plain { word: "a" } ')} }`,
    ];
    for (const source of sources) {
      expect(lintQueries(source, library, lintInput).output.results[0]?.error).toBeUndefined();
    }
  });

  it("of declarations and of comments parses", () => {
    expect(parseQueries(fill("query q() { delete T where k = 1 } ")).length).toBeGreaterThan(20_000);
    expect(parseQueries(fill("// comment\n/* and\n another */\n"))).toEqual([]);
  });
});
