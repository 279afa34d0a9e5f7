import { afterAll, afterEach, beforeAll, describe, expect, it } from "bun:test";
import { once } from "node:events";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { appliedCluster, cleanUp, serveCluster, temporaryFolder } from "./support/cluster.ts";
import { bundle, MAYA, TOKENS } from "./support/policies.ts";

/** Applied once; each test takes a copy. */
let pristine = "";
let folders = "";
beforeAll(async () => {
  pristine = await appliedCluster({ graphs: ["harbor", "notes"] });
});

const copyOf = (cluster: string): string => {
  folders = temporaryFolder();
  cpSync(cluster, folders, { recursive: true });
  return folders;
};
const tokensEnv = { OMNIGRAPH_SERVER_BEARER_TOKENS_JSON: JSON.stringify(TOKENS) };
const opened = { unauthenticated: true };
const refusal = async (...args: Parameters<typeof serveCluster>): Promise<string> => {
  try {
    await serveCluster(...args);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the server booted");
};

afterEach(() => rmSync(folders, { recursive: true, force: true }));
afterAll(cleanUp);

describe("the boot of a server", () => {
  it("prints one listen record on stdout and serves there", async () => {
    const { server, stdout, send, stderr } = await serveCluster(pristine, opened);
    expect(stdout()).toBe(`OMNIGRAPH_LISTEN_ADDR=${server.address}\n`);
    expect((await send("GET", "/healthz")).status).toBe(200);
    expect((await send("GET", "/graphs/harbor/snapshot")).status).toBe(200);
    expect((await send("GET", "/graphs/notes/snapshot")).status).toBe(200);
    expect(stderr()).toContain("running with --unauthenticated");
  });

  it("serves a storage root without its configuration", async () => {
    const cluster = copyOf(pristine);
    rmSync(join(cluster, "cluster.yaml"));
    const { send } = await serveCluster(`file://${cluster}`, opened);
    expect((await send("GET", "/graphs/harbor/queries")).status).toBe(200);
  });

  it("never serves what was edited and not applied", async () => {
    const cluster = copyOf(pristine);
    writeFileSync(join(cluster, "queries/harbor.gq"), "not a query");
    const { send } = await serveCluster(cluster, opened);
    const catalog = (await (await send("GET", "/graphs/harbor/queries")).json()) as {
      queries: { name: string }[];
    };
    expect(catalog.queries.map(({ name }) => name)).toEqual(["add_vessel", "by_flag"]);
  });

  it("refuses the combinations of tokens and policy that must not serve", async () => {
    expect(await refusal(pristine)).toMatch(/no bearer tokens and no policy file.*--unauthenticated/);
    const text = bundle([{ group: "curators", actions: ["read"] }]);
    const governed = await appliedCluster({ policies: { crew: { text, appliesTo: ["harbor"] } } });
    expect(await refusal(governed, opened)).toContain("policy file is configured but no bearer tokens");
    const { send } = await serveCluster(governed, {}, tokensEnv);
    expect((await send("GET", "/graphs/harbor/branches")).status).toBe(401);
    expect((await send("GET", "/graphs/harbor/branches", { token: MAYA })).status).toBe(200);
  });

  it("says that tokens without policy mean reading only", async () => {
    const { stderr } = await serveCluster(pristine, {}, tokensEnv);
    expect(stderr()).toContain("default-deny mode");
  });

  it("refuses a folder that was never applied, and a catalog that was tampered with, by code", async () => {
    expect(await refusal(temporaryFolder(), opened)).toMatch(
      /the cluster at '.*' is not ready to serve:\n {2}\[cluster_state_missing\] /,
    );
    const cluster = copyOf(pristine);
    const payload = readdirSync(join(cluster, "__cluster"), { recursive: true, encoding: "utf8" }).find(
      (path) => path.endsWith(".gq"),
    );
    if (payload === undefined) throw new Error("no query payload in the catalog");
    writeFileSync(join(cluster, "__cluster", payload), "query other() { }");
    expect(await refusal(cluster, opened)).toContain("[catalog_payload_digest_mismatch]");
  });
});

describe("a graph that cannot be served", () => {
  const broken = () => {
    const cluster = copyOf(pristine);
    rmSync(join(cluster, "graphs/notes.omni"), { recursive: true });
    return cluster;
  };

  it("is left out: its routes answer as those of an unknown graph", async () => {
    const { send, stderr } = await serveCluster(broken(), opened);
    expect((await send("GET", "/graphs/harbor/snapshot")).status).toBe(200);
    const gone = await send("GET", "/graphs/notes/snapshot");
    expect(gone.status).toBe(404);
    expect(await gone.json()).toEqual({ error: "graph 'notes' not found", code: "not_found" });
    expect(stderr()).toMatch(/WARN +graph quarantined during startup graph_id=notes/);
  });

  it("is a refusal where every graph is required, or where none is left", async () => {
    const cluster = broken();
    expect(await refusal(cluster, { ...opened, requireAllGraphs: true })).toMatch(
      /strict.*\n {2}graph 'notes': /,
    );
    rmSync(join(cluster, "graphs/harbor.omni"), { recursive: true });
    expect(await refusal(cluster, opened)).toContain("no healthy graphs");
  });

  it("still counts with its policy, so that losing it never opens the server", async () => {
    const text = bundle([{ group: "curators", actions: ["read"] }]);
    const cluster = await appliedCluster({
      graphs: ["harbor", "notes"],
      policies: { crew: { text, appliesTo: ["notes"] } },
    });
    rmSync(join(cluster, "graphs/notes.omni"), { recursive: true });
    expect(await refusal(cluster, opened)).toContain("every request would 401");
  });
});

describe("a server process", () => {
  const PROGRAM = join(import.meta.dir, "support/serve-program.ts");
  const spawn = (args: readonly string[], env: Record<string, string> = {}) =>
    Bun.spawn([process.execPath, PROGRAM, ...args], {
      env: { ...process.env, ...env },
      stdout: "pipe",
      stderr: "pipe",
    });

  it("exits 1 with the reason on stderr and nothing on stdout when it will not boot", async () => {
    const child = spawn([pristine]);
    expect(await child.exited).toBe(1);
    expect(await new Response(child.stdout).text()).toBe("");
    expect(await new Response(child.stderr).text()).toContain("--unauthenticated");
    const aws = spawn([pristine], { ...tokensEnv, OMNIGRAPH_SERVER_BEARER_TOKENS_AWS_SECRET: "arn" });
    expect(await aws.exited).toBe(1);
    expect(await new Response(aws.stderr).text()).toContain("--features aws");
  });

  it("finishes what is in flight at SIGTERM and exits 0", async () => {
    const cluster = copyOf(pristine);
    const child = spawn([cluster, "--unauthenticated"]);
    const reader = child.stdout.getReader();
    const record = new TextDecoder().decode((await reader.read()).value);
    const base = `http://${record.trim().replace("OMNIGRAPH_LISTEN_ADDR=", "")}/graphs/harbor`;
    const rows = Array.from({ length: 20_000 }, (_, index) =>
      JSON.stringify({ type: "Vessel", data: { imo: String(index), name: "x".repeat(100) } }),
    );
    const loading = await fetch(`${base}/load/ndjson`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: rows.join("\n"),
    });
    expect(loading.status).toBe(200);
    const exported = await fetch(`${base}/export`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    child.kill("SIGTERM");
    const lines = (await exported.text()).trimEnd().split("\n");
    expect(lines).toHaveLength(20_000);
    expect(await child.exited).toBe(0);
    expect(await new Response(child.stderr).text()).toContain("shutdown signal received");
    await expect(fetch(`${base}/snapshot`)).rejects.toThrow();
  });
});

describe("a server that was told to stop", () => {
  it("does not wait for a client that went silent in the middle of its body, and says whom it cut off", async () => {
    const { server, stderr } = await serveCluster(pristine, opened, { OMNIGRAPH_DRAIN_TIMEOUT_MS: "50" });
    const silent = connect(server.port, "127.0.0.1");
    const closed = once(silent, "close");
    const head = ["POST /graphs/harbor/mutate HTTP/1.1", "Host: x", "Content-Type: application/json"];
    silent.write([...head, "Content-Length: 1000", "", '{"query":'].join("\r\n"));
    const routed = () => stderr().includes("graph routed");
    while (!routed()) await Bun.sleep(1);
    await server.stop();
    await closed;
    expect(stderr()).toContain("drain deadline passed, requests in flight are cut off");
    expect(stderr()).toContain("deadline_ms=50 requests=1");
  });

  it("says nothing of a deadline where everybody was answered in time", async () => {
    const { server, send, stderr } = await serveCluster(pristine, opened);
    expect((await send("GET", "/graphs/harbor/snapshot")).status).toBe(200);
    await server.stop();
    expect(stderr()).not.toContain("deadline");
  });
});

/** What the ledger says must not change under a server. */
describe("a running server", () => {
  it("writes nothing to the cluster's ledger", async () => {
    const cluster = copyOf(pristine);
    const ledger = () => readFileSync(join(cluster, "__cluster/state.json"), "utf8");
    const before = ledger();
    const { send } = await serveCluster(cluster, opened);
    await send("POST", "/graphs/harbor/queries/add_vessel", { json: { params: { imo: "1", name: "A" } } });
    expect(ledger()).toBe(before);
  });
});
