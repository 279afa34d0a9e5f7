import { describe, expect, it } from "bun:test";
import { expectRefused, HARBOUR, refusal, testGraph } from "../support.ts";
import { allChanges, harbour, headOf, lines, tokenOf } from "./support.ts";

describe("the changes of a commit", () => {
  it("show inserts with their whole image, nodes before edges", async () => {
    const { graph } = await harbour();
    const [commit, genesis] = await graph.commits();
    const page = await graph.commitChanges({ commit: commit.graph_commit_id });
    expect(page.cause).toEqual({
      graph_commit_id: commit.graph_commit_id,
      parent_commit_id: genesis.graph_commit_id,
      authored_branch: "main",
      authored_at: commit.created_at,
    });
    expect(page.next_page_token).toBeUndefined();
    expect(lines(page.changes)).toEqual([
      "insert node Ship IMO1",
      "insert node Ship IMO2",
      "insert node Port OSL",
      "insert edge CallsAt call-1",
      "insert edge CallsAt call-2",
    ]);
    expect(page.changes[0]).toEqual({
      kind: "node",
      type: page.changes[0].type,
      id: "IMO1",
      op: "insert",
      after: { properties: { imo: "IMO1", name: "Aurora", flag: null, tonnage: 20 } },
    });
    expect(page.changes[3].after).toEqual({
      properties: { berth: "A" },
      endpoints: { from: "IMO1", to: "OSL" },
    });
  });

  it("show an update with both images", async () => {
    const { graph, mutate } = await harbour();
    await mutate('update Ship set { flag: "" } where imo = "IMO1"');
    const { changes } = await graph.commitChanges({ commit: await headOf(graph) });
    expect(changes).toHaveLength(1);
    expect(changes[0]).toMatchObject({
      op: "update",
      id: "IMO1",
      before: { properties: { imo: "IMO1", name: "Aurora", flag: null, tonnage: 20 } },
      after: { properties: { imo: "IMO1", name: "Aurora", flag: "", tonnage: 20 } },
    });
  });

  it("show a deleted node and every edge that went with it", async () => {
    const { graph, mutate } = await harbour();
    await mutate('delete Port where code = "OSL"');
    const { changes } = await graph.commitChanges({ commit: await headOf(graph) });
    expect(lines(changes)).toEqual([
      "delete node Port OSL",
      "delete edge CallsAt call-1",
      "delete edge CallsAt call-2",
    ]);
    expect(changes[1]).toMatchObject({
      before: { properties: { berth: "A" }, endpoints: { from: "IMO1", to: "OSL" } },
    });
    expect(changes.every((change) => !("after" in change))).toBe(true);
  });

  it("show an edge that moved as one update", async () => {
    const { graph, load } = await harbour();
    await load([{ edge: "CallsAt", from: "IMO2", to: "OSL", data: { id: "call-1", berth: "A" } }]);
    const { changes } = await graph.commitChanges({ commit: await headOf(graph) });
    expect(lines(changes)).toEqual(["update edge CallsAt call-1"]);
    expect(changes[0].before?.endpoints).toEqual({ from: "IMO1", to: "OSL" });
    expect(changes[0].after?.endpoints).toEqual({ from: "IMO2", to: "OSL" });
  });

  it("are none where equal values were written again", async () => {
    const { graph, load } = await harbour();
    await load([
      { type: "Ship", data: { imo: "IMO1", name: "Aurora", tonnage: 20 } },
      { edge: "CallsAt", from: "IMO1", to: "OSL", data: { id: "call-1", berth: "A" } },
    ]);
    expect(await graph.commitChanges({ commit: await headOf(graph) })).toMatchObject({ changes: [] });
    await load([]);
    expect(await graph.commitChanges({ commit: await headOf(graph) })).toMatchObject({ changes: [] });
  });

  it("of an overwrite are what differs between the two", async () => {
    const { graph, load } = await harbour();
    await load(
      [
        { type: "Ship", data: { imo: "IMO1", name: "Aurora", tonnage: 20 } },
        { type: "Ship", data: { imo: "IMO2", name: "Boreas", flag: "NO" } },
        { type: "Ship", data: { imo: "IMO3", name: "Corona" } },
        { edge: "CallsAt", from: "IMO3", to: "OSL", data: { id: "call-0" } },
        { edge: "CallsAt", from: "IMO2", to: "OSL", data: { id: "call-2" } },
      ],
      "overwrite",
    );
    expect(lines(await allChanges(graph, { commit: await headOf(graph), limit: 1 }))).toEqual([
      "update node Ship IMO2",
      "insert node Ship IMO3",
      "insert edge CallsAt call-0",
      "delete edge CallsAt call-1",
    ]);
  });

  it("keep every digit of 64-bit integers", async () => {
    const { graph, load } = await testGraph("node Count { key: U64 @key  big: I64  all: [U64]? }");
    await load(['{"type":"Count","data":{"key":18446744073709551615,"big":9007199254740993,"all":[1]}}']);
    const { changes } = await graph.commitChanges({ commit: await headOf(graph) });
    expect(changes[0]).toMatchObject({
      id: "18446744073709551615",
      after: { properties: { key: 18446744073709551615n, big: 9007199254740993n, all: [1n] } },
    });
  });

  it("show Blobs as an export does, and an edit of nothing but their bytes", async () => {
    const { graph, load } = await testGraph("node Ship { imo: String @key  photo: Blob? }");
    const ship = (bytes: string) => ({
      type: "Ship",
      data: { imo: "1", photo: `base64:${Buffer.from(bytes).toString("base64")}` },
    });
    await load([ship("left")]);
    await load([ship("left")]);
    expect((await graph.commitChanges({ commit: await headOf(graph) })).changes).toEqual([]);
    await load([ship("lift")]);
    const { changes } = await graph.commitChanges({ commit: await headOf(graph) });
    expect(changes.map(({ before, after }) => [before?.properties.photo, after?.properties.photo])).toEqual([
      ["base64:bGVmdA==", "base64:bGlmdA=="],
    ]);
  });

  it("see an item of a list, a vector and nothing beside them", async () => {
    const { graph, load } = await testGraph(
      "node Part { key: String @key  tags: [String]?  at: Vector(2)?  day: Date?  big: F32? }",
    );
    const part = (tags: string[], at: number[]) => ({
      type: "Part",
      data: { key: "1", tags, at, day: "2024-02-29", big: 0.1 },
    });
    await load([part(["a", "b"], [1, 0.5])]);
    await load([part(["a", "b"], [1, 0.5])]);
    expect((await graph.commitChanges({ commit: await headOf(graph) })).changes).toEqual([]);
    await load([part(["a", "c"], [1, 0.5])]);
    const { changes } = await graph.commitChanges({ commit: await headOf(graph) });
    const { at, day, big } = { at: [1, 0.5], day: 19782, big: Math.fround(0.1) };
    expect(changes[0].before?.properties).toEqual({ key: "1", tags: ["a", "b"], at, day, big });
    expect(changes[0].after?.properties).toEqual({ key: "1", tags: ["a", "c"], at, day, big });
    await load([part(["a", "c"], [1, 0.25])]);
    expect((await graph.commitChanges({ commit: await headOf(graph) })).changes).toHaveLength(1);
  });

  it("of a merge are what its target gained", async () => {
    const { graph, mutate } = await harbour();
    await graph.createBranch({ name: "refit", actor: null });
    await mutate('insert Port { code: "BGO", name: "Bergen" }', {}, "refit");
    await mutate('insert Port { code: "TRD", name: "Trondheim" }');
    await graph.merge({ source: "refit", actor: "ops" });
    const page = await graph.commitChanges({ commit: await headOf(graph) });
    expect(lines(page.changes)).toEqual(["insert node Port BGO"]);
    expect(page.cause).toMatchObject({
      merged_parent_commit_id: await headOf(graph, "refit"),
      actor_id: "ops",
      authored_branch: "main",
    });
  });

  it("name the branch that the commit landed on", async () => {
    const { graph, mutate } = await harbour();
    await graph.createBranch({ name: "refit", actor: null });
    await mutate('insert Port { code: "BGO", name: "Bergen" }', {}, "refit");
    const page = await graph.commitChanges({ commit: await headOf(graph, "refit") });
    expect(page.cause.authored_branch).toBe("refit");
  });
});

