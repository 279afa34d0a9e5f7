// The past of a graph on the command line, on storage and behind a server: the list of commits by pages, and every read at
// a commit.

import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { join } from "node:path";
import { appliedCluster, cleanUp, HARBOR_SCHEMA, serveCluster } from "../server/support/cluster.ts";
import { createWorld, type World } from "./support.ts";

interface CommitJson {
  readonly graph_commit_id: string;
  readonly graph_manifest_version: number;
  readonly operation: string;
}

interface PageJson {
  readonly commits: readonly CommitJson[];
  readonly next_page_token?: string;
}

const COMMITS = 5;
let world: World;
/** The flags by which the same graph is addressed. */
let doors: Readonly<Record<"storage" | "server", readonly string[]>>;

beforeAll(async () => {
  const folder = await appliedCluster();
  const store = join(folder, "graphs", "harbor.omni");
  world = createWorld();
  for (let i = 2; i <= COMMITS; i++) {
    const file = world.file("d.ndjson", `{"type":"Vessel","data":{"imo":"${i}","name":"v${i}"}}\n`);
    await world.json(["load", "--data", file, "--mode", "append", "--store", store, "--json"]);
  }
  const { server } = await serveCluster(folder, { unauthenticated: true });
  doors = {
    storage: ["--store", store],
    server: ["--server", `http://${server.address}`, "--graph", "harbor"],
  };
});
afterAll(cleanUp);

const list = async (words: readonly string[]) => (await world.json(["commit", "list", ...words])) as PageJson;

describe.each(["storage", "server"] as const)("commit list on %s", (door) => {
  it("goes through the history by pages with --limit and --page-token", async () => {
    const whole = await list([...doors[door], "--json"]);
    expect(whole.next_page_token).toBeUndefined();
    expect(whole.commits.map(({ operation }) => operation)).toEqual(["load", "load", "load", "load", "init"]);
    const found: CommitJson[] = [];
    let token: string[] = [];
    let pages = 0;
    do {
      const page = await list([...doors[door], "--limit", "2", ...token, "--json"]);
      found.push(...page.commits);
      token = page.next_page_token === undefined ? [] : ["--page-token", page.next_page_token];
      pages++;
    } while (token.length > 0);
    expect(found).toEqual([...whole.commits]);
    expect(pages).toBe(3);
  });

  it("tells people the token of the next page, where there is one", async () => {
    const { stdout } = await world.run(["commit", "list", ...doors[door], "--limit", "1"]);
    const [line, token] = stdout.trimEnd().split("\n");
    expect(line).toContain(`graph_manifest_version=${COMMITS}`);
    expect(token).toStartWith("next_page_token: ");
    const rest = ["--page-token", token.slice("next_page_token: ".length)];
    const last = await world.run(["commit", "list", ...doors[door], ...rest]);
    expect(last.stdout.trimEnd().split("\n")).toHaveLength(COMMITS - 1);
    expect(last.stdout).not.toContain("next_page_token");
  });

  it("refuses a limit of none and a token that is none", async () => {
    const none = await world.run(["commit", "list", ...doors[door], "--limit", "0"]);
    expect([none.code, none.stdout]).toEqual([1, ""]);
    expect(none.stderr).toContain("limit");
    const foreign = await world.run(["commit", "list", ...doors[door], "--page-token", "x"]);
    expect(foreign.code).toBe(1);
    expect(foreign.stderr).toContain("cursor rejected: ");
  });
});

describe.each(["storage", "server"] as const)("--snapshot on %s", (door) => {
  const commitAt = async (version: number): Promise<string> => {
    const { commits } = await list([...doors[door], "--json"]);
    return commits.find((commit) => commit.graph_manifest_version === version)?.graph_commit_id ?? "";
  };

  it("exports, counts, queries and shows the schema as they were at a commit", async () => {
    const at = ["--snapshot", await commitAt(3), ...doors[door]];
    const exported = await world.run(["export", "--type", "Vessel", ...at]);
    expect(
      exported.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).data.id),
    ).toEqual(["2", "3"]);
    const described = (await world.json(["snapshot", ...at, "--json"])) as Record<string, unknown>;
    expect(described).toMatchObject({
      graph_branch: "main",
      graph_manifest_version: 3,
      graph_commit_id: at[1],
    });
    expect((await world.run(["schema", "show", ...at])).stdout).toBe(HARBOR_SCHEMA);
    const count = "query q() { match { $v: Vessel } return { count($v) as n } }";
    expect((await world.run(["query", "-e", count, ...at, "--format", "csv"])).stdout).toBe("n\n2\n");
  });

  it.each(["export", "snapshot", "schema show"])("of an unknown commit is refused by %s", async (command) => {
    const words = [...command.split(" "), "--snapshot", "01K2ZJ6Q3V8E5T0M4RYB7WNXHC", ...doors[door]];
    const { code, stdout, stderr } = await world.run(words);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("commit '01K2ZJ6Q3V8E5T0M4RYB7WNXHC' not found");
  });

  it.each(["export", "snapshot"])("beside --branch is a usage error of %s", async (command) => {
    const words = [command, "--snapshot", "01K2ZJ6Q3V8E5T0M4RYB7WNXHC", "--branch", "main", ...doors[door]];
    expect((await world.run(words)).code).toBe(2);
  });
});
