import { describe, expect, it } from "bun:test";
import { expectRefused, over, refusal, testGraph } from "./support.ts";

/** Fixture F of spec 02. */
const SCHEMA = `
node User { handle: String @key  age: I32?  city: String?  joined: DateTime? }
node Team { code: String @key }
edge Follows: User -> User { since: Date? }
edge MemberOf: User -> Team
`;

async function people() {
  const graph = await testGraph(SCHEMA);
  const user = (handle: string, age: number | null) => ({ type: "User", data: { handle, age } });
  const follows = (from: string, to: string) => ({ edge: "Follows", from, to });
  const memberOf = (from: string, to: string) => ({ edge: "MemberOf", from, to });
  await graph.load([
    user("ana", 30),
    user("ben", 25),
    user("cy", 35),
    user("dee", 28),
    { type: "Team", data: { code: "red" } },
    { type: "Team", data: { code: "blue" } },
    follows("ana", "ben"),
    follows("ana", "cy"),
    follows("ben", "dee"),
    memberOf("ana", "red"),
    memberOf("ben", "blue"),
  ]);
  const ages = async () => {
    const rows = await graph.rows("match { $u: User } return { $u.handle, $u.age }");
    return Object.fromEntries(rows.map((row) => [row["u.handle"], row["u.age"]]));
  };
  return { ...graph, ages };
}

