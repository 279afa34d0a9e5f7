import { describe, expect, it } from "bun:test";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { type TestGraph, testGraph } from "../engine/support.ts";
import { bundle, MAYA, OLEG, TOKENS } from "./support/policies.ts";
import { envelope, type TestServer, type TestServerOptions, testServer } from "./support/service.ts";

const G = "/graphs/harbor";
const SCHEMA = `node Vessel { imo: String @key  name: String  tonnage: U64? }
node Port { code: String @key }
edge DockedAt: Vessel -> Port
`;

interface ChangeServer extends TestServer {
  readonly engine: TestGraph;
  /** Of the three vessels. */
  readonly commit: string;
}

/** A graph with three vessels, whose `draft-7` has a port more. */
async function changeServer(options?: TestServerOptions): Promise<ChangeServer> {
  const engine = await testGraph(SCHEMA);
  const vessel = (imo: string, tonnage: number | null) => ({
    type: "Vessel",
    data: { imo, name: imo, tonnage },
  });
  await engine.load([
    vessel("1", 1),
    '{"type":"Vessel","data":{"imo":"2","name":"2","tonnage":18446744073709551615}}',
    vessel("3", null),
  ]);
  await engine.graph.createBranch({ name: "draft-7", actor: null });
  await engine.mutate('insert Port { code: "NOBGO" }', {}, "draft-7");
  const server = await testServer(options);
  const { graph } = engine;
  server.harbor.commit = (id) => graph.commit(id);
  server.harbor.commitChanges = (request) => graph.commitChanges(request);
  server.harbor.pollChanges = (request) => graph.pollChanges(request);
  server.harbor.captureBaseline = (request) => graph.captureBaseline(request);
  return { ...server, engine, commit: await headOf(engine) };
}

const headOf = async ({ graph }: TestGraph, branch = "main") =>
  (await graph.commits(branch))[0].graph_commit_id;

const MIB = 1024 * 1024;

