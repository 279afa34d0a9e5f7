import { describe, expect, it } from "bun:test";
import { parseQueries, planQuery, selectQuery } from "../../src/query/index.ts";
import { messageOf, people } from "./fixtures.ts";

const two = parseQueries(
  'query a() { delete Team where code = "1" } query b() { delete Team where code = "2" } query a() { delete User where age = 3 }',
);

describe("selecting a query", () => {
  it("picks the first declaration of a name", () => {
    expect(selectQuery(two, "a")).toBe(two[0] as never);
    expect(selectQuery(two, "b")).toBe(two[1] as never);
  });

  it("picks the only declaration without a name", () => {
    expect(selectQuery(two.slice(1, 2))).toBe(two[1] as never);
  });

  it("refuses an unknown name and, without a name, none or several declarations", () => {
    expect(messageOf(() => selectQuery(two, "c"))).toBe("query 'c' not found");
    expect(messageOf(() => selectQuery([], "c"))).toBe("query 'c' not found");
    expect(messageOf(() => selectQuery(two, ""))).toBe("query '' not found");
    expect(messageOf(() => selectQuery(two))).toBe("query file contains multiple queries; pass --name");
    expect(messageOf(() => selectQuery([]))).toContain("no query is declared");
  });

  it("checks the selected declaration only", () => {
    const source = "query bad() { delete Nothing where a = 1 } query good() { delete User where age = 1 }";
    expect(planQuery(source, "good", people).name).toBe("good");
    expect(messageOf(() => planQuery(source, "bad", people))).toContain("T10");
  });
});
