// Opening what is not a graph.

import { afterEach, describe, expect, it } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openGraph } from "../../src/engine/index.ts";
import { openStorage } from "../../src/storage/index.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { expectRefused, ports } from "./support.ts";

const directory = mkdtempSync(join(tmpdir(), "omnigraph-open-"));
let server: S3Server | null = null;
afterEach(async () => {
  rmSync(directory, { recursive: true, force: true });
  await server?.stop();
});

describe("opening a root that is not a graph, to write", () => {
  it("makes no directory", async () => {
    const root = join(directory, "missing");
    const storage = await openStorage(root, ports);
    await expectRefused(openGraph({ storage, ports, forWriting: true }), 404, `graph not found at ${root}`);
    expect(existsSync(root)).toBe(false);
  });

  it("puts nothing into a bucket", async () => {
    server = await startS3Server();
    const storage = await openStorage(`s3://${server.bucket}/missing`, { ...ports, env: server.env });
    await expectRefused(openGraph({ storage, ports, forWriting: true }), 404, "graph not found at s3://");
    expect(server.count("put")).toBe(0);
  });
});
