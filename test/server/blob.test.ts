import { afterEach, describe, expect, it } from "bun:test";
import { sha256Hex } from "../../src/lib/digest.ts";
import { type Listener, listen } from "../../src/server/listen.ts";
import { fileStorage, type StorageAdapter } from "../../src/storage/index.ts";
import { ports, type TestGraph, testGraph } from "../engine/support.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { DRAFT_COMMIT, HEAD_COMMIT } from "./support/fake-graph.ts";
import { bundle, MAYA, OLEG, TOKENS } from "./support/policies.ts";
import { envelope, type TestServer, type TestServerOptions, testServer } from "./support/service.ts";

const TEXT = "hello blobs";
const TAG = `"${sha256Hex(TEXT).slice(0, 32)}"`;
const SHIP = "/graphs/harbor/blob?entity=node&type=Ship&property=photo&id=";
const MIB = 1_048_576;

const listeners: Listener[] = [];
afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.stop()));
});

interface BlobServer extends TestServer {
  readonly engine: TestGraph;
}

/** Ships: `text`, `empty`, `null`, and those that a test adds. */
async function blobServer(options?: TestServerOptions, storage?: StorageAdapter): Promise<BlobServer> {
  const engine = await testGraph("node Ship { imo: String @key  name: String?  photo: Blob? }", storage);
  await engine.load([
    ship("text", Buffer.from(TEXT)),
    ship("empty", Buffer.of()),
    { type: "Ship", data: { imo: "null" } },
  ]);
  const server = await testServer(options);
  server.harbor.openBlob = (selector) => engine.graph.openBlob(selector);
  return { ...server, engine };
}

const ship = (imo: string, photo: Uint8Array) => ({
  type: "Ship",
  data: { imo, photo: `base64:${Buffer.from(photo).toString("base64")}` },
});

const headersOf = (response: Response, ...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, response.headers.get(name)]));

