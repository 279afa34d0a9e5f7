import { afterEach, describe, expect, it } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderValidate } from "../../src/cluster/render.ts";
import { validateCluster } from "../../src/cluster/validate.ts";
import { sha256Hex } from "../../src/lib/digest.ts";
import type { JsonObject } from "../../src/lib/json.ts";
import {
  codes,
  desiredOf,
  FLEET_SCHEMA,
  folder,
  HARBOUR,
  items,
  messages,
  PORT_QUERY,
  ports,
  removeFolders,
  SHIP_QUERIES,
} from "./support.ts";

afterEach(removeFolders);

const validate = (configDir: string): Promise<JsonObject> => validateCluster({ configDir, ports });
const validateFiles = (files: Readonly<Record<string, string>>): Promise<JsonObject> =>
  validate(folder(files));
const validateYaml = (yaml: string): Promise<JsonObject> =>
  validateFiles({ ...HARBOUR, "cluster.yaml": yaml });
const digests = async (yaml: string): Promise<JsonObject> => {
  const output = await validateYaml(yaml);
  expect(codes(output).filter((code) => !code.startsWith("external_blob_ingress"))).toEqual([]);
  return output.resource_digests as JsonObject;
};

describe("a cluster folder", () => {
  it("lists its resources, their digests and their dependencies", async () => {
    const directory = folder(HARBOUR);
    const output = await validate(directory);
    expect(codes(output)).toEqual(["external_blob_ingress_default_deny graphs.fleet.external_blobs"]);
    expect(Object.keys(output)).toEqual([
      "ok",
      "config_dir",
      "config_file",
      "resource_digests",
      "resources",
      "dependencies",
      "diagnostics",
    ]);
    expect(output).toMatchObject({
      ok: true,
      config_dir: directory,
      config_file: `${directory}/cluster.yaml`,
    });
    expect(items(output.resources).map(({ address, kind, path }) => [address, kind, path ?? null])).toEqual([
      ["graph.fleet", "graph", null],
      ["policy.crew", "policy", `${directory}/policies/crew.yaml`],
      ["policy.topology", "policy", `${directory}/policies/server.yaml`],
      ["query.fleet.all_ships", "query", `${directory}/queries/ships.gq`],
      ["query.fleet.flags", "query", `${directory}/queries/flags.gq`],
      ["query.fleet.ship_by_imo", "query", `${directory}/queries/ships.gq`],
      ["schema.fleet", "schema", `${directory}/fleet.pg`],
    ]);
    expect(output.dependencies).toEqual([
      { from: "policy.crew", to: "graph.fleet" },
      { from: "query.fleet.all_ships", to: "graph.fleet" },
      { from: "query.fleet.all_ships", to: "schema.fleet" },
      { from: "query.fleet.flags", to: "graph.fleet" },
      { from: "query.fleet.flags", to: "schema.fleet" },
      { from: "query.fleet.ship_by_imo", to: "graph.fleet" },
      { from: "query.fleet.ship_by_imo", to: "schema.fleet" },
      { from: "schema.fleet", to: "graph.fleet" },
    ]);
    const all = output.resource_digests as JsonObject;
    expect(all["schema.fleet"]).toBe(sha256Hex(FLEET_SCHEMA));
    expect(all["query.fleet.all_ships"]).toBe(sha256Hex(SHIP_QUERIES));
    expect(all["query.fleet.all_ships"]).toEqual(all["query.fleet.ship_by_imo"]);
    expect(renderValidate(output)).toBe(
      "cluster config valid: 7 resource(s), 8 dependency edge(s)\n" +
        "WARN  external_blob_ingress_default_deny graphs.fleet.external_blobs: graph 'fleet' accepts no external blob references; references that are stored stay readable\n",
    );
  });

  it("is valid when it declares nothing at all", async () => {
    for (const yaml of [
      "version: 1\n",
      "version: 1\ngraphs:\npolicies:\nmetadata:\nstate:\nproviders: {}\n",
    ]) {
      const output = await validateFiles({ "cluster.yaml": yaml });
      expect(output).toMatchObject({
        ok: true,
        resources: [],
        resource_digests: {},
        dependencies: [],
        diagnostics: [],
      });
    }
  });

  it("is refused where there is no such folder or file, and where the file is not UTF-8", async () => {
    const directory = folder({ "cluster.yaml": "version: 1\n" });
    expect(codes(await validate(join(directory, "none")))).toEqual([
      `config_dir_not_found ${join(directory, "none")}`,
    ]);
    const file = join(directory, "cluster.yaml");
    expect(codes(await validate(file))).toEqual([`config_dir_not_found ${file}`]);
    expect(codes(await validate(folder({})))).toEqual(["cluster_config_read_error cluster.yaml"]);
    writeFileSync(file, Uint8Array.of(0xff, 0xfe));
    expect(codes(await validate(directory))).toEqual(["cluster_config_read_error cluster.yaml"]);
  });

  it("reports missing schema, query and policy files in one run", async () => {
    const output = await validateFiles({
      "cluster.yaml":
        "version: 1\ngraphs: {g: {schema: a.pg, queries: b.gq}}\npolicies: {p: {file: c.yaml, applies_to: [g]}}\n",
    });
    expect(output.ok).toBe(false);
    expect(codes(output)).toEqual([
      "schema_file_missing graphs.g.schema",
      "query_file_missing graphs.g.queries",
      "policy_file_missing policies.p.file",
    ]);
    expect(renderValidate(output)).toStartWith(
      "cluster config invalid\nERROR schema_file_missing graphs.g.schema: ",
    );
  });
});

