import { describe, expect, it } from "bun:test";
import type { EntityType } from "../../../src/schema/index.ts";
import { type Faults, type MemoryBucket, memoryStorage } from "../../../src/storage/index.ts";
import type { BranchState, GraphStore } from "../../../src/store/index.ts";
import {
  addShips,
  CALLS_AT,
  call,
  commit,
  contents,
  failureOf,
  idsOf,
  openHarbour,
  PORT,
  port,
  SHIP,
  ship,
} from "../support.ts";
import { addMany, copyOf, type Harbour, harbour, keepLater, keysUnder } from "./support.ts";

const PREVIEW = { confirm: false, force: false };
const CONFIRM = { confirm: true, force: false };
const FORCE = { confirm: true, force: true };

/** Ships and ports in segments, calls between them, and more ships in the log. */
async function voyage(): Promise<Harbour> {
  const world = await harbour();
  await commit(world.store, {
    changes: [
      { type: SHIP, asSegment: true, rows: ["A", "B", "C"].map((imo) => ship(imo)) },
      { type: PORT, asSegment: true, rows: [port("NL"), port("NO")] },
    ],
  });
  await commit(world.store, {
    changes: [{ type: CALLS_AT, asSegment: true, rows: [call("A", "NL", "c1"), call("D", "NO", "c2")] }],
  });
  await commit(world.store, { changes: [{ type: SHIP, asSegment: true, rows: [ship("D"), ship("E")] }] });
  await addMany(world.store, 0, 18);
  return world;
}

/** Flips one bit in the middle of an object. */
function damage(bucket: MemoryBucket, key: string): void {
  const object = bucket.objects.get(key);
  if (object === undefined) throw new Error(`there is no ${key}`);
  const bytes = object.bytes.slice();
  bytes[bytes.length >> 1] ^= 4;
  bucket.objects.set(key, { ...object, bytes });
}

const severities = (report: Awaited<ReturnType<GraphStore["repair"]>>) =>
  [...new Set(report.findings.map(({ severity }) => severity))].sort();

async function check(world: Harbour, mode = PREVIEW, faults?: Faults) {
  return (await world.another(faults)).repair(mode);
}

/** The segment that a commit added, by version. */
async function segmentOf(world: Harbour, version: number, type: EntityType = SHIP): Promise<string> {
  const head = await world.store.branch("main").head();
  const record = await world.store.commitAt(head, version);
  const [logged] = await world.store.commitsAfter(
    await world.store.stateAt(record?.id ?? ""),
    await world.store.stateAt(record?.parent ?? ""),
  );
  const segment = logged.changes.find((change) => change.type === type.id)?.segments[0];
  return `segments/${type.id}/${segment?.id}.arrow`;
}

const headOf = async (world: Harbour, branch = "main"): Promise<[GraphStore, BranchState]> => {
  const reader = await world.another();
  return [reader, await reader.branch(branch).head()];
};

describe("a check of a sound graph", () => {
  it("finds nothing, whatever happened to it", async () => {
    const world = await voyage();
    await world.store.createBranch("a", "main");
    await world.store.createBranch("b", "a");
    await addMany(world.store, 18, 40, "b");
    await world.store.optimize("main", 2);
    expect((await check(world)).findings).toEqual([]);
    await keepLater(world, 2);
    expect((await check(world)).findings).toEqual([]);
    await commit(world.store, {
      changes: [{ type: SHIP, replaced: true, rows: [ship("Z")], asSegment: true }],
    });
    await world.store.createBranch("c", "main");
    await world.store.deleteBranch("c");
    await keepLater(world, 1);
    expect(await check(world, FORCE)).toMatchObject({ findings: [], commits: [], failures: [] });
  });

  it("reads and changes nothing else", async () => {
    const world = await voyage();
    const before = copyOf(world.bucket);
    await check(world, PREVIEW);
    expect(world.bucket.objects).toEqual(before.objects);
  });
});

