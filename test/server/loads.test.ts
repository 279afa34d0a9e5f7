// Loads over a real graph: the strict route and the permissive ones, beside each other.

import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import type { CommitOutput } from "../../src/engine/outputs.ts";
import { appliedCluster, cleanUp, type ServedCluster, serveCluster } from "./support/cluster.ts";
import { bundle, MAYA, OLEG, TOKENS, ZED } from "./support/policies.ts";

const G = "/graphs/harbor";
/** Maya may do all of it, Oleg creates no branches, and Zed nothing. */
const RULES = [
  { group: "curators", actions: ["read", "export", "change"] },
  { group: "stewards", actions: ["branch_create", "branch_delete"] },
] as const;

async function serve(env: Readonly<Record<string, string>> = {}): Promise<ServedCluster> {
  const folder = await appliedCluster({
    policies: { crew: { text: bundle(RULES), appliesTo: ["harbor"] } },
  });
  const tokens = { OMNIGRAPH_SERVER_BEARER_TOKENS_JSON: JSON.stringify(TOKENS) };
  return serveCluster(folder, {}, { ...tokens, ...env });
}

let cluster: ServedCluster;
beforeAll(async () => {
  cluster = await serve();
});
afterAll(cleanUp);

interface Loaded {
  readonly branch: string;
  readonly total_entities: number;
  readonly commit: CommitOutput;
  readonly error: string;
}

async function answered(response: Response): Promise<[number, Loaded]> {
  return [response.status, (await response.json()) as Loaded];
}

const ingest = async (json: object, token: string = MAYA) =>
  answered(await cluster.send("POST", `${G}/ingest`, { token, json }));
const load = async (lines: readonly (object | string)[], query = "", token: string = MAYA) =>
  answered(
    await cluster.send("POST", `${G}/load/ndjson${query}`, {
      token,
      body: records(lines),
      headers: { "content-type": "application/x-ndjson" },
    }),
  );
const records = (lines: readonly (object | string)[]) =>
  lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
const get = async <T>(path: string) =>
  (await (await cluster.send("GET", G + path, { token: MAYA })).json()) as T;
const commits = async (branch = "main") =>
  (await get<{ commits: CommitOutput[] }>(`/commits?branch=${branch}`)).commits;
const branches = async () => (await get<{ branches: string[] }>("/branches")).branches;

const vessel = (imo: string, name = "Aurora") => ({ type: "Vessel", data: { imo, name } });
const port = (code: string) => ({ type: "Port", data: { code } });
const docked = (from: string, to: string) => ({ edge: "DockedAt", from, to });

describe("an ingest", () => {
  it("makes a branch with one commit of the token's actor, and counts what it took", async () => {
    const [head] = await commits();
    const data = records([vessel("i1"), docked("i1", "p1"), port("p1"), vessel("i2")]);
    const [status, output] = await ingest({ branch: "intake", from: "main", mode: "append", data });
    expect(status).toBe(200);
    expect(output).toMatchObject({
      uri: expect.stringMatching(/graphs\/harbor\.omni$/),
      branch: "intake",
      base_branch: "main",
      branch_created: true,
      mode: "append",
      nodes: [
        { name: "Port", entities_loaded: 1 },
        { name: "Vessel", entities_loaded: 2 },
      ],
      edges: [{ name: "DockedAt", entities_loaded: 1 }],
      total_entities: 4,
      actor_id: "act-maya",
    });
    expect(output.commit).toEqual((await commits("intake"))[0]);
    expect(output.commit).toMatchObject({ actor_id: "act-maya", parent_commit_id: head.graph_commit_id });
    expect((await commits())[0]).toEqual(head);
  });

  it("into a branch that is there needs no grant to create, and echoes whatever base was named", async () => {
    expect(
      await ingest({ branch: "intake", from: "nowhere", data: records([port("p2")]) }, OLEG),
    ).toMatchObject([200, { branch_created: false, base_branch: "nowhere", mode: "merge" }]);
  });

  it("creates nothing where a grant, the base or a record is missing", async () => {
    const before = await branches();
    const into = { branch: "other", data: records([port("p9")]) };
    expect(await ingest(into)).toMatchObject([
      404,
      { error: "branch 'other' not found; pass `from` to create it" },
    ]);
    expect((await ingest({ ...into, from: "main" }, OLEG))[0]).toBe(403);
    expect((await ingest({ ...into, from: "main" }, ZED))[0]).toBe(403);
    expect(await ingest({ ...into, from: "nope" })).toMatchObject([
      404,
      { error: "branch 'nope' not found" },
    ]);
    const bad = { ...into, from: "main", data: records([port("p9"), "not-json"]) };
    expect(await ingest(bad)).toMatchObject([
      400,
      { error: expect.stringContaining("invalid JSON at record 2"), code: "bad_request" },
    ]);
    expect(await branches()).toEqual(before);
  });

  it("forgives what a strict load refuses, with its line", async () => {
    const [head] = await commits();
    for (const [line, phrase] of [
      ['{"type":"Port","data":{"code":"q","code":"r"}}', "duplicate JSON member 'code'"],
      ['{"type":"Port","data":{"code":"q"},"note":1}', "line 2: unknown top-level graph batch field 'note'"],
      ['{"type":"Port","data":{"code":"q","depth":1}}', "unknown input field 'depth' for 'node:Port'"],
      [
        '{"edge":"DockedAt","from":"a","to":"b","data":{"src":"a"}}',
        "line 2: edge data field 'src' is reserved structural state",
      ],
      ['{"type":"Port","data":{"id":"x","code":"q"}}', "does not match its canonical @key id 'q'"],
    ]) {
      const [status, { error }] = await load([port("ok"), line]);
      expect([status, error]).toEqual([400, expect.stringContaining(phrase)]);
      expect(error).toMatch(/line 2/);
    }
    expect((await commits())[0]).toEqual(head);
    const data = `{"type":"Port","note":1,
      "data":{"code":"q","code":"r","depth":1}} {"type":"Vessel","data":{"imo":"v9","name":"x","flag":7}}`;
    expect(await ingest({ data })).toMatchObject([200, { total_entities: 2 }]);
    expect(await commits()).toMatchObject([{ parent_commit_id: head.graph_commit_id }, {}]);
  });
});

describe("a load of one actor beside others", () => {
  it("is refused beyond the cap of that actor, and of no other", async () => {
    const capped = await serve({ OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX: "1" });
    const send = (i: number, token: string) =>
      capped.send("POST", `${G}/load`, { token, json: { data: records([port(`c${i}`)]) } });
    const [others, ...answers] = await Promise.all([
      send(99, OLEG),
      ...[...Array(8).keys()].map((i) => send(i, MAYA)),
    ]);
    expect(others.status).toBe(200);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    for (const response of refused) {
      expect(response.status).toBe(429);
      expect(response.headers.get("retry-after")).not.toBeNull();
      expect(await response.json()).toMatchObject({ code: "too_many_requests" });
    }
  });
});
