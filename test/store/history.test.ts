import { describe, expect, it } from "bun:test";
import { MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import type { BranchState, CommitRecord, GraphStore } from "../../src/store/index.ts";
import { PACK_COMMITS_MAX } from "../../src/store/limits.ts";
import {
  addShips,
  commit,
  failureOf,
  idsOf,
  initHarbour,
  openHarbour,
  quickPorts,
  SHIP,
  ship,
} from "./support.ts";

async function harbour() {
  const ports = quickPorts();
  const bucket = new MemoryBucket();
  await initHarbour(memoryStorage(ports, { bucket }), ports);
  const storage = memoryStorage(ports, { bucket });
  const store = await openHarbour(storage, ports);
  const cold = async () => {
    const own = memoryStorage(ports, { bucket });
    return { storage: own, store: await openHarbour(own, ports) };
  };
  return { ports, bucket, storage, store, cold };
}

describe("a long history", () => {
  const COMMITS = 3 * PACK_COMMITS_MAX;
  const made = harbour().then(async ({ store, ...rest }) => {
    const ids: string[] = [];
    for (let i = 0; i < COMMITS; i++) {
      const { commit: published } = await commit(store, {
        changes: [{ type: SHIP, rows: [ship(`S${i % 200}`, `version ${i + 2}`)] }],
        ...(i % 3 === 0 ? { actor: `agent-${i % 4}` } : {}),
      });
      ids.push(published?.id ?? "");
      await store.settle();
    }
    return { ids, store, ...rest };
  });

  it("is listed with few requests, newest first, every field as published", async () => {
    const { ids, store, cold } = await made;
    const other = await cold();
    const state = await other.store.branch("main").head();
    other.storage.resetCounts();
    const chain = await other.store.history(state);
    expect(other.storage.counts().total).toBeLessThanOrEqual(Math.ceil(COMMITS / PACK_COMMITS_MAX));
    expect(chain.map(({ id }) => id)).toEqual([...ids].reverse().concat(chain.at(-1)?.id ?? ""));
    expect(chain.map(({ version }) => version)).toEqual(
      Array.from({ length: COMMITS + 1 }, (_, i) => COMMITS + 1 - i),
    );
    expect(chain.slice(0, -1).map(({ parent }) => parent)).toEqual(chain.slice(1).map(({ id }) => id));
    expect(chain).toEqual(await store.history(await store.branch("main").head()));
    expect(chain.at(-1)).toMatchObject({ operation: "init", parent: null, position: 0, generation: 1 });
    expect(chain.at(-2)).toMatchObject({ actor: "agent-0", position: 1, generation: 2 });
  });

  it("can be read at any commit, with a bounded number of requests", async () => {
    const { ids, cold } = await made;
    const { store, storage } = await cold();
    const state = await store.branch("main").head();
    for (const at of [
      0,
      1,
      15,
      16,
      17,
      300,
      PACK_COMMITS_MAX - 1,
      PACK_COMMITS_MAX,
      900,
      COMMITS - 2,
      COMMITS - 1,
    ]) {
      storage.resetCounts();
      const past = await store.stateAt(ids[at], [state]);
      expect(storage.counts().total).toBeLessThanOrEqual(24);
      expect(past.head).toMatchObject({ id: ids[at], version: at + 2 });
      expect(await idsOf(store, past, SHIP)).toHaveLength(Math.min(at + 1, 200));
    }
  });

  it("finds a commit by id, and says so where there is none", async () => {
    const { ids, cold } = await made;
    const { store } = await cold();
    expect((await store.findCommit(ids[3])).record).toMatchObject({ id: ids[3], version: 5 });
    for (const search of [store.findCommit("01NOPE"), store.stateAt("01NOPE")]) {
      expect(await failureOf(search)).toMatchObject({
        kind: "not_found",
        message: "commit '01NOPE' not found",
      });
    }
  });

  it("survives the loss of the checkpoints that hold its packs", async () => {
    const { ids, bucket, ports } = await made;
    const copy = new MemoryBucket();
    for (const [key, object] of bucket.objects) {
      if (!/checkpoint\/0+(5|10)\d\d\.json$/.test(key)) copy.objects.set(key, object);
    }
    expect(copy.objects.size).toBeLessThan(bucket.objects.size);
    const store = await openHarbour(memoryStorage(ports, { bucket: copy }), ports);
    const state = await store.branch("main").head();
    expect((await store.history(state)).map(({ id }) => id).slice(0, -1)).toEqual([...ids].reverse());
    const past = await store.stateAt(ids[600]);
    expect(await idsOf(store, past, SHIP)).toHaveLength(200);
  });
});

describe("a commit inside a group", () => {
  it("can be read by itself, before and after a checkpoint", async () => {
    const { store, cold } = await harbour();
    await addShips(store, "A");
    const group = await Promise.all(["B", "C", "D"].map((imo) => addShips(store, imo)));
    const check = async (reader: GraphStore) => {
      for (const [i, { commit: published }] of group.entries()) {
        const past = await reader.stateAt(published?.id ?? "");
        expect(await idsOf(reader, past, SHIP)).toEqual(["A", "B", "C", "D"].slice(0, i + 2));
      }
    };
    await check(store);
    for (let i = 0; i < 40; i++) {
      await addShips(store, `S${i}`);
      await store.settle();
    }
    await check((await cold()).store);
  });
});

describe("a commit of another live branch", () => {
  it("is found there, and not any more once the branch is gone", async () => {
    const { store, cold } = await harbour();
    await store.createBranch("zulu", "main");
    const { commit: published } = await commit(store, {
      branch: "zulu",
      changes: [{ type: SHIP, rows: [ship("Z")] }],
    });
    const id = published?.id ?? "";
    const other = await cold();
    expect((await other.store.findCommit(id)).ref.name).toBe("zulu");
    expect(await idsOf(other.store, await other.store.stateAt(id), SHIP)).toEqual(["Z"]);
    await store.deleteBranch("zulu");
    expect(await failureOf((await cold()).store.findCommit(id))).toMatchObject({ kind: "not_found" });
  });
});

describe("the nearest common ancestor", () => {
  const head = (store: GraphStore, name: string): Promise<BranchState> => store.branch(name).head();
  const write = async (store: GraphStore, branch: string, merged?: BranchState): Promise<CommitRecord> => {
    const request = {
      branch,
      changes: [],
      operation: "merge" as const,
      ...(merged === undefined ? {} : { merged }),
    };
    const { commit: published } = await commit(store, request);
    if (published === null) throw new Error("expected a commit");
    return published;
  };
  const ancestor = async (store: GraphStore, a: string, b: string): Promise<CommitRecord> => {
    const [x, y] = [await head(store, a), await head(store, b)];
    const { record: found } = await store.mergeBase(x, y);
    expect((await store.mergeBase(y, x)).record.id).toBe(found.id);
    return found;
  };

  it("is the fork, or the head that the other descends from", async () => {
    const { store } = await harbour();
    const fork = await write(store, "main");
    await store.createBranch("zulu", "main");
    expect((await ancestor(store, "main", "zulu")).id).toBe(fork.id);
    await write(store, "zulu");
    await write(store, "zulu");
    expect((await ancestor(store, "main", "zulu")).id).toBe(fork.id);
    await write(store, "main");
    expect((await ancestor(store, "main", "zulu")).id).toBe(fork.id);
  });

  it("is the source's commit that was merged last", async () => {
    const { store, cold } = await harbour();
    await store.createBranch("zulu", "main");
    const first = await write(store, "zulu");
    await write(store, "main", await head(store, "zulu"));
    for (let i = 0; i < 5; i++) await write(store, "main");
    expect((await ancestor(store, "main", "zulu")).id).toBe(first.id);
    await write(store, "zulu");
    const other = (await cold()).store;
    expect((await ancestor(other, "main", "zulu")).id).toBe(first.id);
    const second = await write(other, "main", await head(other, "zulu"));
    expect(second.generation).toBeGreaterThan(second.version);
    expect((await ancestor(other, "main", "zulu")).id).toBe((await head(other, "zulu")).head.id);
  });

  it("is not an older one that other merges make look nearer", async () => {
    const { store } = await harbour();
    await store.createBranch("side", "main");
    await store.createBranch("zulu", "main");
    await write(store, "side");
    const merged = await write(store, "zulu");
    await write(store, "main", await head(store, "zulu"));
    for (let i = 0; i < 30; i++) {
      await write(store, "main");
      await store.settle();
    }
    await write(store, "main", await head(store, "side"));
    await write(store, "zulu");
    expect((await ancestor(store, "main", "zulu")).id).toBe(merged.id);
  });

  it("is found through branches that were deleted after their merge", async () => {
    const { store, cold } = await harbour();
    await store.createBranch("a", "main");
    await write(store, "a");
    await write(store, "main", await head(store, "a"));
    await store.deleteBranch("a");
    const fork = await write(store, "main");
    await store.createBranch("b", "main");
    await write(store, "b");
    await write(store, "main");
    expect((await ancestor((await cold()).store, "main", "b")).id).toBe(fork.id);
  });

  it("costs what happened since, not what ever happened", async () => {
    const { store, cold } = await harbour();
    for (let i = 0; i < 100; i++) {
      await write(store, "main");
      await store.settle();
    }
    await store.createBranch("zulu", "main");
    await write(store, "zulu");
    const other = await cold();
    const [a, b] = [await head(other.store, "main"), await head(other.store, "zulu")];
    other.storage.resetCounts();
    expect((await other.store.mergeBase(a, b)).record.id).toBe(a.head.id);
    expect(other.storage.counts().total).toBe(0);
  });

  it("leaves exactly the commits since, with their changes, on either side", async () => {
    const { store, cold } = await harbour();
    for (let i = 0; i < 20; i++) {
      await addShips(store, `M${i}`);
      await store.settle();
    }
    await store.createBranch("zulu", "main");
    const added: string[] = [];
    for (let i = 0; i < 40; i++) {
      await commit(store, { branch: "zulu", changes: [{ type: SHIP, rows: [ship(`Z${i}`)] }] });
      added.push(`Z${i}`);
      await store.settle();
    }
    await addShips(store, "LAST");
    const other = (await cold()).store;
    const [main, zulu] = [await head(other, "main"), await head(other, "zulu")];
    const base = await (await other.mergeBase(main, zulu)).state();
    const ids = async (state: BranchState) =>
      (await other.commitsAfter(state, base)).map(({ changes }) => changes[0].rows?.length);
    expect(await ids(zulu)).toEqual(added.map(() => 1));
    expect(await ids(main)).toEqual([1]);
    expect(await other.commitsAfter(base, zulu)).toEqual([]);
    expect(await other.commitsAfter(main, zulu)).toHaveLength(1);
  });
});
