import { describe, expect, it } from "bun:test";
import { FixtureF } from "./fixture-f.ts";
import { runRead } from "./run.ts";

async function cold(f: FixtureF, body: string) {
  const view = f.cache().view(f.state({ checkpointed: 1, rowsPerBatch: 1 }));
  const result = await runRead(view, body);
  const isResident = [...f.catalog.typeById.values()].some((type) => view.isResident(type));
  return { rows: result.rows().map((row) => Object.values(row)), isResident, reads: f.segments.reads };
}

describe("a read of a process that holds nothing", () => {
  it("reads one batch for a point lookup", async () => {
    const answer = await cold(new FixtureF(), 'match { $u: User { handle: "ana" } } return { $u.age }');
    expect(answer).toEqual({ rows: [[30]], isResident: false, reads: 1 });
  });

  it("reads nothing for a key that no batch can hold", async () => {
    const answer = await cold(new FixtureF(), 'match { $u: User { handle: "zoe" } } return { $u.age }');
    expect(answer).toEqual({ rows: [], isResident: false, reads: 0 });
  });

  it("follows edges forward by lookups, also to a known end over unknown nodes", async () => {
    const f = new FixtureF();
    const body =
      'match { $u: User { handle: "ana" } $v: User { handle: "dee" } $u follows{2,2} $v } return { $v }';
    expect(await cold(f, body)).toMatchObject({ rows: [["dee"]], isResident: false });
  });

  it("does not take what a not demands of an outer variable for its key", async () => {
    const f = new FixtureF();
    const body =
      'match { $u: User { handle: "ana" } $u follows $v not { $v: User { handle: "ben" } } } return { $v }';
    expect(await cold(f, body)).toMatchObject({ rows: [["cy"]], isResident: false });
  });

  it("reads whole types where the read goes against the edges", async () => {
    const f = new FixtureF();
    const body = 'match { $u: User $v: User { handle: "dee" } $u follows $v } return { $u }';
    expect(await cold(f, body)).toMatchObject({ rows: [["ben"]], isResident: true });
  });
});
