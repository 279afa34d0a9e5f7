import { afterEach, describe, expect, it } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseJson, prettyJson } from "../../src/lib/json.ts";
import { appliedCluster, cleanUp, serveCluster } from "../server/support/cluster.ts";
import { type Asked, createWorld, type FakeServer, fakeServer, type Outcome, type World } from "./support.ts";

const servers: FakeServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) server.stop();
  await cleanUp();
});

const SCHEMA = `node Ship { name: String @key  age: I32?  flag: String? }
node Port { name: String @key }
edge DocksAt: Ship -> Port { berth: String? }
`;

const DATA = `{"type":"Ship","data":{"name":"Aurora","age":7}}
{"type":"Ship","data":{"name":"Boreas","flag":"NO"}}
{"type":"Port","data":{"name":"Oslo"}}
{"type":"Port","data":{"name":"Bergen"}}
{"edge":"DocksAt","from":"Aurora","to":"Oslo","data":{"id":"dock-1","berth":"A"}}
`;

interface Fleet {
  readonly world: World;
  /** Runs a command on the graph. */
  readonly on: (...words: string[]) => Promise<Outcome>;
  readonly json: (...words: string[]) => Promise<Record<string, unknown>>;
  readonly mutate: (statements: string) => Promise<string>;
  readonly load: (lines: string) => Promise<string>;
  /** Of the first load. */
  readonly loaded: string;
}

async function fleet(): Promise<Fleet> {
  const world = createWorld();
  world.file("s.pg", SCHEMA);
  expect((await world.run(["init", "--schema", "s.pg", "g"])).code).toBe(0);
  const on = (...words: string[]) => world.run([...words, "--uri", "g"]);
  const commitOf = (answer: unknown) =>
    (answer as { commit: { graph_commit_id: string } }).commit.graph_commit_id;
  const load = async (lines: string) => {
    world.file("d.ndjson", lines);
    return commitOf(await world.json(["load", "--data", "d.ndjson", "--mode", "merge", "g", "--json"]));
  };
  const mutate = async (statements: string) =>
    commitOf(
      await world.json([
        "mutate",
        "-e",
        `query m() { ${statements} }`,
        "--store",
        "g",
        "--as",
        "nina",
        "--json",
      ]),
    );
  const json = (...words: string[]) =>
    world.json([...words, "--uri", "g", "--json"]) as Promise<Record<string, unknown>>;
  return { world, on, json, mutate, load, loaded: await load(DATA) };
}

const refused = (outcome: Outcome, phrase: string) => {
  expect(outcome.stderr).toContain(phrase);
  expect(outcome.code).toBe(1);
};

