import { afterAll, afterEach, describe, expect, it } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LiveS3, liveS3, startLiveS3 } from "../../scripts/s3.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { openStorage } from "../../src/storage/index.ts";

const folder = mkdtempSync(join(tmpdir(), "omnigraph-s3-test-"));
let server: LiveS3 | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function roundTrip({ bucket, env }: LiveS3): Promise<number | undefined> {
  const storage = await openStorage(`s3://${bucket}/script-test`, { ...systemPorts(), env });
  await storage.put("a", new Uint8Array(3));
  const found = await storage.get("a");
  await storage.delete("a");
  return found?.bytes.length;
}

describe("the S3 server of a test run", () => {
  it("is one for all who ask", async () => {
    const first = await liveS3();
    expect(await liveS3()).toBe(first);
    expect(await roundTrip(first)).toBe(3);
  });

  it("is what the environment names, before anything else", async () => {
    const env = {
      AWS_ENDPOINT_URL_S3: "https://s3.example",
      AWS_ACCESS_KEY_ID: "id",
      OMNIGRAPH_S3_TEST_BUCKET: "theirs",
      RUSTFS_BIN: "/never/started",
    };
    server = await startLiveS3(env);
    expect(server).toMatchObject({
      name: "https://s3.example, bucket theirs (named by the environment)",
      endpoint: "https://s3.example",
      bucket: "theirs",
      env: { AWS_ENDPOINT_URL_S3: "https://s3.example", AWS_ACCESS_KEY_ID: "id" },
    });
  });

  it("is RUSTFS_BIN next, started with an address, a directory and keys", async () => {
    // Stands in for RustFS: takes its arguments and keys, and is the suite's own server at that address.
    const binary = join(folder, "rustfs");
    writeFileSync(
      binary,
      `#!/bin/sh\nexec "${process.execPath}" "${join(import.meta.dir, "rustfs-stand-in.ts")}" "$@"\n`,
    );
    chmodSync(binary, 0o755);
    server = await startLiveS3({ RUSTFS_BIN: binary });
    expect(server.name).toBe(`RustFS (${binary})`);
    expect(await roundTrip(server)).toBe(3);
  });

  it("is versitygw from the cache next", async () => {
    const cache = join(folder, "cache");
    mkdirSync(cache);
    writeFileSync(join(cache, "versitygw"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    await expect(startLiveS3({ PATH: "", HOME: folder }, cache)).rejects.toThrow(
      `versitygw (${cache}/versitygw) did not start on http://127.0.0.1:`,
    );
  });

  it("is the suite's own where there is no other, unless a live one is demanded", async () => {
    const nothing = { PATH: "", HOME: folder };
    server = await startLiveS3(nothing, folder);
    expect(server.name).toContain("the suite's own, in memory");
    expect(await roundTrip(server)).toBe(3);
    await expect(startLiveS3({ ...nothing, OMNIGRAPH_S3_REQUIRE_LIVE: "1" }, folder)).rejects.toThrow(
      "OMNIGRAPH_S3_REQUIRE_LIVE=1 demands one",
    );
  });
});
