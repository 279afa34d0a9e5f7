import { describe, expect, it } from "bun:test";
import { type Constant, resolveConstant } from "../../src/query/index.ts";
import { matching, messageOf, readPlan } from "./fixtures.ts";

const NOW_MS = 1_760_000_000_123;

function constant(filter: string): Constant {
  const clause = readPlan(matching(filter)).clauses[1];
  if (clause?.kind !== "filter") throw new Error("no filter");
  for (const operand of [clause.left, clause.right]) if (operand.kind !== "property") return operand;
  throw new Error("no constant");
}

const resolve = (filter: string) =>
  resolveConstant(constant(filter), new Map<string, never>([["s", "value" as never]]), NOW_MS);

describe("a constant", () => {
  it("is its literal, its parameter or the time of the request", () => {
    expect(resolve("$x.bytes = 9007199254740993")).toBe(9007199254740993n);
    expect(resolve('["a", "b"] contains $x.title')).toEqual(["a", "b"]);
    expect(resolve("$x.title = $s")).toBe("value");
    expect(resolve("$x.at < now()")).toBe(NOW_MS);
  });

  it("is days for a date, milliseconds for a datetime", () => {
    expect(resolve('$x.day = date("1970-01-02")')).toBe(1);
    expect(resolve('$x.day = date("1970-01-02T23:00:00-02:00")')).toBe(2);
    expect(resolve('$x.at = datetime("1970-01-02")')).toBe(86_400_000);
    expect(resolve('[date("1970-01-01"), date("19700103")] contains $x.day')).toEqual([0, 2]);
  });

  it("refuses texts that are no date when it is resolved, not before", () => {
    expect(messageOf(() => resolve('$x.day = date("nope")'))).toBe("invalid Date literal 'nope'");
    expect(messageOf(() => resolve('$x.at = datetime("2025-13-01")'))).toBe(
      "invalid DateTime literal '2025-13-01'",
    );
    expect(messageOf(() => resolve('[datetime("")] contains $x.at'))).toBe("invalid DateTime literal ''");
  });

  it("never resolves a parameter that was not decoded", () => {
    expect(() => resolveConstant(constant("$x.title = $s"), new Map(), NOW_MS)).toThrow("invariant broken");
  });
});
