import { describe, expect, it } from "bun:test";
import { findConflict } from "../../src/store/conflicts.ts";
import {
  batchOf,
  type Draft,
  type LoggedCommit,
  type TypeChanges,
  uniqueKey,
} from "../../src/store/index.ts";
import { encodeSegment } from "../../src/store/segment-write.ts";
import { CALLS_AT, call, HARBOUR, PORT, type Reads, readSet, SHIP, ship } from "./support.ts";

const SCHEMA = "digest";

function draft(reads: Reads, own: Partial<Draft> = {}): Draft {
  return {
    id: "01DRAFT",
    actor: null,
    authoredAt: 0,
    operation: "mutate",
    mergedParent: null,
    schema: null,
    changes: [],
    reads: readSet(reads),
    ...own,
  };
}

const changes = (type: { readonly id: number }, change: Partial<TypeChanges>): TypeChanges => ({
  type: type.id,
  replaced: false,
  deletedNodes: [],
  deletedEdges: [],
  rows: null,
  segments: [],
  ...change,
});

const landed = (change: TypeChanges, schemaDigest = SCHEMA): LoggedCommit => ({
  record: {
    id: "01LANDED",
    parent: "01PARENT",
    mergedParent: null,
    mergedFrom: null,
    actor: null,
    authoredAt: 0,
    operation: "mutate",
    version: 2,
    generation: 2,
    branch: "01MAIN",
    position: 1,
    schemaDigest,
  },
  changes: [change],
});

const conflictOf = (own: Draft, ...since: LoggedCommit[]) => findConflict(own, since, HARBOUR, SCHEMA);

const shipA = changes(SHIP, { rows: batchOf([ship("A", "Aurora")], SHIP) });
const callAR = changes(CALLS_AT, { rows: batchOf([call("A", "RTM", "c1")], CALLS_AT) });
const name = uniqueKey(SHIP, ["name"]);
const ends = uniqueKey(CALLS_AT, ["src", "dst"]);

const cases: readonly (readonly [string, Reads, TypeChanges, boolean])[] = [
  ["a write that read nothing", {}, shipA, false],
  ["a scan of the type", { types: [SHIP] }, shipA, true],
  ["a scan of another type", { types: [PORT] }, shipA, false],
  ["a scan of a type that an empty change names", { types: [SHIP] }, changes(SHIP, {}), false],
  ["an id that was written", { ids: [[SHIP, ["B", "A"]]] }, shipA, true],
  ["another id", { ids: [[SHIP, ["B"]]] }, shipA, false],
  ["the same id of another type", { ids: [[PORT, ["A"]]] }, shipA, false],
  ["an id that was deleted", { ids: [[SHIP, ["A"]]] }, changes(SHIP, { deletedNodes: ["A"] }), true],
  ["an id beside the deleted", { ids: [[SHIP, ["B"]]] }, changes(SHIP, { deletedNodes: ["A"] }), false],
  ["an id of a type that was replaced", { ids: [[SHIP, ["Z"]]] }, changes(SHIP, { replaced: true }), true],
  ["nothing of a type that was replaced", { ids: [[PORT, ["Z"]]] }, changes(SHIP, { replaced: true }), false],
  ["a value that was taken", { unique: [[name, ['["Aurora"]']]] }, shipA, true],
  ["another value", { unique: [[name, ['["Borealis"]']]] }, shipA, false],
  [
    "a value when the type was replaced",
    { unique: [[name, ['["Borealis"]']]] },
    changes(SHIP, { replaced: true }),
    true,
  ],
  ["ends that were taken", { unique: [[ends, ['["A","RTM"]']]] }, callAR, true],
  ["other ends", { unique: [[ends, ['["A","ANT"]']]] }, callAR, false],
  ["a source whose edges were counted", { incident: [[CALLS_AT, ["A"]]] }, callAR, true],
  ["a target whose edges go with it", { incident: [[CALLS_AT, ["RTM"]]] }, callAR, true],
  ["another node's edges", { incident: [[CALLS_AT, ["B"]]] }, callAR, false],
  [
    "a source that lost an edge",
    { incident: [[CALLS_AT, ["A"]]] },
    changes(CALLS_AT, { deletedEdges: [{ src: "A", dst: "RTM", id: "c1" }] }),
    true,
  ],
  [
    "an edge that was deleted",
    { ids: [[CALLS_AT, ["c1"]]] },
    changes(CALLS_AT, { deletedEdges: [{ src: "A", dst: "RTM", id: "c1" }] }),
    true,
  ],
];

describe("a write and a commit that came in between", () => {
  it.each(cases)("where the write relied on %s", (_, reads, change, isConflict) => {
    expect(conflictOf(draft(reads), landed(change))).toEqual(isConflict ? { type: change.type } : null);
  });

  it("never conflict where nothing came", () => {
    expect(conflictOf(draft({ types: [SHIP] }))).toBeNull();
  });

  it("conflict whatever was read when either changed the schema", () => {
    expect(conflictOf(draft({}), landed(changes(PORT, {}), "other"))).toEqual({ type: null });
    const schema = { digest: "new", accepted: "", catalog: HARBOUR };
    expect(conflictOf(draft({}, { schema }), landed(shipA))).toEqual({ type: null });
    expect(conflictOf(draft({}, { schema }))).toBeNull();
  });

  it("conflict when the write would empty a type that got rows", () => {
    const overwrite = draft({}, { changes: [changes(SHIP, { replaced: true })] });
    expect(conflictOf(overwrite, landed(shipA))).toEqual({ type: SHIP.id });
    expect(conflictOf(overwrite, landed(callAR))).toBeNull();
  });

  it("name the type of the first commit to blame", () => {
    const own = draft({ types: [SHIP, CALLS_AT] });
    expect(conflictOf(own, landed(changes(PORT, {})), landed(callAR), landed(shipA))).toEqual({
      type: CALLS_AT.id,
    });
  });
});

describe("rows that a commit brought in segments", () => {
  const segment = async () => {
    const { ref } = await encodeSegment("01SEG", SHIP, batchOf([ship("B"), ship("M")], SHIP));
    return landed(changes(SHIP, { segments: [ref] }));
  };
  const edges = async () => {
    const { ref } = await encodeSegment("01SEG", CALLS_AT, batchOf([call("B", "X", "1")], CALLS_AT));
    return landed(changes(CALLS_AT, { segments: [ref] }));
  };

  it("conflict with ids that may be among them, by range", async () => {
    const since = await segment();
    expect(conflictOf(draft({ ids: [[SHIP, ["C"]]] }), since)).toEqual({ type: SHIP.id });
    expect(conflictOf(draft({ ids: [[SHIP, ["A", "N"]]] }), since)).toBeNull();
  });

  it("conflict with claimed values, counted edges and edge ids, which no range tells", async () => {
    expect(conflictOf(draft({ unique: [[name, ['["x"]']]] }), await segment())).toEqual({ type: SHIP.id });
    expect(conflictOf(draft({ incident: [[CALLS_AT, ["Z"]]] }), await edges())).toEqual({
      type: CALLS_AT.id,
    });
    expect(conflictOf(draft({ ids: [[CALLS_AT, ["9"]]] }), await edges())).toEqual({ type: CALLS_AT.id });
    expect(conflictOf(draft({ types: [PORT] }), await edges())).toBeNull();
  });
});
