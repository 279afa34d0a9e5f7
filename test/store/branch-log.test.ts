import { describe, expect, it } from "bun:test";
import { decodeAccepted } from "../../src/schema/index.ts";
import { MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import { BranchLog } from "../../src/store/branch-log.ts";
import { catalogReader, type GraphContext } from "../../src/store/context.ts";
import { readGraphRecord } from "../../src/store/graph-record.ts";
import { ObjectCache } from "../../src/store/index.ts";
import { readEntry } from "../../src/store/log-read.ts";
import { Objects } from "../../src/store/objects.ts";
import { mainRef } from "../../src/store/refs.ts";
import { addShips, commit, initHarbour, openHarbour, quickPorts, SHIP, ship } from "./support.ts";

/** What the parts of one more process share. */
async function contextOn(bucket: MemoryBucket): Promise<GraphContext> {
  const ports = quickPorts(5);
  const objects = new Objects(memoryStorage(ports, { bucket }), new ObjectCache(1_000_000));
  return {
    objects,
    ports,
    graph: await readGraphRecord(objects.storage),
    readStalenessMs: 0,
    catalogOf: catalogReader(objects, decodeAccepted),
    keepCatalog: () => {},
  };
}

async function harbour() {
  const ports = quickPorts();
  const bucket = new MemoryBucket();
  await initHarbour(memoryStorage(ports, { bucket }), ports);
  return { bucket, store: await openHarbour(memoryStorage(ports, { bucket }), ports) };
}

describe("the log of a branch", () => {
  it("goes from one entry to the next in one step, however many commits an entry has", async () => {
    const { bucket, store } = await harbour();
    await addShips(store, "A");
    const context = await contextOn(bucket);
    const log = new BranchLog(context, mainRef(context.graph));
    await log.head();
    await Promise.all(
      ["B", "C", "D", "E"].map((imo) => commit(store, { changes: [{ type: SHIP, rows: [ship(imo)] }] })),
    );
    const entry = await readEntry(context.objects, { branch: store.mainId, position: 2 });
    expect(entry?.commits).toHaveLength(4);
    if (entry === null) return;
    const seen = new Set<number | undefined>();
    let isDone = false;
    const watch = async () => {
      for (; !isDone; await Promise.resolve()) seen.add(log.latest?.head.version);
    };
    const appended = log.append(entry).then(() => {
      isDone = true;
    });
    await Promise.all([watch(), appended]);
    seen.add(log.latest?.head.version);
    expect([...seen]).toEqual([2, 6]);
  });
});