describe("reading cluster.yaml", () => {
  const table: readonly [string, string, readonly string[], string][] = [
    ["a file that is no YAML", "version: 1\n a: b: [\n", ["invalid_cluster_yaml cluster.yaml"], "line"],
    ["an empty file", "", ["invalid_cluster_yaml cluster.yaml"], "expected a mapping"],
    [
      "an unknown key",
      "version: 1\ncolour: blue\n",
      ["invalid_cluster_yaml cluster.yaml"],
      "unknown field `colour`",
    ],
    [
      "an unknown key deep down",
      "version: 1\nproviders: {llm: {}}\n",
      ["invalid_cluster_yaml cluster.yaml"],
      "unknown field `llm`",
    ],
    ["a merge key", "version: 1\n<<: {}\n", ["invalid_cluster_yaml cluster.yaml"], "unknown field `<<`"],
    ["a missing version", "graphs: {}\n", ["invalid_cluster_yaml cluster.yaml"], "missing field `version`"],
    ["a quoted version", 'version: "1"\n', ["invalid_cluster_yaml cluster.yaml"], "expected an integer"],
    [
      "a boolean in words",
      "version: 1\nstate: {lock: yes}\n",
      ["invalid_cluster_yaml cluster.yaml"],
      "true or false",
    ],
    [
      "a boolean in quotes",
      'version: 1\nstate: {lock: "false"}\n',
      ["invalid_cluster_yaml cluster.yaml"],
      "true or false",
    ],
    [
      "empty queries",
      "version: 1\ngraphs: {fleet: {schema: fleet.pg, queries: }}\n",
      ["invalid_cluster_yaml cluster.yaml"],
      "queries",
    ],
    [
      "a graph without a schema",
      "version: 1\ngraphs: {fleet: {}}\n",
      ["invalid_cluster_yaml cluster.yaml"],
      "missing field `schema`",
    ],
    [
      "a provider that has a kind twice",
      "version: 1\nproviders: {embedding: {p: {kind: mock, provider: mock}}}\n",
      ["invalid_cluster_yaml cluster.yaml"],
      "exclude each other",
    ],
    [
      "a reserved key, before anything else is looked at",
      "version: 1\npipelines: {}\ngraphs: {fleet: {schema: none.pg}}\n",
      ["future_phase_field pipelines"],
      "reserved for a later cluster-control phase",
    ],
    ["a repeated key", "version: 1\ngraphs: {}\ngraphs: {}\n", ["duplicate_yaml_key graphs"], "line 3"],
    [
      "a repeated quoted key with a hash",
      'version: 1\ngraphs: {"a#b": {schema: x}, "a#b": {schema: y}} # c\n',
      ["duplicate_yaml_key graphs.a#b"],
      "'a#b'",
    ],
    [
      "a repeated key in flow style",
      "version: 1\ngraphs: {fleet: {schema: a, schema: b}}\n",
      ["duplicate_yaml_key graphs.fleet.schema"],
      "line 2",
    ],
    [
      "a repeated key in a list item",
      "version: 1\ngraphs:\n  fleet:\n    schema: a\n    external_blobs:\n      allow:\n        - {base: x, scope: s}\n        - {base: x, scope: s, scope: t}\n",
      ["duplicate_yaml_key graphs.fleet.external_blobs.allow[].scope"],
      "line 8",
    ],
  ];
  for (const [what, yaml, expected, phrase] of table) {
    it(`refuses ${what}`, async () => {
      const output = await validateYaml(yaml);
      expect(output.ok).toBe(false);
      expect(codes(output)).toEqual([...expected]);
      expect(messages(output)).toContain(phrase);
      expect(output).toMatchObject({ resources: [], resource_digests: {}, dependencies: [] });
    });
  }

  it("follows aliases and takes plain scalars as written", async () => {
    const output = await validateFiles({
      "cluster.yaml": "version: 1\ngraphs:\n  a: &graph { schema: 5 }\n  b: *graph\n",
      "5": FLEET_SCHEMA,
    });
    expect(output.ok).toBe(true);
    expect(Object.keys(output.resource_digests as JsonObject)).toEqual([
      "graph.a",
      "graph.b",
      "schema.a",
      "schema.b",
    ]);
  });

  it("checks the head and the resources in one run", async () => {
    const output = await validateYaml(
      'version: 2\nmetadata: {name: " "}\nstate: {backend: "s3://x/y"}\nstorage: "s3://"\ngraphs: {g: {schema: none.pg}}\n',
    );
    expect(codes(output)).toEqual([
      "unsupported_cluster_config_version version",
      "empty_metadata_name metadata.name",
      "unsupported_state_backend state.backend",
      "invalid_storage_root storage",
      "schema_file_missing graphs.g.schema",
    ]);
  });

  it("refuses storage that names no root", async () => {
    for (const storage of [
      '"s3://"',
      '""',
      "ftp://h/x",
      '"s3:///x"',
      "file://host/x",
      "file:relative//x://",
    ]) {
      expect(codes(await validateYaml(`version: 1\nstorage: ${storage}\n`))).toEqual([
        "invalid_storage_root storage",
      ]);
    }
    for (const storage of ["s3://bucket", "s3://bucket/a/", "file:///tmp/x", "./data", "../data"]) {
      expect(codes(await validateYaml(`version: 1\nstorage: ${storage}\n`))).toEqual([]);
    }
  });
});

