import { describe, expect, it } from "bun:test";
import { lockAgeSeconds, readLock, releaseLock, takeLock } from "../../src/cluster/lock.ts";
import { encodeUtf8 } from "../../src/lib/utf8.ts";
import { MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import { ports } from "./support.ts";

const LOCK = "__cluster/lock.json";

describe("the lock", () => {
  it("has one holder at a time and is gone after its release", async () => {
    const storage = memoryStorage(ports);
    const taken = await takeLock(storage, "apply", ports);
    expect(taken.ok).toBe(true);
    const second = await takeLock(storage, "plan", ports);
    if (!taken.ok || second.ok) throw new Error("two commands hold the lock");
    expect(second.diagnostic).toMatchObject({ code: "state_lock_held", severity: "error", path: LOCK });
    expect(second.diagnostic.message).toContain(`force-unlock ${taken.lockId}`);
    expect(second.holder).toMatchObject({
      kind: "held",
      record: { lockId: taken.lockId, operation: "apply" },
    });
    expect(await releaseLock(storage, taken.lockId)).toBeNull();
    expect(await storage.get(LOCK)).toBeNull();
  });

  it("goes to exactly one of many who try together", async () => {
    const bucket = new MemoryBucket();
    const takings = await Promise.all(
      Array.from({ length: 16 }, () => takeLock(memoryStorage(ports, { bucket }), "apply", ports)),
    );
    expect(takings.filter((taking) => taking.ok)).toHaveLength(1);
  });

  it("is ours when only the answer to its put was lost", async () => {
    let left = 1;
    const storage = memoryStorage(ports, {
      faults: ({ method }) => (method === "putIfAbsent" && left-- > 0 ? { kind: "lose-response" } : null),
    });
    expect((await takeLock(storage, "apply", ports)).ok).toBe(true);
  });

  it("is not released by who no longer holds it", async () => {
    const storage = memoryStorage(ports);
    const taken = await takeLock(storage, "apply", ports);
    await storage.delete(LOCK);
    await takeLock(storage, "plan", ports);
    if (taken.ok) await releaseLock(storage, taken.lockId);
    expect((await readLock(storage, "error")).kind).toBe("held");
  });

  it("is never touched where it cannot be understood", async () => {
    const cases: readonly (readonly [string, string])[] = [
      ["{", "invalid_state_lock"],
      ['{"version":2}', "unsupported_state_lock_version"],
      [
        '{"version":1,"lock_id":"x","operation":"apply","created_at":"t","pid":1,"host":"h"}',
        "invalid_state_lock",
      ],
      ['{"version":1,"lock_id":"x","operation":"apply","created_at":"t"}', "invalid_state_lock"],
    ];
    for (const [text, code] of cases) {
      const storage = memoryStorage(ports);
      await storage.put(LOCK, encodeUtf8(text));
      expect(await readLock(storage, "warning")).toMatchObject({
        kind: "broken",
        exists: true,
        diagnostic: { code, severity: "warning" },
      });
      expect(await takeLock(storage, "plan", ports)).toMatchObject({
        ok: false,
        diagnostic: { code: "state_lock_held" },
      });
      expect(await storage.get(LOCK)).not.toBeNull();
    }
  });

  it("has an age, unless its time cannot be read", () => {
    const at = (createdAt: string) =>
      lockAgeSeconds(
        { lockId: "x", operation: "apply", createdAt, pid: 1 },
        { ...ports, now: () => Date.parse("2026-07-02T09:15:00Z") },
      );
    expect(at("2026-07-02T09:14:00Z")).toBe(60);
    expect(at("2026-07-02T10:00:00Z")).toBe(0);
    expect(at("yesterday")).toBeNull();
  });
});
