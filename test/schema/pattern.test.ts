import { describe, expect, it } from "bun:test";
import { compilePattern, PatternError } from "../../src/schema/index.ts";

describe("a check pattern", () => {
  it.each<[string, string[], string[]]>([
    // Search is not anchored.
    ["b", ["b", "abc", "\nb"], ["", "B", "ac"]],
    ["", ["", "x"], []],
    ["^M-\\d{4}$", ["M-1234", "M-١٢٣٤"], ["M-123", "M-12345", "xM-1234", "M-1234\n"]],
    ["^a|b$", ["ab", "ax", "xb"], ["ba", ""]],
    ["^(?:|x)$", ["", "x"], ["y"]],
    // Repetition, greedy or not.
    ["^a{2}$", ["aa"], ["a", "aaa"]],
    ["^a{2,}?$", ["aa", "aaaa"], ["a"]],
    ["^a{0,2}$", ["", "a", "aa"], ["aaa"]],
    ["^(ab)+?c*$", ["ab", "ababcc"], ["", "c"]],
    ["^a{2}{3}$", ["aaaaaa"], ["aaaaa"]],
    ["^(a*)*$", ["", "aaa"], ["b"]],
    ["^a{0}$", [""], ["a"]],
    // The dot leaves out the newline only.
    ["^a.c$", ["abc", "a\rc", "a\u2028c", "a😀c"], ["a\nc", "ac"]],
    ["(?s)^a.c$", ["a\nc"], []],
    // Flags.
    ["(?i)^straße$", ["straße", "STRAßE"], ["strasse"]],
    ["(?i)^k$", ["k", "K", "\u212a"], ["j"]],
    ["^(?i:A)b$", ["ab", "Ab"], ["aB"]],
    ["^(?i)a(?-i)b$", ["Ab"], ["AB"]],
    ["^(?i)a|B$", ["A", "xb"], []],
    ["(?m)^b$", ["a\nb\nc"], ["ab", "a\r\nbc"]],
    ["(?x) ^ a [ b c ] # comment\n $", ["ab", "ac"], ["a b", "a "]],
    ["(?U)^a+$", ["aa"], ["b"]],
    // Anchors and words.
    ["\\Aa\\z", ["a"], ["a\n", "ba"]],
    ["\\bfoo\\b", ["foo", "a foo!", "foo\nbar"], ["afoo", "food", "éfoo"]],
    ["\\Boo", ["foo"], ["oo", " oo"]],
    ["a$b", [], ["ab", "a\nb"]],
    // Classes.
    ["^[a-c_-]+$", ["ab-_"], ["d", ""]],
    ["^[^a]$", ["b", "\n", "😀"], ["a", ""]],
    ["(?i)^[^a]$", ["b"], ["a", "A"]],
    ["^[]a]+$", ["]a"], ["b"]],
    ["^[a-z&&[^aeiou]]+$", ["xyz"], ["xya"]],
    ["^[a-z--[m-p]]$", ["a", "q"], ["n"]],
    ["^[a-c~~[b-d]]$", ["a", "d"], ["b", "c"]],
    ["^[[:digit:][:^ascii:]]+$", ["7é"], ["a"]],
    ["^[\\d\\s-]+$", ["1 -"], ["a"]],
    ["^\\w+$", ["é_9ß"], ["a b", "-"]],
    ["^\\S\\D\\W$", ["ab-"], [" b-", "a1-", "abc"]],
    ["^\\p{Greek}\\p{Lu}\\pL\\P{L}$", ["αΑb1"], ["aΑb1", "ααb1"]],
    ["^\\p{greek}\\p{Script=Latin}\\p{^L}$", ["αa1"], ["aa1"]],
    ["(?i)^\\p{Lu}$", ["a", "A"], ["1"]],
    // Escapes.
    ["^\\x41\\x{1F600}\\u0042\\U00000043\\t\\.\\-\\/$", ["A😀BC\t.-/"], []],
    ["^(?<year>\\d+)-(?P<m>\\d+)$", ["2024-1"], ["2024"]],
  ])("%j finds what it should", (source, matching, others) => {
    const pattern = compilePattern(source);
    for (const text of matching) expect([text, pattern.matches(text)]).toEqual([text, true]);
    for (const text of others) expect([text, pattern.matches(text)]).toEqual([text, false]);
  });

  it.each([
    ["(", "unclosed '('"],
    ["a)", "unopened ')'"],
    ["[a", "unclosed '['"],
    ["[", "unclosed '['"],
    ["[]", "unclosed '['"],
    ["*a", "nothing to repeat"],
    ["a|+", "nothing to repeat"],
    ["(?i)*", "nothing to repeat"],
    ["a{", "expected a number"],
    ["a{2", "unclosed '{'"],
    ["a{3,2}", "least number above its greatest"],
    ["a{9999999}", "too many repetitions"],
    ["\\", "backslash at the end"],
    ["\\y", "unknown escape '\\y'"],
    ["\\x{110000}", "invalid hexadecimal escape"],
    ["\\xZ1", "invalid hexadecimal escape"],
    ["\\x{", "invalid hexadecimal escape"],
    ["\\p{Foo}", "unknown Unicode property 'Foo'"],
    ["\\p{", "unclosed"],
    ["\\p", "unknown Unicode property"],
    ["[[:foo:]]", "unknown class '[:foo:]'"],
    ["[z-a]", "ends swapped"],
    ["[a-\\d]", "must end in one character"],
    ["(?=a)", "look-around is not supported"],
    ["(?!a)", "look-around is not supported"],
    ["(?<=a)", "look-around is not supported"],
    ["(?<!a)", "look-around is not supported"],
    ["(a)\\1", "back-references are not supported"],
    ["(?<a>a)\\k<a>", "back-references are not supported"],
    ["(?<1>a)", "invalid group name"],
    ["(?>a)", "unknown group or flag"],
    ["(?", "unknown group or flag"],
    ["(?-u)a", "unknown group or flag"],
    ["((a{100}){100}){100}", "too large"],
    ["a{20000}", "too large"],
    ["(".repeat(5000), "nesting deeper"],
    ["[".repeat(5000), "nesting deeper"],
    [`a${"*".repeat(5000)}`, "nesting deeper"],
  ])("%j is refused", (source, phrase) => {
    expect(() => compilePattern(source)).toThrow(PatternError);
    expect(() => compilePattern(source)).toThrow(phrase);
  });

  it("names the character where it is wrong", () => {
    expect(() => compilePattern("a😀\\y")).toThrow("character 3 of the pattern");
  });

  it.each([
    ["^(a+)+$", `${"a".repeat(50_000)}b`],
    ["^(a|aa)*$", `${"a".repeat(50_000)}b`],
    ["(x+x+)+y", "x".repeat(50_000)],
    ["^(.*)*,(.*)*;$", "x,".repeat(20_000)],
  ])("%s takes linear time on a hostile value", (source, value) => {
    expect(compilePattern(source).matches(value)).toBe(false);
  });

  it("stays right when it has met more than it remembers", () => {
    const pattern = compilePattern("(a|b)*a(a|b){12}c$");
    let text = "";
    for (let i = 0, seed = 7; i < 60_000; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      text += (seed >>> 16) % 2 === 0 ? "a" : "b";
    }
    expect(pattern.matches(text)).toBe(false);
    expect(pattern.matches(`${text}a${"b".repeat(12)}c`)).toBe(true);
    expect(pattern.matches(`${text}b${"b".repeat(12)}c`)).toBe(false);
  });

  it("agrees with the runtime's engine where both speak the same dialect", () => {
    const atoms = ["a", "b", "[ab]", "[^a]", ".", "(a|b)", "(?:ab)?", "a*", "b+", "a{1,2}", "^", "$", "\\b"];
    const texts = ["", "a", "b", "ab", "ba", "aab", "abb", "a b", "bab a"];
    let seed = 1;
    const pick = (count: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 16) % count;
    };
    for (let round = 0; round < 500; round++) {
      const source = Array.from({ length: 1 + pick(5) }, () => atoms[pick(atoms.length)]).join(
        pick(4) === 0 ? "|" : "",
      );
      const ours = compilePattern(source);
      const theirs = new RegExp(source, "su");
      for (const text of texts)
        expect([source, text, ours.matches(text)]).toEqual([source, text, theirs.test(text)]);
    }
  });
});
