import { describe, expect, it } from "bun:test";
import { testGraph } from "../support.ts";

describe("a row", () => {
  it("has a member for every column, whatever JavaScript makes of the name", async () => {
    const { load, graph } = await testGraph(
      "node A { name: String @key  __proto__: String?  constructor: I32? }",
    );
    await load(['{"type":"A","data":{"name":"__proto__","__proto__":"p","constructor":3}}']);
    const result = await graph.query({
      source: `query q() { match { $a: A } return { $a.__proto__ as __proto__, $a.constructor as constructor, $a } }`,
    });
    const text = '[{"__proto__":"p","constructor":3,"a":"__proto__"}]';
    expect(result.rowsJson()).toBe(text);
    expect(JSON.stringify(result.rows())).toBe(text);
  });
});