describe("GET commits/{id}/changes", () => {
  it("answers a page, and the rest for its token, with every digit", async () => {
    const { send, commit } = await changeServer();
    const first = await send("GET", `${G}/commits/${commit}/changes?limit=2`);
    expect(first.status).toBe(200);
    const text = await first.text();
    expect(text).toContain('"tonnage":18446744073709551615');
    const page = JSON.parse(text);
    expect(Object.keys(page)).toEqual(["cause", "changes", "next_page_token"]);
    expect(page.changes.map(({ id }: { id: string }) => id)).toEqual(["1", "2"]);
    const rest = await send(
      "GET",
      `${G}/commits/${commit}/changes?limit=2&page_token=${page.next_page_token}`,
    );
    const body = (await rest.json()) as { cause: unknown; changes: { id: string }[] };
    expect(Object.keys(body)).toEqual(["cause", "changes"]);
    expect(body.cause).toEqual(page.cause);
    expect(body.changes.map(({ id }) => id)).toEqual(["3"]);
  });

  it("takes filters as often as they come", async () => {
    const { send, commit } = await changeServer();
    const of = async (query: string) => {
      const response = await send("GET", `${G}/commits/${commit}/changes?${query}`);
      return ((await response.json()) as { changes: unknown[] }).changes.length;
    };
    expect(await of("type=Vessel&type=Port&kind=node&op=insert")).toBe(3);
    expect(await of("kind=edge")).toBe(0);
    expect(await of("type=Nothing")).toBe(0);
  });

  for (const [query, status, phrase] of [
    ["limit=0", 400, "change page limit must be greater than zero"],
    ["limit=-1", 400, "change page limit must be greater than zero"],
    ["limit=ten", 400, "limit must be an integer"],
    ["limit=", 400, "limit must be an integer"],
    ["limit=8193", 413, "commit_changes_page_changes"],
    ["max_bytes=1", 400, "unknown query parameter 'max_bytes'"],
    ["branch=main", 400, "unknown query parameter 'branch'"],
    ["limit=1&limit=1", 400, "may appear at most once"],
    ["kind=table", 400, "unknown kind 'table'"],
    ["op=upsert", 400, "unknown op 'upsert'"],
    ["page_token=x", 400, "change cursor rejected: "],
    ["page_token=%ff", 400, "not percent-encoded UTF-8"],
  ] as const) {
    it(`refuses ${query} with ${status}`, async () => {
      const { send, commit } = await changeServer();
      const response = await send("GET", `${G}/commits/${commit}/changes?${query}`);
      expect(response.status).toBe(status);
      const body = await envelope(response);
      expect(body.error).toContain(phrase);
      expect(body.code).toBe("bad_request");
    });
  }

  it("refuses the genesis with its reason", async () => {
    const { send, engine } = await changeServer();
    const genesis = (await engine.graph.commits()).at(-1)?.graph_commit_id ?? "";
    const response = await send("GET", `${G}/commits/${genesis}/changes`);
    expect(response.status).toBe(409);
    expect(await envelope(response)).toMatchObject({
      code: "conflict",
      change_diff_refusal: { reason: "parentless_commit", graph_commit_id: genesis },
    });
  });

  it("answers a commit on an unreadable branch like one that does not exist", async () => {
    const policies = {
      harbor: bundle([{ group: "curators", actions: ["read"], scope: "branch_scope: protected" }]),
    };
    const { send, engine, commit } = await changeServer({ tokens: TOKENS, policies });
    const hidden = await headOf(engine, "draft-7");
    const unknown = hidden.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    const denied = await send("GET", `${G}/commits/${hidden}/changes`, { token: OLEG });
    const missing = await send("GET", `${G}/commits/${unknown}/changes`, { token: OLEG });
    expect([denied.status, missing.status]).toEqual([404, 404]);
    expect((await denied.text()).replaceAll(hidden, unknown)).toBe(await missing.text());
    expect((await send("GET", `${G}/commits/${commit}/changes`, { token: OLEG })).status).toBe(200);
    expect((await send("GET", `${G}/commits/${commit}/changes`)).status).toBe(401);
  });

  it("hides what broke, and logs it", async () => {
    const { send, harbor, logged, commit } = await changeServer();
    harbor.commitChanges = () => Promise.reject(new Error("segments/3/01X.arrow is missing"));
    const response = await send("GET", `${G}/commits/${commit}/changes`);
    expect(response.status).toBe(500);
    expect(await envelope(response)).toEqual({
      error: "internal error while reading changes",
      code: "internal",
    });
    expect(logged()).toContain("change route internal error");
    expect(logged()).toContain("segments/3/01X.arrow is missing");
  });

  it("passes a gap on without a code", async () => {
    const { send, harbor, commit } = await changeServer();
    const gap = { cursor: "c", first_unreadable_commit_id: commit };
    harbor.pollChanges = () =>
      Promise.reject(
        new OmnigraphError("gone", `change feed gap at commit '${commit}'`, { change_feed_gap: gap }),
      );
    const response = await send("GET", `${G}/changes?cursor=c`);
    expect(response.status).toBe(410);
    expect(await envelope(response)).toEqual({
      error: `change feed gap at commit '${commit}'`,
      change_feed_gap: gap,
    });
  });
});

describe("GET changes", () => {
  interface Page {
    readonly blocks: readonly { readonly changes: readonly { readonly id: string }[] }[];
    readonly next_page_token?: string;
    readonly cursor?: string;
    readonly caught_up?: boolean;
  }
  const poll = async ({ send }: ChangeServer, query: string): Promise<Page> => {
    const response = await send("GET", `${G}/changes?${query}`);
    expect(response.status).toBe(200);
    return (await response.json()) as Page;
  };
  const ids = ({ blocks }: Page) => blocks.map(({ changes }) => changes.map(({ id }) => id));

  it("starts now, and tells what came since", async () => {
    const server = await changeServer();
    const now = await poll(server, "");
    expect(now).toEqual({ blocks: [], cursor: now.cursor ?? "", caught_up: true });
    await server.engine.mutate('insert Port { code: "A" } insert Port { code: "B" }');
    const first = await poll(server, `cursor=${now.cursor}&limit=1`);
    expect(ids(first)).toEqual([["A"]]);
    expect(first.cursor).toBeUndefined();
    const second = await poll(server, `page_token=${first.next_page_token}&limit=1`);
    expect(ids(second)).toEqual([["B"]]);
    expect(second.caught_up).toBe(true);
    const other = await server.send("GET", `${G}/changes?cursor=${second.cursor}&type=Port`);
    expect(other.status).toBe(400);
    expect((await envelope(other)).error).toStartWith("change cursor rejected: ");
  });

  it("trims the branch once, and starts where it is told", async () => {
    const server = await changeServer();
    expect(ids(await poll(server, "branch=%20draft-7%20&start=beginning"))).toEqual([
      ["1", "2", "3"],
      ["NOBGO"],
    ]);
    expect(ids(await poll(server, `branch=draft-7&start=after:${server.commit}`))).toEqual([["NOBGO"]]);
  });

  for (const [query, status, phrase] of [
    ["cursor=x&start=now", 400, "mutually exclusive"],
    ["start=soon", 400, "start must be now | beginning | after:<commit_id>"],
    ["branch=x", 404, "branch 'x' not found"],
    ["branch=%20", 400, "branch name cannot be empty"],
    ["branch=main&branch=main", 400, "may appear at most once"],
    ["wait=1", 400, "unknown query parameter 'wait'"],
  ] as const) {
    it(`refuses ${query} with ${status}`, async () => {
      const { send } = await changeServer();
      const response = await send("GET", `${G}/changes?${query}`);
      expect(response.status).toBe(status);
      expect((await envelope(response)).error).toContain(phrase);
    });
  }
});

