// `load --from`: the branch and what is loaded into it appear together, or neither does.

import { describe, expect, it } from "bun:test";
import type { Graph } from "../../../src/engine/graph.ts";
import { initGraph, openGraph } from "../../../src/engine/index.ts";
import { decodeAccepted } from "../../../src/schema/index.ts";
import type { Fault, StorageCall } from "../../../src/storage/faults.ts";
import { CrashError, MemoryBucket, memoryStorage } from "../../../src/storage/index.ts";
import { writeRetention } from "../../../src/store/floor.ts";
import { ObjectCache, openStore } from "../../../src/store/index.ts";
import { Objects } from "../../../src/store/objects.ts";
import { quickPorts } from "../../store/support.ts";
import { expectRefused, HARBOUR, ndjson, refusal } from "../support.ts";

const PORT = { type: "Port", data: { code: "NLRTM", name: "Rotterdam" } };
const OTHER = { type: "Port", data: { code: "BEANR", name: "Antwerp" } };

/** No two processes of these tests make the same ids: they share what one process keeps of objects by name. */
let processes = 0;
const ownPorts = () => quickPorts(++processes);

async function harbour() {
  const bucket = new MemoryBucket();
  const ports = ownPorts();
  await initGraph({ storage: memoryStorage(ports, { bucket }), ports, schemaSource: HARBOUR });
  /** A process of its own on the same graph. */
  const open = (faults?: (call: StorageCall) => Fault | null): Promise<Graph> => {
    const own = ownPorts();
    return openGraph({
      storage: memoryStorage(own, { bucket, ...(faults === undefined ? {} : { faults }) }),
      ports: own,
    });
  };
  const graph = await open();
  await graph.load({ data: () => ndjson([OTHER]), mode: "merge", actor: null });
  return { graph, open };
}

const intake = (graph: Graph, lines: readonly (object | string)[] = [PORT], from = "main") =>
  graph.load({ data: () => ndjson(lines), mode: "append", branch: "intake", from, actor: "ann" });

async function portsOn(graph: Graph, branch: string): Promise<unknown[]> {
  const source = "query q() { match { $p: Port } return { $p.code } order { $p.code } }";
  return (await graph.query({ source, branch })).rows().map((row) => row["p.code"]);
}