describe("commit changes", () => {
  it("walks all pages and prints one document, to the letter what one page holds", async () => {
    const { on, loaded } = await fleet();
    const whole = await on("commit", "changes", loaded, "--json");
    const pieces = await on("commit", "changes", loaded, "--limit", "1", "--json");
    expect(pieces).toEqual(whole);
    expect(whole.stdout).toBe(`${prettyJson(parseJson(whole.stdout))}\n`);
    const { changes, ...rest } = JSON.parse(whole.stdout);
    expect(changes).toHaveLength(5);
    expect(Object.keys(rest)).toEqual(["cause"]);
    const people = await on("commit", "changes", loaded, "--limit", "2");
    expect(people).toEqual(await on("commit", "changes", loaded));
  });

  it("prints exactly the page of a token, with the token of the next", async () => {
    const { world, on, json, loaded } = await fleet();
    const { openGraph } = await import("../../src/engine/index.ts");
    const { openStorage } = await import("../../src/storage/index.ts");
    const { systemPorts } = await import("../../src/lib/ports.ts");
    const storage = await openStorage(join(world.directory, "g"), systemPorts());
    const graph = await openGraph({ storage, ports: systemPorts() });
    const { next_page_token: token = "" } = await graph.commitChanges({ commit: loaded, limit: 2 });
    const page = await json("commit", "changes", loaded, "--page-token", token, "--limit", "2");
    expect(page.changes).toHaveLength(2);
    expect(Object.keys(page)).toEqual(["cause", "changes", "next_page_token"]);
    const last = await json("commit", "changes", loaded, "--page-token", String(page.next_page_token));
    expect(Object.keys(last)).toEqual(["cause", "changes"]);
    refused(await on("commit", "changes", loaded, "--page-token", "x"), "change cursor rejected: ");
  });

  it("shows people what changed, key by key", async () => {
    const { on, mutate, load, loaded } = await fleet();
    const first = (await on("commit", "changes", loaded)).stdout.split("\n");
    expect(first[0]).toBe(`commit: ${loaded}`);
    expect(first[1]).toBe("branch: main");
    expect(first[2]).toMatch(/^parent: 01/);
    expect(first[3]).toMatch(/^authored_at: \d{16}$/);
    expect(first.slice(4, 8)).toEqual([
      "insert node Ship Aurora",
      "  + age: 7",
      "  + flag: <null>",
      "  + name: Aurora",
    ]);
    expect(first.slice(-4)).toEqual(["insert edge DocksAt dock-1", "  Aurora -> Oslo", "  + berth: A", ""]);

    const updated = await mutate('update Ship set { age: 8, flag: "DK" } where name = "Aurora"');
    const update = (await on("commit", "changes", updated)).stdout.split("\n");
    expect(update).toContain("actor: nina");
    expect(update.slice(-4)).toEqual([
      "update node Ship Aurora",
      "  age: 7 -> 8",
      "  flag: <null> -> DK",
      "",
    ]);

    const moved = await load(
      '{"edge":"DocksAt","from":"Boreas","to":"Bergen","data":{"id":"dock-1","berth":"A"}}\n',
    );
    expect((await on("commit", "changes", moved)).stdout.split("\n").slice(-3)).toEqual([
      "update edge DocksAt dock-1",
      "  Aurora -> Oslo => Boreas -> Bergen",
      "",
    ]);

    const deleted = await mutate('delete Port where name = "Bergen"');
    expect((await on("commit", "changes", deleted)).stdout.split("\n").slice(-6)).toEqual([
      "delete node Port Bergen",
      "  - name: Bergen",
      "delete edge DocksAt dock-1",
      "  Boreas -> Bergen",
      "  - berth: A",
      "",
    ]);
  });

  it("filters, and refuses what no filter takes", async () => {
    const { on, json, loaded } = await fleet();
    const { changes } = await json(
      "commit",
      "changes",
      loaded,
      "--kind",
      "node",
      "--type",
      "Port",
      "--type",
      "X",
    );
    expect(changes).toHaveLength(2);
    expect((await on("commit", "changes", loaded, "--kind", "table")).code).toBe(2);
    const none = await on("commit", "changes", loaded, "--limit", "0");
    refused(none, "change page limit must be greater than zero");
    expect(none.stdout).toBe("");
    refused(await on("commit", "changes", "01X"), "commit '01X' not found");
  });

  it("prints an empty commit as an empty list", async () => {
    const { on, load } = await fleet();
    const empty = await on("commit", "changes", await load(""), "--json");
    expect(empty.stdout).toBe(`${prettyJson(parseJson(empty.stdout))}\n`);
    expect(JSON.parse(empty.stdout).changes).toEqual([]);
  });
});

