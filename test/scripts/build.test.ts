import { describe, expect, it } from "bun:test";
import { join } from "node:path";

const SCRIPT = join(import.meta.dir, "..", "..", "scripts", "build.ts");

describe("the build by hand", () => {
  it("refuses what it does not know instead of building without it", () => {
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, SCRIPT, "--features", "aws"]);
    expect(exitCode).toBe(2);
    expect(stderr.toString()).toContain("'--features aws' is not supported");
  });
});
