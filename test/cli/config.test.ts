import { describe, expect, it } from "bun:test";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { operatorDirectory, readOperatorConfig } from "../../src/cli/config.ts";
import { serverOfUrl, tokenForUrl } from "../../src/cli/credentials.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { createWorld, type World } from "./support.ts";

const EXAMPLE = `
operator: { actor: act-nina }
servers:  { harbor: { url: "https://graph.harbor.example/" } }
clusters: { fleet: { root: "s3://acme-fleet/prod" } }
profiles:
  night:  { server: harbor, default_graph: atlas }
  admin:  { cluster: fleet, default_graph: atlas }
  local:  { store: ./g.omni }
  broken: { server: harbor, store: ./g.omni }
  empty:  { default_graph: atlas }
defaults: { server: harbor, default_graph: atlas, output: kv }
aliases:
  docked: { server: harbor, graph: atlas, query: ships_in_port, args: [port], params: { limit: 10, big: 9007199254740993 } }
`;

const ports = (env: Record<string, string>) => ({ ...systemPorts(), env });

async function read(world: World) {
  const warnings: string[] = [];
  const config = await readOperatorConfig(ports({ OMNIGRAPH_HOME: world.home }), async (text) => {
    warnings.push(text);
  });
  return { config, warnings };
}

describe("the operator's directory", () => {
  it("is OMNIGRAPH_HOME with ~ expanded, else ~/.omnigraph, else nowhere", () => {
    expect(operatorDirectory(ports({ HOME: "/h" }))).toBe("/h/.omnigraph");
    expect(operatorDirectory(ports({ HOME: "/h", OMNIGRAPH_HOME: "" }))).toBe("/h/.omnigraph");
    expect(operatorDirectory(ports({ HOME: "/h", OMNIGRAPH_HOME: "~/x" }))).toBe("/h/x");
    expect(operatorDirectory(ports({ HOME: "/h", OMNIGRAPH_HOME: "~" }))).toBe("/h");
    expect(operatorDirectory(ports({ OMNIGRAPH_HOME: "/o" }))).toBe("/o");
    expect(operatorDirectory(ports({}))).toBeNull();
  });
});

