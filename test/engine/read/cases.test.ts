import { describe, expect, it } from "bun:test";
import { FixtureF } from "./fixture-f.ts";
import { runRead } from "./run.ts";

/** The values of one column. */
async function column(history: FixtureF, body: string, name?: string): Promise<unknown[]> {
  const view = history.cache().view(history.state({ checkpointed: 1 }));
  const result = await runRead(view, body);
  return result.rows().map((row) => row[name ?? result.columns[0]]);
}

describe("a read of fixture F", () => {
  it("binds by key and returns properties under their names", async () => {
    const f = new FixtureF();
    const result = await runRead(
      f.cache().view(f.state()),
      'match { $u: User { handle: "ana" } } return { $u.handle, $u.age }',
    );
    expect(result.columns).toEqual(["u.handle", "u.age"]);
    expect(result.rows()).toEqual([{ "u.handle": "ana", "u.age": 30 }]);
    expect(result.rowsJson()).toBe('[{"u.handle":"ana","u.age":30}]');
  });

  it("follows edges", async () => {
    const f = new FixtureF();
    const rows = await column(f, 'match { $u: User { handle: "ben" } $u follows $v } return { $v }');
    expect(rows).toEqual(["dee"]);
  });
});