describe("derived data", () => {
  const lose = (key: (bucket: MemoryBucket) => string, how: "missing" | "flipped") => async () => {
    const world = await voyage();
    const [store, head] = await headOf(world);
    const before = await contents(store, head);
    const target = key(world.bucket);
    if (how === "missing") world.bucket.objects.delete(target);
    else damage(world.bucket, target);
    const preview = await check(world);
    expect(severities(preview)).toEqual(["derived"]);
    const healed = await check(world, CONFIRM);
    expect(healed).toMatchObject({ failures: [], commits: [] });
    expect((await check(world)).findings).toEqual([]);
    const [reader, now] = await headOf(world);
    expect(now.checkpoint.position).toBe(head.checkpoint.position);
    expect(await contents(reader, now)).toEqual(before);
  };
  const checkpoint = (bucket: MemoryBucket) =>
    keysUnder(bucket, "branches/").find((key) => key.includes("/checkpoint/")) ?? "";
  const hint = (bucket: MemoryBucket) =>
    keysUnder(bucket, "branches/").find((key) => key.endsWith("hint.json")) ?? "";

  const bundle = (bucket: MemoryBucket) =>
    keysUnder(bucket, "branches/").find((key) => key.includes("/bundle/")) ?? "";

  it("is made again: a bundle of entries that is damaged", lose(bundle, "flipped"));
  it("is made again: a checkpoint that is missing", lose(checkpoint, "missing"));
  it("is made again: a checkpoint that is damaged", lose(checkpoint, "flipped"));
  it("is made again: the note of the newest checkpoint, missing", lose(hint, "missing"));
  it("is made again: a segment that only a checkpoint has", async () => {
    const world = await voyage();
    const entries = await Promise.all([2, 4].map((version) => segmentOf(world, version)));
    const [store, head] = await headOf(world);
    const before = await contents(store, head);
    const merged = (head.checkpoint.types.get(SHIP.id)?.segments ?? [])
      .map(({ segment }) => `segments/${SHIP.id}/${segment.id}.arrow`)
      .find((key) => !entries.includes(key));
    damage(world.bucket, merged ?? "");
    const preview = await check(world);
    expect(preview.findings).toMatchObject([
      { type: SHIP.id, severity: "derived", text: expect.stringContaining("checksum") },
    ]);
    expect(await check(world, CONFIRM)).toMatchObject({ failures: [], commits: [] });
    const [reader, now] = await headOf(world);
    expect(await contents(reader, now)).toEqual(before);
    expect((await check(world)).findings).toEqual([]);
  });

  it("is made again: a checkpoint that does not say what the log says", async () => {
    const world = await voyage();
    const [store, head] = await headOf(world);
    const before = await contents(store, head);
    const key = checkpoint(world.bucket);
    const object = world.bucket.objects.get(key);
    const text = Buffer.from(object?.bytes ?? []).toString();
    const json = JSON.parse(text.replace(/,"crc":\d+\}$/, "}")) as {
      types: { type: number; count: number; segments: unknown[] }[];
    };
    const ships = json.types.find(({ type }) => type === SHIP.id);
    if (object === undefined || ships === undefined) throw new Error("the checkpoint has no ships");
    ships.count = 0;
    ships.segments = [];
    world.bucket.objects.set(key, { ...object, bytes: new TextEncoder().encode(JSON.stringify(json)) });
    const preview = await check(world);
    expect(preview.findings).toMatchObject([
      { type: SHIP.id, severity: "derived", text: expect.stringContaining("does not hold the rows of Ship") },
    ]);
    await check(world, CONFIRM);
    const [reader, now] = await headOf(world);
    expect(await contents(reader, now)).toEqual(before);
  });
});

