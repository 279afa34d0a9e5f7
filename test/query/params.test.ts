import { describe, expect, it } from "bun:test";
import { type JsonValue, parseJson } from "../../src/lib/json.ts";
import { decodeParams, parseQueries, type Value } from "../../src/query/index.ts";
import { messageOf } from "./fixtures.ts";

const declare = (params: string) =>
  parseQueries(`query q(${params}) { delete T where k = 1 }`)[0]?.params ?? [];
const decode = (type: string, json: JsonValue) => decodeParams(declare(`$p: ${type}`), { p: json }).get("p");
const refusal = (type: string, json: JsonValue) => messageOf(() => decode(type, json));

const DAY_MS = 86_400_000;

describe("params", () => {
  it("may be absent or null where nothing is required", () => {
    expect(decodeParams([], undefined).size).toBe(0);
    expect(decodeParams([], null).size).toBe(0);
    expect(decodeParams(declare("$a: I32?"), null)).toEqual(new Map([["a", null]]));
  });

  it.each([[[]], ["a"], [1], [true], [[{}]]] as JsonValue[][])("must be an object, not %j", (json) => {
    expect(messageOf(() => decodeParams([], json))).toBe("params must be a JSON object");
  });

  it("bind null to a nullable parameter that is null or left out", () => {
    const params = declare("$a: String?, $b: [I32]?, $c: Vector(2)?");
    expect([...decodeParams(params, { a: null, b: null })]).toEqual([
      ["a", null],
      ["b", null],
      ["c", null],
    ]);
  });

  it("must give every required parameter", () => {
    const params = declare("$a: I32, $constructor: String");
    expect(messageOf(() => decodeParams(params, { a: 1 }))).toBe("parameter 'constructor' not provided");
    expect(messageOf(() => decodeParams(params, null))).toBe("parameter 'a' not provided");
    expect(messageOf(() => decodeParams(params, { a: null }))).toBe(
      "param 'a': null is not accepted for non-nullable parameter",
    );
  });

  it("ignore undeclared members, unless they hold an object", () => {
    const extra = { x: 1, y: null, z: [1, ["a", [true]]], __nanograph_now: "2020-01-01" };
    expect(decodeParams([], extra).size).toBe(0);
    for (const json of [{ x: {} }, { x: [[1], [[{}]]] }] as JsonValue[]) {
      expect(messageOf(() => decodeParams([], json))).toBe("param 'x': object is not supported");
    }
  });

  it("survive arrays nested beyond any stack", () => {
    let deep: JsonValue = [];
    for (let depth = 0; depth < 200_000; depth++) deep = [deep];
    expect(decodeParams([], { x: deep }).size).toBe(0);
  });
});

describe("accepted values", () => {
  it.each([
    ["String", "", ""],
    ["String", "x' OR '1'='1", "x' OR '1'='1"],
    ["I32", 2147483647, 2147483647],
    ["I32", -2147483648, -2147483648],
    ["I32", "-12", -12],
    ["I32", "+007", 7],
    ["I64", 3, 3n],
    ["I64", 9223372036854775807n, 9223372036854775807n],
    ["I64", "9007199254740993", 9007199254740993n],
    ["I64", "-9223372036854775808", -9223372036854775808n],
    ["U32", 4294967295, 4294967295],
    ["U32", "+4", 4],
    ["U64", 0, 0n],
    ["U64", "9223372036854775807", 9223372036854775807n],
    ["F32", 0.1, 0.1],
    ["F32", 2, 2],
    ["F64", -1e300, -1e300],
    ["F64", 9007199254740993n, 9007199254740992],
    ["Bool", false, false],
    ["Date", "1970-01-03", 2],
    ["Date", "1969-12-31", -1],
    ["Date", "1970-1-2", 1],
    ["Date", "19700102", 1],
    ["Date", "1970-01-02T00:30:00+01:00", 0],
    ["DateTime", "1970-01-02", DAY_MS],
    ["DateTime", "1970-01-01T00:00:00.1239Z", 123],
    ["DateTime", "1970-01-01 01:00:00+01:00", 0],
    ["DateTime", "1970-01-01T00:00:01", 1000],
    ["Blob", "base64:aGk=", "base64:aGk="],
    ["[String]", ["a", ""], ["a", ""]],
    ["[I64]", [1, "2", 9007199254740993n], [1n, 2n, 9007199254740993n]],
    ["[Date]", ["1970-01-02"], [1]],
    ["[Bool]", [], []],
  ] as [string, JsonValue, Value][])("%s takes %p", (type, json, value) => {
    expect(decode(type, json)).toEqual(value);
  });

  it("keep every digit of JSON text", () => {
    expect(decodeParams(declare("$p: I64"), parseJson('{"p": 9007199254740993}')).get("p")).toBe(
      9007199254740993n,
    );
  });

  it("make vectors of 32-bit floats", () => {
    expect(decode("Vector(3)", [1, -0.5, 2n])).toEqual(Float32Array.of(1, -0.5, 2));
  });
});