describe("pages of a commit's changes", () => {
  it("of one change each hold together what one page holds, in this process and in another", async () => {
    const { graph, reopen } = await harbour();
    const commit = await headOf(graph);
    const whole = (await graph.commitChanges({ commit })).changes;
    expect(await allChanges(graph, { commit, limit: 1 })).toEqual([...whole]);
    expect(await allChanges(graph, { commit, limit: 2 })).toEqual([...whole]);

    const first = await graph.commitChanges({ commit, limit: 2 });
    const pageToken = tokenOf(first);
    const elsewhere = await (await reopen()).commitChanges({ commit, pageToken });
    expect(elsewhere.cause).toEqual(first.cause);
    expect([...first.changes, ...elsewhere.changes]).toEqual([...whole]);
    // A token may be used again.
    expect(await graph.commitChanges({ commit, pageToken })).toEqual(elsewhere);
    expect(await graph.commitChanges({ commit, pageToken })).toEqual(elsewhere);
  });

  it("end at about 4 MiB, and give a larger change a page of its own", async () => {
    const { graph, load } = await testGraph("node Note { key: String @key  text: String }");
    const megabyte = "m".repeat(1024 * 1024);
    const sizes = [1, 1, 6, 1, 3, 1];
    await load(
      sizes.map((size, i) => ({ type: "Note", data: { key: `n${i}`, text: megabyte.repeat(size) } })),
    );
    const commit = await headOf(graph);
    const pages: number[] = [];
    for (let pageToken: string | undefined; ; ) {
      const page = await graph.commitChanges({ commit, ...(pageToken === undefined ? {} : { pageToken }) });
      pages.push(page.changes.length);
      pageToken = page.next_page_token;
      if (pageToken === undefined) break;
    }
    expect(pages).toEqual([2, 1, 1, 1, 1]);
  });

  it("have a limit between 1 and 8,192", async () => {
    const { graph } = await harbour();
    const commit = await headOf(graph);
    await expectRefused(
      graph.commitChanges({ commit, limit: 0 }),
      400,
      "change page limit must be greater than zero",
    );
    const error = await refusal(graph.commitChanges({ commit, limit: 8193 }));
    expect(error.status).toBe(413);
    expect(error.details.resource_limit).toEqual({
      resource: "commit_changes_page_changes",
      limit: 8192,
      actual: 8193,
    });
    expect((await graph.commitChanges({ commit, limit: 8192 })).changes).toHaveLength(5);
  });
});

