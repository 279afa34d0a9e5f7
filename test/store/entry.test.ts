import { describe, expect, it } from "bun:test";
import { encodeUtf8 } from "../../src/lib/utf8.ts";
import type { Value } from "../../src/query/plan.ts";
import { admitSchema, type NodeType } from "../../src/schema/index.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../src/store/checkpoint.ts";
import { decodeEntry, encodeEntry, type LogEntry } from "../../src/store/entry.ts";
import {
  type BranchRef,
  batchOf,
  type Checkpoint,
  type CommitRecord,
  type Row,
  rowsOf,
  type TypeChanges,
} from "../../src/store/index.ts";
import { encodeSegment } from "../../src/store/segment-write.ts";
import { CALLS_AT, call, SHIP, ship } from "./support.ts";

const PLACE = { branch: "01MAIN", position: 7 };

const RECORD: CommitRecord = {
  id: "01COMMIT",
  parent: "01PARENT",
  mergedParent: null,
  mergedFrom: null,
  actor: null,
  authoredAt: 1_767_225_600_123_456,
  operation: "mutate",
  version: 8,
  generation: 11,
  ...PLACE,
  schemaDigest: "abc",
};

/** A branch that was merged. */
const SIDE: BranchRef = {
  name: "side",
  id: "01SIDE",
  lineage: [{ branch: "01MAIN", name: "main", until: 2 }],
};

const NO_CHANGES: TypeChanges = {
  type: 1,
  replaced: false,
  deletedNodes: [],
  deletedEdges: [],
  rows: null,
  segments: [],
};

const roundTrip = (entry: LogEntry) => decodeEntry("object", encodeEntry(entry, new Map()), PLACE);

const decodeText = (text: string) => decodeEntry("the/object.json", encodeUtf8(text), PLACE);

describe("a log entry", () => {
  it("gives back commits with everything they say", async () => {
    const { ref } = await encodeSegment("01SEG", SHIP, batchOf([ship("Q"), ship("R")], SHIP));
    const changes: TypeChanges[] = [
      {
        ...NO_CHANGES,
        type: SHIP.id,
        replaced: true,
        segments: [ref],
        rows: batchOf([ship("A", "é", -1)], SHIP),
      },
      {
        ...NO_CHANGES,
        type: CALLS_AT.id,
        deletedEdges: [{ src: "a", dst: "b", id: "c\0" }],
        rows: batchOf([call("A", "B", "1")], CALLS_AT),
      },
      { ...NO_CHANGES, type: 99, deletedNodes: ["", "x"] },
    ];
    const merge: CommitRecord = {
      ...RECORD,
      id: "01MERGE",
      parent: RECORD.id,
      mergedParent: "01OTHER",
      mergedFrom: { branch: "01SIDE", position: 3, ref: SIDE },
      actor: "harbour-bot",
      operation: "merge",
      version: 9,
    };
    const decoded = roundTrip({
      position: 7,
      closed: null,
      commits: [
        { record: RECORD, changes },
        { record: merge, changes: [] },
      ],
    });
    expect(decoded.commits.map(({ record }) => record)).toEqual([RECORD, merge]);
    expect(decoded.commits[0].changes.map((change) => change.changes)).toEqual(changes);
    expect(decoded.commits[0].changes.every(({ deletesObject }) => deletesObject === null)).toBe(true);
  });

  it("lacks the branch of a merged parent where a build wrote it that did not note that", () => {
    const mergedFrom = { branch: "01SIDE", position: 3, ref: null };
    const merge: CommitRecord = { ...RECORD, mergedParent: "01OTHER", mergedFrom };
    const entry = { position: 7, closed: null, commits: [{ record: merge, changes: [] }] };
    expect(Buffer.from(encodeEntry(entry, new Map())).toString()).toContain('"merged_from":["01SIDE",3],');
    expect(roundTrip(entry).commits[0].record).toEqual(merge);
  });

  it("can end a branch instead", () => {
    const decoded = roundTrip({ position: 7, closed: "01TOKEN", commits: [] });
    expect(decoded).toEqual({ position: 7, closed: "01TOKEN", commits: [] });
  });

  it("keeps every value of every type exactly, inline as in segments", () => {
    const type = admitSchema(
      `node Thing { key: String @key  l: I64?  u: U64?  f: F32?  d: F64?  v: Vector(2)?  at: DateTime?
  longs: [I64]?  doubles: [F64]?  b: Bool? }
`,
      null,
    ).nodes.get("Thing") as NodeType;
    const values: readonly Readonly<Record<string, Value>>[] = [
      { l: 9_007_199_254_740_993n, u: 18_446_744_073_709_551_615n, f: Math.fround(0.1), d: 5e-324, b: false },
      { l: -9_223_372_036_854_775_808n, u: 0n, f: Number.NaN, d: -0, at: -62_135_596_800_000 },
      { l: 5n, d: 1e300, v: new Float32Array([0.1, -0]), longs: [1n, -9_007_199_254_740_993n] },
      {
        d: Number.NEGATIVE_INFINITY,
        f: Number.POSITIVE_INFINITY,
        doubles: [0.1, 2 ** 63],
      },
      { longs: [], doubles: [] },
      {},
    ];
    const rows = values.map((given, i): Row => {
      const all: Readonly<Record<string, Value>> = { key: `k${i}`, ...given };
      return {
        id: `k${i}`,
        src: null,
        dst: null,
        values: type.properties.map(({ name }) => all[name] ?? null),
      };
    });
    const change = { ...NO_CHANGES, type: type.id, rows: batchOf(rows, type) };
    const decoded = roundTrip({
      position: 7,
      closed: null,
      commits: [{ record: RECORD, changes: [change] }],
    });
    const batch = decoded.commits[0].changes[0].changes.rows;
    expect(batch === null ? [] : rowsOf(batch, type)).toEqual(rows);
  });

  it("is readable by eye", () => {
    const rows = batchOf([ship("IMO1", "Aurora", 7)], SHIP);
    const entry: LogEntry = {
      position: 7,
      closed: null,
      commits: [{ record: RECORD, changes: [{ ...NO_CHANGES, type: SHIP.id, rows }] }],
    };
    const text = new TextDecoder().decode(encodeEntry(entry, new Map()));
    expect(text).toContain('"authored_at":"2026-01-01T00:00:00.123456Z"');
    expect(text).toContain('["IMO1",null,"IMO1","Aurora",7]');
  });

  it.each([
    ["not JSON", "{", "expected a member name"],
    ["another format", '{"format":2}', "format 2; this build reads format 1"],
    ["no format", "{}", "expected an integer at 'format', found nothing"],
    ["another position", '{"format":1,"position":8}', "expected position 7 at 'position'"],
    ["nothing in it", '{"format":1,"position":7,"commits":[]}', "at least one commit"],
    [
      "a commit of the wrong kind",
      '{"format":1,"position":7,"commits":[5]}',
      "expected an object at 'commits[0]'",
    ],
    ["an array", "[]", "expected an object"],
  ])("is refused with object and place when it is damaged: %s", (_, text, phrase) => {
    expect(() => decodeText(text)).toThrow(phrase);
    expect(() => decodeText(text)).toThrow("the/object.json");
  });

  it("is refused when one member is missing or wrong, whichever it is", () => {
    const change = { ...NO_CHANGES, type: SHIP.id, rows: batchOf([ship("A"), ship("B")], SHIP) };
    const entry: LogEntry = { position: 7, closed: null, commits: [{ record: RECORD, changes: [change] }] };
    const text = new TextDecoder().decode(encodeEntry(entry, new Map()));
    const harms: readonly (readonly [string, string])[] = [
      ['"id":"01COMMIT"', '"id":5'],
      ['"operation":"mutate"', '"operation":"conjure"'],
      ["2026-01-01T", "2026-13-01T"],
      ['"version":8', '"version":-8'],
      ['"kind":"node"', '"kind":"ship"'],
      ['"utf8"', '"utf9"'],
      [',"i32"]', "]"],
      ['["A",', '["C",'],
      ['["A",', "["],
      ['"type":1', '"type":"1"'],
    ];
    for (const [from, to] of harms) {
      const harmed = text.replace(from, to);
      expect(harmed).not.toBe(text);
      expect(() => decodeText(harmed)).toThrow("is damaged");
    }
  });
});

