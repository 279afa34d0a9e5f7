import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import { sha256Hex } from "../../src/lib/digest.ts";
import { type Listener, listen } from "../../src/server/listen.ts";
import { openStorage } from "../../src/storage/index.ts";
import { ndjson, ports } from "../engine/support.ts";
import { testServer } from "../server/support/service.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { createWorld, fakeServer, type World } from "./support.ts";

const TEXT = "hello blobs";
const TAG = `"${sha256Hex(TEXT).slice(0, 32)}"`;
const LARGE = Buffer.concat(Array.from({ length: 300 }, (_, i) => Buffer.alloc(32_768, i)));
let root: string;
/** Of a file that is gone by the time it is asked for. */
let externalUri: string;
let snapshot: string;
let listener: Listener;

const base64 = (bytes: Uint8Array) => `base64:${Buffer.from(bytes).toString("base64")}`;
const ship = (imo: string, photo: string | null) => ({ type: "Ship", data: { imo, photo } });

/** One graph, on a directory and behind a server. */
beforeAll(async () => {
  root = join(temporaryDirectory(), "g.omni");
  const storage = await openStorage(root, ports);
  await initGraph({
    storage,
    ports,
    schemaSource: "node Ship { imo: String @key  name: String?  photo: Blob? }",
  });
  const media = temporaryDirectory();
  externalUri = `file://${media}/gone.bin`;
  writeFileSync(join(media, "gone.bin"), "x");
  const externalBlobs = [{ uri: `file://${media}/`, scope: "embedded_only" }] as const;
  const graph = await openGraph({ storage, ports, externalBlobs });
  const lines = [
    ship("text", base64(Buffer.from(TEXT))),
    ship("empty", base64(Buffer.of())),
    ship("large", base64(LARGE)),
    ship("null", null),
    ship("external", externalUri),
  ];
  const loaded = await graph.load({ data: () => ndjson(lines), mode: "append", actor: null });
  snapshot = loaded.commit?.graph_commit_id ?? "";
  rmSync(media, { recursive: true });
  const { app, harbor } = await testServer();
  harbor.openBlob = (selector) => graph.openBlob(selector);
  listener = listen({ host: "127.0.0.1", port: 0 }, app.fetch);
});
afterAll(() => listener.stop());

const places = () =>
  [
    ["on storage", ["--store", root]],
    ["behind a server", ["--server", `http://${listener.address}`, "--graph", "harbor"]],
  ] as const;

const each = async (work: (scope: readonly string[], world: World) => Promise<void>) => {
  for (const [, scope] of places()) await work(scope, createWorld());
};

describe("blob get", () => {
  it("writes the exact bytes, whole or a range", async () => {
    await each(async (scope, world) => {
      const get = async (...more: string[]) => {
        const outcome = await world.run(["blob", "get", "node", "Ship", "text", "photo", ...scope, ...more]);
        return [outcome.code, outcome.stdout, outcome.stderr];
      };
      expect(await get()).toEqual([0, TEXT, ""]);
      expect(await get("--branch", "main")).toEqual([0, TEXT, ""]);
      expect(await get("--snapshot", snapshot)).toEqual([0, TEXT, ""]);
      expect(await get("--offset", "1", "--length", "4")).toEqual([0, "ello", ""]);
      expect(await get("--offset", "6")).toEqual([0, "blobs", ""]);
      expect(await get("--length", "5")).toEqual([0, "hello", ""]);
      expect(await get("--offset", "6", "--length", "99")).toEqual([0, "blobs", ""]);
      expect(await get("--offset", "11")).toEqual([1, "", "error: Blob range is not satisfiable\n"]);
      expect(await get("--offset", "18446744073709551615")).toEqual([
        1,
        "",
        "error: Blob range is not satisfiable\n",
      ]);
    });
  });

  it("writes the empty value, of which there is no range", async () => {
    await each(async (scope, world) => {
      const words = ["blob", "get", "node", "Ship", "empty", "photo", ...scope];
      expect(await world.run(words)).toEqual({ code: 0, stdout: "", stderr: "" });
      const range = await world.run([...words, "--length", "1"]);
      expect([range.code, range.stderr]).toEqual([1, "error: Blob range is not satisfiable\n"]);
      const path = world.file("out.bin", "as it was");
      await world.run([...words, "--out", "out.bin"]);
      expect(readFileSync(path)).toHaveLength(0);
    });
  });

  it("writes a file from its first byte on, and leaves it alone when none comes", async () => {
    await each(async (scope, world) => {
      const path = world.file("out.bin", "as it was");
      const get = (id: string, ...more: string[]) =>
        world.run(["blob", "get", "node", "Ship", id, "photo", ...scope, "--out", "out.bin", ...more]);
      expect((await get("nobody")).code).toBe(1);
      expect((await get("text", "--offset", "11")).code).toBe(1);
      expect(readFileSync(path, "utf8")).toBe("as it was");
      expect(await get("large")).toEqual({ code: 0, stdout: "", stderr: "" });
      expect(Buffer.compare(readFileSync(path), LARGE)).toBe(0);
      await get("large", "--offset", "4194300", "--length", "10");
      expect(readFileSync(path)).toEqual(LARGE.subarray(4_194_300, 4_194_310));
      const nowhere = await world.run([
        "blob",
        "get",
        "node",
        "Ship",
        "text",
        "photo",
        ...scope,
        "--out",
        "no/x",
      ]);
      expect([nowhere.code, nowhere.stderr]).toEqual([
        1,
        expect.stringContaining("could not write --out no/x"),
      ]);
    });
  });

  it("refuses an impossible range before anything is opened", async () => {
    const world = createWorld();
    const get = (...more: string[]) =>
      world.run(["blob", "get", "node", "Ship", "text", "photo", "--store", "no-such-graph", ...more]);
    expect((await get("--length", "0")).stderr).toContain("--length must be greater than zero");
    expect((await get("--offset", "18446744073709551615", "--length", "1")).stderr).toContain("overflows");
    expect((await get("--offset", "18446744073709551616")).stderr).toContain("overflows");
  });

  it("does not follow an external value", async () => {
    await each(async (scope, world) => {
      const outcome = await world.run(["blob", "get", "node", "Ship", "external", "photo", ...scope]);
      expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
      expect(outcome.stderr).toContain("external Blob is not downloaded");
      expect(outcome.stderr).toContain(externalUri);
      expect(outcome.stderr).toContain("blob stat");
    });
  });
});

