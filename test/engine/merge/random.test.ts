// Merges of random histories, in both directions again and again, against a merge of whole states.

import { describe, expect, it } from "bun:test";
import { mergeEntity } from "../../../src/engine/merge/index.ts";
import { decodeAccepted } from "../../../src/schema/index.ts";
import { seededUnit } from "../../../src/storage/faults.ts";
import { ObjectCache, openStore } from "../../../src/store/index.ts";
import type { Row } from "../../../src/store/types.ts";
import { ports, refusal, type TestGraph, testGraph, text } from "../support.ts";

const SCHEMA = `
node Ship { imo: String @key  x: String?  mail: String? @unique }
node Port { code: String @key }
edge CallsAt: Ship -> Port @card(0..2) { berth: String? }
`;
const SEEDS = 40;
const ROUNDS = 6;
const OPERATIONS_MAX = 5;
const CARD_MAX = 2;
const SHIPS = ["A", "B", "C", "D"];
const PORTS = ["P", "Q", "R"];
const EDGES = ["1", "2", "3", "4", "5"];
const TEXTS = ["a", "b", "c"];

/** A whole state: rows by `type/id`; ships are [x, mail]. */
type Image = ReadonlyMap<string, Row>;

async function imageOf({ graph }: TestGraph, at: { branch: string } | { snapshot: string }): Promise<Image> {
  const lines = (await text(await graph.export(at))).split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line): [string, Row] => {
      const { type, edge, from = null, to = null, data } = JSON.parse(line);
      if (edge !== undefined)
        return [`CallsAt/${data.id}`, { id: data.id, src: from, dst: to, values: [data.berth] }];
      const values = type === "Ship" ? [data.x, data.mail] : [];
      return [`${type}/${data.id}`, { id: data.id, src: null, dst: null, values }];
    }),
  );
}

interface Expected {
  readonly image: Image;
  /** `kind type/id` of conflicts, or the kinds of broken rules where there are none. */
  readonly refusals: readonly string[];
}

function mergeWhole(base: Image, source: Image, target: Image): Expected {
  const image = new Map(target);
  const conflicts: string[] = [];
  for (const key of new Set([...base.keys(), ...source.keys(), ...target.keys()])) {
    const [b, s, t] = [base, source, target].map((state) => state.get(key) ?? null);
    const verdict = mergeEntity(b, s, t);
    if (verdict.kind === "conflict") conflicts.push(`${verdict.conflict} ${key}`);
    else if (verdict.kind === "take" && verdict.row === null) image.delete(key);
    else if (verdict.kind === "take" && verdict.row !== null) image.set(key, verdict.row);
  }
  return { image, refusals: conflicts.length > 0 ? conflicts.sort() : brokenRules(image) };
}

function brokenRules(image: Image): string[] {
  const broken = new Set<string>();
  const mails = new Set<string>();
  const calls = new Map<string, number>();
  for (const [key, { src, dst, values }] of image) {
    if (key.startsWith("Ship/") && values[1] !== null) {
      if (mails.has(values[1] as string)) broken.add("unique_violation");
      mails.add(values[1] as string);
    }
    if (src === null) continue;
    if (!image.has(`Ship/${src}`) || !image.has(`Port/${dst}`)) broken.add("orphan_edge");
    calls.set(src, (calls.get(src) ?? 0) + 1);
  }
  for (const [ship, count] of calls) {
    if (count > CARD_MAX && image.has(`Ship/${ship}`)) broken.add("cardinality_violation");
  }
  return [...broken].sort();
}

/** Does something, often against a rule: then nothing. */
async function change(fixture: TestGraph, branch: string, below: (n: number) => number): Promise<void> {
  const one = (of: readonly string[]) => of[below(of.length)];
  const ship = one(SHIPS);
  const mail = below(3) === 0 ? one(TEXTS) : null;
  const actions: (() => Promise<unknown>)[] = [
    () => fixture.load([{ type: "Ship", data: { imo: ship, x: one(TEXTS), mail } }], "merge", branch),
    () => fixture.load([{ type: "Port", data: { code: one(PORTS) } }], "merge", branch),
    () => fixture.mutate(`delete Ship where imo = "${ship}"`, {}, branch),
    () => fixture.mutate(`delete Port where code = "${one(PORTS)}"`, {}, branch),
    () => fixture.mutate(`delete CallsAt where from = "${ship}"`, {}, branch),
    () => {
      const data = { id: one(EDGES), berth: one(TEXTS) };
      return fixture.load([{ edge: "CallsAt", from: ship, to: one(PORTS), data }], "merge", branch);
    },
    () => fixture.load([{ type: "Port", data: { code: one(PORTS) } }], "overwrite", branch),
  ];
  // The last one is rare.
  await actions[below(24) === 0 ? actions.length - 1 : below(actions.length - 1)]().catch(() => {});
}

/** Both branches change, then one is merged into the other, whose state must be what a merge of whole states gives. */
async function mergeOnce(
  fixture: TestGraph,
  [source, target]: readonly string[],
  below: (n: number) => number,
): Promise<string> {
  for (const branch of [source, target]) {
    for (let left = below(OPERATIONS_MAX + 1); left > 0; left--) await change(fixture, branch, below);
  }
  const store = await openStore(fixture.storage, ports, {
    decodeSchema: decodeAccepted,
    cache: new ObjectCache(1 << 20),
  });
  const [from, into] = await Promise.all([source, target].map((name) => store.branch(name).head()));
  const { record: base } = await store.mergeBase(from, into);
  const before = await imageOf(fixture, { branch: target });
  const expected = mergeWhole(
    await imageOf(fixture, { snapshot: base.id }),
    await imageOf(fixture, { branch: source }),
    before,
  );
  const merging = fixture.graph.merge({ source, target, actor: null });
  if (base.id === from.head.id || expected.refusals.length === 0) {
    const { outcome } = await merging;
    const image = outcome === "already_up_to_date" ? before : expected.image;
    expect(sorted(await imageOf(fixture, { branch: target }))).toEqual(sorted(image));
    return outcome;
  }
  const found = (await refusal(merging)).details.merge_conflicts ?? [];
  const isRule = !expected.refusals[0].includes(" ");
  const words = found.map(({ kind, type_name, entity_id }) =>
    isRule ? kind : `${kind} ${type_name}/${entity_id}`,
  );
  expect([...new Set(words)].sort()).toEqual([...expected.refusals]);
  return "refused";
}

const sorted = (image: Image) => [...image].sort(([a], [b]) => (a < b ? -1 : 1));

describe("merges of random histories", () => {
  it("do what a merge of whole states does", async () => {
    const outcomes = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const unit = seededUnit(seed);
      const below = (n: number) => Math.floor(unit() * n);
      const fixture = await testGraph(SCHEMA);
      await fixture.load(PORTS.map((code) => ({ type: "Port", data: { code } })));
      await fixture.graph.createBranch({ name: "side", actor: null });
      for (let round = 0; round < ROUNDS; round++) {
        const outcome = await mergeOnce(
          fixture,
          below(3) === 0 ? ["main", "side"] : ["side", "main"],
          below,
        ).catch((error: Error) => {
          throw new Error(`seed ${seed}, round ${round}: ${error.message}`, { cause: error });
        });
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
    for (const outcome of ["merged", "fast_forward", "refused"]) {
      expect(outcomes.get(outcome) ?? 0).toBeGreaterThan(SEEDS / 10);
    }
  });
});