describe("changes poll", () => {
  it("prints blocks in the order of commits, and a cursor that leads on", async () => {
    const { on, json, mutate, loaded } = await fleet();
    const second = await mutate('insert Port { name: "A" } insert Port { name: "B" }');
    const whole = await on("changes", "poll", "--start", "beginning", "--json");
    expect(await on("changes", "poll", "--start", "beginning", "--limit", "1", "--json")).not.toEqual(whole);
    const page = JSON.parse(whole.stdout);
    expect(whole.stdout).toBe(`${prettyJson(parseJson(whole.stdout))}\n`);
    expect(
      page.blocks.map(({ cause }: { cause: { graph_commit_id: string } }) => cause.graph_commit_id),
    ).toEqual([loaded, second]);
    expect(Object.keys(page)).toEqual(["blocks", "cursor", "caught_up"]);
    const next = await on("changes", "poll", "--cursor", page.cursor, "--json");
    expect(next.stdout).toBe(`${prettyJson(parseJson(next.stdout))}\n`);
    expect(JSON.parse(next.stdout)).toEqual({ blocks: [], cursor: page.cursor, caught_up: true });
    // Without a place it starts now.
    expect(await json("changes", "poll")).toEqual({ blocks: [], cursor: page.cursor, caught_up: true });
  });

  it("joins a block that pages split", async () => {
    const { on, json, mutate, loaded } = await fleet();
    await mutate('insert Port { name: "A" } insert Port { name: "B" } insert Port { name: "C" }');
    const start = `after:${loaded}`;
    const whole = await on("changes", "poll", "--start", start, "--json");
    expect(await on("changes", "poll", "--start", start, "--limit", "2", "--json")).toEqual(whole);
    const people = await on("changes", "poll", "--start", start);
    expect(await on("changes", "poll", "--start", start, "--limit", "1")).toEqual(people);
    const { cursor } = await json("changes", "poll", "--start", start);
    expect(people.stdout).toEndWith(
      [
        "insert node Port A",
        "  + name: A",
        "insert node Port B",
        "  + name: B",
        "insert node Port C",
        "  + name: C",
        "",
        `cursor: ${cursor}`,
        "caught_up: true",
        "",
      ].join("\n"),
    );
  });

  it("keeps blocks apart for people, and says when there are none", async () => {
    const { on, load, loaded } = await fleet();
    const empty = await load("");
    const blocks = (await on("changes", "poll", "--start", "beginning")).stdout;
    expect(blocks).toContain(`  + berth: A\n\ncommit: ${empty}\n`);
    expect(blocks.indexOf(`commit: ${loaded}`)).toBe(0);
    const none = (await on("changes", "poll")).stdout;
    expect(none).toMatch(/^\(no new commits\)\n\ncursor: [\w-]+\ncaught_up: true\n$/);
  });

  it("refuses places that it does not know", async () => {
    const { on } = await fleet();
    refused(
      await on("changes", "poll", "--start", "soon"),
      "start must be now | beginning | after:<commit_id>",
    );
    const both = await on("changes", "poll", "--start", "now", "--cursor", "x");
    expect(both.code).toBe(2);
    expect(both.stderr).toContain("cannot be used with");
    refused(await on("changes", "poll", "--branch", "x"), "branch 'x' not found");
  });
});