describe("POST changes/baseline", () => {
  it("streams the records and, last, the only baseline", async () => {
    const { send, engine, commit } = await changeServer();
    const response = await send("POST", `${G}/changes/baseline`, {
      json: { kind: ["node"], op: ["insert"] },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    const text = await response.text();
    const lines = text.trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    expect(lines.filter((line) => line.startsWith('{"baseline"'))).toEqual(lines.slice(-1));
    const { baseline } = JSON.parse(lines[3]);
    expect(baseline.snapshot_commit_id).toBe(commit);
    await engine.mutate('insert Port { code: "A" }');
    const next = await send("GET", `${G}/changes?cursor=${baseline.resume_cursor}&kind=node&op=insert`);
    expect(await next.json()).toMatchObject({ blocks: [{ changes: [{ id: "A" }] }], caught_up: true });
  });

  for (const [what, options, status, phrase] of [
    [
      "a body of another type",
      { body: "{}", headers: { "content-type": "text/plain" } },
      415,
      "Content-Type",
    ],
    ["no body", { headers: { "content-type": "application/json" } }, 400, "needs a JSON body"],
    ["an unknown kind", { json: { kind: ["table"] } }, 400, "one of 'node', 'edge'"],
    ["null for a filter", { json: { op: null } }, 400, "field `op`: expected array"],
    ["a branch that is not there", { json: { branch: "x" } }, 404, "branch 'x' not found"],
    ["a body over the limit", { json: { branch: "x".repeat(MIB) } }, 413, "length limit"],
  ] as const) {
    it(`refuses ${what} with ${status}, and streams nothing`, async () => {
      const { send } = await changeServer();
      const response = await send("POST", `${G}/changes/baseline`, options);
      expect(response.status).toBe(status);
      expect((await envelope(response)).error).toContain(phrase);
    });
  }

  it("needs export, where the feed needs read", async () => {
    const policies = {
      harbor: bundle([
        { group: "curators", actions: ["read"], scope: "branch_scope: any" },
        { group: "stewards", actions: ["export"], scope: "branch_scope: unprotected" },
      ]),
    };
    const { send } = await changeServer({ tokens: TOKENS, policies });
    const baseline = async (token: string, branch: string) =>
      (await send("POST", `${G}/changes/baseline`, { token, json: { branch } })).status;
    expect((await send("GET", `${G}/changes`, { token: OLEG })).status).toBe(200);
    expect(await baseline(OLEG, "draft-7")).toBe(403);
    expect(await baseline(MAYA, "draft-7")).toBe(200);
    expect(await baseline(MAYA, " main ")).toBe(403);
  });

  it("judges a padded branch as the branch that it reads", async () => {
    const policies = {
      harbor: bundle([{ group: "curators", actions: ["read"], scope: "branch_scope: unprotected" }]),
    };
    const { send } = await changeServer({ tokens: TOKENS, policies });
    for (const query of ["", "?branch=main", "?branch=%20main%20"]) {
      expect((await send("GET", `${G}/changes${query}`, { token: OLEG })).status).toBe(403);
    }
    expect((await send("GET", `${G}/changes?branch=%20draft-7`, { token: OLEG })).status).toBe(200);
  });

  it("gives its place in the export capacity back", async () => {
    const { send } = await changeServer();
    for (let i = 0; i < 20; i++) {
      await (await send("POST", `${G}/changes/baseline`, { json: {} })).text();
      await (await send("POST", `${G}/changes/baseline`, { json: { branch: "x" } })).text();
    }
    expect((await send("POST", `${G}/export`, { json: {} })).status).toBe(200);
  });
});