describe("a checkpoint object", () => {
  const REF: BranchRef = {
    name: "zulu",
    id: "01ZULU",
    lineage: [{ branch: "01MAIN", name: "main", until: 5 }],
  };
  const records = (count: number): CommitRecord[] =>
    Array.from({ length: count }, (_, i) => ({
      ...RECORD,
      id: `01C${i}`,
      parent: i === 0 ? null : `01C${i - 1}`,
      version: i + 1,
      generation: i < 4 ? i + 1 : i + 5,
      position: i,
      branch: i <= 5 ? "01MAIN" : "01ZULU",
      actor: i % 2 === 0 ? null : `agent-${i % 3}`,
      schemaDigest: i < 3 ? "old" : "new",
      mergedParent: i === 4 ? "01SIDE-HEAD" : null,
      mergedFrom: i === 4 ? { branch: "01SIDE", position: 3, ref: SIDE } : null,
      operation: i === 0 ? "init" : i === 4 ? "merge" : "load",
    }));

  it("gives back types, segments, dead rows and history", async () => {
    const { ref: segment } = await encodeSegment(
      "01SEG",
      SHIP,
      batchOf([ship("Q"), ship("R"), ship("S")], SHIP),
    );
    const commits = records(9);
    const checkpoint: Checkpoint = {
      branch: "01ZULU",
      position: 8,
      head: commits[8],
      types: new Map([
        [
          SHIP.id,
          {
            type: SHIP.id,
            count: 4,
            changedAt: 6,
            segments: [
              { segment, dead: { kind: "rows", rows: new Uint32Array([0, 2]) } },
              { segment, dead: { kind: "none" } },
              { segment, dead: { kind: "object", key: "dead/01SEG/7.bin", count: 3 } },
            ],
          },
        ],
        [CALLS_AT.id, { type: CALLS_AT.id, count: 0, changedAt: 2, segments: [] }],
      ]),
      history: {
        commits,
        earlier: [3, 5],
        packs: [
          { position: 2, firstVersion: 1, lastVersion: 2, ids: null },
          { position: 4, firstVersion: 3, lastVersion: 9, ids: { least: "01A", greatest: "01B" } },
        ],
      },
    };
    const bytes = encodeCheckpoint(checkpoint);
    expect(decodeCheckpoint("object", bytes, checkpoint, REF)).toEqual(checkpoint);
    expect(() => decodeCheckpoint("object", bytes, { branch: "01ZULU", position: 9 }, REF)).toThrow(
      "position 9",
    );
    for (let cut = 0; cut < bytes.length; cut += 97) {
      expect(() => decodeCheckpoint("object", bytes.subarray(0, cut), checkpoint, REF)).toThrow(
        "'object' is damaged",
      );
    }
  });
});
