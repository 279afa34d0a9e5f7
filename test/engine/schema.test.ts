import { describe, expect, it } from "bun:test";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import { badRequest } from "../../src/lib/errors.ts";
import type { Catalog } from "../../src/schema/catalog.ts";
import { memoryStorage } from "../../src/storage/index.ts";
import { expectRefused, interrupted, over, ports, refusal, type TestGraph, testGraph } from "./support.ts";

const USER = `node User { name: String @key  age: I32?  status: enum(active, gone)? }
edge Knows: User -> User { since: Date? }
`;

const NICK = USER.replace("age: I32?", "age: I32?  nick: String?");
const MAIL = USER.replace("age: I32?", "age: I32?  mail: String?");

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

  it("goes on top of data that came first, and checks it against nothing that it changes", async () => {
    const fixture = await users();
    const slow = await interrupted(fixture, () => fixture.mutate('insert User { name: "cem" }'));
    const applied = await slow.graph.applySchema({ source: NICK, actor: null });
    expect(applied).toMatchObject({ applied: true, step_count: 1, graph_manifest_version: 4 });
    expect(await slow.rows("match { $u: User } return { count($u) as n, count($u.nick) as nicks }")).toEqual([
      { n: 3, nicks: 0 },
    ]);
  });

  it("says what it missed where another change came first, and leaves the graph usable", async () => {
    const fixture = await users();
    const { apply, graph, rows, load } = fixture;
    const [base] = await graph.commits();
    const slow = await interrupted(fixture, () => apply(NICK));
    const { message, details, status } = await refusal(
      slow.graph.applySchema({ source: MAIL, actor: "slow" }),
    );
    const [head] = await graph.commits();
    expect(head).toMatchObject({ graph_manifest_version: 3, actor_id: "admin" });
    expect(status).toBe(409);
    expect(message).toContain(
      `commit ${head.graph_commit_id} of 'admin' (add property 'User.nick' (String?) on node 'User')`,
    );
    expect(message).toContain("also mean: drop property 'User.nick' of node 'User' (soft mode)");
    expect(message).not.toContain("mail");
    expect(details.read_set_conflict).toEqual({
      member: "schema_identity",
      expected: base.graph_commit_id,
      actual: head.graph_commit_id,
    });
    expect((await graph.catalog()).source).toBe(NICK);
    // Who lost takes the other change into the schema, and goes on.
    const both = USER.replace("age: I32?", "age: I32?  nick: String?  mail: String?");
    for (const engine of [slow.graph, graph]) {
      expect((await engine.applySchema({ source: both, actor: null })).supported).toBe(true);
    }
    await load([{ type: "User", data: { name: "eve", nick: "e", mail: "e@x" } }]);
    expect(await rows('match { $u: User { nick: "e" } } return { $u.mail }')).toEqual([{ "u.mail": "e@x" }]);
  });

  it("of two that set out at once lets one win, whichever it is", async () => {
    const { apply, graph, reopen } = await users();
    const other = await reopen();
    const results = await Promise.allSettled([
      apply(NICK),
      other.applySchema({ source: MAIL, actor: "other" }),
    ]);
    const won = results.findIndex(({ status }) => status === "fulfilled");
    const lost = results[1 - won] as PromiseRejectedResult;
    expect([lost.status, lost.reason.status]).toEqual(["rejected", 409]);
    expect((await graph.catalog()).source).toBe([NICK, MAIL][won]);
    expect(await graph.commits()).toHaveLength(3);
  });

  it("that asks for the same as one that came first has nothing left to do", async () => {
    const fixture = await users();
    const slow = await interrupted(fixture, () => fixture.apply(NICK));
    expect(await slow.graph.applySchema({ source: NICK, actor: null })).toMatchObject({
      applied: false,
      steps: [],
      graph_manifest_version: 3,
    });
    expect(await fixture.graph.commits()).toHaveLength(3);
  });

  it("goes on top of another change where the plan on top of that holds nothing new", async () => {
    const fixture = await users();
    const { apply, graph, rows } = fixture;
    // The other change is a part of this one.
    const both = NICK.replace("nick: String?", "nick: String?  mail: String?");
    const slow = await interrupted(fixture, () => apply(NICK));
    const applied = await slow.graph.applySchema({ source: both, actor: null });
    expect(applied.steps).toMatchObject([{ kind: "add_property", property_name: "mail" }]);
    expect((await graph.catalog()).source).toBe(both);
    // The other change means nothing.
    const commented = `// who is who\n${both}`;
    const less = both.replace("age: I32?", "");
    const slower = await interrupted(fixture, () => apply(commented));
    expect((await slower.graph.applySchema({ source: less, actor: null })).steps).toMatchObject([
      { kind: "drop_property", property_name: "age" },
    ]);
    expect(await rows("match { $u: User } return { $u.nick, $u.mail }")).toHaveLength(2);
  });

  it("that only changed a comment does not undo what came first", async () => {
    const fixture = await users();
    const slow = await interrupted(fixture, () => fixture.apply(NICK));
    const commented = slow.graph.applySchema({ source: `// who is who\n${USER}`, actor: null });
    await expectRefused(commented, 409, "also mean: drop property 'User.nick'");
    expect((await fixture.graph.catalog()).source).toBe(NICK);
  });

  it("that widens an enum which was widened meanwhile does not take the other's value away", async () => {
    const fixture = await users();
    const widen = (value: string) => USER.replace("active, gone", `active, gone, ${value}`);
    const slow = await interrupted(fixture, () => fixture.apply(widen("away")));
    await expectRefused(
      slow.graph.applySchema({ source: widen("back"), actor: null }),
      409,
      "changing property type for 'User.status' from enum(active, away, gone)? to enum(active, back, gone)?",
    );
  });

  it("tells a rename that lost what the name was renamed to", async () => {
    const fixture = await users();
    const renamed = (name: string) => USER.replace("age: I32?", `${name}: I32? @rename_from("age")`);
    const slow = await interrupted(fixture, () => fixture.apply(renamed("years")));
    const { status, message } = await refusal(
      slow.graph.applySchema({ source: renamed("winters"), actor: null }),
    );
    expect(status).toBe(409);
    expect(message).toContain("rename property 'User.age' -> 'User.years'");
    expect(message).toContain("no accepted property with that name exists");
    expect(await fixture.graph.commits()).toHaveLength(3);
  });

  it("that follows a change of another process is no race: it is planned on what there is", async () => {
    const { apply, graph, reopen } = await users();
    const other = await reopen();
    await other.catalog();
    await apply(USER.replace("age: I32?", "age: I32?  nick: String?"));
    const { steps } = await other.applySchema({ source: USER, actor: null });
    expect(steps).toMatchObject([{ kind: "drop_property", property_name: "nick", mode: "soft" }]);
    expect(await graph.commits()).toHaveLength(4);
  });

  it("is refused for branches before it is looked at", async () => {
    const { apply, graph } = await users();
    await graph.createBranch({ name: "draft", actor: null });
    await graph.createBranch({ name: "a/b", actor: null });
    await expectRefused(apply("node {"), 409, "found non-main branches: a/b, draft");
  });

  it("keeps stored queries working: they are checked before anything is published", async () => {
    const { graph } = await users();
    const asked: string[] = [];
    const checkCatalog = (catalog: Catalog) => {
      asked.push([...catalog.nodes.keys()].join());
      if (!catalog.nodes.has("User")) throw badRequest("stored queries failed the schema check: 'users'");
    };
    const renamed = USER.replaceAll("User", "Person").replace(
      "node Person {",
      'node Person @rename_from("User") {',
    );
    await expectRefused(
      graph.applySchema({ source: renamed, actor: null, checkCatalog }),
      400,
      "failed the schema check",
    );
    expect(await graph.commits()).toHaveLength(2);
    await graph.applySchema({ source: USER, actor: null, checkCatalog });
    expect(asked).toEqual(["Person", "User"]);
  });

  it("drops hard what the plan drops, and says so where dropped data could not be cleared away", async () => {
    const storage = memoryStorage(ports, {
      faults: ({ key }) => (key.includes("/checkpoint/") ? { kind: "answer", status: 403 } : null),
    });
    await initGraph({ storage, ports, schemaSource: USER });
    const { graph, load } = over(storage, await openGraph({ storage, ports }));
    await load([{ type: "User", data: { name: "ann", age: 30 } }]);
    const source = USER.replace("age: I32?", "");
    expect((await graph.planSchema(source, true)).steps).toMatchObject([{ mode: "hard" }]);
    const warnings: string[] = [];
    const onWarning = (message: string) => warnings.push(message);
    const applied = await graph.applySchema({ source, allowDataLoss: true, actor: null, onWarning });
    expect(applied).toMatchObject({ applied: true, steps: [{ kind: "drop_property", mode: "hard" }] });
    expect(warnings).toEqual([expect.stringContaining("dropped data was not cleared away yet")]);
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

describe("a write that loses to a schema apply", () => {
  const NO_AGE = USER.replace("age: I32?", "");
  const NO_EDGE = USER.split("\n")[0];
  const ANN = { type: "User", data: { name: "ann" } };
  const BOB = { type: "User", data: { name: "bob" } };
  /** A writer that has prepared its write when the schema changes. */
  async function overtaken(source: string) {
    const fixture = await users();
    return { ...fixture, writer: await interrupted(fixture, () => fixture.apply(source)) };
  }

  it("is prepared again under the new schema: an insert, an update, a delete, a load", async () => {
    for (const write of [
      (writer: TestGraph) => writer.mutate('insert User { name: "cem", age: 7 }'),
      (writer: TestGraph) => writer.mutate('update User set { age: 7 } where name = "ann"'),
      (writer: TestGraph) => writer.mutate('delete User where name = "bob"'),
      (writer: TestGraph) => writer.load([{ type: "User", data: { name: "cem", age: 7 } }], "append"),
      (writer: TestGraph) => writer.load([{ type: "User", data: { name: "ann", age: 7 } }], "merge"),
    ]) {
      const { graph, rows, writer } = await overtaken(NICK);
      await write(writer);
      expect((await graph.catalog()).source).toBe(NICK);
      expect(await graph.commits()).toHaveLength(4);
      const found = await rows("match { $u: User } return { $u.name, $u.age, $u.nick }");
      expect(found.every((row) => row["u.nick"] === null)).toBe(true);
    }
  });

  it("fails where the new schema has no place for it any more, and writes nothing", async () => {
    for (const [write, source, phrase] of [
      [(writer: TestGraph) => writer.mutate('insert User { name: "cem", age: 7 }'), NO_AGE, "T11"],
      [(writer: TestGraph) => writer.mutate('update User set { age: 7 } where name = "ann"'), NO_AGE, "T11"],
      [(writer: TestGraph) => writer.mutate('delete Knows where from = "ann"'), NO_EDGE, "T10"],
      [
        (writer: TestGraph) => writer.load([{ type: "User", data: { name: "cem", age: 7 } }], "append"),
        NO_AGE,
        "unknown input field 'age' for 'node:User'",
      ],
    ] as const) {
      const { graph, writer } = await overtaken(source);
      await expectRefused(write(writer), 400, phrase);
      expect(await graph.commits()).toHaveLength(3);
    }
  });

  it("is told of it where it is never repeated: an overwrite, and a write under a precondition", async () => {
    const { graph, writer } = await overtaken(NICK);
    const error = await refusal(writer.load([ANN, BOB], "overwrite"));
    expect(error.status).toBe(409);
    expect(error.details.read_set_conflict).toBeDefined();
    expect(await graph.commits()).toHaveLength(3);

    const other = await overtaken(NICK);
    const [head] = await other.graph.commits();
    const conditional = other.writer.graph.mutate({
      source: 'query m() { insert User { name: "cem" } }',
      actor: null,
      ifCommit: head.graph_commit_id,
    });
    expect((await refusal(conditional)).status).toBe(412);
    expect(await other.graph.commits()).toHaveLength(3);
  });
});