describe("changes baseline", () => {
  const leftovers = ({ directory }: World) =>
    readdirSync(directory).filter((name) => name.includes("b.jsonl") && name !== "b.jsonl");

  it("writes the records without the handshake, and prints the handshake", async () => {
    const { world, on, json, mutate } = await fleet();
    writeFileSync(join(world.directory, "b.jsonl"), "old");
    const handshake = await json("changes", "baseline", "--out", "b.jsonl");
    expect(Object.keys(handshake)).toEqual(["snapshot_commit_id", "resume_cursor"]);
    const exported = (await world.run(["export", "g"])).stdout;
    expect(readFileSync(join(world.directory, "b.jsonl"), "utf8")).toBe(exported);
    expect(leftovers(world)).toEqual(["b.jsonl.lock"]);

    const people = (await on("changes", "baseline", "--out", "b.jsonl")).stdout;
    const { snapshot_commit_id, resume_cursor } = handshake;
    expect(people).toBe(
      `snapshot: b.jsonl\nsnapshot_commit_id: ${snapshot_commit_id}\nresume_cursor: ${resume_cursor}\n`,
    );
    const next = await mutate('insert Port { name: "A" }');
    const { blocks } = await json("changes", "poll", "--cursor", String(resume_cursor));
    expect(blocks).toMatchObject([{ cause: { graph_commit_id: next } }]);
  });

  it("leaves the file as it was where it fails", async () => {
    const { world, on } = await fleet();
    writeFileSync(join(world.directory, "b.jsonl"), "old");
    const missing = await on("changes", "baseline", "--out", "b.jsonl", "--branch", "x");
    refused(missing, "branch 'x' not found");
    expect(missing.stdout).toBe("");
    expect(readFileSync(join(world.directory, "b.jsonl"), "utf8")).toBe("old");
    expect(leftovers(world)).toEqual(["b.jsonl.lock"]);
    refused(await on("changes", "baseline", "--out", "no/b.jsonl"), "cannot write");
    refused(await on("changes", "baseline", "--out", "."), "it is a directory");
    expect((await on("changes", "baseline")).code).toBe(2);
  });

  it("waits for another capture of the same file", async () => {
    const { on, json } = await fleet();
    const captures = await Promise.all(
      Array.from({ length: 4 }, () => json("changes", "baseline", "--out", "b.jsonl")),
    );
    expect(new Set(captures.map((handshake) => JSON.stringify(handshake))).size).toBe(1);
    expect((await on("changes", "baseline", "--out", "b.jsonl")).code).toBe(0);
  });

  const stream = (lines: string, before: () => void = () => {}) => {
    const server = fakeServer(({ method, target }: Asked) => {
      expect(`${method} ${target}`).toBe("POST /graphs/a/changes/baseline");
      before();
      return new Response(lines, { headers: { "content-type": "application/x-ndjson" } });
    });
    servers.push(server);
    return ["changes", "baseline", "--out", "b.jsonl", "--server", server.url, "--graph", "a", "--json"];
  };
  const HANDSHAKE = '{"baseline":{"snapshot_commit_id":"01C","resume_cursor":"cur"}}\n';

  it("takes a stream without its handshake for incomplete", async () => {
    for (const lines of [
      "",
      '{"type":"Ship","data":{}}\n',
      `{"type":"Ship","data":{}}\n${HANDSHAKE.trimEnd()}`,
      '{"baseline":{"snapshot_commit_id":"01C"}}\n',
      "\n",
    ]) {
      const world = createWorld();
      const outcome = await world.run(stream(lines));
      refused(outcome, "no usable cursor");
      expect(outcome.stdout).toBe("");
      expect(existsSync(join(world.directory, "b.jsonl"))).toBe(false);
      expect(leftovers(world)).toEqual(["b.jsonl.lock"]);
    }
  });

  it("gives no cursor where another writer replaced the file meanwhile", async () => {
    const world = createWorld();
    const path = join(world.directory, "b.jsonl");
    writeFileSync(path, "old");
    const outcome = await world.run(
      stream(`{"type":"Ship","data":{}}\n${HANDSHAKE}`, () => writeFileSync(path, "theirs, and longer")),
    );
    refused(outcome, "was replaced by another writer");
    expect(readFileSync(path, "utf8")).toBe("theirs, and longer");
    expect(leftovers(world)).toEqual(["b.jsonl.lock"]);
  });

  it("leaves the file as it was when the stream breaks, or the process is interrupted or killed", async () => {
    for (const end of ["cut", "SIGINT", "SIGKILL"] as const) {
      const world = createWorld();
      const path = join(world.directory, "b.jsonl");
      writeFileSync(path, "old");
      const arrived = Promise.withResolvers<void>();
      const server = Bun.listen({
        hostname: "127.0.0.1",
        port: 0,
        socket: {
          data: (socket) => {
            const head =
              "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";
            socket.write(`${head}1b\r\n{"type":"Ship","data":{}}\n\n\r\n`);
            if (end === "cut") setTimeout(() => socket.end(), 50);
            arrived.resolve();
          },
        },
      });
      const url = `http://127.0.0.1:${server.port}`;
      const main = join(import.meta.dir, "../../src/main.ts");
      const words = ["changes", "baseline", "--out", "b.jsonl", "--server", url, "--graph", "a"];
      const child = Bun.spawn([process.execPath, main, ...words], {
        cwd: world.directory,
        env: { OMNIGRAPH_HOME: world.home },
        stdout: "pipe",
        stderr: "pipe",
      });
      await arrived.promise;
      if (end !== "cut") {
        while (!existsSync(join(world.directory, ".b.jsonl.tmp"))) await Bun.sleep(5);
        child.kill(end);
      }
      expect(await child.exited).toBe({ cut: 1, SIGINT: 130, SIGKILL: 137 }[end]);
      server.stop(true);
      expect(await new Response(child.stdout).text()).toBe("");
      expect(readFileSync(path, "utf8")).toBe("old");
      const residue = end === "SIGKILL" ? [".b.jsonl.tmp"] : [];
      expect(leftovers(world).sort()).toEqual([...residue, "b.jsonl.lock"]);
      // The next capture clears away what a killed one left.
      await world.json(stream(HANDSHAKE));
      expect(leftovers(world)).toEqual(["b.jsonl.lock"]);
    }
  });

  it("sends its filters in the body", async () => {
    const world = createWorld();
    const words = stream(HANDSHAKE);
    await world.json([...words, "--type", "Ship", "--op", "delete", "--branch", "b"]);
    expect(JSON.parse(servers[0].asked[0].body)).toEqual({
      branch: "b",
      type: ["Ship"],
      op: ["delete"],
      kind: [],
    });
  });
});