describe("source data", () => {
  it("that is damaged is named with the commits that it takes along, and refused", async () => {
    const world = await voyage();
    const key = await segmentOf(world, 4);
    const [, head] = await headOf(world);
    // The rows stand in the checkpoint, too; without that they are lost.
    for (const { segment } of head.checkpoint.types.get(SHIP.id)?.segments ?? [])
      world.bucket.objects.delete(`segments/${SHIP.id}/${segment.id}.arrow`);
    damage(world.bucket, key);
    const before = copyOf(world.bucket);
    const { findings } = await check(world, CONFIRM);
    const lost = findings.filter(({ severity }) => severity === "source");
    expect(lost.map(({ type }) => type)).toEqual([SHIP.id]);
    expect(lost[0].text).toContain(key);
    expect(lost[0].text).toMatch(/affects \d+ commits from \w{26} \(version 4\) to \w{26} \(version 22\)/);
    expect(world.bucket.objects).toEqual(before.objects);
  });

  it("is given up by force: the type is as it was when it could last be read", async () => {
    const world = await voyage();
    const key = await segmentOf(world, 4);
    const [, head] = await headOf(world);
    const chain = await world.store.history(head);
    for (const { segment } of head.checkpoint.types.get(SHIP.id)?.segments ?? [])
      world.bucket.objects.delete(`segments/${SHIP.id}/${segment.id}.arrow`);
    world.bucket.objects.delete(key);
    const { commits } = await check(world, FORCE);
    expect(commits).toMatchObject([
      { actor: "omnigraph:repair", operation: "repair", version: 23, parent: head.head.id },
    ]);
    const [reader, now] = await headOf(world);
    expect(now.head).toEqual(commits[0]);
    const all = await contents(reader, now);
    expect(Object.keys(all.Ship ?? {})).toEqual(["A", "B", "C"]);
    expect(Object.keys(all.Port ?? {})).toEqual(["NL", "NO"]);
    // D is gone, and with it the call that it made.
    expect(Object.keys(all.CallsAt ?? {})).toEqual(["A -> NL c1"]);
    expect(await reader.history(now)).toEqual([commits[0], ...chain]);
    for (const { id, version } of chain) {
      if (version < 4) await contents(reader, await reader.stateAt(id));
      else expect(await failureOf(reader.stateAt(id))).toMatchObject({ kind: "gone" });
    }
    expect((await check(world)).findings).toEqual([]);
    await addShips(reader, "NEW");
    await keepLater(world, 1);
    const [later, last] = await headOf(world);
    expect(await idsOf(later, last, SHIP)).toEqual(["A", "B", "C", "NEW"]);
    expect((await check(world)).findings).toEqual([]);
  });

  it("that only the past needs is given up without touching the head", async () => {
    const world = await voyage();
    const key = await segmentOf(world, 4);
    await commit(world.store, {
      changes: [{ type: SHIP, replaced: true, asSegment: true, rows: [ship("Z")] }],
    });
    const [, before] = await headOf(world);
    damage(world.bucket, key);
    const { findings } = await check(world);
    expect(findings.find(({ severity }) => severity === "source")?.text).toContain("version 4");
    const { commits } = await check(world, FORCE);
    expect(commits).toHaveLength(1);
    const [reader, now] = await headOf(world);
    expect(await idsOf(reader, now, SHIP)).toEqual(["Z"]);
    expect(await idsOf(reader, await reader.stateAt(before.head.id), SHIP)).toEqual(["Z"]);
    expect((await check(world)).findings).toEqual([]);
  });

  it("of which no state is left at all makes the type empty", async () => {
    const world = await voyage();
    await world.store.optimize("main", 2);
    await keepLater(world, 1);
    await keepLater(world, 1);
    damage(world.bucket, keysUnder(world.bucket, `segments/${SHIP.id}/`)[0]);
    const { findings } = await check(world);
    expect(findings.map(({ type, severity }) => [type, severity])).toEqual([[SHIP.id, "source"]]);
    await check(world, FORCE);
    const [reader, now] = await headOf(world);
    const all = await contents(reader, now);
    expect([Object.keys(all.Ship ?? {}), Object.keys(all.Port ?? {})]).toEqual([[], ["NL", "NO"]]);
    expect((await check(world)).findings).toEqual([]);
  });

  it("of every branch that needs it is repaired there", async () => {
    const world = await voyage();
    await world.store.createBranch("draft", "main");
    await addMany(world.store, 30, 32, "draft");
    const key = await segmentOf(world, 2, PORT);
    damage(world.bucket, key);
    const { findings } = await check(world);
    expect(findings.map(({ text }) => text.slice(0, 14)).sort()).toEqual([
      "branch 'draft'",
      "branch 'main':",
    ]);
    const { commits } = await check(world, FORCE);
    expect(commits).toHaveLength(2);
    for (const branch of ["main", "draft"]) {
      const [reader, now] = await headOf(world, branch);
      expect(await idsOf(reader, now, PORT)).toEqual([]);
      expect(await idsOf(reader, now, CALLS_AT)).toEqual([]);
    }
    expect((await check(world)).findings).toEqual([]);
  });
});