describe("names", () => {
  it("must be routable for graphs", async () => {
    const long = "a".repeat(65);
    for (const id of ["9lives", "_fleet", "a.b", "healthz", "policies", long]) {
      const output = await validateYaml(`version: 1\ngraphs: {"${id}": {schema: fleet.pg}}\n`);
      expect(codes(output)).toEqual([`invalid_resource_id graphs.${id}`]);
    }
    const fine = await validateYaml(
      `version: 1\ngraphs: {my_graph: {schema: fleet.pg}, a-1: {schema: fleet.pg}}\n`,
    );
    expect(fine.ok).toBe(true);
  });

  it("must be plain for queries, policies and providers", async () => {
    const output = await validateYaml(
      `version: 1
providers: {embedding: {"a.b": {kind: mock}}}
graphs: {g: {schema: fleet.pg, queries: {"1st": {file: queries/flags.gq}}}}
policies: {"-p": {file: policies/crew.yaml, applies_to: [g]}}
`,
    );
    expect(codes(output)).toEqual([
      "invalid_resource_id providers.embedding.a.b",
      "invalid_resource_id graphs.g.queries.1st",
      "query_key_mismatch graphs.g.queries.1st",
      "invalid_resource_id policies.-p",
    ]);
  });
});

describe("the config digest", () => {
  const digestOf = async (yaml: string, files = {}): Promise<string> =>
    (await desiredOf(folder({ ...HARBOUR, ...files, "cluster.yaml": yaml }))).configDigest;
  const yaml = "version: 1\ngraphs:\n  fleet:\n    schema: fleet.pg\n    queries: queries/\n";

  it("does not see style, comments and order", async () => {
    const restyled =
      '# hello\ngraphs: {"fleet": {queries: "queries/", schema: fleet.pg}}\nversion: 1 # one\n';
    expect(await digestOf(restyled)).toBe(await digestOf(yaml));
  });

  it("does not see the difference between no external blobs and an empty list", async () => {
    const empty = `${yaml}    external_blobs: {allow: []}\n`;
    expect(await digestOf(empty)).toBe(await digestOf(yaml));
    expect(await digests(empty)).toEqual(await digests(yaml));
  });

  it("sees every byte of a source and every value", async () => {
    const base = await digestOf(yaml);
    expect(await digestOf(yaml, { "queries/ships.gq": `${SHIP_QUERIES} ` })).not.toBe(base);
    expect(await digestOf(`${yaml}storage: data\n`)).not.toBe(base);
    expect(await digestOf(yaml.replace("queries/", "./queries"))).not.toBe(base);
  });
});

