import { describe, expect, it } from "bun:test";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { type Admission, createAdmission } from "../../src/server/admission.ts";
import { createLogger } from "../../src/server/log.ts";

function admission(env: Record<string, string> = {}) {
  const lines: string[] = [];
  const ports = { ...systemPorts(), env };
  return {
    admission: createAdmission(
      ports,
      createLogger(ports, (line) => lines.push(line)),
    ),
    lines,
  };
}

/** Starts `count` writes that hold their places until `finish`. */
function parked(admitting: Admission, actor: string | null, count: number, bytes = 1) {
  let finish = () => {};
  const gate = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const results = Array.from({ length: count }, () =>
    admitting.admit(actor, bytes, async (ticket) => {
      ticket.confirm();
      await gate;
      return "done";
    }),
  );
  return { results: Promise.allSettled(results), finish };
}

describe("admission", () => {
  it("admits exactly as many of one actor as its cap, at once", async () => {
    const { admission: admitting } = admission({ OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX: "3" });
    const { results, finish } = parked(admitting, "ops", 6);
    finish();
    const settled = await results;
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    const refused = settled.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(refused[0]).toMatchObject({
      kind: "too_many_requests",
      message: "actor in-flight count cap 3 exceeded",
    });
  });

  it("leaves other actors alone and gives places back, also after failures", async () => {
    const { admission: admitting } = admission({ OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX: "1" });
    const { results, finish } = parked(admitting, "ops", 1);
    expect(await admitting.admit("qa", 1, async () => "in")).toBe("in");
    expect(await admitting.admit(null, 1, async () => "in")).toBe("in");
    finish();
    await results;
    const failing = admitting.admit("ops", 1, async () => {
      throw new Error("failed inside");
    });
    await expect(failing).rejects.toThrow("failed inside");
    expect(await admitting.admit("ops", 1, async () => "in")).toBe("in");
  });

  it("counts the bytes in flight, also those that turn up while reading", async () => {
    const { admission: admitting } = admission({ OMNIGRAPH_PER_ACTOR_BYTES_MAX: "100" });
    const { results, finish } = parked(admitting, "ops", 1, 60);
    await expect(admitting.admit("ops", 41, async (ticket) => ticket.confirm())).rejects.toThrow(
      "actor byte budget exceeded: would use 101 bytes against cap 100",
    );
    const growing = admitting.admit("ops", 0, async (ticket) => {
      ticket.charge(40);
      ticket.charge(1);
    });
    await expect(growing).rejects.toThrow("would use 101 bytes");
    expect(await admitting.admit("ops", 40, async () => "in")).toBe("in");
    finish();
    await results;
    expect(await admitting.admit("ops", 100, async () => "in")).toBe("in");
    await expect(admitting.admit("ops", 101, async (ticket) => ticket.confirm())).rejects.toThrow(
      "would use 101",
    );
  });

  it("tells who may not write at all that, and not how busy the actor is", async () => {
    const { admission: admitting } = admission({ OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX: "0" });
    const denied = admitting.admit("zed", 1, async (ticket) => {
      if (ticket.refusal !== null) throw new OmnigraphError("forbidden", "policy denied");
    });
    await expect(denied).rejects.toThrow("policy denied");
    const malformed = admitting.admit("zed", 1, async () => {
      throw new OmnigraphError("bad_request", "malformed");
    });
    await expect(malformed).rejects.toThrow("in-flight count cap 0");
  });

  it("warns about caps that are no numbers and uses the defaults", async () => {
    const { admission: admitting, lines } = admission({ OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX: "many" });
    expect(lines.join("")).toContain(
      "invalid env value, using default env=OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX value=many default=16",
    );
    const { results, finish } = parked(admitting, "ops", 17);
    finish();
    expect((await results).filter(({ status }) => status === "fulfilled")).toHaveLength(16);
  });
});
