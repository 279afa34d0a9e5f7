import { describe, expect, it } from "bun:test";
import { systemPorts } from "../../src/lib/ports.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/lib/utf8.ts";
import {
  CrashError,
  type Fault,
  type Faults,
  MemoryBucket,
  memoryStorage,
  scriptedFaults,
  seededFaults,
} from "../../src/storage/index.ts";

const ports = { ...systemPorts(), sleep: async () => {} };
const bytes = encodeUtf8;

/** A bucket with "a" = "old", a process that meets the script, and one that meets no faults. */
async function fixture(...script: (Fault | null)[]) {
  const bucket = new MemoryBucket();
  const sound = memoryStorage(ports, { bucket });
  await sound.put("a", bytes("old"));
  const version = (await sound.get("a"))?.version ?? "";
  const faulty = memoryStorage(ports, { bucket, faults: scriptedFaults(script) });
  const textAt = async (key: string) => {
    const found = await sound.get(key);
    return found === null ? null : decodeUtf8(found.bytes);
  };
  return { bucket, sound, faulty, version, textAt };
}

describe("a bucket in memory", () => {
  it("is shared by its processes", async () => {
    const { sound, faulty } = await fixture();
    expect((await faulty.get("a"))?.version).toBe((await sound.get("a"))?.version ?? "");
  });

  it("gives equal bytes different versions", async () => {
    const { sound, version } = await fixture();
    await sound.put("a", bytes("old"));
    expect((await sound.get("a"))?.version).not.toBe(version);
    expect((await sound.putIfMatch("a", bytes("x"), version)).outcome).toBe("lost");
  });

  it("hands out copies", async () => {
    const { sound, textAt } = await fixture();
    (await sound.get("a"))?.bytes.fill(0);
    expect(await textAt("a")).toBe("old");
  });
});

describe("a crash before a call", () => {
  it("leaves no trace of it, and no later call of that process", async () => {
    const { faulty, textAt } = await fixture({ kind: "crash-before" });
    await expect(faulty.put("a", bytes("new"))).rejects.toThrow(CrashError);
    await expect(faulty.get("a")).rejects.toThrow("simulated crash at call 0 (put 'a')");
    await expect(faulty.under("x").list("")).rejects.toThrow(CrashError);
    expect(await textAt("a")).toBe("old");
  });

  it("takes calls under way with it", async () => {
    const { bucket, textAt } = await fixture();
    const faults = scriptedFaults([{ kind: "latency", ms: 5 }, { kind: "crash-before" }]);
    const faulty = memoryStorage(systemPorts(), { bucket, faults });
    const results = await Promise.allSettled([faulty.put("b", bytes("1")), faulty.put("c", bytes("2"))]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await textAt("b")).toBeNull();
  });
});

describe("a crash after a call", () => {
  it("leaves what it did", async () => {
    const { faulty, textAt } = await fixture({ kind: "crash-after" });
    await expect(faulty.putIfAbsent("b", bytes("new"))).rejects.toThrow(CrashError);
    await expect(faulty.get("a")).rejects.toThrow(CrashError);
    expect(await textAt("b")).toBe("new");
  });
});

describe("a torn write", () => {
  it("leaves the first bytes and a dead process", async () => {
    const { faulty, textAt } = await fixture({ kind: "tear", bytes: 2 });
    await expect(faulty.put("b", bytes("whole"))).rejects.toThrow(CrashError);
    expect(await textAt("b")).toBe("wh");
  });
});

describe("a lost response", () => {
  it("makes a conditional put unknown, though it landed", async () => {
    const { faulty, textAt, version } = await fixture({ kind: "lose-response" }, { kind: "lose-response" });
    expect((await faulty.putIfAbsent("b", bytes("mine"))).outcome).toBe("unknown");
    expect(await textAt("b")).toBe("mine");
    expect((await faulty.putIfMatch("a", bytes("mine"), version)).outcome).toBe("unknown");
    expect(await textAt("a")).toBe("mine");
  });

  it("is covered by a second try of a read and of a plain put", async () => {
    const { faulty, textAt } = await fixture({ kind: "lose-response" }, null, { kind: "lose-response" });
    await faulty.put("a", bytes("new"));
    expect(await textAt("a")).toBe("new");
    expect((await faulty.get("a"))?.bytes.length).toBe(3);
    expect(faulty.counts()).toMatchObject({ put: 2, get: 2 });
  });
});

