import { describe, expect, it } from "bun:test";
import { Lexicon, type Token, tokenAt, tokenize, tokenValue } from "../../src/lib/lexer.ts";
import { positionOf, SourceError } from "../../src/lib/source.ts";

const PUNCTUATION = ["->", "..", "{", "}", "(", ")", ":", ",", "<", ">", "=", "-", "."];

function lex(source: string, variables = true): Token[] {
  const tokens = tokenize(source, new Lexicon(PUNCTUATION, variables));
  return Array.from({ length: tokens.count }, (_, index) => tokenAt(tokens, index));
}

const show = (tokens: readonly Token[]) => tokens.map(({ kind, text }) => `${kind} ${text}`.trim());

function failure(source: string, variables = true): SourceError {
  try {
    lex(source, variables).map(tokenValue);
  } catch (thrown) {
    if (thrown instanceof SourceError) return thrown;
    throw thrown;
  }
  throw new Error(`'${source}' has no error`);
}

describe("tokenize", () => {
  it("tells names, types, variables, numbers, strings and punctuation apart", () => {
    expect(show(lex('knows Knows _x $a $_ 12 1.5 "t" ->'))).toEqual([
      "name knows",
      "type Knows",
      "name _x",
      "variable a",
      "variable _",
      "int 12",
      "float 1.5",
      'string "t"',
      "punct ->",
      "end",
    ]);
  });

  it("takes digits, a dot and digits for a float, and two dots for a range", () => {
    expect(show(lex("0..5"))).toEqual(["int 0", "punct ..", "int 5", "end"]);
    expect(show(lex("1.5..2"))).toEqual(["float 1.5", "punct ..", "int 2", "end"]);
    expect(show(lex("1."))).toEqual(["int 1", "punct .", "end"]);
    expect(show(lex(".5"))).toEqual(["punct .", "int 5", "end"]);
    expect(show(lex("1.2.3"))).toEqual(["float 1.2", "punct .", "int 3", "end"]);
  });

  it("prefers the longer punctuation", () => {
    expect(show(lex("a->b - >"))).toEqual(["name a", "punct ->", "name b", "punct -", "punct >", "end"]);
  });

  it("skips both kinds of comments, in which any character may stand", () => {
    expect(show(lex("a // né\nb /* { \n * ** 😀 */ c //"))).toEqual(["name a", "name b", "name c", "end"]);
    expect(show(lex("/**/"))).toEqual(["end"]);
    expect(show(lex("/*/ a */b"))).toEqual(["name b", "end"]);
  });

  it("decodes strings and keeps what they look like", () => {
    const [token] = lex('"tab\\there \\"x\\" \\\\ \\n\\r\nnaïve 😀"');
    expect(tokenValue(token)).toBe('tab\there "x" \\ \n\r\nnaïve 😀');
    expect(token.text).toBe('"tab\\there \\"x\\" \\\\ \\n\\r\nnaïve 😀"');
    expect(tokenValue(lex('""')[0])).toBe("");
    expect(tokenValue(lex('"\\\\"')[0])).toBe("\\");
  });

  it("gives every token its place", () => {
    const source = 'ab  "c" $de';
    const tokens = lex(source);
    expect(tokens.map(({ start, end }) => source.slice(start, end))).toEqual(["ab", '"c"', "$de", ""]);
    expect(tokens.every(({ start, end }) => end > start)).toBe(true);
  });

  it.each([
    ['"a\\qb"', "unsupported escape sequence: \\q", 2, 4],
    ['"a\\😀"', "unsupported escape sequence: \\😀", 2, 5],
    ['x "abc', "unterminated string", 2, 3],
    ['"abc\\"', "unterminated string", 0, 1],
    ['"\\', "unterminated string", 0, 1],
    ["a /* b", "unterminated comment", 2, 4],
    ["/*/", "unterminated comment", 0, 2],
    ["a # b", "unexpected character '#': comments start with '//'", 2, 3],
    ["aé", "only ASCII is allowed", 1, 2],
    ["😀", "unexpected character '😀'", 0, 2],
    ["\u0000", "unexpected character U+0000", 0, 1],
    ["\u00a0a", "unexpected character U+00A0: outside strings and comments only ASCII is allowed", 0, 1],
    ["a\ufeff", "unexpected character U+FEFF", 1, 2],
    ["/", "unexpected character '/'", 0, 1],
    ["$", "expected a lower-case name right after '$'", 0, 1],
    ["$Upper", "expected a lower-case name right after '$'", 0, 1],
    ["$ a", "expected a lower-case name right after '$'", 0, 1],
  ])("refuses %j", (source, message, start, end) => {
    const error = failure(source);
    expect(error.message).toContain(message);
    expect(error.span).toEqual({ start, end });
  });

  it("skips a byte order mark at the beginning, and nowhere else", () => {
    expect(show(lex("\ufeffnode A"))).toEqual(["name node", "type A", "end"]);
    expect(lex("\ufeffnode")[0]).toMatchObject({ start: 1 });
    expect(failure("node \ufeffA").span).toEqual({ start: 5, end: 6 });
    expect(failure("\ufeff\ufeff").span).toEqual({ start: 1, end: 2 });
  });

  it("refuses half of a surrogate pair, also where any character may stand", () => {
    expect(tokenValue(lex('"💥"')[0])).toBe("💥");
    for (const source of ['a "\ud83d"', "a // \udca5", "a /* \ud83d */"]) {
      expect(failure(source).message).toStartWith("half of a surrogate pair");
    }
    expect(failure('💥\n "x\udca5\ud83d"').span).toEqual({ start: 6, end: 7 });
  });

  it("refuses variables where the language has none", () => {
    expect(failure("$a", false).message).toContain("unexpected character '$'");
  });

  it.each(["{", "a ", "$a", "1.5..2 ", '"\\n"', '""', "// é\n", "/*", '"\\n', "/", "-", "é"])(
    "reads a megabyte of %j",
    (unit) => {
      const source = unit.repeat(2 ** 20 / unit.length);
      try {
        expect(lex(source).at(-1)?.kind).toBe("end");
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(SourceError);
      }
    },
  );
});

describe("positionOf", () => {
  it("counts lines and characters from one", () => {
    const source = "ab\ncd\r\né😀x";
    expect(positionOf(source, 0)).toEqual({ line: 1, column: 1 });
    expect(positionOf(source, 2)).toEqual({ line: 1, column: 3 });
    expect(positionOf(source, 3)).toEqual({ line: 2, column: 1 });
    expect(positionOf(source, source.indexOf("x"))).toEqual({ line: 3, column: 3 });
  });

  it("puts what lies beyond the text at its end", () => {
    expect(positionOf("a\n", 99)).toEqual({ line: 2, column: 1 });
    expect(positionOf("", 0)).toEqual({ line: 1, column: 1 });
  });
});
