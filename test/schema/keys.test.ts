import { describe, expect, it } from "bun:test";
import { canonicalKeyText, type KeyValue, nodeIdFromKey, type PropertyType } from "../../src/schema/index.ts";
import { admit } from "./support.ts";

const type = (scalar: PropertyType["scalar"]): PropertyType => ({
  scalar,
  list: false,
  nullable: false,
  enumValues: null,
});

function idOf(body: string, ...values: KeyValue[]): string {
  const node = admit(`node T { ${body} }`).nodes.get("T");
  if (node === undefined) throw new Error("no node T");
  return nodeIdFromKey(node, values);
}

describe("the canonical spelling of a key value", () => {
  it.each<[PropertyType["scalar"], KeyValue, string]>([
    ["String", "", ""],
    ["String", "Ünï 7", "Ünï 7"],
    ["Bool", true, "true"],
    ["Bool", false, "false"],
    ["I32", -7, "-7"],
    ["I32", -0, "0"],
    ["I64", -9223372036854775808n, "-9223372036854775808"],
    ["U64", 18446744073709551615n, "18446744073709551615"],
    ["Date", 18690, "18690"],
    ["Date", -1, "-1"],
    ["DateTime", 1614816000123, "1614816000123"],
    ["F32", 33554433, "33554432"],
    ["F32", -0, "0"],
    ["F32", 0.1, "0.1"],
    ["F32", 16777216, "16777216"],
    ["F32", -1.5, "-1.5"],
    ["F32", 3.4028234663852886e38, "340282350000000000000000000000000000000"],
    ["F32", 1.401298464324817e-45, "0.000000000000000000000000000000000000000000001"],
    ["F32", 2 ** -96, "0.000000000000000000000000000012621775"],
    ["F32", 2 ** 90, "1237940100000000000000000000"],
    ["F64", 1e21, "1000000000000000000000"],
    ["F64", 1e-7, "0.0000001"],
    ["F64", 1.5e300, `15${"0".repeat(299)}`],
    ["F64", -123.456, "-123.456"],
    ["F64", 100, "100"],
    ["F64", 0.1, "0.1"],
    ["F64", 5e-324, `0.${"0".repeat(323)}5`],
  ])("writes the %s %p as %s", (scalar, value, text) => {
    expect(canonicalKeyText(value, type(scalar))).toBe(text);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("refuses %p", (value) => {
    expect(() => canonicalKeyText(value, type("F64"))).toThrow("cannot identify an entity");
  });

  it("refuses what a 32-bit float cannot hold", () => {
    expect(() => canonicalKeyText(1e39, type("F32"))).toThrow("exceeds Float32 range");
  });

  it("reads back as the same 32-bit float, in no more than nine digits", () => {
    const float = new Float32Array(1);
    const bits = new Uint32Array(float.buffer);
    for (let i = 0; i < 2000; i++) {
      bits[0] = Math.imul(i + 1, 0x9e3779b1) >>> 0;
      if (!Number.isFinite(float[0])) continue;
      const text = canonicalKeyText(float[0], type("F32"));
      expect(Math.fround(Number(text))).toBe(float[0]);
      expect(text.replace(/[-.]/g, "").replace(/^0+|0+$/g, "").length).toBeLessThanOrEqual(9);
    }
  });
});

describe("nodeIdFromKey", () => {
  it("is the spelling itself for a key of one property", () => {
    expect(idOf("day: Date @key", 18690)).toBe("18690");
    expect(idOf("name: String @key", '["a"]')).toBe('["a"]');
  });

  it("is a compact JSON array of spellings for a composite key", () => {
    expect(idOf("zone: String bin: U32 @key(zone, bin)", 7, "N")).toBe('["7","N"]');
    expect(idOf("zone: String bin: U32 @key(bin, zone)", 7, "N")).toBe('["7","N"]');
    expect(idOf("a: Bool b: F64 c: I64 @key(a, b, c)", true, -0, 9n)).toBe('["true","0","9"]');
  });

  it("escapes what JSON must escape and nothing else", () => {
    expect(idOf("a: String b: String @key(a, b)", 'a"b\\', "é\n\u0001😀 ")).toBe(
      '["a\\"b\\\\","é\\n\\u0001😀 "]',
    );
  });
});