describe("queries", () => {
  const withQueries = (queries: string, files: Readonly<Record<string, string>> = {}) =>
    validateFiles({
      ...HARBOUR,
      ...files,
      "cluster.yaml": `version: 1\ngraphs: {g: {schema: fleet.pg, queries: ${queries}}}\n`,
    });
  const names = (output: JsonObject): string[] =>
    items(output.resources)
      .filter(({ kind }) => kind === "query")
      .map(({ address }) => String(address));
  const errors = (output: JsonObject) =>
    codes(output).filter((code) => !code.startsWith("external_blob_ingress"));

  it("come from the top level of a directory, from files with the exact extension", async () => {
    const output = await withQueries("queries/", {
      "queries/notes.txt": "not a query",
      "queries/OLD.GQ": "not a query",
      "queries/deep/more.gq": "not a query",
    });
    expect(errors(output)).toEqual([]);
    expect(names(output)).toEqual(["query.g.all_ships", "query.g.flags", "query.g.ship_by_imo"]);
  });

  it("come from a file of any extension, and from a list of both", async () => {
    const files = { "one.txt": "query one() { match { $s: Ship } return { $s.imo } }\n" };
    expect(names(await withQueries("one.txt", files))).toEqual(["query.g.one"]);
    expect(names(await withQueries("[one.txt, queries]", files))).toEqual([
      "query.g.all_ships",
      "query.g.flags",
      "query.g.one",
      "query.g.ship_by_imo",
    ]);
  });

  it("come by name from a map, which ignores what else a file declares", async () => {
    const output = await withQueries("{all_ships: {file: ./queries/ships.gq}}");
    expect(errors(output)).toEqual([]);
    expect(names(output)).toEqual(["query.g.all_ships"]);
  });

  it("may be none, with a warning for an empty directory", async () => {
    const directory = folder({
      ...HARBOUR,
      "cluster.yaml": "version: 1\ngraphs: {g: {schema: fleet.pg, queries: none/}}\n",
    });
    mkdirSync(join(directory, "none"));
    const output = await validate(directory);
    expect(output.ok).toBe(true);
    expect(errors(output)).toEqual(["query_dir_empty graphs.g.queries"]);
  });

  const table: readonly [string, string, Readonly<Record<string, string>>, string, readonly string[]][] = [
    [
      "declared in two files",
      "[queries/ships.gq, again.gq]",
      { "again.gq": "query all_ships() { match { $s: Ship } return { $s.imo } }\n" },
      "duplicate_query_name graphs.g.queries.all_ships",
      ["queries/ships.gq", "again.gq"],
    ],
    [
      "in a file that is listed twice",
      "[queries/flags.gq, ./queries/flags.gq]",
      {},
      "duplicate_query_name graphs.g.queries.flags",
      ["flags.gq"],
    ],
    [
      "declared twice in one file",
      "twice.gq",
      { "twice.gq": `${PORT_QUERY}${PORT_QUERY}` },
      "duplicate_query_name graphs.g.queries.flags",
      ["twice.gq"],
    ],
    [
      "in a file that does not parse",
      "bad.gq",
      { "bad.gq": "query {" },
      "query_parse_error graphs.g.queries",
      ["bad.gq"],
    ],
    [
      "that its file does not declare",
      "{nope: {file: queries/flags.gq}}",
      {},
      "query_key_mismatch graphs.g.queries.nope",
      ["nope", "flags"],
    ],
    [
      "whose file is missing",
      "{nope: {file: none.gq}}",
      {},
      "query_file_missing graphs.g.queries.nope.file",
      ["none.gq"],
    ],
    [
      "of an unknown type",
      "bad.gq",
      { "bad.gq": "query bad() { match { $s: Boat } return { $s.imo } }\n" },
      "query_typecheck_error graphs.g.queries.bad",
      ["Boat"],
    ],
  ];
  for (const [what, queries, files, code, phrases] of table) {
    it(`are refused when one is ${what}`, async () => {
      const output = await withQueries(queries, files);
      expect(output.ok).toBe(false);
      expect(errors(output)).toEqual([code]);
      for (const phrase of phrases) expect(messages(output)).toContain(phrase);
    });
  }

  it("are parsed and no more when the schema is invalid", async () => {
    const output = await validateFiles({
      "cluster.yaml": "version: 1\ngraphs: {g: {schema: bad.pg, queries: flags.gq}}\n",
      "bad.pg": "node {",
      "flags.gq": HARBOUR["queries/flags.gq"] ?? "",
    });
    expect(codes(output)).toEqual([
      "schema_parse_error graphs.g.schema",
      "query_typecheck_skipped graphs.g.queries.flags",
    ]);
    expect(names(output)).toEqual(["query.g.flags"]);
  });
});