describe("a log", () => {
  const entryAt = (world: Harbour, position: number) =>
    `branches/${world.store.mainId}/log/${String(position).padStart(20, "0")}.json`;

  it("with a lost entry below a checkpoint loses the states in between", async () => {
    const world = await voyage();
    const [store, head] = await headOf(world);
    const before = await contents(store, head);
    expect(head.checkpoint.position).toBe(17);
    const chain = await world.store.history(head);
    world.bucket.objects.delete(entryAt(world, 9));
    for (const key of keysUnder(world.bucket, "branches/"))
      if (key.includes("/bundle/")) world.bucket.objects.delete(key);
    const { findings } = await check(world);
    expect(severities({ findings } as never)).toEqual(["source"]);
    expect(findings[0]).toMatchObject({
      type: null,
      text: expect.stringContaining("the log entry is missing"),
    });
    const { commits } = await check(world, FORCE);
    expect(commits).toMatchObject([{ parent: head.head.id, version: 23 }]);
    const [reader, now] = await headOf(world);
    expect(await contents(reader, now)).toEqual(before);
    expect(await reader.history(now)).toEqual([commits[0], ...chain]);
    const readable: number[] = [];
    for (const { id, version } of chain) {
      const state = await reader.stateAt(id).catch((thrown: Error) => thrown);
      if (!(state instanceof Error)) readable.push(version);
      else expect(state).toMatchObject({ kind: "gone" });
    }
    expect(readable).toEqual([22, 21, 20, 19, 18, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect((await check(world)).findings).toEqual([]);
  });

  it.each([
    ["in the middle of the tail", 19],
    ["at the end", 21],
  ])("with a damaged entry %s goes on behind it, from the newest state before", async (_, position) => {
    const world = await voyage();
    const [, head] = await headOf(world);
    const chain = (await world.store.history(head)).filter(({ version }) => version <= position);
    const before = await contents(world.store, await world.store.stateAt(chain[0].id));
    damage(world.bucket, entryAt(world, position));
    expect(await failureOf((await world.another()).branch("main").head())).toMatchObject({
      kind: "internal",
    });
    expect(severities(await check(world))).toEqual(["source"]);
    const { commits } = await check(world, FORCE);
    expect(commits).toMatchObject([{ version: position + 1, position: 22, parent: chain[0].id }]);
    const [reader, now] = await headOf(world);
    expect(await contents(reader, now)).toEqual(before);
    expect(await reader.history(now)).toEqual([commits[0], ...chain]);
    expect((await check(world)).findings).toEqual([]);
    await addMany(reader, 100, 120);
    await keepLater(world, 1);
    const [later, last] = await headOf(world);
    expect(await idsOf(later, last, SHIP)).toHaveLength(20 + Object.keys(before.Ship ?? {}).length);
    expect((await check(world)).findings).toEqual([]);
  });

  it.each([
    ["in the middle of the tail", 19],
    ["at the end", 21],
  ])("with a damaged entry %s is followed around it by those who knew the rest", async (_, position) => {
    const world = await voyage();
    const { head: before } = await world.store.branch("main").head();
    const slow = await world.another();
    await slow.branch("main").head();
    damage(world.bucket, entryAt(world, position));
    const { commits } = await check(world, FORCE);
    expect((await world.store.branch("main").head()).head).toEqual(commits[0]);
    expect(commits[0].version).toBeLessThanOrEqual(before.version);
    // One reads first, the other writes.
    await addShips(world.store, "ONE");
    await addShips(slow, "OTHER");
    const [reader, now] = await headOf(world);
    expect(await idsOf(reader, now, SHIP)).toContain("ONE");
    expect(await idsOf(reader, now, SHIP)).toContain("OTHER");
    for (const store of [world.store, slow]) {
      expect((await store.branch("main").head()).head).toEqual(now.head);
    }
    expect((await check(world)).findings).toEqual([]);
  });

  it.each(["missing", "damaged"])(
    "with an entry that is %s is followed around it by those who had read up to there",
    async (how) => {
      const world = await voyage();
      const [reading, writing] = [await world.another(), await world.another()];
      for (const store of [reading, writing]) await store.branch("main").head();
      await addMany(world.store, 60, 63);
      const key = entryAt(world, 22);
      if (how === "missing") world.bucket.objects.delete(key);
      else damage(world.bucket, key);
      const { commits } = await check(world, FORCE);
      expect(commits).toMatchObject([{ version: 23, position: 25 }]);
      await addShips(writing, "NEW");
      const [reader, now] = await headOf(world);
      expect(await idsOf(reader, now, SHIP)).toContain("NEW");
      expect((await reading.branch("main").head()).head).toEqual(now.head);
      expect((await check(world)).findings).toEqual([]);
      await keepLater(world, 1);
      expect((await check(world)).findings).toEqual([]);
    },
  );

  it("whose floor cannot be read claims what is there", async () => {
    const world = await voyage();
    const [store, head] = await headOf(world);
    const before = await contents(store, head);
    await keepLater(world, 3);
    damage(world.bucket, `branches/${world.store.mainId}/floor.json`);
    expect(severities(await check(world))).toEqual(["source"]);
    await check(world, FORCE);
    const [reader, now] = await headOf(world);
    expect(await contents(reader, now)).toEqual(before);
    expect(await contents(reader, await reader.stateAt(head.head.id))).toEqual(before);
    expect((await check(world)).findings).toEqual([]);
  });
});

describe("what storage does not let be read", () => {
  it("is neither sound nor lost, and keeps force from anything", async () => {
    const world = await voyage();
    const key = await segmentOf(world, 2, PORT);
    const denied: Faults = (request) => (request.key === key ? { kind: "answer", status: 403 } : null);
    damage(world.bucket, await segmentOf(world, 3, CALLS_AT));
    const before = copyOf(world.bucket);
    const report = await check(world, FORCE, denied);
    expect(report.findings.map(({ type, severity }) => [type, severity])).toEqual([
      [PORT.id, "unreadable"],
      [CALLS_AT.id, "source"],
    ]);
    expect(report.commits).toEqual([]);
    expect(world.bucket.objects).toEqual(before.objects);
  });
});

describe("a ref that cannot be read", () => {
  const truncate = ({ bucket }: Harbour, bytes: number) => {
    const object = bucket.objects.get("refs/draft.json");
    if (object === undefined) throw new Error("there is no draft");
    bucket.objects.set("refs/draft.json", { ...object, bytes: object.bytes.slice(0, bytes) });
  };

  it.each([
    ["from main", "main"],
    ["from another branch", "review"],
  ])("is made again where the log is there that it names: forked %s", async (_, from) => {
    const world = await voyage();
    await world.store.createBranch("review", "main");
    await addMany(world.store, 40, 43, "review");
    await world.store.createBranch("draft", from);
    await addMany(world.store, 50, 70, "draft");
    const [before, state] = await headOf(world, "draft");
    const expected = await contents(before, state);
    const whole = world.bucket.objects.get("refs/draft.json")?.bytes ?? new Uint8Array(0);
    truncate(world, whole.length - 40);
    const { findings } = await check(world);
    expect(findings).toMatchObject([
      { type: null, severity: "derived", text: expect.stringContaining("branch 'draft'") },
    ]);
    expect(await check(world, CONFIRM)).toMatchObject({ failures: [], commits: [] });
    const [reader, now] = await headOf(world, "draft");
    expect(now.ref).toEqual(state.ref);
    expect(await contents(reader, now)).toEqual(expected);
    expect(await reader.history(now)).toEqual(await before.history(state));
    expect((await check(world)).findings).toEqual([]);
  });

  it("is given up by force where nothing tells what it said, and nothing else is", async () => {
    const world = await voyage();
    await world.store.createBranch("draft", "main");
    await addMany(world.store, 50, 52, "draft");
    const [before, state] = await headOf(world);
    truncate(world, 1);
    const found = await check(world, CONFIRM);
    expect(found.findings).toMatchObject([
      { type: null, severity: "source", text: expect.stringContaining("branch 'draft'") },
    ]);
    expect(world.bucket.objects.get("refs/draft.json")?.bytes).toHaveLength(1);
    expect((await check(world, FORCE)).commits).toEqual([]);
    const [reader, now] = await headOf(world);
    expect(await contents(reader, now)).toEqual(await contents(before, state));
    expect(await reader.listBranches()).toEqual(["main"]);
    expect((await check(world)).findings).toEqual([]);
    await reader.createBranch("draft", "main");
    await keepLater(world, 1);
    expect(await (await world.another()).listBranches()).toEqual(["draft", "main"]);
  });

  it("takes no log for its own that was never a branch's, or is one no more", async () => {
    const world = await voyage();
    await world.store.createBranch("gone", "main");
    await addMany(world.store, 50, 52, "gone");
    const deleted = (await world.store.branch("gone").head()).ref.id;
    await world.store.deleteBranch("gone");
    await world.store.createBranch("draft", "main");
    const ref = world.bucket.objects.get("refs/draft.json");
    if (ref === undefined) throw new Error("there is no draft");
    const text = Buffer.from(ref.bytes).toString();
    const [own] = text.match(/(?<="branch":")\w+/) ?? [""];
    const bytes = new TextEncoder().encode(text.replace(own, deleted).slice(0, -30));
    world.bucket.objects.set("refs/draft.json", { ...ref, bytes });
    expect((await check(world)).findings).toMatchObject([{ severity: "source" }]);
  });
});

describe("one flipped bit", () => {
  it("in any object that a sound graph needs is found", async () => {
    const world = await voyage();
    await world.store.createBranch("draft", "main");
    await addMany(world.store, 30, 31, "draft");
    await world.store.optimize("main", 2);
    await keepLater(world, 3);
    const missed: string[] = [];
    for (const key of world.bucket.objects.keys()) {
      const bucket = copyOf(world.bucket);
      damage(bucket, key);
      const opening = openHarbour(memoryStorage(world.ports, { bucket }), world.ports);
      if (key === "graph.json") {
        await expect(opening).rejects.toThrow("graph.json' is damaged");
        continue;
      }
      const store = await opening;
      // Without any schema there are no types to tell about: that is said right away.
      if (key.startsWith("schema/")) await expect(store.repair(PREVIEW)).rejects.toThrow(key);
      else if ((await store.repair(PREVIEW)).findings.length === 0) missed.push(key);
    }
    expect(missed).toEqual([]);
  });
});