describe("GET blob", () => {
  it("answers the whole value with its identity", async () => {
    const { send, engine } = await blobServer();
    const response = await send("GET", `${SHIP}text`);
    expect(response.status).toBe(200);
    expect(headersOf(response, "content-type", "accept-ranges", "etag", "omnigraph-snapshot-id")).toEqual({
      "content-type": "application/octet-stream",
      "accept-ranges": "bytes",
      etag: TAG,
      "omnigraph-snapshot-id": (await engine.graph.commits())[0].graph_commit_id,
    });
    expect(await response.text()).toBe(TEXT);
  });

  it("answers one range, its end clamped", async () => {
    const { send } = await blobServer();
    for (const [range, contentRange, body] of [
      ["bytes=1-4", "bytes 1-4/11", "ello"],
      ["bytes=6-", "bytes 6-10/11", "blobs"],
      ["bytes=-5", "bytes 6-10/11", "blobs"],
      ["bytes=-99", "bytes 0-10/11", TEXT],
      ["BYTES=9-99", "bytes 9-10/11", "bs"],
      ["bytes=010-18446744073709551615", "bytes 10-10/11", "s"],
    ] as const) {
      const response = await send("GET", `${SHIP}text`, { headers: { range } });
      expect([range, response.status, response.headers.get("content-range"), await response.text()]).toEqual([
        range,
        206,
        contentRange,
        body,
      ]);
      expect(response.headers.get("etag")).toBe(TAG);
    }
  });

  it("ignores a range that it cannot read", async () => {
    const { send } = await blobServer();
    for (const range of [
      "bytes=0-1,6-10",
      "lines=0-1",
      "bytes=4-1",
      "bytes=-",
      "bytes=a-b",
      "bytes 0-1",
      "bytes=0-18446744073709551616",
      `bytes=${"9".repeat(2000)}-`,
    ]) {
      const response = await send("GET", `${SHIP}text`, { headers: { range } });
      expect([range, response.status, response.headers.get("content-range")]).toEqual([range, 200, null]);
    }
  });

  it("refuses a range past the end with what was asked", async () => {
    const { send } = await blobServer();
    for (const [id, range, expected] of [
      ["text", "bytes=99-", { start: 99, end: 11, length: 11 }],
      ["text", "bytes=11-20", { start: 11, end: 21, length: 11 }],
      ["text", "bytes=-0", { start: 11, end: 11, length: 11 }],
      ["empty", "bytes=0-0", { start: 0, end: 1, length: 0 }],
      ["empty", "bytes=-4", { start: 0, end: 0, length: 0 }],
    ] as const) {
      const response = await send("GET", SHIP + id, { headers: { range } });
      expect(response.status).toBe(416);
      expect(headersOf(response, "content-range", "accept-ranges", "content-type")).toEqual({
        "content-range": `bytes */${expected.length}`,
        "accept-ranges": "bytes",
        "content-type": "application/json",
      });
      expect(response.headers.get("etag")).not.toBeNull();
      expect(response.headers.get("omnigraph-snapshot-id")).not.toBeNull();
      const { start, end, length } = expected;
      expect(await envelope(response)).toEqual({
        error: `blob range [${start}, ${end}) is not satisfiable for a value of length ${length}`,
        code: "bad_request",
        blob_range: expected,
      });
    }
    const huge = await send("GET", `${SHIP}text`, { headers: { range: "bytes=18446744073709551615-" } });
    expect(await huge.text()).toContain('"start":18446744073709551615,');
  });

  it("keeps to If-Match, then If-None-Match, then If-Range, then Range", async () => {
    const { send } = await blobServer();
    const range = "bytes=0-1";
    for (const [headers, status] of [
      [{ "if-match": TAG, range }, 206],
      [{ "if-match": `"a", ${TAG}`, range }, 206],
      [{ "if-match": "*" }, 200],
      [{ "if-match": '"old"', "if-none-match": TAG, range }, 412],
      [{ "if-match": `W/${TAG}` }, 412],
      [{ "if-match": TAG.slice(1) }, 412],
      [{ "if-match": "" }, 412],
      [{ "if-none-match": TAG, range: "bytes=99-" }, 304],
      [{ "if-none-match": `W/${TAG}` }, 304],
      [{ "if-none-match": `W/"x" , ${TAG}` }, 304],
      [{ "if-none-match": "*" }, 304],
      [{ "if-none-match": '"x"' }, 200],
      [{ "if-none-match": "unquoted" }, 200],
      [{ "if-range": TAG, range }, 206],
      [{ "if-range": `W/${TAG}`, range }, 200],
      [{ "if-range": '"x"', range }, 200],
      [{ "if-range": `${TAG}, ${TAG}`, range }, 200],
      [{ "if-range": "Wed, 21 Oct 2015 07:28:00 GMT", range: "bytes=99-" }, 200],
    ] as const) {
      const response = await send("GET", `${SHIP}text`, { headers });
      expect([headers, response.status]).toEqual([headers, status]);
      expect(headersOf(response, "etag", "accept-ranges")).toEqual({ etag: TAG, "accept-ranges": "bytes" });
      expect(response.headers.get("omnigraph-snapshot-id")).not.toBeNull();
      if (status === 304) expect(await response.text()).toBe("");
      if (status === 412) expect(await envelope(response)).toMatchObject({ code: "conflict" });
    }
  });

  it("knows the empty value from null", async () => {
    const { send } = await blobServer();
    const empty = await send("GET", `${SHIP}empty`);
    expect([empty.status, empty.headers.get("etag"), await empty.text()]).toEqual([
      200,
      `"${sha256Hex("").slice(0, 32)}"`,
      "",
    ]);
    const missing = await send("GET", `${SHIP}null`);
    expect(missing.status).toBe(404);
    expect((await envelope(missing)).error).toContain("is null for id 'null'");
  });

  it("redirects to an external object without looking at it", async () => {
    const { send, harbor } = await blobServer();
    harbor.openBlob = async () => ({ kind: "external", uri: "s3://media/a%20b.bin", snapshot: "01S" });
    for (const method of ["GET", "HEAD"]) {
      const headers = { range: "bytes=0-1", "if-match": '"x"', "if-none-match": "*" };
      const response = await send(method, `${SHIP}x`, { headers });
      expect(response.status).toBe(302);
      expect(
        headersOf(response, "location", "cache-control", "omnigraph-snapshot-id", "etag", "accept-ranges"),
      ).toEqual({
        location: "s3://media/a%20b.bin",
        "cache-control": "no-store",
        "omnigraph-snapshot-id": "01S",
        etag: null,
        "accept-ranges": null,
      });
    }
  });

  it("reads at a snapshot", async () => {
    const { send, engine } = await blobServer();
    const before = (await engine.graph.commits())[0].graph_commit_id;
    await engine.load([ship("text", Buffer.from("changed"))]);
    const response = await send("GET", `${SHIP}text&snapshot=${before}`);
    expect(response.headers.get("omnigraph-snapshot-id")).toBe(before);
    expect(await response.text()).toBe(TEXT);
    expect((await send("GET", `${SHIP}text&snapshot=01K2ZJ6Q3V8E5T0M4RYB7WNXHC`)).status).toBe(404);
  });

  it("says nothing of storage when a value is damaged, and logs it", async () => {
    const { send, engine, logged } = await blobServer();
    await engine.storage.delete(`blobs/${sha256Hex(TEXT)}`);
    const response = await send("GET", `${SHIP}text`);
    expect(response.status).toBe(500);
    expect(await envelope(response)).toEqual({
      error: "Blob delivery failed before response headers",
      code: "internal",
    });
    expect(logged()).toContain("is missing");
    // What needs no bytes still answers.
    expect((await send("HEAD", `${SHIP}text`)).status).toBe(200);
    expect((await send("GET", `${SHIP}text`, { headers: { "if-none-match": TAG } })).status).toBe(304);
  });
});