describe("schemas", () => {
  it("tell syntax from meaning", async () => {
    const schema = async (text: string) =>
      codes(
        await validateFiles({ "cluster.yaml": "version: 1\ngraphs: {g: {schema: s.pg}}\n", "s.pg": text }),
      );
    expect(await schema("node Ship {")).toEqual(["schema_parse_error graphs.g.schema"]);
    expect(await schema("node Ship { a: String }\nedge Sails: Ship -> Sea\n")).toEqual([
      "schema_catalog_error graphs.g.schema",
    ]);
  });
});

describe("policies", () => {
  const withPolicies = (policies: string, files: Readonly<Record<string, string>> = {}) =>
    validateFiles({
      ...HARBOUR,
      ...files,
      "cluster.yaml": `version: 1\ngraphs: {fleet: {schema: fleet.pg}, cluster: {schema: fleet.pg}}\npolicies:\n${policies}`,
    });
  const bound = (appliesTo: string, file = "policies/crew.yaml") =>
    withPolicies(`  p: {file: ${file}, applies_to: ${appliesTo}}\n`);
  const errors = (output: JsonObject) =>
    codes(output).filter((code) => !code.startsWith("external_blob_ingress"));

  it("bind graphs by id or by address, and the cluster by its name", async () => {
    for (const appliesTo of ["[fleet]", "[graph.fleet, fleet]", "[graph.cluster]"]) {
      expect(errors(await bound(appliesTo))).toEqual([]);
    }
    expect(errors(await bound("[cluster]", "policies/server.yaml"))).toEqual([]);
  });

  it("are refused with other kinds of reference, unknown graphs, no scope or mixed scopes", async () => {
    expect(errors(await bound("[query.fleet.x, ghost]"))).toEqual([
      "wrong_kind_reference policies.p.applies_to[0]",
      "dangling_graph_reference policies.p.applies_to[1]",
    ]);
    expect(errors(await bound("[]"))).toEqual(["policy_missing_applies_to policies.p.applies_to"]);
    expect(errors(await bound("[cluster, fleet]"))).toEqual([
      "policy_mixed_binding_kinds policies.p.applies_to",
    ]);
  });

  it("are refused where two bind one scope", async () => {
    const twice = await withPolicies(
      "  a: {file: policies/crew.yaml, applies_to: [fleet]}\n  b: {file: policies/crew.yaml, applies_to: [graph.fleet]}\n",
    );
    expect(errors(twice)).toEqual(["duplicate_policy_binding policies.b.applies_to"]);
    expect(messages(twice)).toContain("'a' and 'b' both bind 'graph.fleet'");
    const cluster = await withPolicies(
      "  a: {file: policies/server.yaml, applies_to: [cluster]}\n  b: {file: policies/server.yaml, applies_to: [cluster]}\n",
    );
    expect(errors(cluster)).toEqual(["duplicate_policy_binding policies.b.applies_to"]);
  });

  it("are refused when the bundle does not fit its scope or does not parse", async () => {
    const onGraph = await bound("[fleet]", "policies/server.yaml");
    expect(errors(onGraph)).toEqual(["policy_invalid policies.p.file"]);
    expect(messages(onGraph)).toContain("server-scoped");
    const onCluster = await bound("[cluster]");
    expect(messages(onCluster)).toContain("per-graph");
    const typo = await withPolicies("  p: {file: typo.yaml, applies_to: [fleet]}\n", {
      "typo.yaml":
        "version: 1\ngroups: {t: [a]}\nrules: [{id: r, allow: {actors: {group: t}, actions: [read], branch_scpoe: any}}]\n",
    });
    expect(errors(typo)).toEqual(["policy_invalid policies.p.file"]);
    expect(messages(typo)).toContain("branch_scpoe");
    expect(renderValidate(typo)).toContain("ERROR policy_invalid policies.p.file");
  });
});

