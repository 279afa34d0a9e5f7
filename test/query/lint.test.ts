import { describe, expect, it } from "bun:test";
import { type LintInput, lintQueries } from "../../src/query/index.ts";
import { library, people } from "./fixtures.ts";

const input: LintInput = { schema_source: { kind: "file", path: "s.pg" }, query_path: "q.gq" };
const lint = (source: string) => lintQueries(source, people, input).output;
const lintLines = (source: string) => lintQueries(source, people, input).lines.map(({ text }) => text);

const good = "query good($h: String) { match { $u: User { handle: $h } } return { $u.handle } }";
const bad = "query bad($h: String) { match { $u: User { nope: $h } } return { $u } }";

describe("lint", () => {
  it("reports each query in its order, with its operation or its error", () => {
    const output = lint(`${good} ${bad}`);
    expect(output).toEqual({
      status: "error",
      schema_source: { kind: "file", path: "s.pg" },
      query_path: "q.gq",
      queries_processed: 2,
      errors: 1,
      warnings: 0,
      infos: 0,
      results: [
        {
          name: "good",
          kind: "read",
          status: "ok",
          operation: {
            result: [{ name: "handle", kind: "string", nullable: false }],
            reads: [{ kind: "node", type_name: "User" }],
            writes: [],
          },
        },
        { name: "bad", kind: "read", status: "error", error: expect.stringContaining("type error: T2: ") },
      ],
      findings: [],
    });
    expect(Object.keys(output.results[1] ?? {})).toEqual(["name", "kind", "status", "error"]);
  });

  it("keeps its keys in the order of the contract", () => {
    expect(Object.keys(lint(good))).toEqual([
      "status",
      "schema_source",
      "query_path",
      "queries_processed",
      "errors",
      "warnings",
      "infos",
      "results",
      "findings",
    ]);
  });

  it("is content with a file without queries", () => {
    expect(lint("// nothing")).toMatchObject({
      status: "ok",
      queries_processed: 0,
      results: [],
      findings: [],
    });
  });

  it("reports a file that does not parse as Q000 alone", () => {
    const output = lint(`${good} query broken(`);
    expect(output).toMatchObject({
      status: "error",
      queries_processed: 0,
      errors: 1,
      warnings: 0,
      results: [],
    });
    expect(output.findings).toEqual([
      {
        severity: "error",
        code: "Q000",
        message: expect.stringMatching(/^parse error: .*\(line 1, column \d+\)$/),
      },
    ] as never);
  });

  it("names the graph where the schema came from one", () => {
    const { output: fromGraph } = lintQueries(good, people, {
      ...input,
      schema_source: { kind: "graph", uri: "s3://b/g.omni" },
    });
    expect(fromGraph.schema_source).toEqual({ kind: "graph", uri: "s3://b/g.omni" });
  });

  it("warns of mutations without parameters, whether they check or not", () => {
    const warning = "mutation declares no params; hardcoded mutations are easy to miss";
    const output = lint(
      "query a() { delete User where age = 1 } query b() { delete Nobody where age = 1 } query c($x: I32) { delete User where age = $x }",
    );
    expect(output.results.map(({ warnings }) => warnings)).toEqual([[warning], [warning], undefined]);
    expect(output).toMatchObject({ status: "error", warnings: 2, errors: 1 });
    expect(lint("query a() { delete User where age = 1 }").status).toBe("ok");
  });

  it("warns once of each column that is returned more than once", () => {
    const output = lint(
      "query a() { match { $u: User } return { $u.age as n, $u.city as n, $u.handle as n, $u } }",
    );
    expect(output.results[0]?.warnings).toEqual([
      "column 'n' is returned more than once; rows keep the last value",
    ]);
  });

  it("reports a mixed mutation with its own words", () => {
    const [result] = lint(
      "query a($h: String) { insert User { handle: $h } delete User where handle = $h }",
    ).results;
    expect(result?.error).toStartWith("mutation 'a' on the same query mixes inserts/updates and deletes");
  });
});

describe("L201", () => {
  const update = (name: string, set: string) =>
    `query ${name}($h: String) { update User set { ${set} } where handle = $h }`;

  it("names the nullable properties that no update sets, with the queries that could", () => {
    const output = lint(`${update("b", "age: 1")} ${update("a", "age: 2")}`);
    expect(output).toMatchObject({ status: "ok", errors: 0, warnings: 2 });
    expect(output.findings).toEqual(
      ["city", "joined"].map((property) => ({
        severity: "warning",
        code: "L201",
        message: `User.${property} exists in schema but no update query sets it`,
        type_name: "User",
        property,
        query_names: ["a", "b"],
      })) as never,
    );
  });

  it("is silent where every property is set by some update, or no update checks", () => {
    expect(lint(`${update("a", "age: 1, city: $h")} ${update("b", "joined: now()")}`).findings).toEqual([]);
    expect(lint(update("a", "age: 1, handle: $h")).findings).toEqual([]);
    expect(lint("query i($h: String) { insert User { handle: $h } }").findings).toEqual([]);
  });

  it("passes over required properties, keys and embedded vectors, and sorts by type and property", () => {
    const source =
      "query u($s: String) { update Plain set { word: $s } where word = $s update Pair set { hall: $s } where hall = $s } query v($s: String) { update Pair set { note: $s } where hall = $s update Doc set { title: $s } where slug = $s }";
    const { findings } = lintQueries(source, library, input).output;
    expect(findings.map(({ type_name, property }) => `${type_name}.${property}`)).toEqual(
      "at body bytes day flag pages ratio scan scores tags times vec weight"
        .split(" ")
        .map((name) => `Doc.${name}`),
    );
  });
});

describe("lint for people", () => {
  it("prints a line for each query, warning and finding, and counts at the end", () => {
    const source = `${good} ${bad} query wipe() { update User set { age: 1, city: "x" } where age = 2 }`;
    expect(lintLines(source)).toEqual([
      "OK    query `good` (read)",
      "ERROR query `bad`: type error: T2: node type 'User' has no property 'nope' (it has age, city, handle, joined) (line 1, column 126)",
      "OK    query `wipe` (mutation)",
      "WARN  query `wipe`: mutation declares no params; hardcoded mutations are easy to miss",
      "WARN  L201: User.joined exists in schema but no update query sets it",
      "INFO  Lint complete: 3 queries processed (1 error(s), 2 warning(s), 0 info item(s))",
    ]);
  });

  it("prints why a file does not parse", () => {
    expect(lintLines("query")).toEqual([
      "ERROR Q000: parse error: expected a query name (a lower-case letter or '_' first), found the end of the source (line 1, column 6)",
      "INFO  Lint complete: 0 queries processed (1 error(s), 0 warning(s), 0 info item(s))",
    ]);
  });
});