describe("the operator config", () => {
  it("is empty where there is no file", async () => {
    const { config, warnings } = await read(createWorld());
    expect(config).toMatchObject({ actor: null, defaults: { output: null, tableMaxColumnWidth: 80 } });
    expect(warnings).toEqual([]);
  });

  it("reads every key of the contract", async () => {
    const world = createWorld();
    world.config(EXAMPLE);
    const { config, warnings } = await read(world);
    expect(warnings).toEqual([]);
    expect(config.actor).toBe("act-nina");
    expect(config.servers.get("harbor")).toBe("https://graph.harbor.example/");
    expect(config.clusters.get("fleet")).toBe("s3://acme-fleet/prod");
    expect(config.profiles.get("night")).toEqual({
      server: "harbor",
      cluster: null,
      store: null,
      defaultGraph: "atlas",
    });
    expect(config.aliases.get("docked")).toEqual({
      server: "harbor",
      graph: "atlas",
      query: "ships_in_port",
      args: ["port"],
      params: { limit: 10, big: 9007199254740993n },
      format: null,
    });
  });

  it("names unknown keys at every level and goes on", async () => {
    const world = createWorld();
    world.config("colour: red\ndefaults: { colour: red }\nservers: { h: { url: 'http://h', port: 1 } }\n");
    const { warnings } = await read(world);
    expect(warnings.map((text) => /unknown key `([^`]+)`.*ignored/.exec(text)?.[1])).toEqual([
      "colour",
      "defaults.colour",
      "servers.h.port",
    ]);
  });

  it.each([
    ["defaults: [", "could not parse operator config"],
    ["operator: { actor: [a] }", "`operator.actor` must be a string at line 1 column"],
    ["servers: [a]", "`servers` must be a mapping"],
    ["\n\ndefaults: { output: xml }", "must be one of table, kv, csv, jsonl, json at line 3 column 21"],
    ["defaults: { table_max_column_width: wide }", "must be a whole number above zero"],
    ["servers: { h: {} }", "`servers.h.url` must be given"],
    ["aliases: { a: { server: h, query: q, args: port } }", "must be a list of strings"],
    ["aliases: { a: { server: h, query: q, params: 5 } }", "must be a mapping"],
    ["defaults: {}\ndefaults: {}", "duplicate key `defaults` at line 2"],
    ["defaults: { server: h, store: g }", "binds one entity"],
    ["defaults: { store: g, default_graph: a }", "already a single graph"],
  ])("refuses %p", async (text, phrase) => {
    const world = createWorld();
    world.config(text);
    const { code, stdout, stderr } = await world.run(["profile", "list"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(phrase);
  });

  it("is refused where it cannot be read", async () => {
    const world = createWorld();
    const { stderr, code } = await world.run(["profile", "list"], {
      env: { OMNIGRAPH_HOME: world.file("not-a-directory", "") },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("could not read operator config");
  });

  it("warns once on stderr while the command runs", async () => {
    const world = createWorld();
    world.config("defaults: { colour: red }\n");
    const { code, stderr } = await world.run(["profile", "show"]);
    expect(code).toBe(0);
    expect(stderr.match(/unknown key `defaults.colour`/g)).toHaveLength(1);
  });
});

describe("profile", () => {
  const world = createWorld();
  world.config(EXAMPLE);

  it("lists the profiles by name, broken ones too", async () => {
    const { stdout } = await world.run(["profile", "list"], { env: { OMNIGRAPH_PROFILE: "night" } });
    expect(stdout.split("\n")).toEqual([
      "admin  cluster: fleet · graph: atlas",
      "broken  invalid: profile 'broken' binds 2 scopes",
      "empty  invalid: profile 'empty' binds no scope · graph: atlas",
      "local  store: ./g.omni",
      "night (active)  server: harbor · graph: atlas",
      "",
    ]);
    const [, broken] = (await world.json(["profile", "list", "--json"])) as object[];
    expect(broken).toEqual({
      name: "broken",
      binding: "invalid: profile 'broken' binds 2 scopes",
      scope_kind: "invalid",
      target: null,
      valid: false,
      error: "profile 'broken' binds 2 scopes",
      default_graph: null,
      active: false,
    });
  });

  it("says so where none is defined", async () => {
    expect((await createWorld().run(["profile", "list"])).stdout).toContain("no profiles are defined");
  });

  it("shows the named one, else the active one, else the defaults", async () => {
    const night = {
      name: "night",
      scope_kind: "server",
      target: "harbor",
      endpoint: "https://graph.harbor.example/",
      default_graph: "atlas",
      output_format: "kv",
    };
    expect(await world.json(["profile", "show", "night", "--json"])).toEqual(night);
    const active = { env: { OMNIGRAPH_PROFILE: "night" } };
    expect(await world.json(["profile", "show", "--json"], active)).toEqual(night);
    expect(await world.json(["profile", "show", "--json"])).toEqual({ ...night, name: "(defaults)" });
    expect(await createWorld().json(["profile", "show", "--json"])).toMatchObject({ scope_kind: "none" });
    const { stdout } = await world.run(["profile", "show", "local"]);
    expect(stdout).toBe("profile: local\n  scope:   store ./g.omni\n  endpoint: ./g.omni\n  output: kv\n");
  });

  it("refuses an unknown one", async () => {
    const { code, stderr } = await world.run(["profile", "show", "nigth"]);
    expect(code).toBe(1);
    expect(stderr).toContain("unknown profile 'nigth'");
    expect(stderr).toContain("hint: night");
  });
});

describe("login and logout", () => {
  const path = (world: World) => join(world.home, "credentials");

  it("stores a token privately, rotates it and leaves everything else as it is", async () => {
    const world = createWorld();
    const first = await world.run(["login", "harbor"], { stdin: "tok\n" });
    expect(first.stdout).toBe(`stored credential for 'harbor' in ${path(world)}\n`);
    expect(first.stderr).toContain("is not declared under servers:");
    expect(statSync(path(world)).mode & 0o777).toBe(0o600);
    expect(readFileSync(path(world), "utf8")).toBe("[harbor]\ntoken = tok\n");

    writeFileSync(path(world), "# mine\n[harbor]\ntoken = tok\n\n[other]\n# kept\ntoken='x'\n");
    await world.run(["login", "harbor", "--token", "t2"]);
    const text = readFileSync(path(world), "utf8");
    expect(text).toContain("# mine\n[harbor]\ntoken = t2\n");
    expect(text).toContain("\n[other]\n# kept\ntoken='x'\n");
    expect(text).not.toContain("tok\n");
    expect(statSync(path(world)).mode & 0o777).toBe(0o600);
  });

  it("answers JSON that says whether the server is declared", async () => {
    const world = createWorld();
    world.config(EXAMPLE);
    const outcome = await world.run(["login", "harbor", "--token", "t", "--json"]);
    expect(JSON.parse(outcome.stdout)).toEqual({
      server: "harbor",
      credentials_path: path(world),
      declared: true,
    });
    expect(outcome.stderr).toBe("");
  });

  it("refuses a blank token and a name that the file cannot hold", async () => {
    const world = createWorld();
    for (const stdin of ["", "  \n"]) {
      const { code, stderr } = await world.run(["login", "harbor"], { stdin });
      expect(code).toBe(1);
      expect(stderr).toContain("no token provided");
    }
    for (const name of ["a]b", "", "a=b"]) {
      expect((await world.run(["login", "--token", "t", "--", name])).code).toBe(1);
    }
    expect(existsSync(path(world))).toBe(false);
  });

  it("forgets a token, also twice and without a file", async () => {
    const world = createWorld();
    expect((await world.run(["logout", "harbor"])).code).toBe(0);
    expect(existsSync(path(world))).toBe(false);
    await world.run(["login", "harbor", "--token", "t"]);
    await world.run(["login", "other", "--token", "o"]);
    for (let i = 0; i < 2; i++) {
      const { code, stdout } = await world.run(["logout", "harbor"]);
      expect([code, stdout]).toEqual([0, `removed credential for 'harbor' from ${path(world)}\n`]);
    }
    expect(readFileSync(path(world), "utf8")).toBe("[other]\ntoken = o\n");
  });

  it("refuses a file that others can read", async () => {
    const world = createWorld();
    writeFileSync(path(world), "[harbor]\ntoken = t\n");
    chmodSync(path(world), 0o644);
    const { code, stderr } = await world.run(["login", "harbor", "--token", "t2"]);
    expect(code).toBe(1);
    expect(stderr).toContain("is group/world-accessible (mode 0644)");
    expect(stderr).toContain("chmod 600");
  });
});

describe("the token of a request", () => {
  const world = createWorld();
  world.config(`
servers:
  night-run: { url: "http://h:8080/" }
  inner: { url: "http://h:8080/graphs/a" }
`);
  writeFileSync(join(world.home, "credentials"), '[night-run]\ntoken = "filed"\n', { mode: 0o600 });

  async function token(url: string, env: Record<string, string> = {}): Promise<string | null> {
    const { config } = await read(world);
    return tokenForUrl(ports({ OMNIGRAPH_HOME: world.home, ...env }), config, url);
  }

  it("is the server's own variable, then its section, then the shared variable", async () => {
    const shared = { OMNIGRAPH_BEARER_TOKEN: " shared " };
    expect(await token("http://h:8080", { OMNIGRAPH_TOKEN_NIGHT_RUN: "keyed", ...shared })).toBe("keyed");
    expect(await token("http://h:8080", { OMNIGRAPH_TOKEN_NIGHT_RUN: " ", ...shared })).toBe("filed");
    expect(await token("http://h:8080/graphs/b", shared)).toBe("filed");
    expect(await token("http://h:8080/graphs/a", shared)).toBe("shared");
    expect(await token("http://elsewhere", shared)).toBe("shared");
    expect(await token("http://elsewhere")).toBeNull();
  });

  it("never goes to a server whose URL only looks alike", async () => {
    const { config } = await read(world);
    for (const url of ["http://h:80801", "http://h:8080-x", "http://h:808", "https://h:8080"]) {
      expect(serverOfUrl(config.servers, url)).toBeNull();
    }
    expect(serverOfUrl(config.servers, "http://h:8080/graphs/a/query")).toBe("inner");
  });
});