describe("refused values", () => {
  it.each([
    ["String", 1, "expected string, got number"],
    ["String", 9007199254740993n, "expected string, got number"],
    ["String", true, "expected string, got boolean"],
    ["String", ["a"], "expected string, got array"],
    ["String", { a: 1 }, "expected string, got object"],
    ["I32", 1.5, "expected integer number"],
    ["I32", 1e30, "expected integer number"],
    ["I32", 9223372036854775808n, "expected integer number"],
    ["I32", "1.5", "expected integer string, got '1.5'"],
    ["I32", " 1", "expected integer string, got ' 1'"],
    ["I32", "", "expected integer string, got ''"],
    ["I32", "0x1", "expected integer string, got '0x1'"],
    ["I32", "9223372036854775808", "expected integer string, got '9223372036854775808'"],
    ["I32", true, "expected integer"],
    ["I32", [1], "expected integer"],
    ["I32", 2147483648, "value 2147483648 exceeds I32"],
    ["I32", "-2147483649", "value -2147483649 exceeds I32"],
    ["I64", 9223372036854775808n, "expected integer number"],
    ["I64", "-9223372036854775809", "expected integer string, got '-9223372036854775809'"],
    ["I64", {}, "expected integer"],
    ["U32", -1, "expected unsigned integer number"],
    ["U32", 0.5, "expected unsigned integer number"],
    ["U32", "-1", "expected unsigned integer string, got '-1'"],
    ["U32", false, "expected unsigned integer"],
    ["U32", 4294967296, "value 4294967296 exceeds U32"],
    ["U64", 18446744073709551616n, "expected unsigned integer number"],
    ["U64", "18446744073709551616", "expected unsigned integer string, got '18446744073709551616'"],
    [
      "U64",
      "9223372036854775808",
      "value 9223372036854775808 exceeds current engine range for U64 (max 9223372036854775807)",
    ],
    [
      "U64",
      18446744073709551615n,
      "value 18446744073709551615 exceeds current engine range for U64 (max 9223372036854775807)",
    ],
    ["F32", "1.5", "expected float"],
    ["F64", Number.POSITIVE_INFINITY, "expected float"],
    ["F64", true, "expected float"],
    ["Bool", 1, "expected boolean"],
    ["Bool", "true", "expected boolean"],
    ["Date", 3, "expected date string"],
    ["Date", "2025-02-30", "invalid Date literal '2025-02-30'"],
    ["DateTime", 3, "expected datetime string"],
    ["DateTime", "2025-01-01T10:00Z", "invalid DateTime literal '2025-01-01T10:00Z'"],
    ["Blob", 3, "expected blob URI string, got number"],
    ["Blob", [], "expected blob URI string, got array"],
    ["Vector(3)", "abc", "expected array for Vector(3)"],
    ["Vector(3)", [1, 2], "expected 3 values for Vector(3), got 2"],
    ["Vector(3)", [1, 2, "3"], "vector element is not numeric"],
    ["Vector(3)", [1, 2, null], "vector element is not numeric"],
    ["Vector(3)", [1, 2, 1e39], "vector element 1e+39 exceeds Float32 range"],
    ["[String]", "a", "expected array for [String]"],
    ["[I32]?", { a: 1 }, "expected array for [I32]"],
    ["[String]", ["a", null], "expected string, got null"],
    ["[String]", [["a"]], "expected string, got array"],
    ["[I32]", [1, 2147483648], "value 2147483648 exceeds I32"],
    ["[I32]", [null], "expected integer"],
    ["[Date]", ["x"], "invalid Date literal 'x'"],
  ] as [string, JsonValue, string][])("%s refuses %p", (type, json, reason) => {
    expect(refusal(type, json)).toBe(`param 'p': ${reason}`);
  });

  it("do not slow down on very long digit strings", () => {
    expect(refusal("I64", "9".repeat(1_000_000))).toStartWith("param 'p': expected integer string, got '999");
  });
});
