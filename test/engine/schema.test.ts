import { describe, expect, it } from "bun:test";
import { expectRefused, testGraph } from "./support.ts";

const USER = `node User { name: String @key  age: I32?  status: enum(active, gone)? }
edge Knows: User -> User { since: Date? }
`;

async function users() {
  const fixture = await testGraph(USER);
  await fixture.load([
    { type: "User", data: { name: "ann", age: 30, status: "active" } },
    { type: "User", data: { name: "bob" } },
    { edge: "Knows", from: "ann", to: "bob" },
  ]);
  const apply = (source: string) => fixture.graph.applySchema({ source, actor: "admin" });
  return { ...fixture, apply };
}

describe("a schema apply", () => {
  it("adds a property that existing rows read as null, in one commit, without rewriting rows", async () => {
    const { apply, graph, rows, mutate } = await users();
    const before = await graph.snapshot({});
    const result = await apply(USER.replace("age: I32?", "age: I32?  nick: String?"));
    expect(result).toMatchObject({
      supported: true,
      applied: true,
      step_count: 1,
      graph_manifest_version: 3,
    });
    expect(await rows("match { $u: User } return { $u.name, $u.nick } order { $u.name }")).toEqual([
      { "u.name": "ann", "u.nick": null },
      { "u.name": "bob", "u.nick": null },
    ]);
    expect((await graph.snapshot({})).datasets).toEqual(before.datasets);
    await mutate('update User set { nick: "b" } where name = "bob"');
    expect(await rows('match { $u: User { nick: "b" } } return { $u.name }')).toEqual([{ "u.name": "bob" }]);
    expect((await graph.commits())[1]).toMatchObject({ actor_id: "admin", graph_manifest_version: 3 });
  });

  it("renames types and properties keeping rows, ids and edges", async () => {
    const { apply, rows } = await users();
    await apply(`node Person @rename_from("User") { name: String @key  years: I32? @rename_from("age")  status: enum(active, gone)? }
edge Knows: Person -> Person { since: Date? }
`);
    expect(await rows('match { $p: Person { name: "ann" } $p knows $q } return { $p.years, $q }')).toEqual([
      { "p.years": 30, q: "bob" },
    ]);
    await expectRefused(rows("match { $u: User } return { $u.name }"), 400, "type error: T1");
  });

  it("drops a property at the head and keeps it readable in the past", async () => {
    const { apply, rows, graph } = await users();
    const [head] = await graph.commits();
    await apply(USER.replace("age: I32?", ""));
    await expectRefused(rows("match { $u: User } return { $u.age }"), 400, "type error: T6");
    expect(
      await rows(
        'match { $u: User { name: "ann" } } return { $u.age }',
        {},
        { snapshot: head.graph_commit_id },
      ),
    ).toEqual([{ "u.age": 30 }]);
  });

  it("does not bring back what was dropped when the name is added again", async () => {
    const { apply, rows } = await users();
    await apply(USER.replace("age: I32?", ""));
    await apply(USER);
    expect(await rows('match { $u: User { name: "ann" } } return { $u.age }')).toEqual([{ "u.age": null }]);
  });

  it("extends an enum: new values are accepted at once, others still refused", async () => {
    const { apply, mutate } = await users();
    await apply(USER.replace("active, gone", "active, gone, away"));
    await mutate('query m($s: String) { update User set { status: $s } where name = "ann" }', { s: "away" });
    await expectRefused(
      mutate('query m($s: String) { update User set { status: $s } where name = "ann" }', { s: "lost" }),
      400,
      "invalid enum value 'lost'",
    );
  });

  it("refuses what migration does not support, and writes nothing", async () => {
    const { apply, graph } = await users();
    await expectRefused(apply(USER.replace("age: I32?", "age: I32?  mail: String")), 400, "[OG-MF-103]");
    await expectRefused(apply(USER.replace("age: I32?", "age: I64?")), 400, "[OG-MF-106]");
    await expectRefused(apply("node {"), 400, "parse error: ");
    expect(await graph.commits()).toHaveLength(2);
    expect((await graph.catalog()).source).toBe(USER);
  });

  it("of the same text writes nothing; of the same meaning stores the new text", async () => {
    const { apply, graph } = await users();
    expect(await apply(USER)).toMatchObject({ applied: false, step_count: 0, graph_manifest_version: 2 });
    expect(await graph.commits()).toHaveLength(2);
    const commented = `// who is who\n${USER}`;
    expect(await apply(commented)).toMatchObject({
      applied: false,
      step_count: 0,
      graph_manifest_version: 3,
    });
    expect((await graph.catalog()).source).toBe(commented);
  });

  it("needs a graph with only main", async () => {
    const { apply, graph } = await users();
    await graph.createBranch({ name: "draft", actor: null });
    expect((await graph.planSchema(USER)).supported).toBe(true);
    await expectRefused(
      apply(USER),
      409,
      "schema apply requires a graph with only main; found non-main branches: draft",
    );
    await graph.deleteBranch({ name: "draft", actor: null });
    expect((await apply(USER)).supported).toBe(true);
  });

  it("racing a stream of inserts loses none of them", async () => {
    const { apply, mutate, rows } = await users();
    const inserts = Array.from({ length: 10 }, (_, i) => mutate(`insert User { name: "u${i}" }`));
    await Promise.all([...inserts, apply(USER.replace("age: I32?", "age: I32?  nick: String?"))]);
    expect(await rows("match { $u: User } return { count($u) as n }")).toEqual([{ n: 12 }]);
  });

  it("by another process is seen at the next operation", async () => {
    const { apply, reopen } = await users();
    const other = await reopen();
    await other.query({ source: "query q() { match { $u: User } return { $u.name } }" });
    await apply(USER.replace("age: I32?", "age: I32?  nick: String?"));
    const { rowCount } = await other.query({ source: "query q() { match { $u: User } return { $u.nick } }" });
    expect(rowCount).toBe(2);
  });
});