describe("HEAD blob", () => {
  it("answers as GET without a body, and looks at neither Range nor If-Range", async () => {
    const { send } = await blobServer();
    const ignored: readonly Readonly<Record<string, string>>[] = [
      {},
      { range: "bytes=99-" },
      { range: "bytes=1-4", "if-range": TAG },
    ];
    for (const headers of ignored) {
      const response = await send("HEAD", `${SHIP}text`, { headers });
      expect(response.status).toBe(200);
      expect(headersOf(response, "content-length", "content-type", "etag", "content-range")).toEqual({
        "content-length": "11",
        "content-type": "application/octet-stream",
        etag: TAG,
        "content-range": null,
      });
      expect(await response.text()).toBe("");
    }
  });

  it("honours If-Match and If-None-Match", async () => {
    const { send } = await blobServer();
    const unchanged = await send("HEAD", `${SHIP}text`, { headers: { "if-none-match": `W/${TAG}` } });
    expect([unchanged.status, unchanged.headers.get("content-length")]).toEqual([304, "11"]);
    const changed = await send("HEAD", `${SHIP}text`, { headers: { "if-match": '"x"' } });
    expect([changed.status, changed.headers.get("etag"), await changed.text()]).toEqual([412, TAG, ""]);
  });

  it("fails with the status of GET and no body", async () => {
    const { send } = await blobServer();
    for (const [path, status] of [
      [`${SHIP}null`, 404],
      [`${SHIP}nobody`, 404],
      ["/graphs/harbor/blob?entity=node", 400],
    ] as const) {
      const response = await send("HEAD", path);
      expect([path, response.status, response.headers.get("content-type")]).toEqual([
        path,
        status,
        "application/json",
      ]);
      expect(await response.text()).toBe("");
    }
  });
});

describe("a blob selector", () => {
  it("is refused when it is not whole, or no Blob property", async () => {
    const { send } = await blobServer();
    const prefix = "invalid Blob selector query parameters: ";
    for (const [query, phrase] of [
      ["", prefix],
      ["entity=node&type=Ship&id=text", `${prefix}missing field \`property\``],
      ["entity=vertex&type=Ship&id=text&property=photo", `${prefix}field \`entity\``],
      ["entity=node&entity=node&type=Ship&id=text&property=photo", prefix],
      ["entity=node&type=Ship&id=%ff&property=photo", prefix],
      ["entity=node&type=Boat&id=text&property=photo", "unknown node type 'Boat'"],
      ["entity=node&type=Ship&id=text&property=foto", "no property 'foto'"],
      ["entity=node&type=Ship&id=text&property=name", "is not a Blob property"],
      ["entity=node&type=Ship&id=text&property=photo&branch=main&snapshot=x", "branch or snapshot, not both"],
      ["entity=node&type=Ship&id=text&property=photo&branch=%20", "branch name cannot be empty"],
    ]) {
      const response = await send("GET", `/graphs/harbor/blob?${query}`);
      expect([query, response.status]).toEqual([query, 400]);
      expect((await envelope(response)).error).toContain(phrase);
    }
    expect((await send("GET", `${SHIP}text&branch=nowhere`)).status).toBe(404);
    expect((await send("POST", `${SHIP}text`)).status).toBe(405);
  });
});

describe("the policy of a blob read", () => {
  it("is asked for `read` on the branch, or on the one that the snapshot's commit landed on", async () => {
    const { send, harbor } = await blobServer({
      tokens: TOKENS,
      policies: {
        harbor: bundle([{ group: "stewards", actions: ["read"], scope: "branch_scope: protected" }]),
      },
    });
    harbor.openBlob = async () => ({ kind: "external", uri: "s3://m/a", snapshot: "01S" });
    const status = async (token: string, more = "") =>
      (await send("GET", `${SHIP}text${more}`, { token })).status;
    expect(await status(MAYA)).toBe(302);
    expect(await status(MAYA, "&branch=%20main%20")).toBe(302);
    expect(await status(MAYA, "&branch=draft-7")).toBe(403);
    expect(await status(MAYA, `&snapshot=${HEAD_COMMIT}`)).toBe(302);
    expect(await status(MAYA, `&snapshot=${DRAFT_COMMIT}`)).toBe(403);
    expect(await status(OLEG)).toBe(403);
    expect((await send("GET", `${SHIP}text`)).status).toBe(401);
  });
});