describe("blob stat", () => {
  it("shows size, tag and the commit that was read", async () => {
    await each(async (scope, world) => {
      const words = ["blob", "stat", "node", "Ship", "text", "photo", ...scope];
      const facts = {
        selector: { entity: "node", type: "Ship", id: "text", property: "photo" },
        kind: "managed",
        size: TEXT.length,
        etag: TAG,
      };
      expect(await world.json([...words, "--json"])).toEqual({
        ...facts,
        target: { resolved_snapshot: snapshot },
      });
      expect(await world.json([...words, "--json", "--branch", "main"])).toEqual({
        ...facts,
        target: { branch: "main", resolved_snapshot: snapshot },
      });
      expect((await world.run([...words, "--snapshot", snapshot])).stdout).toBe(
        [
          "entity: node",
          "type: Ship",
          "id: text",
          "property: photo",
          "kind: managed",
          `size: ${TEXT.length}`,
          `etag: ${TAG}`,
          `snapshot: ${snapshot}`,
          `resolved_snapshot: ${snapshot}`,
          "",
        ].join("\n"),
      );
    });
  });

  it("shows where an external value is, also when it is gone", async () => {
    await each(async (scope, world) => {
      expect(
        await world.json(["blob", "stat", "node", "Ship", "external", "photo", ...scope, "--json"]),
      ).toEqual({
        selector: { entity: "node", type: "Ship", id: "external", property: "photo" },
        kind: "external",
        uri: externalUri,
        target: { resolved_snapshot: snapshot },
      });
    });
  });

  it("fails in the same words on storage and behind a server", async () => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [["node", "Ship", "null", "photo"], "Blob cell not found"],
      [["node", "Ship", "nobody", "photo"], "Blob cell not found"],
      [["node", "Ship", "text", "photo", "--branch", "nowhere"], "Blob cell not found"],
      [["node", "Ship", "text", "photo", "--snapshot", "01K2ZJ6Q3V8E5T0M4RYB7WNXHC"], "Blob cell not found"],
      [["node", "Ship", "text", "name"], "invalid Blob selector"],
      [["node", "Ship", "text", "foto"], "invalid Blob selector"],
      [["node", "Boat", "text", "photo"], "invalid Blob selector"],
    ];
    for (const [words, phrase] of cases) {
      const outcomes = await Promise.all(
        places().map(([, scope]) => createWorld().run(["blob", "stat", ...words, ...scope])),
      );
      expect(outcomes[0]).toEqual(outcomes[1]);
      expect(outcomes[0]).toMatchObject({ code: 1, stdout: "" });
      expect(outcomes[0].stderr).toStartWith(`error: ${phrase}`);
    }
  });

  it("names a refusal by its status", async () => {
    for (const [status, phrase] of [
      [401, "Blob read requires authentication\n  hint: omnigraph login harbor"],
      [403, "Blob read is forbidden"],
      [409, "Blob read target changed; retry the command"],
      [500, "Blob delivery failed"],
      [418, "Blob server request failed with status 418"],
    ] as const) {
      const server = fakeServer(() => new Response(null, { status }));
      const world = createWorld();
      world.config(`servers: { harbor: { url: "${server.url}" } }\n`);
      const words = ["blob", "stat", "node", "Ship", "a", "b", "--server", "harbor", "--graph", "g"];
      const outcome = await world.run(words);
      expect([outcome.code, outcome.stderr]).toEqual([1, `error: ${phrase}\n`]);
      server.stop();
    }
  });
});
