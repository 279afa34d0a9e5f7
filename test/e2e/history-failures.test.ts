// What another graph store was seen to fail at as a graph changed over time. Each is done here as its user would: through a
// server of the built binary, or by its commands.

import { afterAll, beforeAll, describe, expect, it, setDefaultTimeout } from "bun:test";
import { join } from "node:path";
import { clusterFolder, file, type Place, placeAt, succeed, TEST_MS_MAX } from "./places.ts";
import { BUILD_MS_MAX, binary, type Server, startServer, temporaryDirectory } from "./support.ts";

setDefaultTimeout(TEST_MS_MAX);

const RUNS = 5;
const SHIP = "node Ship { imo: String @key  name: String?  crew: I64? }\n";

let omnigraph: string;
let served: Server;
let cluster: string;

beforeAll(async () => {
  omnigraph = await binary();
  const { directory, run } = await clusterFolder();
  cluster = directory;
  await succeed(run("cluster", "import"));
  await succeed(run("cluster", "apply"));
  served = await startServer(
    [omnigraph, "server", "--cluster", directory, "--bind", "127.0.0.1:0", "--unauthenticated"],
    {},
  );
}, BUILD_MS_MAX);
afterAll(() => served.stop());

/** A request on the served graph. */
function send(method: string, path: string, body?: object | string): Promise<Response> {
  const type = typeof body === "string" ? "application/x-ndjson" : "application/json";
  return fetch(`${served.url}/graphs/atlas${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { "content-type": type } }),
    body: typeof body === "object" ? JSON.stringify(body) : body,
  });
}

async function answer(
  method: string,
  path: string,
  body?: object | string,
): Promise<Record<string, unknown>> {
  const response = await send(method, path, body);
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

const lines = (count: number, line: (i: number) => object): string =>
  Array.from({ length: count }, (_, i) => `${JSON.stringify(line(i))}\n`).join("");

const rowsOf = async (query: string, more: object = {}) =>
  (await answer("POST", "/query", { query, ...more })).rows as Record<string, unknown>[];

const branches = async () => (await answer("GET", "/branches")).branches as string[];

/** A graph of its own on a directory. */
async function graphOf(schema: string): Promise<Place> {
  const uri = join(temporaryDirectory(), "g.omni");
  const place = await placeAt(["--store", uri]);
  await succeed(place.run("init", "--schema", await file("s.pg", schema), uri));
  return place;
}

const load = async (place: Place, text: string, ...more: readonly string[]) =>
  succeed(place.on("load", "--mode", "append", "--data", await file("d.ndjson", text), ...more));

const mutate = (place: Place, statement: string) =>
  place.on("mutate", "-e", `query m() { ${statement} }`, "--json");

const queried = async (place: Place, query: string, ...more: readonly string[]) => {
  const words = ["query", "-e", `query q() { ${query} }`, "--json", ...more];
  return (JSON.parse(await succeed(place.on(...words))) as { rows: unknown }).rows;
};

const headOf = async (place: Place): Promise<string> =>
  (
    JSON.parse(await succeed(place.on("commit", "list", "--json"))) as {
      commits: { graph_commit_id: string }[];
    }
  ).commits[0].graph_commit_id;

describe("8 concurrent updates of one row", () => {
  it("all land, one after the other", async () => {
    await answer(
      "POST",
      "/load/ndjson",
      lines(1, () => ({ type: "Ship", data: { name: "counted" } })),
    );
    const update = (age: number) =>
      send("POST", "/mutate", {
        query: 'query u($age: I32) { update Ship set { age: $age } where name = "counted" }',
        params: { age },
      });
    const answers = await Promise.all(Array.from({ length: 8 }, (_, age) => update(age)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    const made = (await Promise.all(answers.map((each) => each.json()))).map(
      ({ commit }) => (commit as { graph_commit_id: string }).graph_commit_id,
    );
    const { commits } = (await answer("GET", "/commits")) as { commits: { graph_commit_id: string }[] };
    const history = commits.map(({ graph_commit_id }) => graph_commit_id);
    expect(history.slice(0, 8).toSorted()).toEqual(made.toSorted());
  });
});

describe("a load with `from` that fails", () => {
  it("leaves no branch behind", async () => {
    const bad = `${lines(3, (i) => ({ type: "Port", data: { code: `f${i}`, title: "t" } }))}{"type":"Port"}\n`;
    const before = await branches();
    expect((await send("POST", "/load/ndjson?branch=intake&from=main", bad)).status).toBe(400);
    const orphan = '{"edge":"Near","from":"nowhere","to":"f0"}\n';
    expect((await send("POST", "/load/ndjson?branch=intake&from=main", orphan)).status).toBe(400);
    expect((await send("POST", "/ingest", { branch: "intake", from: "main", data: bad })).status).toBe(400);
    expect(await branches()).toEqual(before);
    expect((await send("GET", "/snapshot?branch=intake")).status).toBe(404);
    // The name is as free as ever.
    const good = lines(1, () => ({ type: "Port", data: { code: "f", title: "t" } }));
    const { branch_created } = await answer("POST", "/load/ndjson?branch=intake&from=main", good);
    expect(branch_created).toBe(true);
  });
});

describe("append, a filtered read, overwrite, and the same read", () => {
  it("answer what was loaded last, from one server", async () => {
    const texts = (count: number, text: string) => lines(count, () => ({ type: "Log", data: { text } }));
    const read = () => rowsOf('query r() { match { $l: Log { text: "a" } } return { count($l) as n } }');
    await answer("POST", "/load/ndjson?mode=append", texts(50, "a") + texts(30, "b"));
    expect(await read()).toEqual([{ n: 50 }]);
    await answer("POST", "/load/ndjson?mode=overwrite", texts(7, "a") + texts(600, "c"));
    expect(await read()).toEqual([{ n: 7 }]);
    expect(await rowsOf("query r() { match { $l: Log } return { count($l) as n } }")).toEqual([{ n: 607 }]);
  });
});

describe("an export over HTTP of a graph that a few hundred small commits made", () => {
  it("comes to its end, with every row once", async () => {
    const count = 300;
    const codes = Array.from({ length: count }, (_, i) => `p${String(i).padStart(4, "0")}`);
    for (const code of codes) {
      const query = "query add($code: String) { insert Port { code: $code, title: $code } }";
      await answer("POST", "/mutate", { query, params: { code } });
    }
    const exported = await send("POST", "/export", { type_names: ["Port"] });
    expect(exported.status).toBe(200);
    const ids = (await exported.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).data.id as string);
    expect(ids.filter((id) => codes.includes(id))).toEqual(codes);
  });
});

describe("a merge of 20 rows into 118,000", () => {
  it("is no request too large", async () => {
    const ports = (from: number, count: number, title: string) =>
      lines(count, (i) => ({ type: "Port", data: { code: `w${from + i}`, title } }));
    await answer("POST", "/load/ndjson?mode=merge", ports(0, 118_000, "word"));
    await answer("POST", "/load/ndjson?mode=merge&branch=words&from=main", ports(117_990, 20, "changed"));
    await answer("POST", "/load/ndjson?mode=merge", ports(0, 1, "meanwhile"));
    expect(await answer("POST", "/branches/merge", { source: "words", delete_branch: true })).toMatchObject({
      outcome: "merged",
      branch_deleted: true,
    });
    const changed = 'query n() { match { $p: Port { title: "changed" } } return { count($p) as n } }';
    expect(await rowsOf(changed)).toEqual([{ n: 20 }]);
  });
});

describe("a writer that is killed", () => {
  it("stands in nobody's way", async () => {
    const place = await graphOf(SHIP);
    const path = await file(
      "d.ndjson",
      lines(50_000, (i) => ({ type: "Ship", data: { imo: `${i}` } })),
    );
    for (let run = 0; run < RUNS; run++) {
      const killed = Bun.spawn([omnigraph, "load", "--mode", "merge", "--data", path, ...place.graph], {
        env: {},
        stdout: "ignore",
        stderr: "ignore",
      });
      await Bun.sleep(60 * (run + 1));
      killed.kill("SIGKILL");
      await killed.exited;
      // Whoever writes next needs no repair first.
      expect(await mutate(place, `insert Ship { imo: "after ${run}" }`)).toMatchObject({ code: 0 });
    }
    const after = 'match { $s: Ship  $s.imo >= "after" } return { count($s) as n }';
    expect(await queried(place, after)).toEqual([{ n: RUNS }]);
  });
});

describe("a query at a snapshot", () => {
  it("that cleanup expired is 410 with the commit's id", async () => {
    const place = await placeAt(["--store", join(cluster, "graphs", "atlas.omni")]);
    const { commits } = (await answer("GET", "/commits")) as { commits: { graph_commit_id: string }[] };
    const [head, , old] = commits.map(({ graph_commit_id }) => graph_commit_id);
    await succeed(place.on("branch", "delete", "intake", "--yes")).catch(() => "");
    await succeed(place.on("cleanup", "--keep", "1", "--confirm", "--yes"));
    const query = "query s() { match { $s: Ship } return { $s.name } }";
    const expired = await send("POST", "/query", { query, snapshot: old });
    expect(expired.status).toBe(410);
    const told = (await expired.json()) as { error: string; code?: string };
    expect(told.error).toContain(old);
    expect(told.code).toBeUndefined();
    expect((await send("POST", "/query", { query, snapshot: head })).status).toBe(200);
  });

  it("reads a property added later as null", async () => {
    const place = await graphOf(SHIP);
    await load(
      place,
      lines(2, (i) => ({ type: "Ship", data: { imo: `${i}`, name: "n" } })),
    );
    const before = await headOf(place);
    const schema = await file("s.pg", SHIP.replace("name:", "flag: String?  name:"));
    await succeed(place.on("schema", "apply", "--schema", schema));
    await succeed(mutate(place, 'update Ship set { flag: "NO" } where imo = "1"'));
    const flags = "match { $s: Ship } return { $s.imo, $s.flag } order { $s.imo }";
    expect(await queried(place, flags, "--snapshot", before)).toEqual([
      { "s.imo": "0", "s.flag": null },
      { "s.imo": "1", "s.flag": null },
    ]);
    expect(await queried(place, flags)).toEqual([
      { "s.imo": "0", "s.flag": null },
      { "s.imo": "1", "s.flag": "NO" },
    ]);
  });

  it("reads the rest of a type that lost a property with its data", async () => {
    const place = await graphOf(SHIP);
    await load(
      place,
      lines(1, () => ({ type: "Ship", data: { imo: "1", name: "n", crew: 7 } })),
    );
    const before = await headOf(place);
    const schema = await file("s.pg", SHIP.replace("crew: I64?", ""));
    await succeed(place.on("schema", "apply", "--schema", schema, "--allow-data-loss"));
    const past = ["--snapshot", before];
    expect(await queried(place, "match { $s: Ship } return { $s.name }", ...past)).toEqual([
      { "s.name": "n" },
    ]);
    const words = ["query", "-e", "query q() { match { $s: Ship } return { $s.crew } }", ...past];
    const dropped = await place.on(...words);
    expect(dropped.code).toBe(1);
    expect(dropped.stderr).toContain("property 'Ship.crew' was dropped with its data");
  });
});

describe("two schema changes at once, of different properties", () => {
  it("end with one applied, the other told what it missed, and a graph that goes on", async () => {
    for (let run = 0; run < RUNS; run++) {
      const place = await graphOf(SHIP);
      const changed = ["flag", "owner"].map((name) => SHIP.replace("name:", `${name}: String?  name:`));
      const files = await Promise.all(changed.map((text) => file("s.pg", text)));
      const applied = await Promise.all(
        files.map((path) => place.on("schema", "apply", "--schema", path, "--json")),
      );
      expect(applied.map(({ code }) => code).toSorted()).toEqual([0, 1]);
      const [winner, loser] = applied[0].code === 0 ? ["flag", 1] : ["owner", 0];
      expect(applied[loser].stderr).toContain(`drop property 'Ship.${winner}'`);
      await succeed(mutate(place, 'insert Ship { imo: "1" }'));
      expect(await queried(place, "match { $s: Ship } return { $s.imo }")).toEqual([{ "s.imo": "1" }]);
      const next = await file("s.pg", SHIP.replace("name:", "port: String?  name:"));
      const later = await place.on("schema", "apply", "--schema", next);
      expect(later).toMatchObject({ code: 0 });
    }
  });
});

describe("optimize", () => {
  it("right after a load succeeds every time", async () => {
    for (let run = 0; run < RUNS; run++) {
      const place = await graphOf(SHIP);
      await load(
        place,
        lines(2_000, (i) => ({ type: "Ship", data: { imo: `${i}` } })),
      );
      const optimized = await place.run("optimize", place.graph[1], "--json");
      expect(optimized).toMatchObject({ code: 0 });
      expect(await queried(place, "match { $s: Ship } return { count($s) as n }")).toEqual([{ n: 2_000 }]);
    }
  });
});