describe("a blob over a socket", () => {
  it("says its length, however long it is, and is exact across storage's chunks", async () => {
    const { app, engine } = await blobServer();
    const large = crypto.getRandomValues(new Uint8Array(65_536));
    const value = Buffer.concat(Array.from({ length: 144 }, (_, i) => Buffer.from(large).fill(i, 0, 16)));
    await engine.load([ship("large", value)]);
    const listener = listen({ host: "127.0.0.1", port: 0 }, app.fetch);
    listeners.push(listener);
    const url = `http://${listener.address}${SHIP}`;
    const whole = await fetch(`${url}large`);
    expect(whole.headers.get("content-length")).toBe(String(9 * MIB));
    expect(Buffer.compare(Buffer.from(await whole.arrayBuffer()), value)).toBe(0);
    const part = await fetch(`${url}large`, { headers: { range: `bytes=${4 * MIB - 5}-${4 * MIB + 4}` } });
    expect(part.headers.get("content-length")).toBe("10");
    expect(Buffer.from(await part.arrayBuffer())).toEqual(value.subarray(4 * MIB - 5, 4 * MIB + 5));
    const head = await fetch(`${url}text`, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe("11");
    const empty = await fetch(`${url}empty`);
    expect([empty.status, empty.headers.get("content-length")]).toEqual([200, "0"]);
  });
});

describe("a large blob that stands in a file", () => {
  const value = Buffer.concat(Array.from({ length: 48 }, (_, i) => Buffer.alloc(65_536, i + 1)));

  async function largeOnDisk() {
    const server = await blobServer(undefined, fileStorage(temporaryDirectory(), ports));
    await server.engine.load([ship("large", value)]);
    const listener = listen({ host: "127.0.0.1", port: 0 }, server.app.fetch);
    listeners.push(listener);
    const get = (headers: Readonly<Record<string, string>> = {}) =>
      fetch(`http://${listener.address}${SHIP}large`, { headers });
    return { ...server, get };
  }

  it("is answered as every other, whole or in part", async () => {
    const { get } = await largeOnDisk();
    const size = value.length;
    const tag = `"${sha256Hex(value).slice(0, 32)}"`;
    for (const [headers, status, start, end] of [
      [{}, 200, 0, size],
      [{ range: "bytes=5-" }, 206, 5, size],
      [{ range: "bytes=0-2000000" }, 206, 0, 2_000_001],
      [{ range: "bytes=-2000000" }, 206, size - 2_000_000, size],
      [{ range: "bytes=100-109" }, 206, 100, 110],
      [{ range: "bytes=5-", "if-range": tag }, 206, 5, size],
      // Nobody but us may take a range for one that counts.
      [{ range: "bytes=5-", "if-range": '"other"' }, 200, 0, size],
      [{ range: "bytes=0-1,5-9" }, 200, 0, size],
    ] as const) {
      const response = await get(headers);
      const isPart = status === 206;
      expect([
        response.status,
        headersOf(response, "content-length", "content-range", "content-type", "content-disposition", "etag"),
      ]).toEqual([
        status,
        {
          "content-length": String(end - start),
          "content-range": isPart ? `bytes ${start}-${end - 1}/${size}` : null,
          "content-type": "application/octet-stream",
          "content-disposition": "attachment",
          etag: tag,
        },
      ]);
      expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), value.subarray(start, end))).toBe(0);
    }
  });

  it("is found out before anything is sent when it is damaged", async () => {
    const { get, engine } = await largeOnDisk();
    const key = `blobs/${sha256Hex(value)}`;
    await engine.storage.put(
      key,
      value.map((byte, i) => (i === 70_000 ? byte ^ 1 : byte)),
    );
    expect((await get()).status).toBe(500);
    await engine.storage.put(key, value.subarray(0, 100_000));
    for (const response of [await get(), await get({ range: "bytes=0-2000000" })]) {
      expect(response.status).toBe(500);
      expect(await response.json()).toEqual({
        error: "Blob delivery failed before response headers",
        code: "internal",
      });
    }
    await engine.storage.delete(key);
    expect((await get({ range: "bytes=5-" })).status).toBe(500);
  });
});
