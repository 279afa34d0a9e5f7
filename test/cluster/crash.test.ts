// kill -9 at every request of an apply, before and after it took effect: one more apply always converges.

import { afterEach, describe, expect, it } from "bun:test";
import { applyCluster } from "../../src/cluster/index.ts";
import { type Fault, MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import { inMemory, type Site } from "./sites.ts";
import { codes, FLEET_SCHEMA, ports, removeFolders } from "./support.ts";

afterEach(removeFolders);

const FILES = {
  "cluster.yaml": "version: 1\ngraphs: {fleet: {schema: fleet.pg, queries: q.gq}}\n",
  "fleet.pg": FLEET_SCHEMA,
  "q.gq": "query all() { match { $s: Ship } return { $s.imo } }\n",
};
const WIDER = "node Ship { imo: String @key  name: String?  flag: String?  tons: I32? }\n";

interface Scenario {
  /** Brings a new cluster to the point at which the killed apply starts. */
  readonly prepare: (site: Site) => Promise<void>;
  /** What somebody changes between the killed apply and the next. */
  readonly meanwhile: (site: Site) => void;
}

/** Kills an apply at call `at` and runs the next; false once the apply has fewer calls than that. */
async function survives(at: number, kind: Fault["kind"], { prepare, meanwhile }: Scenario): Promise<boolean> {
  const bucket = new MemoryBucket();
  const site = await inMemory(FILES, bucket);
  await site.import();
  await prepare(site);
  let isKilled = false;
  const open = async () =>
    memoryStorage(ports, {
      bucket,
      faults: ({ index }) => {
        if (index !== at) return null;
        isKilled = true;
        return kind === "crash-before" ? { kind } : { kind: "crash-after" };
      },
    });
  const before = await site.ledgerText();
  const killed = await applyCluster({ ...site.options, openStorage: open, actor: null }).catch(() => null);
  if (!isKilled) return false;
  const acknowledged = killed?.state_written === true;
  if (!acknowledged && (await site.ledgerText()) === before) meanwhile(site);
  const lock = JSON.parse((await site.text("__cluster/lock.json")) ?? "null") as { lock_id: string } | null;
  if (lock !== null) expect((await site.unlock(lock.lock_id)).ok).toBe(true);
  const next = await site.apply();
  expect([at, codes(next)]).toEqual([at, []]);
  expect(next).toMatchObject({ ok: true, converged: true });
  expect(await site.liveSchema("fleet")).toBe(site.source("fleet.pg"));
  expect(await site.keys("__cluster/lock.json")).toEqual([]);
  return true;
}

async function killEverywhere(scenario: Scenario): Promise<number> {
  let at = 0;
  for (const kind of ["crash-before", "crash-after"] as const) {
    for (at = 0; await survives(at, kind, scenario); at++);
  }
  return at;
}

const nothing = (): void => undefined;

describe("an apply that is killed", () => {
  it("while it creates a graph is finished by the next one", async () => {
    const calls = await killEverywhere({ prepare: async () => nothing(), meanwhile: nothing });
    expect(calls).toBeGreaterThan(10);
  });

  it("while it creates a graph is finished by the next one with a schema edited in between", async () => {
    await killEverywhere({
      prepare: async () => nothing(),
      meanwhile: (site) => site.write({ "fleet.pg": WIDER }),
    });
  });

  it("while it changes a schema is finished by the next one", async () => {
    await killEverywhere({
      prepare: async (site) => {
        await site.apply();
        site.write({ "fleet.pg": WIDER });
      },
      meanwhile: nothing,
    });
  });

  it("while it changes a schema is undone by the next one where the file was taken back", async () => {
    await killEverywhere({
      prepare: async (site) => {
        await site.apply();
        site.write({ "fleet.pg": WIDER });
      },
      meanwhile: (site) => site.write({ "fleet.pg": FLEET_SCHEMA }),
    });
  });
});
