import { afterAll, describe, expect, it } from "bun:test";
import { liveS3 } from "../../scripts/s3.ts";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { ulid } from "../../src/lib/ulid.ts";
import type { StorageCall } from "../../src/storage/faults.ts";
import {
  type Fault,
  MemoryBucket,
  memoryStorage,
  openStorage,
  type StorageAdapter,
} from "../../src/storage/index.ts";
import type { BranchState, Draft, GraphStore } from "../../src/store/index.ts";
import {
  addShips,
  CALLS_AT,
  changesOf,
  commit,
  directoryStorage,
  draftOf,
  failureOf,
  idsOf,
  initHarbour,
  openHarbour,
  PORT,
  port,
  quickPorts,
  realPorts,
  removeDirectories,
  SHIP,
  ship,
} from "./support.ts";

afterAll(removeDirectories);

const places: readonly [string, () => Promise<StorageAdapter>][] = [
  ["memory", async () => memoryStorage(realPorts)],
  ["a directory", async () => directoryStorage(realPorts)],
  [
    "a live S3 server",
    async () => {
      const server = await liveS3();
      return openStorage(`s3://${server.bucket}/store/${ulid(realPorts)}`, { ...realPorts, env: server.env });
    },
  ],
];

for (const [place, makeStorage] of places) {
  describe(`publishing on ${place}`, () => {
    it("appends commits that other processes see at their next read", async () => {
      const storage = await makeStorage();
      await initHarbour(storage, realPorts);
      const writer = await openHarbour(storage, realPorts);
      const reader = await openHarbour(storage, realPorts);
      expect((await reader.branch("main").head()).head.version).toBe(1);
      const { commit: published } = await addShips(writer, "IMO1", "IMO2");
      const head = await reader.branch("main").head();
      expect(head.head).toEqual(published as NonNullable<typeof published>);
      expect(head.head).toMatchObject({ version: 2, position: 1, actor: null, operation: "mutate" });
      expect(await idsOf(reader, head, SHIP)).toEqual(["IMO1", "IMO2"]);
    });

    it("lands every one of many writes of three processes, in one chain", async () => {
      const storage = await makeStorage();
      await initHarbour(storage, realPorts);
      const stores = await Promise.all([1, 2, 3].map(() => openHarbour(storage, realPorts)));
      const results = await Promise.all(
        Array.from({ length: 12 }, (_, i) => addShips(stores[i % 3], `IMO${i}`)),
      );
      const reader = await openHarbour(storage, realPorts);
      const head = await reader.branch("main").head();
      const chain = await reader.history(head);
      expect(chain.map(({ version }) => version)).toEqual(Array.from({ length: 13 }, (_, i) => 13 - i));
      for (const { commit: published } of results) {
        expect(chain).toContainEqual(published as NonNullable<typeof published>);
      }
      expect(await idsOf(reader, head, SHIP)).toHaveLength(12);
    });
  });
}

async function harbour(faults?: (call: StorageCall) => Fault | null) {
  const ports = quickPorts();
  const bucket = new MemoryBucket();
  await initHarbour(memoryStorage(ports, { bucket }), ports);
  const storage = memoryStorage(ports, { bucket, ...(faults === undefined ? {} : { faults }) });
  return { ports, bucket, storage, store: await openHarbour(storage, ports) };
}

const another = async (bucket: MemoryBucket): Promise<GraphStore> => {
  const ports = quickPorts(2);
  return openHarbour(memoryStorage(ports, { bucket }), ports);
};

