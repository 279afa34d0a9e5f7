import { describe, expect, it } from "bun:test";
import { classifyRuntime } from "../../src/server/state.ts";

const state = (tokens: boolean, policy: boolean, unauthenticated: boolean) =>
  classifyRuntime({ tokens, policy, unauthenticated });

describe("the runtime state", () => {
  it("is open only without tokens and policy, and only when asked for", () => {
    expect(state(false, false, true)).toBe("open");
    expect(() => state(false, false, false)).toThrow(
      /no bearer tokens and no policy file.*--unauthenticated/,
    );
  });

  it("refuses a policy that nobody could ever satisfy, flag or not", () => {
    for (const flag of [false, true]) {
      expect(() => state(false, true, flag)).toThrow(
        "policy file is configured but no bearer tokens — every request would 401",
      );
    }
  });

  it("is not weakened by the flag once there are tokens", () => {
    for (const flag of [false, true]) {
      expect(state(true, false, flag)).toBe("default_deny");
      expect(state(true, true, flag)).toBe("policy_enabled");
    }
  });
});
