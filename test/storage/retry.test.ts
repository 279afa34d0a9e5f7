import { describe, expect, it } from "bun:test";
import { systemPorts } from "../../src/lib/ports.ts";
import { type Reply, settle } from "../../src/storage/retry.ts";

/** A clock that only moves when somebody sleeps or `passes` lets time pass. */
function virtualTime() {
  let now = 0;
  const pauses: number[] = [];
  const ports = {
    ...systemPorts(),
    now: () => now,
    sleep: async (ms: number) => {
      pauses.push(ms);
      now += ms;
    },
  };
  const passes = (ms: number) => {
    now += ms;
  };
  return { ports, pauses, passes };
}

const failed = (status: number | null, code = ""): Reply<string> => ({
  ok: false,
  answer: { status, code },
  cause: new Error(`${status} ${code}`),
});

/** Answers the replies in order, the last one for ever. */
function answering(...replies: readonly Reply<string>[]) {
  let tries = 0;
  const attempt = async () => replies[Math.min(tries++, replies.length - 1)];
  return { attempt, tries: () => tries };
}

describe("sending a request until there is a verdict", () => {
  it("answers what the first success says", async () => {
    const { ports } = virtualTime();
    const { attempt, tries } = answering(failed(503, "SlowDown"), failed(null, "ECONNRESET"), {
      ok: true,
      value: "x",
    });
    expect(await settle(ports, "read", attempt)).toEqual({ verdict: "done", value: "x" });
    expect(tries()).toBe(3);
  });

  it("pauses at random between tries, below a limit that doubles", async () => {
    const { ports, pauses } = virtualTime();
    await settle(ports, "read", answering(failed(500)).attempt);
    expect(pauses).toHaveLength(5);
    pauses.forEach((pause, index) => {
      expect(pause).toBeGreaterThanOrEqual(0);
      expect(pause).toBeLessThan(50 * 2 ** index);
    });
    expect(new Set(pauses).size).toBeGreaterThan(1);
  });

  it("stops when the time for retries is over, however few tries that were", async () => {
    const { ports, passes } = virtualTime();
    let tries = 0;
    const settled = await settle(ports, "read", async () => {
      tries++;
      passes(20_000);
      return failed(null, "ETIMEDOUT");
    });
    expect(settled.verdict).toBe("unknown");
    expect(tries).toBe(3);
  });

  it("does not repeat a conditional put whose fate is unknown", async () => {
    for (const intent of ["put-if-absent", "put-if-match"] as const) {
      const { attempt, tries } = answering(failed(500, "InternalError"));
      expect((await settle(virtualTime().ports, intent, attempt)).verdict).toBe("unknown");
      expect(tries()).toBe(1);
    }
  });

  it("does not believe a loss after the store had trouble with an earlier try", async () => {
    const lost = failed(412, "PreconditionFailed");
    const settleWith = async (first: Reply<string>) =>
      (await settle(virtualTime().ports, "put-if-absent", answering(first, lost).attempt)).verdict;
    expect(await settleWith(failed(503, "SlowDown"))).toBe("unknown");
    expect(await settleWith(failed(429))).toBe("lost");
    expect(await settleWith(failed(409, "ConditionalRequestConflict"))).toBe("lost");
    expect(await settleWith(failed(null, "ECONNREFUSED"))).toBe("lost");
  });

  it("does not repeat what was refused or is missing", async () => {
    for (const reply of [failed(403, "AccessDenied"), failed(404, "NoSuchKey")]) {
      const { attempt, tries } = answering(reply);
      await settle(virtualTime().ports, "read", attempt);
      expect(tries()).toBe(1);
    }
  });
});
