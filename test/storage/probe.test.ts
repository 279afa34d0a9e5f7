import { afterEach, describe, expect, it } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { liveS3 } from "../../scripts/s3.ts";
import { sha256Hex } from "../../src/lib/digest.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { ulid } from "../../src/lib/ulid.ts";
import { decodeUtf8 } from "../../src/lib/utf8.ts";
import {
  ensureConditionalWrites,
  fileStorage,
  memoryStorage,
  openStorage,
  readProbeMark,
} from "../../src/storage/index.ts";
import type { S3Server } from "../support/s3-server.ts";
import { hastyPorts, isPut, s3Fixture } from "./s3-fixture.ts";

const ports = systemPorts();
let server: S3Server | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

async function fixture(...options: Parameters<typeof s3Fixture>) {
  const made = await s3Fixture(...options);
  server = made.server;
  return made;
}

describe("the probe of an object store", () => {
  it("passes a store with one winner, and leaves nothing but its mark", async () => {
    const { storage } = await fixture();
    expect(await readProbeMark(storage)).toBe(false);
    await ensureConditionalWrites(storage, ports);
    const mark = `probe/${sha256Hex(storage.endpoint)}.json`;
    expect((await storage.list("")).objects.map(({ key }) => key)).toEqual([mark]);
    const kept = JSON.parse(decodeUtf8((await storage.get(mark))?.bytes ?? new Uint8Array()));
    expect(kept.endpoint).toBe(storage.endpoint);
    expect(await readProbeMark(storage)).toBe(true);
  });

  it("passes the live server", async () => {
    const live = await liveS3();
    const storage = await openStorage(`s3://${live.bucket}/probe-${ulid(ports)}`, {
      ...ports,
      env: live.env,
    });
    await ensureConditionalWrites(storage, ports);
    expect(await readProbeMark(storage)).toBe(true);
  });

  it("asks once: where the mark is, it costs one read", async () => {
    const { storage } = await fixture();
    await ensureConditionalWrites(storage, ports);
    storage.resetCounts();
    await ensureConditionalWrites(storage, ports);
    expect(storage.counts()).toMatchObject({ total: 1, get: 1 });
  });

  it("takes at most five waves", async () => {
    const { storage } = await fixture();
    await ensureConditionalWrites(storage, ports);
    expect(storage.counts().waves).toBeLessThanOrEqual(5);
  });

  it("refuses, by name, a store that ignores conditions, and leaves nothing", async () => {
    const { storage } = await fixture({ conditions: "ignored" });
    await expect(ensureConditionalWrites(storage, ports)).rejects.toThrow(
      `the object store at ${storage.endpoint} does not keep conditional writes (If-None-Match: *)`,
    );
    expect((await storage.list("")).objects).toEqual([]);
  });

  it("refuses a store that looks first and acts later", async () => {
    const { storage } = await fixture({ conditions: "racy" });
    await expect(ensureConditionalWrites(storage, ports)).rejects.toThrow(
      /\d of 8 conditional puts of one name won/,
    );
    expect(await readProbeMark(storage)).toBe(false);
  });

  it("passes a store that answers losers with 500", async () => {
    const { server, storage } = await fixture();
    const seen = new Set<string>();
    server.misbehave((request) => {
      if (!isPut(request) || !request.isConditional) return null;
      const isLoser = seen.has(request.key);
      seen.add(request.key);
      return isLoser ? { kind: "answer", status: 500, code: "InternalError" } : null;
    });
    await ensureConditionalWrites(storage, ports);
    expect(await readProbeMark(storage)).toBe(true);
  });

  it("passes when the winner's reply is lost", async () => {
    const { server, storage } = await fixture();
    const seen = new Set<string>();
    server.misbehave((request) => {
      if (!request.isConditional || seen.has(request.key)) return null;
      seen.add(request.key);
      return { kind: "lose-reply" };
    });
    await ensureConditionalWrites(storage, ports);
    expect(await readProbeMark(storage)).toBe(true);
  });

  it("asks again at another endpoint or below another root", async () => {
    const { server, storage } = await fixture();
    await ensureConditionalWrites(storage, ports);
    expect(await readProbeMark(storage.under("graphs/x.omni"))).toBe(false);
    const { port } = new URL(server.endpoint);
    const renamed = { ...server.env, AWS_ENDPOINT_URL_S3: `http://localhost:${port}` };
    const other = await openStorage(`s3://${server.bucket}/root`, hastyPorts(renamed));
    expect(await readProbeMark(other)).toBe(false);
  });

  it("passes a wrong set-up on as what it is", async () => {
    const { server } = await fixture();
    const storage = await openStorage("s3://no-such-bucket/root", hastyPorts(server.env));
    await expect(ensureConditionalWrites(storage, ports)).rejects.toThrow(
      "there is no bucket 'no-such-bucket'",
    );
  });
});

describe("storage that needs no probe", () => {
  it("is memory", async () => {
    const storage = memoryStorage(ports);
    await ensureConditionalWrites(storage, ports);
    expect(await readProbeMark(storage)).toBe(true);
    expect(storage.counts().total).toBe(0);
  });

  it("is a directory with hard links, which stays as it was", async () => {
    const directory = mkdtempSync(join(tmpdir(), "omnigraph-probe-"));
    const storage = fileStorage(join(directory, "root"), ports);
    expect(await readProbeMark(storage)).toBe(true);
    expect(existsSync(join(directory, "root"))).toBe(false);
    await ensureConditionalWrites(storage, ports);
    expect(readdirSync(join(directory, "root"))).toEqual([]);
    rmSync(directory, { recursive: true });
  });
});
