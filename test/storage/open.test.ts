import { afterAll, describe, expect, it } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { openStorage, parseStorageUri } from "../../src/storage/index.ts";

const ports = systemPorts();
const directory = mkdtempSync(join(tmpdir(), "omnigraph-open-"));
afterAll(() => rmSync(directory, { recursive: true }));

const S3 = {
  AWS_ENDPOINT_URL_S3: "https://s3.example:9000/",
  AWS_ACCESS_KEY_ID: "id",
  AWS_SECRET_ACCESS_KEY: "secret",
};

function refusal(uri: string): OmnigraphError {
  try {
    parseStorageUri(uri);
  } catch (thrown) {
    if (thrown instanceof OmnigraphError) return thrown;
  }
  throw new Error(`'${uri}' was accepted`);
}

describe("a storage URI", () => {
  it("is a path, absolute or from the working directory", () => {
    expect(parseStorageUri("/data/x.omni")).toEqual({ kind: "file", directory: "/data/x.omni" });
    expect(parseStorageUri("/data/x.omni/")).toEqual({ kind: "file", directory: "/data/x.omni" });
    expect(parseStorageUri("x.omni")).toEqual({ kind: "file", directory: join(process.cwd(), "x.omni") });
    expect(parseStorageUri("./a/../b")).toEqual({ kind: "file", directory: join(process.cwd(), "b") });
    expect(parseStorageUri("odd:name")).toEqual({ kind: "file", directory: join(process.cwd(), "odd:name") });
  });

  it("is a file:// URI of this machine", () => {
    expect(parseStorageUri("file:///data/my%20graph")).toEqual({ kind: "file", directory: "/data/my graph" });
    expect(parseStorageUri("FILE:///data/")).toEqual({ kind: "file", directory: "/data" });
    expect(refusal("file://elsewhere/data").message).toContain("expected file:///absolute/directory");
    expect(refusal("file:///a%2Fb").status).toBe(400);
  });

  it("is a bucket with or without a prefix", () => {
    expect(parseStorageUri("s3://bucket")).toEqual({ kind: "s3", bucket: "bucket", prefix: "" });
    expect(parseStorageUri("s3://bucket/")).toEqual({ kind: "s3", bucket: "bucket", prefix: "" });
    expect(parseStorageUri("S3://bucket/a/b.omni/")).toEqual({
      kind: "s3",
      bucket: "bucket",
      prefix: "a/b.omni",
    });
    expect(refusal("s3://").message).toContain("'s3://' names no bucket");
    expect(refusal("s3:///a").message).toContain("names no bucket");
    expect(refusal("s3://bucket/a//b").message).toContain("storage key");
    expect(refusal("s3://bucket/../b").message).toContain("storage key");
  });

  it("of another scheme is refused with what would be right", () => {
    for (const uri of ["ftp://h/x", "gs://bucket/x", "http://host/x", "memory://x", "s3a://bucket"]) {
      expect(refusal(uri).status).toBe(400);
      expect(refusal(uri).message).toContain(`unsupported scheme '${uri.split(":")[0]}'`);
      expect(refusal(uri).message).toContain("a path, file:///directory or s3://bucket/prefix");
    }
    expect(refusal("").message).toContain("empty storage URI");
    expect(refusal("  ").message).toContain("empty storage URI");
  });
});

describe("openStorage", () => {
  it("shows a directory as its absolute path", async () => {
    const storage = await openStorage(`${directory}/x/`, ports);
    expect(storage).toMatchObject({ kind: "file", uri: `${directory}/x` });
    expect(storage.under("a/b").uri).toBe(`${directory}/x/a/b`);
    expect(storage.under("a/b/").uri).toBe(`${directory}/x/a/b`);
  });

  it("shows a bucket as its URI and names its endpoint", async () => {
    const storage = await openStorage("s3://bucket/x/", { ...ports, env: S3 });
    expect(storage).toMatchObject({
      kind: "s3",
      uri: "s3://bucket/x",
      endpoint: "https://s3.example:9000/bucket",
    });
    expect(storage.under("a").uri).toBe("s3://bucket/x/a");
    expect(storage.counts().total).toBe(0);
  });

  it("refuses a file in place of a directory", async () => {
    writeFileSync(join(directory, "file"), "x");
    await expect(openStorage(join(directory, "file"), ports)).rejects.toThrow(
      `'${directory}/file' is a file; storage needs a directory`,
    );
    const below = await openStorage(join(directory, "file/below"), ports);
    expect(await below.get("a")).toBeNull();
    await expect(below.put("a", new Uint8Array(1))).rejects.toThrow("a component of the path is a file");
  });

  it("refuses an environment that it cannot obey", async () => {
    const env = { ...S3, AWS_ENDPOINT_URL_S3: "http://s3.example" };
    await expect(openStorage("s3://bucket", { ...ports, env })).rejects.toThrow("AWS_ALLOW_HTTP");
  });
});
