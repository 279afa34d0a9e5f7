import { describe, expect, it } from "bun:test";
import type { ChangeBaselineRequest, Graph } from "../../../src/engine/graph.ts";
import { expectRefused, text } from "../support.ts";
import { blockLines, harbour, headOf } from "./support.ts";

interface Captured {
  readonly records: string;
  readonly snapshot: string;
  readonly cursor: string;
}

async function capture(graph: Graph, request: ChangeBaselineRequest = {}): Promise<Captured> {
  const captured = await text(await graph.captureBaseline(request));
  expect(captured).toEndWith("\n");
  const end = captured.lastIndexOf("\n", captured.length - 2) + 1;
  const { baseline } = JSON.parse(captured.slice(end));
  const records = captured.slice(0, end);
  expect(records).not.toContain('{"baseline"');
  return { records, snapshot: baseline.snapshot_commit_id, cursor: baseline.resume_cursor };
}

describe("a baseline", () => {
  it("is the export of the head, and a cursor from which the next commit is the first", async () => {
    const { graph, mutate } = await harbour();
    const captured = await capture(graph);
    expect(captured.records).toBe(await text(await graph.export({})));
    expect(captured.snapshot).toBe(await headOf(graph));
    await mutate('insert Port { code: "BGO", name: "Bergen" }');
    const page = await graph.pollChanges({ cursor: captured.cursor });
    expect(blockLines(page.blocks)).toEqual([["insert node Port BGO"]]);
  });

  it("holds what kind and type select; op binds the cursor alone", async () => {
    const { graph } = await harbour();
    const nodes = await capture(graph, { kinds: ["node"], types: ["Ship", "CallsAt"], ops: ["delete"] });
    expect(nodes.records).toBe(await text(await graph.export({ typeNames: ["Ship"] })));
    expect((await capture(graph, { types: ["Nothing"] })).records).toBe("");
    await expectRefused(graph.pollChanges({ cursor: nodes.cursor }), 400, "different filter scope");
    const scope = { kinds: ["node"], types: ["CallsAt", "Ship"], ops: ["delete"] } as const;
    expect((await graph.pollChanges({ cursor: nodes.cursor, ...scope })).caught_up).toBe(true);
  });

  it("is of the head that was there when it was asked for", async () => {
    const { graph, mutate } = await harbour();
    const before = await text(await graph.export({}));
    const chunks = await graph.captureBaseline({});
    await mutate('insert Port { code: "BGO", name: "Bergen" }');
    const captured = await text(chunks);
    expect(captured.startsWith(before)).toBe(true);
    expect(captured.slice(before.length)).toMatch(/^\{"baseline":\{[^}]*\}\}\n$/);
  });

  it("needs a branch that is there", async () => {
    const { graph } = await harbour();
    await expectRefused(graph.captureBaseline({ branch: "x" }), 404, "branch 'x' not found");
  });
});