describe("a write in a process that follows its branch", () => {
  it("costs exactly one put and no question", async () => {
    const { store, storage } = await harbour();
    await addShips(store, "IMO1");
    storage.resetCounts();
    await addShips(store, "IMO2");
    expect(storage.counts()).toMatchObject({ put: 1, total: 1 });
  });

  it("publishes what waits together in one entry, each its own commit with its own actor", async () => {
    const { store, storage, bucket } = await harbour();
    await addShips(store, "IMO0");
    storage.resetCounts();
    const results = await Promise.all(
      Array.from({ length: 16 }, (_, i) =>
        commit(store, { changes: [{ type: SHIP, rows: [ship(`IMO${i + 1}`)] }], actor: `agent-${i}` }),
      ),
    );
    expect(storage.counts().put).toBeLessThanOrEqual(2);
    const reader = await another(bucket);
    const chain = await reader.history(await reader.branch("main").head());
    expect(chain.slice(0, 16).map(({ actor }) => actor)).toEqual(
      Array.from({ length: 16 }, (_, i) => `agent-${15 - i}`),
    );
    expect(new Set(results.map((result) => result.commit?.id)).size).toBe(16);
    expect(results.map((result) => result.commit?.actor)).toEqual(
      Array.from({ length: 16 }, (_, i) => `agent-${i}`),
    );
  });

  it("checks drafts of one group against each other", async () => {
    const { store } = await harbour();
    let prepared = 0;
    const claim = async (imo: string) =>
      store.branch("main").publish({
        repeat: "always",
        prepare: async (head) => {
          prepared++;
          if ((await idsOf(store, head, SHIP)).length > 0) throw new Error("taken");
          const changes = await changesOf(store, [{ type: SHIP, rows: [ship(imo)] }]);
          return draftOf(store.ports, { changes: [], reads: { types: [SHIP] } }, changes);
        },
      });
    const results = await Promise.allSettled([claim("IMO1"), claim("IMO2"), claim("IMO3")]);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(prepared).toBe(5);
    expect(await idsOf(store, await store.branch("main").head(), SHIP)).toHaveLength(1);
  });
});

describe("a write beside others whose fate is unknown", () => {
  it("is not refused for them: it is tried by itself", async () => {
    let isSilent = false;
    const { store } = await harbour(({ method, key }) => {
      const isPublishing = method === "putIfAbsent" && key.includes("/log/");
      return isSilent && (isPublishing || method === "get") ? { kind: "answer", status: 500 } : null;
    });
    let arrived = 0;
    const { promise: together, resolve } = Promise.withResolvers<void>();
    const claim = (repeat: "always" | "never") =>
      store.branch("main").publish({
        repeat,
        prepare: async () => {
          const changes = await changesOf(store, [{ type: SHIP, rows: [ship(repeat)] }]);
          if (++arrived === 2) resolve();
          await together;
          isSilent = true;
          return draftOf(store.ports, { changes: [], reads: { types: [SHIP] } }, changes);
        },
      });
    await store.branch("main").head();
    const results = await Promise.all([failureOf(claim("always")), failureOf(claim("never"))]);
    expect(results.map((failure) => (failure as OmnigraphError).kind)).toEqual([
      "recovery_required",
      "recovery_required",
    ]);
  });
});