describe("filters of changes", () => {
  it("join values of one dimension by or, dimensions by and", async () => {
    const { graph } = await harbour();
    const commit = await headOf(graph);
    const of = async (filters: object) => lines((await graph.commitChanges({ commit, ...filters })).changes);
    expect(await of({ kinds: ["edge"] })).toEqual([
      "insert edge CallsAt call-1",
      "insert edge CallsAt call-2",
    ]);
    expect(await of({ types: ["Port", "Ship"] })).toHaveLength(3);
    expect(await of({ types: ["Port", "CallsAt"], kinds: ["node"] })).toEqual(["insert node Port OSL"]);
    expect(await of({ types: ["Nothing"] })).toEqual([]);
    expect(await of({ ops: ["update", "delete"] })).toEqual([]);
    expect(await of({ ops: ["insert"], types: ["Port"] })).toEqual(["insert node Port OSL"]);
  });
});

describe("a commit without entity changes to tell", () => {
  it("is refused when it is the genesis", async () => {
    const { graph } = await testGraph(HARBOUR);
    const commit = await headOf(graph);
    const error = await refusal(graph.commitChanges({ commit }));
    expect(error.status).toBe(409);
    expect(error.toEnvelope()).toMatchObject({
      code: "conflict",
      change_diff_refusal: { reason: "parentless_commit", graph_commit_id: commit },
    });
  });

  it("is unknown with 404", async () => {
    const { graph } = await testGraph(HARBOUR);
    await expectRefused(graph.commitChanges({ commit: "01X" }), 404, "commit '01X' not found");
  });

  it("is refused when it gave a type another property", async () => {
    const { graph } = await harbour();
    await graph.applySchema({
      source: HARBOUR.replace("name: String }", "name: String  country: String? }"),
      actor: null,
    });
    const commit = await headOf(graph);
    const error = await refusal(graph.commitChanges({ commit }));
    expect(error.status).toBe(409);
    expect(error.details.change_diff_refusal).toEqual({
      reason: "schema_boundary",
      graph_commit_id: commit,
      type_name: "Port",
    });
  });

  it("is refused when it dropped a type with entities, and empty when the type was", async () => {
    const { graph } = await harbour();
    await graph.applySchema({ source: HARBOUR.replace("node Note { text: String }\n", ""), actor: null });
    expect((await graph.commitChanges({ commit: await headOf(graph) })).changes).toEqual([]);
    await graph.applySchema({
      source: HARBOUR.replace("node Note { text: String }\n", "").replace(/edge CallsAt.*\n/, ""),
      actor: null,
    });
    const error = await refusal(graph.commitChanges({ commit: await headOf(graph) }));
    expect(error.details.change_diff_refusal).toMatchObject({
      reason: "schema_boundary",
      type_name: "CallsAt",
    });
  });

  it("is empty when it added or renamed types and properties", async () => {
    const { graph, mutate } = await harbour();
    const before = await graph.commitChanges({ commit: await headOf(graph), types: ["Ship"] });
    const renamed = HARBOUR.replace("node Ship {", 'node Vessel @rename_from("Ship") {')
      .replace("flag: String?", 'ensign: String? @rename_from("flag")')
      .replace("Ship -> Port", "Vessel -> Port");
    await graph.applySchema({ source: `${renamed}node Lock { key: String @key }\n`, actor: null });
    expect((await graph.commitChanges({ commit: await headOf(graph) })).changes).toEqual([]);

    await mutate('update Vessel set { ensign: "DK" } where imo = "IMO2"');
    const { changes } = await graph.commitChanges({ commit: await headOf(graph) });
    expect(changes).toHaveLength(1);
    expect(changes[0].type).toEqual({ id: before.changes[0].type.id, name: "Vessel" });
    expect(changes[0].before?.properties).toMatchObject({ ensign: "NO" });
    expect(changes[0].after?.properties).toMatchObject({ ensign: "DK" });
  });
});