describe("an answered status", () => {
  it("429 is repeated", async () => {
    const { faulty } = await fixture({ kind: "answer", status: 429 }, { kind: "answer", status: 429 });
    expect((await faulty.putIfAbsent("b", bytes("x"))).outcome).toBe("won");
    expect(faulty.counts().put).toBe(3);
  });

  it("412 is lost", async () => {
    const { faulty, textAt } = await fixture({ kind: "answer", status: 412 });
    expect((await faulty.putIfAbsent("b", bytes("x"))).outcome).toBe("lost");
    expect(await textAt("b")).toBeNull();
  });

  it("409 is repeated, and lost when it never ends", async () => {
    const conflict: Fault = { kind: "answer", status: 409 };
    const { faulty } = await fixture(conflict, null, ...Array.from({ length: 6 }, () => conflict));
    expect((await faulty.putIfAbsent("b", bytes("x"))).outcome).toBe("won");
    expect((await faulty.putIfAbsent("c", bytes("x"))).outcome).toBe("lost");
  });

  it("500 is unknown, applied or not", async () => {
    const { faulty, textAt } = await fixture(
      { kind: "answer", status: 500, applied: true },
      { kind: "answer", status: 500 },
    );
    expect((await faulty.putIfAbsent("b", bytes("x"))).outcome).toBe("unknown");
    expect((await faulty.putIfAbsent("c", bytes("x"))).outcome).toBe("unknown");
    expect([await textAt("b"), await textAt("c")]).toEqual(["x", null]);
  });

  it("that never ends is an error that names the object", async () => {
    const bucket = new MemoryBucket();
    const faults: Faults = () => ({ kind: "answer", status: 500 });
    const faulty = memoryStorage(ports, { bucket, faults, uri: "memory://sim" });
    await expect(faulty.get("x/a")).rejects.toThrow("cannot get 'memory://sim/x/a': HTTP 500");
    await expect(faulty.under("x").list("y")).rejects.toThrow("cannot list 'memory://sim/x/y': HTTP 500");
  });
});

describe("latency", () => {
  it("lets others overtake", async () => {
    const order: string[] = [];
    const slow = { ...ports, sleep: () => Bun.sleep(5) };
    const storage = memoryStorage(slow, { faults: scriptedFaults([{ kind: "latency", ms: 5 }]) });
    await Promise.all([
      storage.get("a").then(() => order.push("first")),
      storage.get("b").then(() => order.push("second")),
    ]);
    expect(order).toEqual(["second", "first"]);
  });
});

describe("seeded faults", () => {
  const call = (index: number) => ({ index, method: "putIfAbsent", key: "k" }) as const;
  const draw = (seed: number) => {
    const faults = seededFaults(seed, {
      crashBefore: 0.1,
      crashAfter: 0.1,
      loseResponse: 0.1,
      conflict: 0.1,
      throttle: 0.1,
      serverError: 0.1,
      latency: 0.1,
      latencyMsMax: 50,
    });
    return Array.from({ length: 400 }, (_, index) => faults(call(index)));
  };

  it("are the same for the same seed and differ between seeds", () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it("are of every kind that has a rate, and leave calls alone for the rest", () => {
    const kinds = draw(1).map((fault) => (fault?.kind === "answer" ? fault.status : (fault?.kind ?? "none")));
    expect(new Set(kinds)).toEqual(
      new Set(["crash-before", "crash-after", "lose-response", 409, 429, 500, "latency", "none"]),
    );
    const untouched = kinds.filter((kind) => kind === "none").length / kinds.length;
    expect(untouched).toBeGreaterThan(0.2);
    expect(untouched).toBeLessThan(0.4);
  });

  it("without rates are none", () => {
    const faults = seededFaults(1, {});
    expect(
      Array.from({ length: 100 }, (_, index) => faults(call(index))).every((fault) => fault === null),
    ).toBe(true);
  });

  it("give conflicts to conditional puts only", () => {
    const faults = seededFaults(3, { conflict: 1 });
    expect(faults({ index: 0, method: "get", key: "k" })).toBeNull();
    expect(faults(call(1))).toEqual({ kind: "answer", status: 409 });
  });
});