describe("a write that finds new commits", () => {
  it("moves on top when they touch nothing that it read, without preparing again", async () => {
    const { store, bucket } = await harbour();
    const other = await another(bucket);
    await store.branch("main").head();
    await commit(other, { changes: [{ type: PORT, rows: [port("RTM")] }] });
    let prepared = 0;
    const draft = draftOf(
      store.ports,
      { changes: [], reads: { types: [SHIP] } },
      await changesOf(store, [{ type: SHIP, rows: [ship("IMO1")] }]),
    );
    const result = await store.branch("main").publish({
      repeat: "always",
      prepare: async () => {
        prepared++;
        return draft;
      },
    });
    expect(prepared).toBe(1);
    expect(result.commit).toMatchObject({ id: draft.id, version: 3, position: 2 });
    const head = await other.branch("main").head();
    expect(await idsOf(other, head, PORT)).toEqual(["RTM"]);
    expect(await idsOf(other, head, SHIP)).toEqual(["IMO1"]);
  });

  it("is prepared again on the new head when they do", async () => {
    const { store, bucket } = await harbour();
    const other = await another(bucket);
    await store.branch("main").head();
    await addShips(other, "IMO1");
    const seen: number[] = [];
    const id = ulid(store.ports);
    const { commit: published } = await store.branch("main").publish({
      repeat: "always",
      prepare: async (head) => {
        seen.push(head.head.version);
        const changes = await changesOf(store, [{ type: SHIP, rows: [ship("IMO1", "renamed")] }]);
        return { ...draftOf(store.ports, { changes: [], reads: { ids: [[SHIP, ["IMO1"]]] } }, changes), id };
      },
    });
    expect(seen).toEqual([1, 2]);
    expect(published).toMatchObject({ id, version: 3 });
  });

  it("is refused with 409 after 32 attempts", async () => {
    const { store, bucket } = await harbour();
    const other = await another(bucket);
    let attempts = 0;
    const failure = await failureOf(
      store.branch("main").publish({
        repeat: "always",
        prepare: async () => {
          attempts++;
          await addShips(other, `IMO${attempts}`);
          const changes = await changesOf(store, [{ type: SHIP, rows: [ship("X")] }]);
          return draftOf(store.ports, { changes: [], reads: { types: [SHIP] } }, changes);
        },
      }),
    );
    expect(attempts).toBe(32);
    expect(failure).toMatchObject({ kind: "conflict" });
    expect(failure.message).toContain("reprepare from the current branch state");
    const { details } = failure as OmnigraphError;
    expect(details.read_set_conflict?.member).toBe("graph_head:main");
    expect(details.read_set_conflict?.expected).not.toBe(details.read_set_conflict?.actual as string);
    expect(details.manifest_conflict).toEqual({ table_key: "node:Ship", expected: 32, actual: 33 });
    expect(details.published_dataset_version_conflict).toBeUndefined();
  });

  it("is refused at the first loss when it must not be repeated, naming the type", async () => {
    const { store, bucket } = await harbour();
    const other = await another(bucket);
    let attempts = 0;
    const failure = await failureOf(
      store.branch("main").publish({
        repeat: "never",
        prepare: async () => {
          attempts++;
          await addShips(other, "IMO1");
          const changes = await changesOf(store, [{ type: SHIP, rows: [ship("X")], replaced: true }]);
          return draftOf(store.ports, { changes: [], operation: "load" }, changes);
        },
      }),
    );
    expect(attempts).toBe(1);
    expect(failure).toMatchObject({
      kind: "conflict",
      details: {
        manifest_conflict: { table_key: "node:Ship", expected: 1, actual: 2 },
        published_dataset_version_conflict: {
          entity_kind: "node",
          type_name: "Ship",
          expected_published_dataset_version: 1,
          actual_published_dataset_version: 2,
        },
      },
    });
    expect(await idsOf(other, await other.branch("main").head(), SHIP)).toEqual(["IMO1"]);
  });

  it("lets an overwrite and a write of another type both land", async () => {
    const { store, bucket } = await harbour();
    const other = await another(bucket);
    await store.branch("main").publish({
      repeat: "never",
      prepare: async () => {
        await commit(other, { changes: [{ type: PORT, rows: [port("RTM")] }] });
        const changes = await changesOf(store, [{ type: SHIP, rows: [ship("X")], replaced: true }]);
        return draftOf(store.ports, { changes: [], operation: "load" }, changes);
      },
    });
    const head = await other.branch("main").head();
    expect(await idsOf(other, head, PORT)).toEqual(["RTM"]);
    expect(await idsOf(other, head, SHIP)).toEqual(["X"]);
  });

  it("judges by the present head when a state that was stale said no", async () => {
    const { store, bucket } = await harbour();
    const other = await another(bucket);
    await store.branch("main").head();
    await commit(other, { changes: [{ type: PORT, rows: [port("RTM")] }] });
    const { commit: published } = await store.branch("main").publish({
      repeat: "always",
      prepare: async (head) => {
        if (!(await idsOf(store, head, PORT)).includes("RTM")) throw new Error("dst 'RTM' not found in Port");
        const changes = await changesOf(store, [{ type: CALLS_AT, rows: [] }]);
        return draftOf(store.ports, { changes: [] }, changes);
      },
    });
    expect(published?.version).toBe(3);
  });

  it("rethrows what preparing says on the present head", async () => {
    const { store } = await harbour();
    const prepare = async (): Promise<Draft> => {
      throw new Error("no such ship");
    };
    const failure = await failureOf(store.branch("main").publish({ repeat: "always", prepare }));
    expect(failure.message).toBe("no such ship");
    expect((await store.branch("main").head()).head.version).toBe(1);
  });

  it("commits nothing where there is nothing to commit", async () => {
    const { store } = await harbour();
    const result = await store.branch("main").publish({ repeat: "always", prepare: async () => null });
    expect(result.commit).toBeNull();
    expect((await store.branch("main").head()).head.version).toBe(1);
  });
});