describe("a load that forks its branch", () => {
  it("makes the branch with its commit on top of what it inherits", async () => {
    const { graph, open } = await harbour();
    const { commit } = await intake(graph);
    expect(commit).toMatchObject({
      graph_branch: "intake",
      graph_manifest_version: 3,
      actor_id: "ann",
      parent_commit_id: (await graph.commits())[0].graph_commit_id,
    });
    for (const reader of [graph, await open()]) {
      expect(await portsOn(reader, "intake")).toEqual(["BEANR", "NLRTM"]);
      expect(await portsOn(reader, "main")).toEqual(["BEANR"]);
      expect((await reader.commits("intake"))[0]).toEqual(commit as never);
      expect(await reader.commits("intake")).toHaveLength(3);
    }
    // The branch goes on like any other.
    const again = await graph.load({
      data: () => ndjson([{ type: "Port", data: { code: "NOBGO", name: "Bergen" } }]),
      mode: "append",
      branch: "intake",
      actor: null,
    });
    expect(again).toMatchObject({ branch_created: false, commit: { graph_manifest_version: 4 } });
    expect((await graph.merge({ source: "intake", actor: null })).outcome).toBe("fast_forward");
    expect(await portsOn(graph, "main")).toEqual(["BEANR", "NLRTM", "NOBGO"]);
  });

  it("makes it from a branch that was forked itself, and without a line in the batch", async () => {
    const { graph } = await harbour();
    await intake(graph);
    const empty = await graph.load({
      data: () => ndjson([]),
      mode: "merge",
      branch: "deep/er",
      from: "intake",
      actor: null,
    });
    expect(empty).toMatchObject({ branch_created: true, base_branch: "intake", total_entities: 0 });
    expect(empty.commit?.graph_branch).toBe("deep/er");
    expect(await portsOn(graph, "deep/er")).toEqual(["BEANR", "NLRTM"]);
  });

  it.each([
    [[PORT, { type: "Port", data: {} }], "line 2: non-nullable property 'code'"],
    [[{ edge: "CallsAt", from: "nobody", to: "BEANR" }], "src 'nobody' not found in Ship"],
    [[OTHER], "node type 'Port' already has id 'BEANR'"],
    [["{"], "invalid strict JSON at line 1"],
  ])("leaves no branch when it fails", async (lines, phrase) => {
    const { graph, open } = await harbour();
    expect((await refusal(intake(graph, lines))).message).toContain(phrase);
    for (const reader of [graph, await open()]) {
      expect(await reader.branches()).toEqual(["main"]);
      await expectRefused(reader.commits("intake"), 404, "branch 'intake' not found");
    }
    expect((await intake(graph)).branch_created).toBe(true);
  });

  it("refuses names that no branch may have, and a base that is not there", async () => {
    const { graph } = await harbour();
    const named = (branch: string, from = "main") =>
      graph.load({ data: () => ndjson([PORT]), mode: "merge", branch, from, actor: null });
    await expectRefused(named("a b"), 400, "invalid branch name 'a b'");
    await expectRefused(named("intake", "nope"), 404, "branch 'nope' not found");
    await expectRefused(named("intake", "intake"), 404, "branch 'intake' not found");
    expect(await graph.branches()).toEqual(["main"]);
  });

  it("asks for both grants before it reads anything", async () => {
    const { graph } = await harbour();
    const asked: unknown[] = [];
    const ports = ownPorts();
    const storage = memoryStorage(ports, { bucket: new MemoryBucket() });
    await initGraph({ storage, ports, schemaSource: HARBOUR });
    const gated = await openGraph({
      storage,
      ports,
      gate: (actor, request) => asked.push([actor, request]),
    });
    await intake(gated);
    expect(asked).toEqual([
      ["ann", { action: "change", branch: "intake" }],
      ["ann", { action: "branch_create", branch: "main", targetBranch: "intake" }],
    ]);
    expect(await graph.branches()).toEqual(["main"]);
  });

  it("of several that race for one name, one makes the branch and the others load into it", async () => {
    const { open } = await harbour();
    const racers = await Promise.all([open(), open(), open(), open()]);
    const outputs = await Promise.all(
      racers.map((graph, i) => intake(graph, [{ type: "Port", data: { code: `P${i}`, name: "x" } }])),
    );
    expect(outputs.map(({ branch_created }) => branch_created).filter(Boolean)).toHaveLength(1);
    const reader = await open();
    expect(await portsOn(reader, "intake")).toEqual(["BEANR", "P0", "P1", "P2", "P3"]);
    expect(await reader.commits("intake")).toHaveLength(6);
    expect(await reader.branches()).toEqual(["intake", "main"]);
  });

  it("takes a name whose branch was being deleted when that process died", async () => {
    const { graph, open } = await harbour();
    await intake(graph);
    const dying = await open(({ method, key }) =>
      method === "putIfMatch" && key.startsWith("refs/") ? { kind: "crash-before" } : null,
    );
    await expect(dying.deleteBranch({ name: "intake", actor: null })).rejects.toThrow(CrashError);
    const fresh = await open();
    expect((await intake(fresh)).branch_created).toBe(true);
    expect(await portsOn(fresh, "intake")).toEqual(["BEANR", "NLRTM"]);
  });

  it("leaves all or nothing wherever its process dies, and never stands in the way of the next", async () => {
    for (const kind of ["crash-before", "crash-after"] as const) {
      let isDone = false;
      for (let at = 0; !isDone; at++) {
        const { open } = await harbour();
        let calls = 0;
        const dying = await open(() => (calls++ === at ? { kind } : null)).catch(() => null);
        const output = dying === null ? null : await intake(dying).catch(() => null);
        isDone = output !== null;
        const fresh = await open();
        const branches = await fresh.branches();
        if (branches.includes("intake")) {
          expect(await portsOn(fresh, "intake")).toEqual(["BEANR", "NLRTM"]);
          expect(await fresh.commits("intake")).toHaveLength(3);
        } else {
          expect(branches).toEqual(["main"]);
          expect((await intake(fresh)).branch_created).toBe(true);
          expect(await portsOn(fresh, "intake")).toEqual(["BEANR", "NLRTM"]);
        }
      }
    }
  });

  it("begins nowhere that cleanup expired while it was at work", async () => {
    const bucket = new MemoryBucket();
    const clock = ownPorts();
    const storage = memoryStorage(clock, { bucket });
    await initGraph({ storage, ports: clock, schemaSource: HARBOUR });
    const graph = await openGraph({ storage, ports: clock });
    const store = await openStore(storage, clock, { decodeSchema: decodeAccepted });
    const data = async function* () {
      clock.advance(31 * 60_000);
      const kept = [{ first: 2, last: null, checkpoint: 0, to: null }];
      await writeRetention(
        new Objects(storage, new ObjectCache(0)),
        store.mainId,
        { floor: 1, kept, lost: [] },
        null,
      );
      yield* ndjson([PORT]);
    };
    await expectRefused(
      graph.load({ data, mode: "merge", branch: "intake", from: "main", actor: null }),
      409,
      "cleanup expired the commit that it was to begin at",
    );
    expect(await graph.branches()).toEqual(["main"]);
  });

  it("survives lost answers: it reports the branch that it made", async () => {
    for (const lost of ["refs/", "log/"]) {
      const { open } = await harbour();
      let isLost = false;
      const graph = await open(({ method, key }) => {
        if (isLost || method !== "putIfAbsent" || !key.includes(lost)) return null;
        isLost = true;
        return { kind: "lose-response" };
      });
      expect((await intake(graph)).branch_created).toBe(true);
      expect(isLost).toBe(true);
      expect(await portsOn(await open(), "intake")).toEqual(["BEANR", "NLRTM"]);
    }
  });
});
