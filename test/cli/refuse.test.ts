import { describe, expect, it } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createWorld } from "./support.ts";

const world = createWorld();

async function refusal(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await world.run(words);
  expect([code, stdout]).toEqual([1, ""]);
  return stderr.replace(/\n$/, "");
}

describe("a scope flag that does not apply", () => {
  it("is refused with the command's word, the flag's clause and the way out", async () => {
    expect(await refusal("optimize", "--server", "harbor")).toBe(
      "error: `optimize` is a direct (storage-native) command; --server addresses a served graph and does not apply. Pass a storage URI, or --cluster <dir> --graph <id>.",
    );
    expect(await refusal("query", "--cluster", "d", "-e", "q")).toBe(
      "error: `query` is a data command; --cluster addresses a cluster-scoped command and does not apply.",
    );
    expect(await refusal("schema", "plan", "--schema", "s.pg", "--graph", "a")).toEndWith(
      "`schema plan` is a direct (storage-native) command; --graph selects a graph within a server or cluster scope and does not apply. Pass a storage URI.",
    );
    expect(await refusal("version", "--store", "g")).toContain(
      "`version` is a local command; --store addresses a single graph's storage directly and does not apply. ",
    );
  });

  it.each([
    [["blob", "stat", "node", "Ship", "a", "p"], "`blob stat` is a data command"],
    [["optimize"], "`optimize` is a direct (storage-native) command"],
    [["graphs", "list"], "`graphs list` is a served command"],
    [["queries", "list"], "`queries list` is a cluster control command"],
    [["commit", "list"], "`commit` is a data command"],
    [["cluster", "plan"], "`cluster` is a cluster control command"],
  ])("is refused on %p for --as", async (words, phrase) => {
    const text = await refusal(...words, "--as", "x");
    expect(text).toContain(phrase);
    expect(text).toContain(
      "--as sets the actor for a direct-engine or actor-bound cluster operation and does not apply.",
    );
  });

  it("points control commands at their own address", async () => {
    for (const words of [["queries", "list"], ["policy", "validate"], ["server"]]) {
      const text = await refusal(...words, "--server", "x");
      expect(text).toContain("pass --cluster <dir|uri>");
      expect(text).not.toContain("--config");
    }
    expect(await refusal("cluster", "status", "--cluster", "x")).toContain("pass --config <dir>");
    expect(await refusal("graphs", "list", "--graph", "a")).toEndWith(
      " Address the server with --server <name|url> or --profile <name>.",
    );
  });

  it("reports the first in the fixed order", async () => {
    expect(await refusal("init", "--schema", "s.pg", "g", "--profile", "p", "--as", "a")).toContain(
      "--as sets",
    );
  });

  it("stops init before anything is made", async () => {
    world.file("s.pg", "node Ship { name: String @key }\n");
    await refusal("init", "--schema", "s.pg", "--store", "file:///e", "g2");
    await refusal("init", "--profile", "p", "--schema", "s.pg", "g2");
    expect(existsSync(join(world.directory, "g2"))).toBe(false);
  });

  it("is refused on alias by naming all of them", async () => {
    const text = await refusal(
      ...["--server", "x", "--graph", "y", "--store", "z", "--cluster", "c", "--profile", "p", "--as", "a"],
      ...["alias", "docked"],
    );
    expect(text).toContain("`alias` uses the server, graph, and stored query");
    expect(text).toContain("--server, --graph, --store, --cluster, --profile, --as");
  });
});

describe("an address that cannot be", () => {
  it("names both where two are given", async () => {
    const names = {
      "a positional URI": ["g"],
      "`--store`": ["--store", "g"],
      "`--server`": ["--server", "s"],
    };
    for (const [first, words] of Object.entries(names)) {
      for (const [second, others] of Object.entries(names)) {
        if (first === second) continue;
        const text = await refusal("snapshot", ...words, ...others);
        expect(text).toContain("are mutually exclusive");
        expect(text).toContain(first);
        expect(text).toContain(second);
      }
    }
    expect(await refusal("branch", "list", "--uri", "g", "--store", "g")).toContain("a positional URI");
    const text = await refusal("lint", "--query", "q.gq", "g", "--cluster", "d");
    expect(text).toContain("a positional URI and `--cluster` are mutually exclusive");
  });

  it("is refused where a server's URL stands for storage", async () => {
    const load = ["load", "--data", "f", "--mode", "append"];
    expect(await refusal(...load, "http://h/x")).toContain("must be addressed with `--server <url>`");
    expect(await refusal("query", "--store", "https://h", "-e", "q")).toContain(
      "must be addressed with `--server <url>`",
    );
    for (const words of [
      ["optimize", "https://h"],
      ["lint", "--query", "q.gq", "http://h"],
    ]) {
      const text = await refusal(...words);
      expect(text).toContain("needs direct storage access");
      expect(text).toContain("remote server");
    }
    expect(await refusal("init", "--schema", "s.pg", "https://h")).toContain("remote server");
  });

  it("is refused where --graph meets a single graph", async () => {
    expect(await refusal("query", "--store", "g", "--graph", "atlas", "-e", "q")).toContain(
      "already a single graph",
    );
  });
});

describe("a command that this build does not have", () => {
  it.each([[["cluster", "approve", "graph.a"]], [["cluster", "refresh"]]])(
    "%p is refused by name",
    async (words) => {
      expect(await refusal(...words)).toContain("is not supported by this build");
    },
  );
});

describe("a failure", () => {
  it("is a line on stderr for people, with hint and usage for a malformed command line", async () => {
    const { code, stdout, stderr } = await world.run(["qury"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toStartWith("error: unrecognized subcommand 'qury'\n  hint: query\n");
    expect(stderr).toContain("usage: omnigraph");
  });

  it("is one compact object as the last line with --json", async () => {
    const { code, stdout, stderr } = await world.run(["optimize", "--server", "x", "--json"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(JSON.parse(stderr.trim().split("\n").at(-1) ?? "")).toEqual({
      error: expect.stringContaining("`optimize` is a direct"),
      code: "bad_request",
    });
  });

  it("shows the stack with OMNIGRAPH_DEBUG=1 only", async () => {
    const plain = await world.run(["optimize", "g"]);
    const debug = await world.run(["optimize", "g"], { env: { OMNIGRAPH_DEBUG: "1" } });
    expect(plain.stderr).not.toContain("    at ");
    expect(debug.stderr).toContain("    at ");
  });
});
