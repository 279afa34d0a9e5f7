// Opening what is not a graph.

import { afterEach, describe, expect, it } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import { openStorage } from "../../src/storage/index.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { expectRefused, ports, refusal } from "./support.ts";

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

describe("a graph whose bucket was out of order when its fitness was asked", () => {
  it("is written to once the bucket answers again", async () => {
    server = await startS3Server();
    const storage = await openStorage(`s3://${server.bucket}/g`, { ...ports, env: server.env });
    await initGraph({ storage, ports, schemaSource: "node Port { code: String @key }" });
    const graph = await openGraph({ storage, ports });
    const insert = () => graph.mutate({ source: 'query m() { insert Port { code: "A" } }', actor: null });
    server.misbehave(({ key }) =>
      key.includes("probe/") ? { kind: "answer", status: 403, code: "AccessDenied" } : null,
    );
    const error = await refusal(insert());
    expect(error.message).toContain("s3://");
    server.misbehave(() => null);
    expect((await insert()).affected_nodes).toBe(1);
  });
});
