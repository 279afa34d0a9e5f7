import { describe, expect, it } from "bun:test";
import {
  JsonDecimal,
  JsonSyntaxError,
  type JsonValue,
  parseJson,
  parseJsonExact,
  parseJsonStrict,
  prettyJson,
  stringifyJson,
} from "../../src/lib/json.ts";

describe("parseJson", () => {
  it("keeps integers beyond 2^53 as bigint", () => {
    expect(parseJson('{"a":9007199254740993,"b":[18446744073709551615,-9223372036854775808]}')).toEqual({
      a: 9007199254740993n,
      b: [18446744073709551615n, -9223372036854775808n],
    });
    expect(parseJson("9007199254740991")).toBe(9007199254740991);
  });

  it("agrees with JSON.parse on everything a double can hold", () => {
    for (const text of [
      "null",
      "true",
      "[]",
      "{}",
      '"\\u00e9\\n\\"\\\\/"',
      "-0.5e-3",
      '{"a":{"b":[1,2,{"c":null}]}}',
      "1e400",
    ]) {
      const long = `[1000000000000000001,${text}]`;
      expect((parseJson(long) as JsonValue[])[1]).toEqual(JSON.parse(text));
    }
  });

  it("names line and column of what is wrong", () => {
    expect(() => parseJson('{"a":1,\n  b:2}')).toThrow(
      "expected a member name in double quotes at line 2 column 3",
    );
    for (const text of ["", "{", "[1,]", '{"a" 1}', "nul", "01", "1.", '"\\x"', '"\n"', "[1] [2]", "+1"]) {
      expect(() => parseJson(text)).toThrow(JsonSyntaxError);
    }
  });

  it("reads half of a surrogate pair back, as it was written", () => {
    expect(parseJson(stringifyJson(["\ud83d", 12345678901234567890n]))).toEqual([
      "\ud83d",
      12345678901234567890n,
    ]);
  });

  it("refuses nesting that would overflow the stack", () => {
    expect(() => parseJsonStrict("[".repeat(100_000))).toThrow("nesting deeper than 512");
  });
});

describe("parseJsonStrict", () => {
  it("takes escaped pairs of surrogates and refuses halves, which no UTF-8 text can hold", () => {
    expect(parseJsonStrict('["\\ud83d\\udca5"]')).toEqual(["💥"]);
    for (const text of ['"\\ud83d"', '"\\uDCA5"', '"\\udca5\\ud83d"', '{"\\ud83d":1}']) {
      expect(() => parseJsonStrict(text)).toThrow("half of a surrogate pair");
    }
  });

  it("refuses a member named twice at any depth", () => {
    expect(() => parseJsonStrict('{"a":[{"b":1,"b":2}]}')).toThrow("duplicate JSON member 'b'");
  });

  it("keeps whole numbers that were written as decimals apart from integers", () => {
    expect(parseJsonStrict("[3.0,1e3,3,2.5]")).toEqual([
      new JsonDecimal("3.0"),
      new JsonDecimal("1e3"),
      3,
      2.5,
    ]);
  });

  it("refuses nesting that it would not read, also where nothing else is wrong", () => {
    expect(() => parseJsonStrict(`${"[".repeat(600)}${"]".repeat(600)}`)).toThrow("nesting deeper than 512");
  });
});

describe("parseJsonExact", () => {
  it("takes the last of members with one name", () => {
    expect(parseJsonExact('{"a":1,"a":{"b":1,"b":2}}')).toEqual({ a: { b: 2 } });
    expect(parseJsonExact('{"a":9007199254740993,"a":18446744073709551615}')).toEqual({
      a: 18446744073709551615n,
    });
  });

  it("tells a whole decimal from an integer and from a fraction, however they are mixed", () => {
    const numbers = [
      ..."0 7 -12 999999999999999 9007199254740993 0.5 -0.038637526333332062 3.0 -3.000 1e3 1E+2 15e-1 10e-1".split(
        " ",
      ),
      ..."1.5e1 2.5e0 1e400 1e-400 123456789012345678.5 0e0 4.9e-324".split(" "),
    ];
    for (let i = 0; i < numbers.length; i++) {
      for (let j = 0; j < numbers.length; j++) {
        const read = parseJsonExact(`{"n":[${numbers[i]}, ${numbers[j]}],"1.0e5":"2.0"}`) as {
          n: JsonValue[];
        };
        for (const [value, text] of [
          [read.n[0], numbers[i]],
          [read.n[1], numbers[j]],
        ] as const) {
          const number = Number(text);
          if (/[.eE]/.test(text))
            expect(value).toEqual(Number.isInteger(number) ? new JsonDecimal(text) : number);
          else expect(value).toBe(Number.isSafeInteger(number) ? number : BigInt(text));
        }
      }
    }
  });

  it("keeps whole decimals apart and says where text is no JSON", () => {
    expect(parseJsonExact("3.0")).toEqual(new JsonDecimal("3.0"));
    expect(() => parseJsonExact("{oops}")).toThrow("expected a member name");
  });
});

describe("writing JSON", () => {
  it("writes back what was read, digit for digit", () => {
    const text = '{"a":9007199254740993,"b":[0.1,-5,1e+21,"é\\"",null,true],"c":{}}';
    expect(stringifyJson(parseJson(text))).toBe(text);
    expect(stringifyJson(parseJsonStrict('{"a":3.0}'))).toBe('{"a":3.0}');
  });

  it("writes numbers that JSON lacks as strings and keeps the sign of zero", () => {
    expect(stringifyJson([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])).toBe(
      '["NaN","Infinity","-Infinity"]',
    );
    expect(Object.is(JSON.parse(stringifyJson(-0)), -0)).toBe(true);
  });

  it("indents by two spaces in the order of the keys", () => {
    expect(prettyJson({ b: [1, { a: null }], a: {}, c: [] })).toBe(
      '{\n  "b": [\n    1,\n    {\n      "a": null\n    }\n  ],\n  "a": {},\n  "c": []\n}',
    );
  });

  it("writes a value the same beside numbers that need care", () => {
    const values: JsonValue[] = [
      { b: [1, -0.5, 1e21, 1e-7], a: { "": null, é: "line\nbreak \u2028 \ud83d" }, c: [], d: {}, e: [[]] },
      { left: undefined as unknown as JsonValue, kept: true, 10: "ten", 9: "nine" },
      "text",
      Number.MAX_SAFE_INTEGER,
    ];
    for (const value of values) {
      expect(stringifyJson([value, 1n])).toBe(`[${stringifyJson(value)},1]`);
      for (const careful of [1n, -0, Number.NaN]) {
        const text = stringifyJson(careful);
        expect(prettyJson({ value, careful })).toBe(
          `{\n  "value": ${prettyJson(value, "  ")},\n  "careful": ${text}\n}`,
        );
      }
    }
  });
});
