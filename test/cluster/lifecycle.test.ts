// From nothing to a converged cluster, on every kind of storage.

import { afterEach, describe, expect, it } from "bun:test";
import { renderPlan } from "../../src/cluster/index.ts";
import { sha256Hex } from "../../src/lib/digest.ts";
import { PLACES } from "./sites.ts";
import {
  changes,
  codes,
  FLEET_SCHEMA,
  items,
  member,
  messages,
  removeFolders,
  SHIP_QUERIES,
} from "./support.ts";

afterEach(removeFolders);

const LEDGER = "__cluster/state.json";
const WIDER_SCHEMA = "node Ship { imo: String @key  name: String?  flag: String?  tons: I32? }\n";
const CREATES = [
  "graph.fleet create applied",
  "policy.crew create applied",
  "policy.topology create applied",
  "query.fleet.all_ships create applied",
  "query.fleet.flags create applied",
  "query.fleet.ship_by_imo create applied",
  "schema.fleet create applied",
];

for (const place of PLACES) {
  describe(`a cluster on ${place.name}`, () => {
    it("plans without a ledger, writes nothing and leaves no lock", async () => {
      const site = await place.site();
      const plan = await site.plan();
      expect(plan.ok).toBe(true);
      expect(changes(plan)).toEqual(CREATES);
      expect(plan.state_observations).toMatchObject({
        state_path: `${site.storage.uri}/${LEDGER}`,
        lock_path: `${site.storage.uri}/__cluster/lock.json`,
        state_found: false,
        state_revision: 0,
        resource_count: 0,
        locked: false,
        lock_acquired: true,
      });
      expect(await site.keys("__cluster/")).toEqual([]);
      expect(await site.keys("graphs/")).toEqual([]);
    });

    it("needs an import before it applies", async () => {
      const site = await place.site();
      const apply = await site.apply();
      expect(apply).toMatchObject({ ok: false, converged: false, state_written: false, changes: [] });
      expect(codes(apply)).toEqual([`state_missing ${LEDGER}`]);
      expect(messages(apply)).toContain("cluster import");
      expect(await site.keys("__cluster/")).toEqual([]);
      const status = await site.status();
      expect(status.ok).toBe(true);
      expect(codes(status)).toEqual([`state_missing ${LEDGER}`]);
    });

    it("imports, applies everything in one run, and then has nothing to do", async () => {
      const site = await place.site();
      const imported = await site.import();
      expect(imported).toMatchObject({ ok: true, operation: "import", resource_digests: {} });
      expect((await site.ledger()).applied_revision.config_digest).toBeNull();

      const applied = await site.apply();
      expect(codes(applied)).toEqual([]);
      expect(applied).toMatchObject({ ok: true, actor: "mira", applied_count: 7, deferred_count: 0 });
      expect(applied).toMatchObject({ converged: true, state_written: true });
      expect(changes(applied)).toEqual(CREATES);
      const ledger = await site.ledger();
      expect(ledger.state_revision).toBe(2);
      expect(ledger.applied_revision.config_digest).toBe(
        String(member(applied.desired_revision, "config_digest")),
      );
      expect(ledger.applied_revision.resources["policy.crew"]?.applies_to).toEqual(["graph.fleet"]);
      expect(await site.liveSchema("fleet")).toBe(FLEET_SCHEMA);
      const digest = sha256Hex(SHIP_QUERIES);
      expect(await site.text(`__cluster/resources/query/fleet/all_ships/${digest}.gq`)).toBe(SHIP_QUERIES);
      expect(await site.text("__cluster/lock.json")).toBeNull();
      expect(await site.keys("__cluster/recoveries/")).toEqual([]);

      const before = await site.ledgerText();
      const again = await site.apply();
      expect(again).toMatchObject({
        ok: true,
        changes: [],
        applied_count: 0,
        converged: true,
        state_written: false,
      });
      expect(await site.ledgerText()).toBe(before);
      expect((await site.plan()).changes).toEqual([]);
      expect(codes(await site.status())).toEqual([]);
    });

    it("takes a new property and a query that uses it in one run, and shows the migration before", async () => {
      const site = await place.site();
      await site.import();
      await site.apply();
      site.write({
        "fleet.pg": WIDER_SCHEMA,
        "queries/tons.gq": "query tons() { match { $s: Ship } return { $s.tons } }\n",
      });
      const plan = await site.plan();
      expect(changes(plan)).toEqual([
        "graph.fleet update derived",
        "query.fleet.tons create applied",
        "schema.fleet update applied",
      ]);
      const migration = items(plan.changes).find(({ resource }) => resource === "schema.fleet")?.migration;
      expect(migration).toMatchObject({ supported: true });
      expect(items(member(migration, "steps")).map(({ kind }) => kind)).toContain("add_property");
      expect(renderPlan(plan)).toContain('"kind":"add_property"');
      const applied = await site.apply();
      expect(applied).toMatchObject({ ok: true, converged: true, applied_count: 2 });
      expect(await site.liveSchema("fleet")).toBe(WIDER_SCHEMA);
      expect((await site.plan()).changes).toEqual([]);
    });

    it("runs one of several applies at a time, and turns the others away at the lock", async () => {
      const site = await place.site();
      await site.import();
      const all = await Promise.all(Array.from({ length: 4 }, () => site.apply()));
      // One that came after another had finished found nothing to do; only one did the work.
      expect(all.filter(({ ok, applied_count }) => ok && applied_count !== 0)).toHaveLength(1);
      for (const turnedAway of all.filter(({ ok }) => !ok)) {
        expect(codes(turnedAway)).toEqual(["state_lock_held __cluster/lock.json"]);
      }
      expect(await site.text("__cluster/lock.json")).toBeNull();
      expect((await site.plan()).changes).toEqual([]);
    });

    it("finishes what an apply left behind that died after creating a graph", async () => {
      const site = await place.site();
      await site.import();
      const before = (await site.ledgerText()) ?? "";
      await site.apply();
      await site.put(LEDGER, before);
      const again = await site.apply();
      expect(codes(again)).toEqual([]);
      expect(again).toMatchObject({ ok: true, converged: true });
    });
  });
}