describe("embedding providers", () => {
  const key = (name: string): string => `"\${${name}}"`;
  const withProvider = (profile: string, reference = "p") =>
    validateYaml(
      `version: 1\nproviders: {embedding: {p: ${profile}}}\ngraphs: {g: {schema: fleet.pg, embedding_provider: ${reference}}}\n`,
    );
  const errors = (output: JsonObject) =>
    codes(output).filter((code) => !code.startsWith("external_blob_ingress"));

  it("need a reference to their key, never the key", async () => {
    expect(errors(await withProvider("{kind: openai, api_key: sk-live}"))).toEqual([
      "embedding_api_key_inline providers.embedding.p.api_key",
    ]);
    expect(errors(await withProvider("{kind: gemini}"))).toEqual([
      "embedding_api_key_required providers.embedding.p.api_key",
    ]);
    expect(errors(await withProvider("{kind: mock}"))).toEqual([]);
    expect(errors(await withProvider(`{provider: openai, api_key: ${key("NOT_SET_ANYWHERE")}}`))).toEqual([]);
    expect(errors(await withProvider("{kind: cohere, api_key: x}"))).toEqual([
      "invalid_embedding_provider providers.embedding.p",
      "embedding_api_key_inline providers.embedding.p.api_key",
    ]);
  });

  it("are referred to by name or address", async () => {
    expect(errors(await withProvider("{kind: mock}", "provider.embedding.p"))).toEqual([]);
    expect(errors(await withProvider("{kind: mock}", "q"))).toEqual([
      "dangling_embedding_provider_reference graphs.g.embedding_provider",
    ]);
    expect(errors(await withProvider("{kind: mock}", "graph.g"))).toEqual([
      "wrong_kind_reference graphs.g.embedding_provider",
    ]);
  });

  it("are part of the graph's digest and a dependency of it", async () => {
    const yaml = "version: 1\nproviders: {embedding: {p: {kind: mock}}}\ngraphs: {g: {schema: fleet.pg";
    const unbound = await digests(`${yaml}}}\n`);
    const bound = await digests(`${yaml}, embedding_provider: p}}\n`);
    expect(bound["provider.embedding.p"]).toEqual(unbound["provider.embedding.p"]);
    expect(bound["graph.g"]).not.toEqual(unbound["graph.g"]);
    const output = await validateYaml(`${yaml}, embedding_provider: p}}\n`);
    expect(output.dependencies).toContainEqual({ from: "graph.g", to: "provider.embedding.p" });
  });
});