describe("a served graph", () => {
  it("answers the commands on changes as the storage does", async () => {
    const folder = await appliedCluster();
    const store = join(folder, "graphs", "harbor.omni");
    const world = createWorld();
    world.file(
      "d.ndjson",
      '{"type":"Vessel","data":{"imo":"1","name":"A"}}\n{"type":"Port","data":{"code":"B"}}\n',
    );
    await world.json(["load", "--data", "d.ndjson", "--mode", "merge", store, "--json"]);
    await world.json(["load", "--data", "d.ndjson", "--mode", "overwrite", store, "--json"]);
    const { server } = await serveCluster(folder, { unauthenticated: true });
    const served = ["--server", `http://${server.address}`, "--graph", "harbor"];
    const direct = ["--store", store];
    const { commits } = (await world.json(["commit", "list", store, "--json"])) as {
      commits: { graph_commit_id: string }[];
    };
    const loaded = commits.at(-2)?.graph_commit_id ?? "";
    for (const words of [
      ["commit", "changes", loaded, "--json"],
      ["commit", "changes", loaded, "--limit", "1", "--kind", "node", "--type", "Port", "--type", "Vessel"],
      ["changes", "poll", "--start", "beginning", "--limit", "1", "--json"],
      ["changes", "poll", "--start", `after:${loaded}`, "--op", "delete"],
      ["changes", "baseline", "--out", "b.jsonl", "--kind", "node", "--json"],
      ["commit", "changes", commits.at(-1)?.graph_commit_id ?? ""],
      ["changes", "poll", "--cursor", "x"],
    ]) {
      expect(await world.run([...words, ...served])).toEqual(await world.run([...words, ...direct]));
    }
  });
});

describe("a page that continues another commit", () => {
  it("fails after what was printed, without a cursor", async () => {
    const page = (commit: string, more: object) => ({
      cause: { graph_commit_id: commit, authored_branch: "main", authored_at: 1 },
      changes: [],
      ...more,
    });
    const server = fakeServer(({ target }) =>
      Response.json(target.includes("page_token") ? page("01B", {}) : page("01A", { next_page_token: "t" })),
    );
    servers.push(server);
    const world = createWorld();
    const outcome = await world.run([
      "commit",
      "changes",
      "01A",
      "--server",
      server.url,
      "--graph",
      "a",
      "--json",
    ]);
    refused(outcome, "the next page tells of another commit");
    expect(outcome.stdout).toStartWith('{\n  "cause": {\n    "graph_commit_id": "01A"');
    expect(server.asked[1].target).toBe("/graphs/a/commits/01A/changes?page_token=t");
  });
});
