import { afterEach, describe, expect, it } from "bun:test";
import { renderForceUnlock, renderStatus } from "../../src/cluster/index.ts";
import { inMemory, type Site } from "./sites.ts";
import { codes, HARBOUR, messages, removeFolders } from "./support.ts";

afterEach(removeFolders);

const LOCK = "__cluster/lock.json";
const HELD = {
  version: 1,
  lock_id: "01JZ8HELD",
  operation: "apply",
  created_at: "2026-07-02T09:14:00Z",
  pid: 4711,
};
const locked = async (files = HARBOUR): Promise<Site> => {
  const site = await inMemory(files);
  await site.put(LOCK, JSON.stringify(HELD));
  return site;
};

describe("a cluster whose lock is held", () => {
  it("turns plan, apply and import away, shows the holder and touches nothing", async () => {
    const site = await locked();
    for (const run of [site.plan, site.apply, site.import]) {
      const output = await run();
      expect(output.ok).toBe(false);
      expect(codes(output)).toEqual([`state_lock_held ${LOCK}`]);
      expect(messages(output)).toContain("force-unlock 01JZ8HELD");
      expect(output.state_observations).toMatchObject({
        locked: true,
        lock_id: "01JZ8HELD",
        lock_operation: "apply",
        lock_created_at: "2026-07-02T09:14:00Z",
        lock_pid: 4711,
        lock_acquired: false,
      });
    }
    expect(await site.keys()).toEqual([LOCK]);
    expect(await site.text(LOCK)).toBe(JSON.stringify(HELD));
  });

  it("still tells its status", async () => {
    const site = await locked();
    const status = await site.status();
    expect(status.ok).toBe(true);
    expect(renderStatus(status)).toMatch(
      /^cluster state missing\n {2}lock: held \(id=01JZ8HELD, operation=apply, pid=4711, created_at=2026-07-02T09:14:00Z, age_seconds=\d+\)\n/,
    );
    await site.put(LOCK, "{");
    const broken = await site.status();
    expect(broken.ok).toBe(true);
    expect(codes(broken)[0]).toBe(`invalid_state_lock ${LOCK}`);
    expect(broken.state_observations).toMatchObject({ locked: true });
  });

  it("does not hold back commands of a configuration that locks nothing", async () => {
    const site = await locked({
      ...HARBOUR,
      "cluster.yaml": `${HARBOUR["cluster.yaml"]}state: { lock: false }\n`,
    });
    const output = await site.import();
    expect(output.ok).toBe(true);
    expect(codes(output)).toEqual(["state_lock_disabled state.lock"]);
    expect(output.state_observations).toMatchObject({ locked: false, lock_acquired: false });
    expect(await site.text(LOCK)).toBe(JSON.stringify(HELD));
    expect((await site.unlock("01JZ8HELD")).ok).toBe(true);
  });
});

describe("force-unlock", () => {
  it("removes the lock whose id it is given, and the next plan works", async () => {
    const site = await locked();
    const output = await site.unlock("01JZ8HELD");
    expect(output).toMatchObject({ ok: true, lock_removed: true, diagnostics: [] });
    expect(output.state_observations).toMatchObject({ locked: false, lock_id: "01JZ8HELD", lock_pid: 4711 });
    expect(renderForceUnlock(output)).toStartWith(
      "cluster force-unlock: removed lock (id=01JZ8HELD, operation=apply, pid=4711",
    );
    expect(await site.text(LOCK)).toBeNull();
    expect((await site.plan()).ok).toBe(true);
  });

  it("removes nothing else", async () => {
    const cases: readonly (readonly [string | null, string])[] = [
      [null, "state_lock_missing"],
      [JSON.stringify(HELD), "state_lock_id_mismatch"],
      ["{", "invalid_state_lock"],
      [JSON.stringify({ ...HELD, version: 2 }), "unsupported_state_lock_version"],
      [JSON.stringify({ ...HELD, host: "x" }), "invalid_state_lock"],
    ];
    for (const [text, code] of cases) {
      const site = await inMemory();
      if (text !== null) await site.put(LOCK, text);
      const output = await site.unlock("01OTHER");
      expect(output).toMatchObject({ ok: false, lock_removed: false });
      expect(codes(output)).toEqual([`${code} ${LOCK}`]);
      if (code === "state_lock_id_mismatch") {
        expect(messages(output)).toContain("01JZ8HELD");
        expect(renderForceUnlock(output)).toContain("lock: held (id=01JZ8HELD");
      }
      expect(await site.text(LOCK)).toBe(text);
    }
  });

  it("does nothing with a state backend that it does not know", async () => {
    const site = await locked({ ...HARBOUR, "cluster.yaml": 'version: 1\nstate: {backend: "s3://x/y"}\n' });
    for (const output of [await site.unlock("01JZ8HELD"), await site.plan(), await site.status()]) {
      expect(codes(output)).toEqual(["unsupported_state_backend state.backend"]);
    }
    expect(await site.text(LOCK)).toBe(JSON.stringify(HELD));
  });
});
