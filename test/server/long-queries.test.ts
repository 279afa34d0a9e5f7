// Reads over a real engine and a real socket: what ends them before their time, and how they are explained.

import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import type { Graph } from "../../src/engine/graph.ts";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { encodeUtf8 } from "../../src/lib/utf8.ts";
import { type Listener, listen } from "../../src/server/listen.ts";
import { memoryStorage } from "../../src/storage/index.ts";
import { envelope, testServer } from "./support/service.ts";

const ports = systemPorts();
const G = "/graphs/harbor";
const SHIPS = 3_000;
const SCHEMA = "node Ship { imo: String @key  tonnage: I32  flag: String }  edge Met: Ship -> Ship";
/** Billions of triples, of which none is kept. */
const ENDLESS =
  "query endless() { match { $a: Ship $b: Ship $c: Ship $a.flag = $b.flag $c.tonnage < $a.tonnage $c.flag > $b.flag } return { $a } }";
const OLDEST =
  "query oldest($flag: String) { match { $a: Ship { flag: $flag } $a met $b } return { $b.imo as imo, count($a) as n } order { n desc } limit 1 }";

const storage = memoryStorage(ports);
let graph: Graph;
beforeAll(async () => {
  await initGraph({ storage, ports, schemaSource: SCHEMA });
  graph = await openGraph({ storage, ports, resident: true });
  const ships = Array.from(
    { length: SHIPS },
    (_, n) => `{"type":"Ship","data":{"imo":"s${n}","tonnage":${n},"flag":"f${n % 3}"}}`,
  );
  const meetings = Array.from({ length: SHIPS }, (_, n) => `{"edge":"Met","from":"s${n}","to":"s${n % 10}"}`);
  await graph.load({
    data: async function* () {
      yield encodeUtf8(`${[...ships, ...meetings].join("\n")}\n`);
    },
    mode: "overwrite",
    actor: null,
  });
});
afterAll(() => graph.close());

const servers: Listener[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop();
});

/** A server whose graph `harbor` is the real one; `ended` tells how each read ended. */
async function serving(served: Graph = graph) {
  const server = await testServer({
    queries: { oldest: OLDEST, add: 'query add() { insert Ship { imo: "x" tonnage: 1 flag: "f" } }' },
  });
  const ended: Promise<unknown>[] = [];
  let begun = () => {};
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  server.harbor.query = (request) => {
    const answer = served.query(request);
    ended.push(answer.then(() => "answered").catch((error: unknown) => error));
    begun();
    return answer;
  };
  return { ...server, ended, started };
}

describe("a client that goes away", () => {
  it("ends its query", async () => {
    const { app, ended, started } = await serving();
    const listener = listen({ host: "127.0.0.1", port: 0 }, app.fetch);
    servers.push(listener);
    const controller = new AbortController();
    const asked = fetch(`http://${listener.address}${G}/query`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: ENDLESS }),
      signal: controller.signal,
    });
    await started;
    controller.abort();
    await expect(asked).rejects.toThrow("aborted");
    const [end] = await Promise.all(ended);
    expect(end).toBeInstanceOf(DOMException);
    expect((end as DOMException).name).toBe("AbortError");
  }, 20_000);

  it("does not end the queries of others", async () => {
    const { send, started } = await serving();
    const controller = new AbortController();
    const long = graph.query({ source: ENDLESS, signal: controller.signal });
    const short = await send("POST", `${G}/query`, { json: { query: OLDEST, params: { flag: "f0" } } });
    await started;
    expect(short.status).toBe(200);
    controller.abort();
    // Not by `rejects`, which holds up the very loop on which the query looks at its signal.
    expect(await long.catch((error: unknown) => error)).toMatchObject({ name: "AbortError" });
  }, 20_000);
});

describe("a query that takes too long", () => {
  it("is refused with the limit by name", async () => {
    let now = 0;
    const slow = await openGraph({
      storage,
      ports: { ...ports, now: () => now++ },
      queryTimeoutMs: 20,
    });
    const { send } = await serving(slow);
    const response = await send("POST", `${G}/query`, { json: { query: ENDLESS } });
    expect(response.status).toBe(413);
    const { error, code, resource_limit } = await envelope(response);
    expect(error).toContain("a query may run for 20 ms (OMNIGRAPH_QUERY_TIMEOUT_MS)");
    expect(code).toBe("bad_request");
    expect(resource_limit).toMatchObject({ resource: "milliseconds of a query", limit: 20 });
  }, 20_000);
});

describe("explain", () => {
  it("adds the plan to the answer, and nothing else", async () => {
    const { send } = await serving();
    const json = { query: OLDEST, params: { flag: "f0" } };
    const plain = await (await send("POST", `${G}/query`, { json })).text();
    expect(await (await send("POST", `${G}/query`, { json: { ...json, explain: false } })).text()).toBe(
      plain,
    );
    const explained = await (await send("POST", `${G}/query`, { json: { ...json, explain: true } })).text();
    expect(explained.startsWith(`${plain.slice(0, -1)},"plan":{"query_name":"oldest","tables":`)).toBe(true);
    const { plan } = JSON.parse(explained) as {
      plan: { steps: { operator: string; actual_rows: number }[] };
    };
    expect(plan.steps.map(({ operator }) => operator)).toEqual([
      "scan",
      "expand",
      "aggregate",
      "top",
      "project",
    ]);
    expect(plan.steps[0].actual_rows).toBe(SHIPS / 3);
  });

  it("works for stored reads, and is refused for stored mutations and for what is no flag", async () => {
    const { send } = await serving();
    const stored = await send("POST", `${G}/queries/oldest`, {
      json: { params: { flag: "f1" }, explain: true },
    });
    expect((await envelope(stored)).plan).toMatchObject({ query_name: "oldest" });
    const mutation = await send("POST", `${G}/queries/add`, { json: { explain: true } });
    expect(mutation.status).toBe(400);
    expect((await envelope(mutation)).error).toBe("'add' is a mutation: only a read can be explained");
    const wrong = await send("POST", `${G}/query`, { json: { query: OLDEST, explain: "yes" } });
    expect(wrong.status).toBe(400);
  });
});