describe("a conditional write", () => {
  const insert = (store: GraphStore, ifCommit: string) =>
    commit(store, { changes: [{ type: SHIP, rows: [ship("X")] }] }, { ifCommit });

  it("lands while the head is the named commit", async () => {
    const { store } = await harbour();
    const { commit: first } = await addShips(store, "IMO1");
    const { commit: second } = await insert(store, first?.id ?? "");
    expect(second?.parent).toBe(first?.id ?? "");
  });

  it("is refused with 412 and both commits when it is not, and never prepared again", async () => {
    const { store, bucket } = await harbour();
    const genesis = (await store.branch("main").head()).head;
    const other = await another(bucket);
    const { commit: now } = await addShips(other, "IMO1");
    const failure = await failureOf(insert(store, genesis.id));
    expect(failure).toMatchObject({
      kind: "precondition_failed",
      status: 412,
      message: `precondition failed on branch 'main': expected head '${genesis.id}' but current is ${now?.id}`,
      details: { precondition_failure: { expected: genesis.id, actual: now?.id } },
    });
  });

  it("has one winner among two processes, and the loser sees 412", async () => {
    const { store, bucket } = await harbour();
    const other = await another(bucket);
    const { head } = await store.branch("main").head();
    await other.branch("main").head();
    const results = await Promise.allSettled([insert(store, head.id), insert(other, head.id)]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const lost = results.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    expect(lost.reason).toMatchObject({ kind: "precondition_failed" });
  });

  it("has one winner among two in one process", async () => {
    const { store } = await harbour();
    const { head } = await store.branch("main").head();
    const results = await Promise.allSettled([insert(store, head.id), insert(store, head.id)]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });

  it("checks the head again before it acknowledges that there was nothing to do", async () => {
    const { store, bucket } = await harbour();
    const other = await another(bucket);
    const { head } = await store.branch("main").head();
    const failure = await failureOf(
      store.branch("main").publish({
        repeat: "always",
        ifCommit: head.id,
        prepare: async () => {
          await addShips(other, "IMO1");
          return null;
        },
      }),
    );
    expect(failure).toMatchObject({ kind: "precondition_failed" });
  });

  it("does not mind commits without a logical change", async () => {
    const { store } = await harbour();
    const { commit: first } = await addShips(store, "IMO1");
    await commit(store, { changes: [], operation: "optimize" });
    await commit(store, { changes: [], operation: "optimize" });
    const { commit: second } = await insert(store, first?.id ?? "");
    expect(second?.version).toBe(5);
  });
});

describe("an uncertain put", () => {
  /** Answers the first conditional put of a log entry with a fault. */
  const onFirstEntry = (fault: Fault) => {
    let isDone = false;
    return ({ method, key }: StorageCall): Fault | null => {
      if (isDone || method !== "putIfAbsent" || !key.includes("/log/")) return null;
      isDone = true;
      return fault;
    };
  };

  it.each<[string, Fault]>([
    ["a lost response", { kind: "lose-response" }],
    ["a 500 after the effect", { kind: "answer", status: 500, applied: true }],
    ["a 500 without effect", { kind: "answer", status: 500 }],
    ["a 409 without effect", { kind: "answer", status: 409 }],
    ["a 412 of a retry that follows the effect", { kind: "answer", status: 412, applied: true }],
  ])("is settled by reading back: %s", async (_, fault) => {
    const { store, bucket } = await harbour(onFirstEntry(fault));
    const { commit: published } = await addShips(store, "IMO1");
    await addShips(store, "IMO2");
    const reader = await another(bucket);
    const head = await reader.branch("main").head();
    expect((await reader.history(head)).map(({ version }) => version)).toEqual([3, 2, 1]);
    expect((await reader.history(head))[1].id).toBe(published?.id ?? "");
    expect(await idsOf(reader, head, SHIP)).toEqual(["IMO1", "IMO2"]);
  });

  it("counts as lost when the position holds another's commit", async () => {
    const { store, bucket } = await harbour(onFirstEntry({ kind: "answer", status: 500 }));
    const other = await another(bucket);
    await store.branch("main").head();
    await addShips(other, "IMO1");
    const { commit: published } = await addShips(store, "IMO2");
    expect(published).toMatchObject({ version: 3, position: 2 });
  });

  it("ends as 503 with the commit's id when storage stays silent", async () => {
    let isSilent = false;
    const { store, bucket } = await harbour(({ method, key }) => {
      isSilent ||= method === "putIfAbsent" && key.includes("/log/");
      return isSilent ? { kind: "answer", status: 500, applied: true } : null;
    });
    const draft = draftOf(
      store.ports,
      { changes: [] },
      await changesOf(store, [{ type: SHIP, rows: [ship("A")] }]),
    );
    const failure = await failureOf(
      store.branch("main").publish({ repeat: "always", prepare: async () => draft }),
    );
    expect(failure).toMatchObject({
      kind: "recovery_required",
      status: 503,
      details: { recovery_required: { operation_id: draft.id } },
    });
    const reader = await another(bucket);
    expect((await reader.findCommit(draft.id)).record.id).toBe(draft.id);
  });

  it("fails cleanly when the store refuses the write", async () => {
    let isReadOnly = true;
    const { store, bucket } = await harbour(({ method }) =>
      isReadOnly && method === "putIfAbsent" ? { kind: "answer", status: 403 } : null,
    );
    expect(await failureOf(addShips(store, "IMO1"))).toBeInstanceOf(OmnigraphError);
    isReadOnly = false;
    await addShips(store, "IMO2");
    const reader = await another(bucket);
    expect(await idsOf(reader, await reader.branch("main").head(), SHIP)).toEqual(["IMO2"]);
  });
});

describe("a writer that slept through a cleanup", () => {
  it("does not believe a put that won a position below the floor", async () => {
    const ports = quickPorts();
    const bucket = new MemoryBucket();
    await initHarbour(memoryStorage(ports, { bucket }), ports);
    const sleeper = await openHarbour(memoryStorage(ports, { bucket }), ports);
    await sleeper.branch("main").head();
    const busy = await another(bucket);
    for (let i = 0; i < 18; i++) await addShips(busy, `IMO${i}`);
    await busy.settle();
    const { checkpoint } = await busy.branch("main").head();
    expect(checkpoint.position).toBeGreaterThan(0);
    const logs = `branches/${busy.mainId}`;
    const admin = memoryStorage(ports, { bucket });
    await admin.put(
      `${logs}/floor.json`,
      new TextEncoder().encode(JSON.stringify({ format: 1, position: checkpoint.position })),
    );
    for (let position = 1; position < checkpoint.position; position++) {
      await admin.delete(`${logs}/log/${String(position).padStart(20, "0")}.json`);
    }
    ports.advance(61_000);
    const { commit: published } = await addShips(sleeper, "LATE");
    expect(published).toMatchObject({ version: 20, position: 19 });
    const head: BranchState = await busy.branch("main").head();
    expect(await idsOf(busy, head, SHIP)).toContain("LATE");
    expect(await idsOf(busy, head, SHIP)).toHaveLength(19);
  });

  it("hears that nothing is certain when the floor cannot be read after a slow put", async () => {
    let isSlow = true;
    const { ports, store, bucket } = await harbour(({ method, key }) => {
      if (!isSlow && key.endsWith("floor.json")) return { kind: "answer", status: 403 };
      if (!isSlow || method !== "putIfAbsent") return null;
      isSlow = false;
      return { kind: "latency", ms: 61_000 };
    });
    await store.branch("main").head();
    ports.advance(1_000);
    expect(await failureOf(addShips(store, "A"))).toMatchObject({ kind: "recovery_required" });
    const reader = await another(bucket);
    expect(await idsOf(reader, await reader.branch("main").head(), SHIP)).toEqual(["A"]);
  });

  it("reads the present head", async () => {
    const ports = quickPorts();
    const bucket = new MemoryBucket();
    await initHarbour(memoryStorage(ports, { bucket }), ports);
    const sleeper = await openHarbour(memoryStorage(ports, { bucket }), ports);
    await sleeper.branch("main").head();
    const busy = await another(bucket);
    for (let i = 0; i < 18; i++) await addShips(busy, `IMO${i}`);
    await busy.settle();
    const { checkpoint } = await busy.branch("main").head();
    const admin = memoryStorage(ports, { bucket });
    await admin.put(
      `branches/${busy.mainId}/floor.json`,
      new TextEncoder().encode(JSON.stringify({ format: 1, position: checkpoint.position })),
    );
    for (let position = 1; position < checkpoint.position; position++) {
      await admin.delete(`branches/${busy.mainId}/log/${String(position).padStart(20, "0")}.json`);
    }
    ports.advance(61_000);
    expect((await sleeper.branch("main").head()).head.version).toBe(19);
  });
});
