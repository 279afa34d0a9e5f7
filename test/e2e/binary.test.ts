import { beforeAll, describe, expect, it } from "bun:test";
import { copyFileSync, linkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import {
  BUILD_MS_MAX,
  binary,
  finish,
  SHIPS,
  startServer,
  storedRows,
  temporaryDirectory,
  writeCluster,
} from "./support.ts";

let omnigraph: string;

beforeAll(async () => {
  omnigraph = await binary();
}, BUILD_MS_MAX);

describe("the binary", () => {
  it("tells its version and its storage format", async () => {
    const version = await finish([omnigraph, "version"]);
    expect(version.code).toBe(0);
    expect(version.stdout).toMatch(/^omnigraph \d+\.\d+\.\d+\ninternal-schema [1-9]\d*\n$/);
    expect((await finish([omnigraph, "-v"])).stdout).toBe(`${version.stdout.split("\n")[0]}\n`);
  });

  it("carries the stamp of its build", async () => {
    const { stdout } = await finish([omnigraph, "version", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ platform: `${process.platform}-${process.arch}` });
    expect(JSON.parse(stdout)).toHaveProperty("commit");
  });

  it("is the server under the name omnigraph-server, by symlink, hard link and copy", async () => {
    const directory = temporaryDirectory();
    const makers = { symlink: symlinkSync, link: linkSync, copy: copyFileSync };
    for (const [name, make] of Object.entries(makers)) {
      const server = join(directory, name === "copy" ? "omnigraph-server.exe" : `${name}/omnigraph-server`);
      await Bun.write(join(directory, name, ".keep"), "");
      make(omnigraph, server);
      const help = await finish([server, "--help"]);
      expect([help.code, help.stderr]).toEqual([0, ""]);
      expect(help.stdout).toContain("--require-all-graphs");
      const nothing = await finish([server]);
      expect([nothing.code, nothing.stdout]).toEqual([64, ""]);
      expect(nothing.stderr).toContain("container startup requires");
    }
    expect((await finish([omnigraph, "--help"])).stdout).toContain("COMMANDS BY CAPABILITY");
  });

  it("goes from nothing to rows on a directory", async () => {
    const cwd = temporaryDirectory();
    writeCluster(cwd);
    const run = (...words: string[]) => finish([omnigraph, ...words], { cwd });
    expect(await run("init", "--schema", "fleet.pg", "g")).toMatchObject({
      code: 0,
      stdout: "initialized g\n",
    });
    expect(await run("load", "g", "--data", "ships.ndjson", "--mode", "append")).toMatchObject({ code: 0 });
    const query = await run("query", "--query", "queries/ships.gq", "--store", "g", "--format", "csv");
    expect(query).toMatchObject({ code: 0, stderr: "", stdout: "s.name\nAurora\nBoreas\n" });
  });

  it("writes no escape codes to pipes", async () => {
    const { stdout, stderr } = await finish([omnigraph, "qury"], { env: { NO_COLOR: "1" } });
    expect(stdout + stderr).not.toContain("\u001b");
  });

  it("ends quietly with 141 when its reader goes away", async () => {
    const cwd = temporaryDirectory();
    writeCluster(cwd);
    await finish([omnigraph, "init", "--schema", "fleet.pg", "g"], { cwd });
    const lines = Array.from({ length: 20_000 }, (_, i) => `{"type":"Ship","data":{"name":"ship-${i}"}}`);
    await Bun.write(join(cwd, "many.ndjson"), lines.join("\n"));
    await finish([omnigraph, "load", "g", "--data", "many.ndjson", "--mode", "append"], { cwd });
    const { stdout, stderr } = await finish(
      ["/bin/bash", "-c", 'set -o pipefail; "$0" export g | head -1; echo $?', omnigraph],
      { cwd, env: { PATH: "/usr/bin:/bin" } },
    );
    const [line, code] = stdout.split("\n");
    expect(JSON.parse(line)).toMatchObject({ type: "Ship" });
    expect([code, stderr]).toEqual(["141", ""]);
  });

  it("says so where its output has no room", async () => {
    const child = Bun.spawn([omnigraph, "help"], {
      env: {},
      stdout: Bun.file("/dev/full"),
      stderr: "pipe",
    });
    expect(await new Response(child.stderr).text()).toContain("error: ");
    expect(await child.exited).toBe(1);
  });

  it("ends with 130 and 143 on signals", async () => {
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      const child = Bun.spawn([omnigraph, "login", "harbor"], {
        env: { OMNIGRAPH_HOME: temporaryDirectory() },
        stdin: "pipe",
        stdout: "ignore",
        stderr: "ignore",
      });
      await Bun.sleep(300);
      child.kill(signal);
      expect(await child.exited).toBe(code);
    }
  });

  it("takes a token from one line of stdin", async () => {
    const env = { OMNIGRAPH_HOME: temporaryDirectory() };
    const outcome = await finish([omnigraph, "login", "harbor"], { env, stdin: "tok\nmore\n" });
    expect(outcome.code).toBe(0);
    expect(await Bun.file(join(env.OMNIGRAPH_HOME, "credentials")).text()).toBe("[harbor]\ntoken = tok\n");
  });
});

