import { describe, expect, it } from "bun:test";
import { systemPorts } from "../../src/lib/ports.ts";
import { createLogger } from "../../src/server/log.ts";

function logger(filter?: string) {
  const written: string[] = [];
  const env = filter === undefined ? {} : { OMNIGRAPH_LOG: filter };
  const log = createLogger({ ...systemPorts(), env, now: () => 0 }, (text) => written.push(text));
  const text = () => {
    log.flush();
    return written.join("");
  };
  return { log, text };
}

describe("the log", () => {
  it("writes one line per record, with what needs quoting quoted", () => {
    const { log, text } = logger();
    log.log("info", "graph routed", { graph_id: "harbor", error: 'line one\n"two"', missing: null });
    expect(text()).toBe(
      '1970-01-01T00:00:00.000Z INFO  graph routed graph_id=harbor error="line one\\n\\"two\\""\n',
    );
  });

  it("is at info by default and follows OMNIGRAPH_LOG by level and by target", () => {
    expect(logger().log.enabled("debug")).toBe(false);
    expect(logger().log.enabled("info")).toBe(true);
    const { log } = logger("warn, http=debug");
    expect([log.enabled("info"), log.enabled("debug", "http"), log.enabled("info", "policy")]).toEqual([
      false,
      true,
      false,
    ]);
    expect(logger("off").log.enabled("error")).toBe(false);
  });

  it("warns about a filter it cannot read, and goes on with the default", () => {
    const { log, text } = logger("loud");
    expect(text()).toContain("invalid env value, using default env=OMNIGRAPH_LOG value=loud default=info");
    expect(log.enabled("info")).toBe(true);
  });

  it("writes warnings at once and gathers the rest", () => {
    const written: string[] = [];
    const log = createLogger({ ...systemPorts(), env: {} }, (text) => written.push(text));
    log.log("info", "one");
    log.log("info", "two");
    expect(written).toEqual([]);
    log.log("warn", "three");
    expect(written).toHaveLength(1);
    expect(written[0]?.split("\n")).toHaveLength(4);
  });
});
