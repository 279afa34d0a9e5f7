import { describe, expect, it } from "bun:test";
import { warm } from "../../../src/engine/read/index.ts";
import { FixtureF, SCHEMA_F } from "./fixture-f.ts";
import { runRead } from "./run.ts";

describe("warming", () => {
  it("brings types and declared full text into memory, so that reads fetch nothing", async () => {
    const f = new FixtureF(`${SCHEMA_F} node Doc { title: String? @index  note: String? }`);
    const type = f.node("Doc");
    f.commit({ type, rows: [f.row(type, "d", { title: "red foxes", note: "x" })] });
    const view = f.cache({ resident: true }).view(f.state({ checkpointed: f.commits.length }));
    await warm(view);
    const reads = f.segments.reads;
    const indexed = type.properties.filter((property) => view.nodes(type).base.hasTextIndex(property.id));
    expect(indexed.map((property) => property.name)).toEqual(["title"]);
    const found = await runRead(view, 'match { $d: Doc search($d.title, "fox") } return { $d }');
    expect(found.rows()).toEqual([{ d: "d" }]);
    const walked = await runRead(
      view,
      'match { $u: User { handle: "ana" } $u follows{1,3} $v } return { $v }',
    );
    expect(walked.rowCount).toBe(3);
    expect(f.segments.reads).toBe(reads);
  });

  it("ends where it takes no further breath", async () => {
    const f = new FixtureF(SCHEMA_F);
    const view = f.cache({ resident: true }).view(f.state({ checkpointed: f.commits.length }));
    let breaths = 0;
    const stopping = warm(view, async () => {
      breaths++;
      throw new Error("the graph is closed");
    });
    expect(await stopping.catch((error: Error) => error.message)).toBe("the graph is closed");
    expect(breaths).toBe(1);
  });

  it("makes the index of declared vectors, before anybody searches them", async () => {
    const f = new FixtureF(`${SCHEMA_F} node Doc { v: Vector(2)? @index  w: Vector(2)? }`);
    const type = f.node("Doc");
    const rows = Array.from({ length: 1_100 }, (_, i) => f.row(type, `d${i}`, { v: Float32Array.of(i, 1) }));
    f.commit({ type, rows });
    const view = f.cache({ resident: true }).view(f.state({ checkpointed: f.commits.length }));
    await warm(view);
    const { vectors } = view.nodes(type).base;
    const [v, w] = type.properties;
    expect(await vectors.forSearch(v.id, async () => undefined)).not.toBeNull();
    expect(await vectors.forSearch(w.id, async () => undefined)).toBeNull();
  });
});
