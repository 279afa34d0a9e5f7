import { describe, expect, it } from "bun:test";
import { compareUtf8 } from "../../src/lib/utf8.ts";
import type { StorageCall } from "../../src/storage/faults.ts";
import { CrashError, type Fault, MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import { type GraphStore, landedOn } from "../../src/store/index.ts";
import { sealedJson } from "../../src/store/stored-json.ts";
import {
  addShips,
  commit,
  directoryStorage,
  failureOf,
  idsOf,
  initHarbour,
  openHarbour,
  quickPorts,
  realPorts,
  removeDirectories,
  SHIP,
  ship,
} from "./support.ts";

async function harbour() {
  const ports = quickPorts();
  const bucket = new MemoryBucket();
  await initHarbour(memoryStorage(ports, { bucket }), ports);
  let processes = 1;
  /** A process of its own on the same graph. */
  const open = async (faults?: (call: StorageCall) => Fault | null): Promise<GraphStore> => {
    processes++;
    const own = quickPorts(processes);
    return openHarbour(memoryStorage(own, { bucket, ...(faults === undefined ? {} : { faults }) }), own);
  };
  return { ports, bucket, open, store: await open() };
}

const insert = (store: GraphStore, branch: string, imo: string) =>
  commit(store, { branch, changes: [{ type: SHIP, rows: [ship(imo)] }] });

const shipsOn = async (store: GraphStore, branch: string): Promise<string[]> =>
  idsOf(store, await store.branch(branch).head(), SHIP);

describe("branches", () => {
  it("are listed by bytes, main in its place", async () => {
    const { store } = await harbour();
    for (const name of ["zeta", "alpha", "été/2", "review", "review/july"])
      await store.createBranch(name, "main");
    expect(await store.listBranches()).toEqual(["alpha", "main", "review", "review/july", "zeta", "été/2"]);
    await store.deleteBranch("review");
    expect(await store.listBranches()).toEqual(["alpha", "main", "review/july", "zeta", "été/2"]);
    expect(await store.branchExists("review/july")).toBe(true);
    expect(await store.branchExists("review")).toBe(false);
  });

  it("start at exactly the source's head and then go their own ways", async () => {
    const { open, store } = await harbour();
    await addShips(store, "A");
    await store.createBranch("zulu", "main");
    const inherited = await store.branch("zulu").head();
    expect(inherited.head.id).toBe((await store.branch("main").head()).head.id);
    await insert(store, "main", "M");
    const other = await open();
    const { commit: own } = await insert(other, "zulu", "Z");
    expect(own).toMatchObject({ version: 3, position: 2 });
    expect(await shipsOn(store, "main")).toEqual(["A", "M"]);
    expect(await shipsOn(store, "zulu")).toEqual(["A", "Z"]);
  });

  it("fork from forks, at every depth, whether or not those have commits of their own", async () => {
    const { open, store } = await harbour();
    await addShips(store, "A");
    await store.createBranch("one", "main");
    await store.createBranch("two", "one");
    await insert(store, "one", "B");
    await insert(store, "two", "C");
    await store.createBranch("three", "two");
    await insert(store, "three", "D");
    await insert(store, "two", "E");
    const other = await open();
    expect(await shipsOn(other, "three")).toEqual(["A", "C", "D"]);
    expect(await shipsOn(other, "two")).toEqual(["A", "C", "E"]);
    expect(await shipsOn(other, "one")).toEqual(["A", "B"]);
    const state = await other.branch("three").head();
    const chain = await other.history(state);
    expect(chain.map((record) => landedOn(state.ref, record))).toEqual(["three", "two", "main", "main"]);
  });

  it("keep long histories of forks of forks, through checkpoints on each", async () => {
    const { open, store } = await harbour();
    const expected: string[] = [];
    let from = "main";
    for (const name of ["main", "a", "b", "c"]) {
      if (name !== "main") await store.createBranch(name, from);
      for (let i = 0; i < 23; i++) {
        await insert(store, name, `${name}-${String(i).padStart(2, "0")}`);
        expected.push(`${name}-${String(i).padStart(2, "0")}`);
        await store.settle();
      }
      from = name;
    }
    const other = await open();
    const state = await other.branch("c").head();
    expect(await idsOf(other, state, SHIP)).toEqual(expected.sort());
    const chain = await other.history(state);
    expect(chain).toHaveLength(4 * 23 + 1);
    const early = await other.stateAt(chain[80].id);
    expect(await idsOf(other, early, SHIP)).toHaveLength(4 * 23 - 80);
  });

  it("are refused by name when they exist, lack a source, or are main", async () => {
    const { open, store } = await harbour();
    await store.createBranch("zulu", "main");
    const other = await open();
    expect(await failureOf(other.createBranch("zulu", "main"))).toMatchObject({
      kind: "conflict",
      message: "branch 'zulu' already exists",
    });
    expect(await failureOf(other.createBranch("y", "x"))).toMatchObject({ message: "branch 'x' not found" });
    expect(await failureOf(other.createBranch("main", "main"))).toMatchObject({
      kind: "bad_request",
      message: "cannot create branch 'main'",
    });
    expect(await failureOf(other.deleteBranch("main"))).toMatchObject({
      message: "cannot delete branch 'main'",
    });
    expect(await failureOf(other.deleteBranch("x"))).toMatchObject({ kind: "not_found" });
    expect(await failureOf(other.branch("x").head())).toMatchObject({ message: "branch 'x' not found" });
    expect(await failureOf(insert(other, "x", "A"))).toMatchObject({ message: "branch 'x' not found" });
  });

  it("of one name made at once have one winner", async () => {
    const { open } = await harbour();
    const stores = await Promise.all(Array.from({ length: 5 }, () => open()));
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => stores[i % 5].createBranch("zulu", "main")),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason.message).toBe("branch 'zulu' already exists");
    }
  });
});