describe("a kill in the middle of a load", () => {
  it("leaves the whole commit or nothing, and the next command works", async () => {
    const cwd = temporaryDirectory();
    writeCluster(cwd);
    await finish([omnigraph, "init", "--schema", "fleet.pg", "g"], { cwd });
    const lines = Array.from({ length: 200_000 }, (_, i) => `{"type":"Ship","data":{"name":"ship-${i}"}}`);
    await Bun.write(join(cwd, "many.ndjson"), lines.join("\n"));
    const load = [omnigraph, "load", "g", "--data", "many.ndjson", "--mode", "append", "--quiet"];
    for (const pause of [150, 400]) {
      const child = Bun.spawn(load, { cwd, env: {}, stdout: "ignore", stderr: "ignore" });
      await Bun.sleep(pause);
      child.kill("SIGKILL");
      await child.exited;
      const { code, stdout } = await finish([omnigraph, "snapshot", "g", "--json"], { cwd });
      expect(code).toBe(0);
      expect([0, lines.length]).toContain(JSON.parse(stdout).datasets[0].entity_count);
    }
    expect(
      (await finish([omnigraph, "load", "g", "--data", "ships.ndjson", "--mode", "merge"], { cwd })).code,
    ).toBe(0);
  });
});

describe("the server", () => {
  async function appliedCluster(): Promise<string> {
    const cwd = temporaryDirectory();
    writeCluster(cwd);
    for (const words of [["import"], ["apply", "--as", "act-nina"]]) {
      expect(await finish([omnigraph, "cluster", ...words], { cwd })).toMatchObject({ code: 0, stderr: "" });
    }
    const load = [omnigraph, "load", "graphs/atlas.omni", "--data", "ships.ndjson", "--mode", "append"];
    expect((await finish(load, { cwd })).code).toBe(0);
    return cwd;
  }

  it("boots from a cluster, prints one line, serves, and drains on SIGTERM and SIGINT", async () => {
    const cwd = await appliedCluster();
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const words = [omnigraph, "server", "--cluster", cwd, "--bind", "127.0.0.1:0", "--unauthenticated"];
      const server = await startServer(words);
      expect(server.stdout()).toMatch(/^OMNIGRAPH_LISTEN_ADDR=127\.0\.0\.1:\d+\n$/);
      expect(await storedRows(server.url)).toEqual(SHIPS);
      expect((await finish([omnigraph, "healthcheck", "--url", server.url])).code).toBe(0);
      expect(await server.stop(signal)).toBe(0);
    }
  });

  it("answers the command line as storage does", async () => {
    const cwd = await appliedCluster();
    const server = await startServer(
      [omnigraph, "server", "--cluster", cwd, "--bind", "127.0.0.1:0", "--unauthenticated"],
      { cwd },
    );
    const served = ["--server", server.url, "--graph", "atlas"];
    const stored = ["--store", "graphs/atlas.omni"];
    const run = async (...words: string[]) => {
      const outcome = await finish([omnigraph, ...words], { cwd });
      expect(outcome).toMatchObject({ code: 0 });
      return outcome.stdout;
    };
    for (const words of [
      ["query", "--query", "queries/ships.gq", "--json"],
      ["snapshot", "--json"],
      ["commit", "list", "--json"],
      ["branch", "list", "--json"],
      ["schema", "show"],
      ["export"],
    ]) {
      expect(await run(...words, ...served)).toBe(await run(...words, ...stored));
    }
    expect(await run("query", "ships", ...served, "--format", "csv")).toBe("s.name\nAurora\nBoreas\n");

    const load = [
      "load",
      "--data",
      "ships.ndjson",
      "--mode",
      "merge",
      "--branch",
      "refit",
      "--from",
      "main",
      "--json",
    ];
    expect(JSON.parse(await run(...load, ...served))).toMatchObject({
      uri: `${server.url}/graphs/atlas`,
      branch_created: true,
      total_entities: 2,
    });
    const head = JSON.parse(await run("commit", "list", "--branch", "refit", "--json", ...served)).commits[0];
    const mutate = ["mutate", "-e", 'query g() { update Ship set { age: 9 } where name = "Aurora" }'];
    const lost = await finish(
      [omnigraph, ...mutate, ...served, "--if-commit", head.graph_commit_id, "--json"],
      { cwd },
    );
    expect(lost.code).toBe(4);
    expect(JSON.parse(lost.stdout).precondition_failure.expected).toBe(head.graph_commit_id);
    await run(...mutate, ...served, "--branch", "refit", "--if-commit", head.graph_commit_id);
    expect(await run("branch", "merge", "refit", "--delete-branch", ...served)).toContain(
      "deleted branch refit",
    );
    expect(await server.stop()).toBe(0);
  });

  it("boots from the environment alone under its own name", async () => {
    const cwd = await appliedCluster();
    const env = { OMNIGRAPH_CLUSTER: cwd, OMNIGRAPH_BIND: "127.0.0.1:0", OMNIGRAPH_UNAUTHENTICATED: "yes" };
    const server = await startServer([`${omnigraph}-server`], { env });
    expect(await storedRows(server.url)).toEqual(SHIPS);
    expect(await server.stop()).toBe(0);
  });

  it("takes the cluster from the environment beside a flag, whatever else is set there", async () => {
    const cwd = await appliedCluster();
    const env = {
      OMNIGRAPH_CLUSTER: cwd,
      OMNIGRAPH_BIND: "127.0.0.1:0",
      OMNIGRAPH_TARGET: "old",
      OMNIGRAPH_REQUIRE_ALL_GRAPHS: " FALSE ",
    };
    const server = await startServer([`${omnigraph}-server`, "--unauthenticated"], { env });
    expect(await storedRows(server.url)).toEqual(SHIPS);
    expect(await server.stop()).toBe(0);
  });

  it("refuses to boot with every reason on stderr and nothing on stdout", async () => {
    const cwd = temporaryDirectory();
    const server = [omnigraph, "server", "--bind", "127.0.0.1:0"];
    const empty = await finish([...server, "--cluster", cwd]);
    expect([empty.code, empty.stdout]).toEqual([1, ""]);
    expect(empty.stderr).toContain("cluster_state_missing");
    const applied = await appliedCluster();
    const open = await finish([...server, "--cluster", applied], {
      env: { OMNIGRAPH_UNAUTHENTICATED: "false" },
    });
    expect([open.code, open.stdout]).toEqual([1, ""]);
    expect(open.stderr).toContain("--unauthenticated");
  });
});
