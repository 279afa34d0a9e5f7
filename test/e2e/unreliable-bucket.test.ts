// A bucket behind a bad network: replies get lost, connections break, the store throttles and fails before and after it has
// done its work. What the binary acknowledges is there exactly once, and what it cannot do it says.

import { afterEach, beforeAll, beforeEach, describe, expect, it, setDefaultTimeout } from "bun:test";
import { type Misbehaviour, type S3Server, startS3Server } from "../support/s3-server.ts";
import { file, type Place, placeAt, succeed, TEST_MS_MAX } from "./places.ts";
import { BUILD_MS_MAX, binary } from "./support.ts";

setDefaultTimeout(TEST_MS_MAX);

const LOOP_MS = 3_000;
/** Of the requests; each command sends about fifteen. */
const TROUBLE_SHARE = 0.15;

const TROUBLES: readonly Misbehaviour[] = [
  { kind: "lose-reply" },
  { kind: "reset" },
  { kind: "truncate", bytes: 20 },
  { kind: "answer", status: 500, code: "InternalError" },
  { kind: "answer", status: 500, code: "InternalError", applied: true },
  { kind: "answer", status: 502 },
  { kind: "answer", status: 503, code: "SlowDown" },
  { kind: "answer", status: 503, code: "SlowDown", applied: true },
  { kind: "answer", status: 409, code: "ConditionalRequestConflict" },
];

let server: S3Server;
let place: Place;

beforeAll(async () => {
  await binary();
}, BUILD_MS_MAX);
beforeEach(async () => {
  server = await startS3Server({ latencyMs: 1 });
  const uri = `s3://${server.bucket}/log.omni`;
  place = await placeAt(["--store", uri], { env: server.env });
  const schema = await file("log.pg", "node Entry { key: String @key }\n");
  await succeed(place.run("init", "--schema", schema, uri));
});
afterEach(() => server.stop());

const add = (key: string) =>
  place.on(
    "mutate",
    "-e",
    "query add($key: String) { insert Entry { key: $key } }",
    "--params",
    JSON.stringify({ key }),
  );

async function state(): Promise<{
  keys: readonly string[];
  parents: readonly (string | null)[];
  ids: readonly string[];
}> {
  server.misbehave(() => null);
  const { commits } = JSON.parse(await succeed(place.on("commit", "list", "--json")));
  const text = await succeed(
    place.on("query", "-e", "query q() { match { $e: Entry } return { $e } }", "--format", "csv"),
  );
  return {
    keys: text.trimEnd().split("\n").slice(1),
    ids: commits.map((commit: { graph_commit_id: string }) => commit.graph_commit_id),
    parents: commits.map((commit: { parent_commit_id: string | null }) => commit.parent_commit_id),
  };
}

describe("writers on a bucket with troubles", () => {
  it("get every commit through, each exactly once, in one chain", async () => {
    server.misbehave(() => {
      if (Math.random() > TROUBLE_SHARE) return null;
      return TROUBLES[Math.floor(Math.random() * TROUBLES.length)] ?? null;
    });
    const acknowledged: string[] = [];
    const end = Date.now() + LOOP_MS;
    const write = async (writer: number) => {
      for (let n = 0; Date.now() < end; n++) {
        const key = `${writer}-${n}`;
        const { code, stderr } = await add(key);
        if (code === 0) acknowledged.push(key);
        // Six troubles in a row on one request are possible; then at least it is said that the store is to blame.
        else expect(stderr).toMatch(/storage stopped answering|cannot (get|put) 's3:/);
      }
    };
    await Promise.all([0, 1, 2].map(write));

    const { keys, ids, parents } = await state();
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(new Set(keys).size).toBe(keys.length);
    expect(acknowledged.filter((key) => !keys.includes(key))).toEqual([]);
    expect(ids.length).toBe(keys.length + 1);
    expect(parents).toEqual([...ids.slice(1), null]);
  });
});

describe("a bucket that does not recover", () => {
  it.each([
    ["throttles", { kind: "answer", status: 503, code: "SlowDown" }, "HTTP 503 SlowDown"],
    ["denies", { kind: "answer", status: 403, code: "AccessDenied" }, "access denied by http://127.0.0.1"],
    ["breaks every connection", { kind: "reset" }, "ECONNRESET"],
  ] as const)("and %s is named by reads and writes", async (_, trouble, phrase) => {
    server.misbehave(() => trouble);
    for (const running of [add("a"), place.on("export")]) {
      const { code, stdout, stderr } = await running;
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain(phrase);
      expect(stderr).toContain("log.omni/graph.json");
    }
    expect((await state()).keys).toEqual([]);
  });

  it("and takes no entry leaves the writer to say that it does not know", async () => {
    server.misbehave(({ key, kind }) => (kind === "put" && key.includes("/log/") ? { kind: "reset" } : null));
    const { code, stderr } = await add("a");
    expect([code, stderr]).toEqual([1, expect.stringContaining("look for commit")]);
    expect((await state()).keys).toEqual([]);
    await succeed(add("a"));
    expect((await state()).keys).toEqual(["a"]);
  });

  it("and loses every reply still has the commit acknowledged, because it is read back", async () => {
    server.misbehave(({ kind }) => (kind === "put" ? { kind: "lose-reply" } : null));
    await succeed(add("a"));
    expect((await state()).keys).toEqual(["a"]);
  });

  it("and ignores conditions is refused for writing, by name, and holds nothing afterwards", async () => {
    const careless = await startS3Server({ conditions: "ignored" });
    try {
      const uri = `s3://${careless.bucket}/g`;
      const { run } = await placeAt([], { env: careless.env });
      const schema = await file("log.pg", "node Entry { key: String @key }\n");
      const { code, stderr } = await run("init", "--schema", schema, uri);
      expect([code, stderr]).toEqual([1, expect.stringContaining("does not keep conditional writes")]);
      expect(stderr).toContain(careless.endpoint);
      expect([...(careless.buckets.get(careless.bucket)?.objects.keys() ?? [])]).toEqual([]);
    } finally {
      await careless.stop();
    }
  });
});