describe("a branch with a long name", () => {
  it.each(["a".repeat(500), "é".repeat(256), `${"long/".repeat(80)}end`])(
    "lives, is listed and is deleted like any other, on a directory too: %s",
    async (name) => {
      const { store } = await harbour();
      const storage = directoryStorage(realPorts);
      await initHarbour(storage, realPorts);
      for (const place of [store, await openHarbour(storage, realPorts)]) {
        await place.createBranch(name, "main");
        await place.createBranch("zulu", "main");
        await insert(place, name, "A");
        expect(await place.listBranches()).toEqual([name, "main", "zulu"].sort(compareUtf8));
        expect(await failureOf(place.createBranch(name, "main"))).toMatchObject({ kind: "conflict" });
        await place.deleteBranch(name);
        expect(await place.listBranches()).toEqual(["main", "zulu"]);
      }
      removeDirectories();
    },
  );
});

describe("a branch that came while an earlier caller asked for it", () => {
  it("is there for a later caller", async () => {
    const { bucket, store } = await harbour();
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const ports = quickPorts(99);
    const slow = new Proxy(memoryStorage(ports, { bucket }), {
      get: (target, name) => {
        if (name !== "get") return Reflect.get(target, name, target);
        // The store answers at once; the answer takes its time.
        return async (key: string) => {
          const found = await target.get(key);
          if (key.startsWith("refs/")) await answered;
          return found;
        };
      },
    });
    const reader = await openHarbour(slow, ports);
    const early = failureOf(reader.branch("zulu").head());
    await new Promise(setImmediate);
    await store.createBranch("zulu", "main");
    const late = reader.branch("zulu").head();
    answer();
    expect(await early).toMatchObject({ kind: "not_found" });
    expect((await late).ref.name).toBe("zulu");
  });
});

