import { describe, expect, it } from "bun:test";
import {
  anyObject,
  flag,
  integer,
  list,
  nullable,
  object,
  omittable,
  oneOf,
  optional,
  text,
} from "../../src/server/schema-kit.ts";

const Berth = object(
  "Berth",
  {
    code: text(),
    draught: optional(integer()),
    night: omittable(flag()),
    kinds: omittable(list(oneOf(["bulk", "tank"]))),
    extra: optional(anyObject()),
    note: nullable(text()),
  },
  { aliases: { berth_code: "code" } },
);

describe("a shape", () => {
  it("gives back the members it names and drops the others", () => {
    expect(Berth.read({ code: "A1", note: null, unknown: 1 }, "")).toEqual({
      code: "A1",
      draught: undefined,
      night: undefined,
      kinds: undefined,
      extra: undefined,
      note: null,
    });
  });

  it("takes an alias for its member, and refuses both at once", () => {
    expect(Berth.read({ berth_code: "A1", note: "x" }, "").code).toBe("A1");
    expect(() => Berth.read({ berth_code: "A1", code: "A1", note: "x" }, "")).toThrow(
      "duplicate field `code`",
    );
  });

  it("takes null for an optional scalar but not for a flag or a list", () => {
    expect(Berth.read({ code: "A", note: null, draught: null }, "").draught).toBeUndefined();
    expect(() => Berth.read({ code: "A", note: null, night: null }, "")).toThrow(
      "field `night`: expected boolean, got null",
    );
    expect(() => Berth.read({ code: "A", note: null, kinds: null }, "")).toThrow(
      "field `kinds`: expected array, got null",
    );
  });

  it("names the place and both types of what does not fit", () => {
    expect(() => Berth.read({ note: null }, "")).toThrow("missing field `code`");
    expect(() => Berth.read({ code: 7, note: null }, "")).toThrow(
      "field `code`: expected string, got number",
    );
    expect(() => Berth.read({ code: "A", note: null, kinds: ["bulk", "gas"] }, "")).toThrow(
      "field `kinds[1]`: expected one of 'bulk', 'tank', got string 'gas'",
    );
    expect(() => Berth.read([], "")).toThrow("request body: expected object, got array");
    expect(() => Berth.read(undefined, "")).toThrow("the request needs a JSON body");
  });

  it("does not take members of Object.prototype for given ones", () => {
    const Odd = object("Odd", { constructor: optional(text()), toString: optional(text()) });
    expect(Odd.read({}, "")).toEqual({ constructor: undefined, toString: undefined } as never);
  });

  it("refuses unknown members where it is closed, and names the accepted ones", () => {
    const Closed = object(
      "Closed",
      { branch: optional(text()), type_names: omittable(list(text())) },
      { closed: true },
    );
    expect(() => Closed.read({ table_keys: [] }, "")).toThrow(
      "unknown field `table_keys`, expected one of `branch`, `type_names`",
    );
  });

  it("describes itself as JSON Schema, by reference where it has a name", () => {
    expect(Berth.schema).toEqual({ $ref: "#/components/schemas/Berth" });
    expect(Berth.components[0]?.schema).toEqual({
      type: "object",
      properties: {
        code: { type: "string" },
        draught: { type: ["integer", "null"], format: "int64" },
        night: { type: "boolean" },
        kinds: { type: "array", items: { type: "string", enum: ["bulk", "tank"] } },
        extra: { type: ["object", "null"], additionalProperties: true },
        note: { type: ["string", "null"] },
      },
      required: ["code", "note"],
    });
    expect(nullable(Berth).schema).toEqual({
      oneOf: [{ $ref: "#/components/schemas/Berth" }, { type: "null" }],
    });
  });
});
