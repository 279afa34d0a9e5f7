// Many clients that each write again as soon as they are answered: what their commits cost where a put takes long.

import { describe, expect, it } from "bun:test";
import { MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import { addShips, initHarbour, openHarbour, quickPorts } from "./support.ts";

const COMMITS_EACH = 6;

/** Lets so many clients commit one after the other, each on its own; answers what that took, checkpoints at the end included. */
async function commitTogether(clients: number, putMs: number, commitsEach = COMMITS_EACH) {
  const ports = quickPorts();
  const bucket = new MemoryBucket();
  await initHarbour(memoryStorage(ports, { bucket }), ports);
  const storage = memoryStorage(ports, {
    bucket,
    faults: ({ method }) => (method === "putIfAbsent" ? { kind: "latency", ms: putMs } : null),
  });
  const store = await openHarbour(storage, ports, { manualCheckpoints: true });
  const startedAt = ports.now();
  const client = async (name: number) => {
    // Not all at once: the turn in which one comes back is not that of the next.
    for (let turn = 0; turn < name % 8; turn++) await Promise.resolve();
    for (let commit = 0; commit < commitsEach; commit++) await addShips(store, `S${name}-${commit}`);
  };
  await Promise.all(Array.from({ length: clients }, (_, name) => client(name)));
  const { head, position } = await store.branch("main").head();
  const commits = clients * commitsEach;
  expect(head.version).toBe(1 + commits);
  const ms = ports.now() - startedAt;
  await store.settle();
  return { entries: position, ms, commits, puts: storage.counts().put };
}

describe("clients that write again as soon as they are answered", () => {
  it.each([16, 64])("share an entry, all %i of them, where a put takes long", async (clients) => {
    // The first of all goes alone, and whoever was left out of one entry leads the next.
    const { entries } = await commitTogether(clients, 40);
    expect(entries).toBeLessThanOrEqual(COMMITS_EACH + 3);
  });

  it("cost less than a fifth of a put a commit, checkpoints included", async () => {
    const { commits, puts } = await commitTogether(64, 40, 30);
    expect(puts / commits).toBeLessThan(0.2);
  });

  it("never wait for anybody when they are alone", async () => {
    expect(await commitTogether(1, 40)).toEqual({
      entries: COMMITS_EACH,
      ms: COMMITS_EACH * 40,
      commits: COMMITS_EACH,
      puts: COMMITS_EACH,
    });
  });

  it("never wait where a put takes no longer than waiting", async () => {
    const { entries, ms } = await commitTogether(16, 4);
    expect(ms).toBe(entries * 4);
  });
});