describe("deleting a branch", () => {
  it("is refused while a live branch was forked from it, however far down", async () => {
    const { store } = await harbour();
    await store.createBranch("a", "main");
    await store.createBranch("b", "a");
    await store.createBranch("c", "b");
    expect(await failureOf(store.deleteBranch("a"))).toMatchObject({
      kind: "conflict",
      message: "cannot delete branch 'a' because descendant branch 'b' still depends on it",
    });
    await store.deleteBranch("c");
    await store.deleteBranch("b");
    await store.deleteBranch("a");
    expect(await store.listBranches()).toEqual(["main"]);
  });

  it("tells a late writer and a late reader in another process", async () => {
    const { open, store } = await harbour();
    await store.createBranch("zulu", "main");
    const late = await open();
    await late.branch("zulu").head();
    await store.deleteBranch("zulu");
    expect(await failureOf(insert(late, "zulu", "A"))).toMatchObject({
      kind: "not_found",
      message: "branch 'zulu' not found",
    });
    expect(await failureOf(late.branch("zulu").head())).toMatchObject({ kind: "not_found" });
    expect(await late.branchExists("zulu")).toBe(false);
  });

  it("makes room for a new branch of the name, which a late writer does not reach", async () => {
    const { open, store } = await harbour();
    await store.createBranch("zulu", "main");
    const late = await open();
    const before = await late.branch("zulu").head();
    await insert(store, "zulu", "OLD");
    await store.deleteBranch("zulu");
    await store.createBranch("zulu", "main");
    const failure = await failureOf(insert(late, "zulu", "A"));
    expect(failure).toMatchObject({
      kind: "conflict",
      details: { read_set_conflict: { member: "branch_identifier:zulu", actual: null } },
    });
    expect(failure.message).toContain("reprepare from the current branch state");
    expect(await shipsOn(late, "zulu")).toEqual([]);
    const again = await insert(late, "zulu", "NEW");
    expect(again.state.ref.id).not.toBe(before.ref.id);
    const other = await open();
    const pinned = commit(other, { branch: "zulu", changes: [] }, { requireBranch: before.ref.id });
    expect(await failureOf(pinned)).toMatchObject({
      details: { read_set_conflict: { member: "branch_identifier:zulu" } },
    });
  });

  it("serves a reader the new branch of the name, never rows of the old one", async () => {
    const { open, store } = await harbour();
    await store.createBranch("zulu", "main");
    await insert(store, "zulu", "OLD");
    const reader = await open();
    expect(await shipsOn(reader, "zulu")).toEqual(["OLD"]);
    await store.deleteBranch("zulu");
    await store.createBranch("zulu", "main");
    expect(await shipsOn(reader, "zulu")).toEqual([]);
  });

  it("races with a writer: the write lands before the end, or not at all", async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { open, store } = await harbour();
      await store.createBranch("zulu", "main");
      const writer = await open(() => ({ kind: "latency", ms: seed % 5 }));
      await writer.branch("zulu").head();
      const [deleted, written] = await Promise.allSettled([
        store.deleteBranch("zulu"),
        insert(writer, "zulu", "A"),
      ]);
      expect(deleted.status).toBe("fulfilled");
      if (written.status === "rejected") expect(written.reason.message).toBe("branch 'zulu' not found");
      expect(await failureOf((await open()).branch("zulu").head())).toMatchObject({ kind: "not_found" });
    }
  });

  it("that dies between its two steps leaves a name that can be made again and a branch that is gone", async () => {
    const { open, store } = await harbour();
    await store.createBranch("zulu", "main");
    const dying = await open(({ method }) => (method === "putIfMatch" ? { kind: "crash-before" } : null));
    expect(await failureOf(dying.deleteBranch("zulu"))).toBeInstanceOf(CrashError);
    const other = await open();
    expect(await failureOf(other.branch("zulu").head())).toMatchObject({ kind: "not_found" });
    const created = await other.createBranch("zulu", "main");
    await insert(other, "zulu", "A");
    expect((await (await open()).branch("zulu").head()).ref.id).toBe(created.id);
  });

  it("whose last request is sent again leaves a branch alone that has the name by then", async () => {
    const { open, bucket, store } = await harbour();
    await store.createBranch("zulu", "main");
    const other = await open();
    let created: Promise<unknown> | null = null;
    // The request took effect and its answer was lost; the name is taken again before there is another try.
    const faults = ({ method, key }: StorageCall): Fault | null => {
      const isLast = key.startsWith("refs/") && (method === "putIfMatch" || method === "delete");
      if (!isLast || created !== null) return null;
      created = Promise.resolve().then(() => other.createBranch("zulu", "main"));
      return { kind: "lose-response" };
    };
    const ports = { ...quickPorts(99), sleep: async () => void (await created) };
    const deleting = await openHarbour(memoryStorage(ports, { bucket, faults }), ports);
    await deleting.deleteBranch("zulu");
    await created;
    expect(await store.listBranches()).toEqual(["main", "zulu"]);
  });

  it("that died can be finished by deleting again", async () => {
    const { open, store } = await harbour();
    await store.createBranch("zulu", "main");
    const dying = await open(({ method }) => (method === "putIfMatch" ? { kind: "crash-before" } : null));
    await failureOf(dying.deleteBranch("zulu"));
    const other = await open();
    await other.deleteBranch("zulu");
    expect(await other.listBranches()).toEqual(["main"]);
    expect(await failureOf(other.deleteBranch("zulu"))).toMatchObject({ kind: "not_found" });
  });
});