describe("insert", () => {
  it("of an existing key replaces the entity whole", async () => {
    const { mutate, rows } = await people();
    const result = await mutate('insert User { handle: "ana", city: "Oslo" }');
    expect([result.affected_nodes, result.affected_edges]).toEqual([1, 0]);
    expect(await rows('match { $u: User { handle: "ana" } } return { $u.age, $u.city }')).toEqual([
      { "u.age": null, "u.city": "Oslo" },
    ]);
  });

  it("of a node and an edge to it lands together, in any order", async () => {
    const { mutate, rows } = await people();
    const result = await mutate('insert Follows { from: "zoe", to: "ana" } insert User { handle: "zoe" }');
    expect([result.affected_nodes, result.affected_edges]).toEqual([1, 1]);
    expect(await rows('match { $u: User { handle: "zoe" } $u follows $v } return { $v.handle }')).toEqual([
      { "v.handle": "ana" },
    ]);
  });

  it("of an edge to a missing node writes nothing, and the next mutation works", async () => {
    const { mutate, graph, ages } = await people();
    const before = await graph.commits();
    await expectRefused(
      mutate('insert User { handle: "zoe" } insert Follows { from: "zoe", to: "nobody" }'),
      400,
      "dst 'nobody' not found in User",
    );
    expect(await graph.commits()).toEqual(before);
    expect(await ages()).not.toHaveProperty("zoe");
    await mutate('insert User { handle: "zoe" }');
    expect(await ages()).toHaveProperty("zoe");
  });

  it("binds parameters, dates and now()", async () => {
    const { mutate, rows } = await people();
    await mutate(
      'query add($h: String, $age: I32?, $on: Date) { insert User { handle: $h, age: $age, joined: now() } insert Follows { from: $h, to: "ana", since: $on } }',
      { h: "zoe", on: "2024-02-29" },
    );
    const [row] = await rows(
      'match { $u: User { handle: "zoe" } $u $f:follows $v } return { $u.age, $u.joined, $f.since }',
    );
    expect(row["u.age"]).toBeNull();
    expect(row["f.since"]).toBe("2024-02-29");
    expect(row["u.joined"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it("names the properties of a composite key in the order of its rule", async () => {
    const { mutate } = await testGraph("node Bin { zone: String  no: I32  @key(zone, no) }");
    await expectRefused(
      mutate("query add($z: String?) { insert Bin { zone: $z, no: 1 } }", { z: null }),
      400,
      "insert @key properties (zone, no) cannot contain null",
    );
  });

  it("refuses null keys, out-of-range integers and non-integers", async () => {
    const { mutate } = await people();
    await expectRefused(
      mutate("query add($h: String?) { insert User { handle: $h } }", { h: null }),
      400,
      "insert @key property 'handle' cannot contain null",
    );
    await expectRefused(
      mutate('query add($a: I64) { insert User { handle: "x", age: $a } }', { a: 2147483648 }),
      400,
      "exceeds Int32 range",
    );
    await expectRefused(
      mutate('query add($a: F64) { insert User { handle: "x", age: $a } }', { a: 2.5 }),
      400,
      "expects an integer",
    );
    expect(
      (await mutate('query add($a: F64) { insert User { handle: "x", age: $a } }', { a: 3.0 }))
        .affected_nodes,
    ).toBe(1);
  });
});

describe("update", () => {
  it("sets only what it assigns, on every match", async () => {
    const { mutate, ages, rows } = await people();
    const result = await mutate('update User set { city: "Rome" } where age > 28');
    expect(result.affected_nodes).toBe(2);
    expect(await ages()).toEqual({ ana: 30, ben: 25, cy: 35, dee: 28 });
    expect(
      await rows('match { $u: User $u.city = "Rome" } return { $u.handle } order { $u.handle }'),
    ).toEqual([{ "u.handle": "ana" }, { "u.handle": "cy" }]);
  });

  it("sees what earlier statements of the query did", async () => {
    const { mutate, graph, ages } = await people();
    const before = (await graph.commits()).length;
    const result = await mutate(
      "update User set { age: 99 } where age >= 30 update User set { age: 10 } where age > 50",
    );
    expect(result.affected_nodes).toBe(4);
    expect(await ages()).toEqual({ ana: 10, ben: 25, cy: 10, dee: 28 });
    expect(await graph.commits()).toHaveLength(before + 1);
  });

  it("of more entities than any ceiling is one commit", async () => {
    const { load, mutate, rows, graph } = await people();
    const many = 8_193;
    await load(
      Array.from({ length: many }, (_, n) => ({ type: "User", data: { handle: `u${n}`, city: "Rome" } })),
    );
    const before = (await graph.commits()).length;
    const result = await mutate('update User set { age: 7 } where city = "Rome"');
    expect(result.affected_nodes).toBe(many);
    expect(await graph.commits()).toHaveLength(before + 1);
    expect(await rows("match { $u: User $u.age = 7 } return { count($u) as n }")).toEqual([{ n: many }]);
  });

  it("finds by a value what was inserted or changed before it in the query", async () => {
    const { mutate, ages } = await people();
    const result = await mutate(
      'insert User { handle: "zoe", city: "Rome" } ' +
        'update User set { city: "Rome" } where age < 26 ' +
        'update User set { age: 1 } where city = "Rome" ' +
        'update User set { city: "Oslo" } where age = 1 ' +
        'update User set { age: 2 } where city = "Rome"',
    );
    // One inserted, one moved, two aged, two moved again, and nobody left.
    expect(result.affected_nodes).toBe(6);
    expect(await ages()).toEqual({ ana: 30, ben: 1, cy: 35, dee: 28, zoe: 1 });
  });

  it("takes names in any case, in matches, filters, updates and deletes", async () => {
    const { mutate, rows } = await testGraph(
      "node Item { itemKey: String @key  unitPrice: I32? } edge MadeOf: Item -> Item { partCount: I32? }",
    );
    await mutate(
      'insert Item { itemKey: "a", unitPrice: 5 } insert Item { itemKey: "b", unitPrice: 7 } ' +
        'insert MadeOf { from: "a", to: "b", partCount: 3 }',
    );
    await mutate("update Item set { unitPrice: 6 } where unitPrice < 6");
    expect(
      await rows(
        "match { $i: Item { unitPrice: 6 } $i $m:madeOf $p $m.partCount > 2 } return { $p.itemKey }",
      ),
    ).toEqual([{ "p.itemKey": "b" }]);
    expect((await mutate("delete MadeOf where partCount = 3")).affected_edges).toBe(1);
    expect((await mutate("delete Item where unitPrice = 7")).affected_nodes).toBe(1);
  });

  it("that matches nothing succeeds without a commit", async () => {
    const { mutate, graph } = await people();
    const before = await graph.commits();
    const result = await mutate('update User set { age: 1 } where handle = "nobody"');
    expect(result).toMatchObject({ affected_nodes: 0, affected_edges: 0, commit: null });
    expect(await graph.commits()).toEqual(before);
  });

  it("that matches but changes no value still commits", async () => {
    const { mutate } = await people();
    expect((await mutate('update User set { age: 30 } where handle = "ana"')).commit).not.toBeNull();
  });
});

describe("delete", () => {
  it("of a node takes every incident edge of every type", async () => {
    const { mutate, rows } = await people();
    const result = await mutate('delete User where handle = "ana"');
    expect([result.affected_nodes, result.affected_edges]).toEqual([1, 3]);
    expect(await rows("match { $u: User $u follows $v } return { $u.handle, $v.handle }")).toEqual([
      { "u.handle": "ben", "v.handle": "dee" },
    ]);
  });

  it("by overlapping statements counts each entity once", async () => {
    const { mutate } = await people();
    const result = await mutate('delete User where handle = "ana" delete User where age > 29');
    expect([result.affected_nodes, result.affected_edges]).toEqual([2, 3]);
  });

  it("is not shielded by a null in another statement's predicate column", async () => {
    const { mutate, ages } = await people();
    await mutate('insert User { handle: "zoe" } insert Follows { from: "zoe", to: "ben" }');
    const result = await mutate('delete User where age > 30 delete User where handle = "zoe"');
    expect([result.affected_nodes, result.affected_edges]).toEqual([2, 2]);
    expect(await ages()).toEqual({ ana: 30, ben: 25, dee: 28 });
  });

  it("of many nodes asks for their edges together, not one node after the other", async () => {
    const requests = async (where: string) => {
      const { load, reopen, storage } = await people();
      const handles = Array.from({ length: 400 }, (_, n) => `u${String(n).padStart(3, "0")}`);
      await load([
        ...handles.map((handle, age) => ({ type: "User", data: { handle, age: 1_000 + age } })),
        ...handles.map((from, n) => ({ edge: "Follows", from, to: handles[(n + 1) % 400] })),
      ]);
      const fresh = over(storage, await reopen());
      const before = storage.counts().get;
      const { affected_nodes, affected_edges } = await fresh.mutate(`delete User where ${where}`);
      return { affected_nodes, affected_edges, gets: storage.counts().get - before };
    };
    const one = await requests("age = 1000");
    const most = await requests("age >= 1010");
    expect(one).toMatchObject({ affected_nodes: 1, affected_edges: 2 });
    expect(most).toMatchObject({ affected_nodes: 390, affected_edges: 391 });
    expect(most.gets).toBeLessThan(one.gets + 10);
  });

  it("of edges by an end or a property leaves the nodes", async () => {
    const { mutate, ages } = await people();
    expect((await mutate('delete Follows where from = "ana"')).affected_edges).toBe(2);
    expect((await mutate('delete MemberOf where to = "red"')).affected_edges).toBe(1);
    expect((await mutate('delete Follows where since < date("2020-01-01")')).commit).toBeNull();
    expect(Object.keys(await ages())).toHaveLength(4);
  });

  it("mixed with an insert is refused before anything runs", async () => {
    const { mutate, graph } = await people();
    const before = await graph.commits();
    await expectRefused(
      mutate('insert User { handle: "x" } delete User where handle = "ana"'),
      400,
      "mixes inserts/updates and deletes; split into separate mutations",
    );
    expect(await graph.commits()).toEqual(before);
  });
});

describe("rules of the final image", () => {
  const RULES = `
node Member { name: String @key  email: String? @unique  level: enum(low, high)?  age: I32?  @range(age, 0..150)  @check(name, "^[a-z]+$") }
node Club { code: String @key }
edge Joined: Member -> Club @card(0..1)
edge Leads: Member -> Club @card(1..2)
`;

  it("allows a value that is given up earlier in the query to be taken later", async () => {
    const { mutate } = await testGraph(RULES);
    await mutate('insert Member { name: "ann", email: "b1" }');
    await mutate(
      'update Member set { email: "b2" } where name = "ann" update Member set { email: "b3" } where name = "ann" insert Member { name: "cal", email: "b2" }',
    );
    await expectRefused(
      mutate('insert Member { name: "dan", email: "b2" }'),
      400,
      "@unique violation on Member.email: value 'b2' held by 'cal' and 'dan'",
    );
    await expectRefused(
      mutate('insert Member { name: "eve", email: "x" } insert Member { name: "fay", email: "x" }'),
      400,
      "@unique violation on Member.email",
    );
    expect((await mutate('insert Member { name: "cal", email: "b2" }')).affected_nodes).toBe(1);
  });

  it("refuses enum, range and pattern violations on insert and update", async () => {
    const { mutate } = await testGraph(RULES);
    await mutate('insert Member { name: "ann", level: "low", age: 30 }');
    await expectRefused(
      mutate('query m($l: String) { update Member set { level: $l } where name = "ann" }', { l: "mid" }),
      400,
      "invalid enum value 'mid' for Member.level (expected: high, low)",
    );
    await expectRefused(
      mutate('insert Member { name: "bob", age: 151 }'),
      400,
      "@range violation on Member.age: value 151 > max 150",
    );
    await expectRefused(
      mutate('insert Member { name: "B0b" }'),
      400,
      "@check violation on Member.name: value 'B0b' does not match pattern",
    );
  });

  it("counts edges per source: over the maximum, under the minimum, and exempt where the source goes too", async () => {
    const { mutate, load } = await testGraph(RULES);
    await load([
      { type: "Member", data: { name: "ann" } },
      { type: "Club", data: { code: "c1" } },
      { type: "Club", data: { code: "c2" } },
      { edge: "Joined", from: "ann", to: "c1" },
      { edge: "Leads", from: "ann", to: "c1" },
    ]);
    await expectRefused(
      mutate('insert Joined { from: "ann", to: "c2" }'),
      400,
      "@card violation on edge Joined: source 'ann' has 2 edges (max 1)",
    );
    await expectRefused(
      mutate('delete Leads where from = "ann"'),
      400,
      "@card violation on edge Leads: source 'ann' has 0 edges (min 1)",
    );
    await expectRefused(mutate('delete Club where code = "c1"'), 400, "@card violation on edge Leads");
    expect((await mutate('insert Member { name: "bob" }')).affected_nodes).toBe(1);
    expect((await mutate('delete Member where name = "ann"')).affected_edges).toBe(2);
  });
});

describe("conditional and concurrent writes", () => {
  it("run only while the head is the commit they name", async () => {
    const { graph, ages } = await people();
    const [head] = await graph.commits();
    const set = (age: number, ifCommit: string) =>
      graph.mutate({
        source: `query m() { update User set { age: ${age} } where handle = "ana" }`,
        actor: null,
        ifCommit,
      });
    const first = await set(31, head.graph_commit_id);
    const stale = await refusal(set(32, head.graph_commit_id));
    expect(stale.status).toBe(412);
    expect(stale.exitCode).toBe(4);
    expect(stale.details.precondition_failure).toEqual({
      expected: head.graph_commit_id,
      actual: first.commit?.graph_commit_id ?? "",
    });
    expect(stale.toEnvelope().code).toBeUndefined();
    expect((await ages()).ana).toBe(31);
  });

  it("holds for a mutation that would match nothing", async () => {
    const { graph } = await people();
    const error = await refusal(
      graph.mutate({
        source: 'query m() { update User set { age: 1 } where handle = "nobody" }',
        actor: null,
        ifCommit: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
      }),
    );
    expect(error.status).toBe(412);
  });

  it("lands all of eight concurrent updates of one row from two processes, one after the other", async () => {
    const { graph, reopen, ages } = await people();
    const other = await reopen();
    const before = (await graph.commits()).length;
    const updates = Array.from({ length: 8 }, (_, i) =>
      (i % 2 === 0 ? graph : other).mutate({
        source: `query m() { update User set { age: ${i} } where handle = "ana" }`,
        actor: `writer-${i}`,
      }),
    );
    const results = await Promise.all(updates);
    expect(new Set(results.map(({ commit }) => commit?.graph_commit_id)).size).toBe(8);
    const commits = await graph.commits();
    expect(commits).toHaveLength(before + 8);
    const newest = results.find(({ commit }) => commit?.graph_commit_id === commits[0].graph_commit_id);
    expect(`writer-${(await ages()).ana}`).toBe(newest?.actor_id ?? "");
  });

  it("lands all of eight concurrent inserts of one key from two processes as one entity", async () => {
    const { graph, reopen, rows } = await people();
    const other = await reopen();
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        (i % 2 === 0 ? graph : other).mutate({
          source: `query m() { insert User { handle: "zoe", age: ${i} } }`,
          actor: null,
        }),
      ),
    );
    expect(results.map(({ affected_nodes }) => affected_nodes)).toEqual(Array(8).fill(1));
    const zoes = await rows('match { $u: User { handle: "zoe" } } return { $u.age }');
    expect(zoes).toHaveLength(1);
  });

  it("keeps distinct inserts of three processes in one linear chain", async () => {
    const { graph, reopen, ages } = await people();
    const processes = [graph, await reopen(), await reopen()];
    await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        processes[i % 3].mutate({ source: `query m() { insert User { handle: "u${i}" } }`, actor: null }),
      ),
    );
    const commits = await graph.commits();
    expect(commits.map((commit) => commit.graph_manifest_version)).toEqual(
      commits.map((_, i) => commits.length - i),
    );
    commits.slice(0, -1).forEach((commit, i) => {
      expect(commit.parent_commit_id).toBe(commits[i + 1].graph_commit_id);
    });
    expect(Object.keys(await ages())).toHaveLength(16);
  });
});