describe("initializing", () => {
  it("has one winner among ten, and the others are refused", async () => {
    const bucket = new MemoryBucket();
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => {
        const ports = quickPorts(i + 1);
        return initHarbour(memoryStorage(ports, { bucket }), ports);
      }),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") {
        expect(result.reason).toMatchObject({ kind: "conflict" });
        expect(result.reason.message).toContain("already initialized");
      }
    }
    const ports = quickPorts();
    const state = await (await openHarbour(memoryStorage(ports, { bucket }), ports)).branch("main").head();
    expect(state.head).toMatchObject({
      version: 1,
      parent: null,
      mergedParent: null,
      actor: null,
      operation: "init",
    });
  });

  it("settles an uncertain put of graph.json", async () => {
    const ports = quickPorts();
    const bucket = new MemoryBucket();
    const faults = ({ method }: StorageCall): Fault | null =>
      method === "putIfAbsent" ? { kind: "lose-response" } : null;
    await initHarbour(memoryStorage(ports, { bucket, faults }), ports);
    await openHarbour(memoryStorage(ports, { bucket }), ports);
  });

  it("that dies before graph.json leaves no graph, and can be repeated", async () => {
    const ports = quickPorts();
    const bucket = new MemoryBucket();
    const faults = ({ method }: StorageCall): Fault | null =>
      method === "putIfAbsent" ? { kind: "crash-before" } : null;
    await failureOf(initHarbour(memoryStorage(ports, { bucket, faults }), ports));
    const storage = memoryStorage(ports, { bucket });
    expect(await failureOf(openHarbour(storage, ports))).toMatchObject({ kind: "not_found" });
    await initHarbour(storage, ports);
    await openHarbour(storage, ports);
  });
});

describe("opening", () => {
  it("refuses a root that is no graph, and one of another format, by name", async () => {
    const ports = quickPorts();
    const storage = memoryStorage(ports);
    const missing = await failureOf(openHarbour(storage, ports));
    expect(missing.message).toContain("not found");
    expect(missing.message).toContain(storage.uri);
    await storage.put("graph.json", new TextEncoder().encode('{"format":2}'));
    const other = await failureOf(openHarbour(storage, ports));
    expect(other.message).toMatch(/format 2.*format 1.*export/s);
    // Also where only its number is another, and the checksum is that of this format.
    const sealed = new TextDecoder().decode(sealedJson({ format: 1, graph: "g" }));
    await storage.put("graph.json", new TextEncoder().encode(sealed.replace('"format":1', '"format":9')));
    const edited = await failureOf(openHarbour(storage, ports));
    expect(edited.message).toMatch(/format 9.*format 1.*export.*fails its checksum/s);
    await storage.put("graph.json", new TextEncoder().encode(sealed.replace('"g"', '"h"')));
    expect((await failureOf(openHarbour(storage, ports))).message).toContain(
      "is damaged: it fails its checksum",
    );
    await storage.put("graph.json", new TextEncoder().encode("{"));
    expect((await failureOf(openHarbour(storage, ports))).message).toContain("graph.json' is damaged");
  });
});
