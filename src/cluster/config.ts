// cluster.yaml as written: finding it, reading it strictly, and nothing about what it means yet.

import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { EmbeddingProfile } from "../embedding/index.ts";
import type { ExternalScope } from "../lib/external-uri.ts";
import { compareUtf8, tryDecodeUtf8 } from "../lib/utf8.ts";
import { parseYaml, type YamlDocument, type YamlNode } from "../lib/yaml.ts";
import { YamlReader } from "../lib/yaml-reader.ts";
import { type Diagnostic, errorAt, messageOf } from "./diagnostics.ts";

export const CONFIG_FILE = "cluster.yaml";

export type QueriesConfig =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "list"; readonly paths: readonly string[] }
  /** By query name; also what stands for no queries at all. */
  | { readonly kind: "map"; readonly files: ReadonlyMap<string, string> };

export interface BlobBaseConfig {
  readonly base: string;
  readonly scope: ExternalScope;
}

export interface GraphConfig {
  readonly schema: string;
  readonly queries: QueriesConfig;
  readonly embeddingProvider: string | null;
  readonly externalBlobs: readonly BlobBaseConfig[];
}

export interface PolicyConfig {
  readonly file: string;
  readonly appliesTo: readonly string[];
}

/** The decoded file; maps are sorted by key. */
export interface ClusterConfig {
  readonly version: number;
  readonly metadataName: string | null;
  readonly storage: string | null;
  readonly stateBackend: string | null;
  readonly stateLock: boolean | null;
  readonly providers: ReadonlyMap<string, EmbeddingProfile>;
  readonly graphs: ReadonlyMap<string, GraphConfig>;
  readonly policies: ReadonlyMap<string, PolicyConfig>;
}

export type ConfigRead =
  | { readonly ok: true; readonly config: ClusterConfig }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

const FUTURE_KEYS: readonly string[] = [
  "apply",
  "env_file",
  "pipelines",
  "embeddings",
  "ui",
  "aliases",
  "bindings",
];

const refused = (...diagnostics: Diagnostic[]): ConfigRead => ({ ok: false, diagnostics });

/** Reads and decodes `<configDir>/cluster.yaml`; a step that finds an error ends the reading. */
export async function readClusterConfig(configDir: string): Promise<ConfigRead> {
  const text = await readConfigText(configDir);
  if (typeof text !== "string") return refused(text);
  const document = await parseYaml(text);
  const early = [...futureKeys(document), ...duplicateKeys(document)];
  if (early.length > 0) return refused(...early);
  if (document.fault !== null) {
    return refused(errorAt("invalid_cluster_yaml", CONFIG_FILE, document.fault.message));
  }
  const reader = new YamlReader();
  const config = decodeConfig(reader, document.root);
  if (reader.findings.length > 0) {
    return refused(
      ...reader.findings.map((finding) => errorAt("invalid_cluster_yaml", CONFIG_FILE, finding.message)),
    );
  }
  return { ok: true, config };
}

/**
 * The `storage:` of a cluster.yaml, whatever else stands in it, or null where it has none: half-edited configuration
 * must not keep a server down. What is not YAML at all is an error.
 */
export async function readStorageKey(
  configDir: string,
): Promise<
  | { readonly ok: true; readonly storage: string | null }
  | { readonly ok: false; readonly diagnostic: Diagnostic }
> {
  const text = await readConfigText(configDir);
  if (typeof text !== "string") return { ok: false, diagnostic: text };
  const { root, fault } = await parseYaml(text);
  const invalid = (message: string) =>
    ({ ok: false, diagnostic: errorAt("invalid_cluster_yaml", CONFIG_FILE, message) }) as const;
  if (fault !== null) return invalid(fault.message);
  if (root.kind !== "map") return invalid("expected a mapping at the top");
  const node = root.entries.find((entry) => entry.key === "storage")?.value;
  if (node === undefined || node.kind === "null") return { ok: true, storage: null };
  return node.kind === "scalar" ? { ok: true, storage: node.text } : invalid("storage: expected a string");
}

async function readConfigText(configDir: string): Promise<string | Diagnostic> {
  const isDirectory = await stat(configDir).then(
    (info) => info.isDirectory(),
    () => false,
  );
  if (!isDirectory) {
    return errorAt(
      "config_dir_not_found",
      configDir,
      `'${configDir}' is not a directory; --config takes the directory that holds ${CONFIG_FILE}`,
    );
  }
  try {
    const text = tryDecodeUtf8(await Bun.file(join(configDir, CONFIG_FILE)).bytes());
    return text ?? errorAt("cluster_config_read_error", CONFIG_FILE, `${CONFIG_FILE} is not UTF-8`);
  } catch (thrown) {
    return errorAt(
      "cluster_config_read_error",
      CONFIG_FILE,
      `cannot read ${CONFIG_FILE}: ${messageOf(thrown)}`,
    );
  }
}

function futureKeys({ root }: YamlDocument): Diagnostic[] {
  const entries = root.kind === "map" ? root.entries : [];
  const found = new Set(entries.map((entry) => entry.key).filter((key) => FUTURE_KEYS.includes(key)));
  return [...found].map((key) =>
    errorAt("future_phase_field", key, `'${key}' is reserved for a later cluster-control phase`),
  );
}

function duplicateKeys({ duplicates }: YamlDocument): Diagnostic[] {
  return duplicates.map(({ path, key, at }) =>
    errorAt("duplicate_yaml_key", path, `key '${key}' stands twice in one mapping, again at line ${at.line}`),
  );
}

function decodeConfig(reader: YamlReader, root: YamlNode): ClusterConfig {
  const fields = reader.fields(root, "", {
    required: ["version"],
    optional: ["metadata", "storage", "state", "providers", "graphs", "policies"],
  });
  const field = (name: string): YamlNode | undefined => fields?.get(name);
  const state = optionalFields(reader, field("state"), "state", ["backend", "lock"]);
  const metadata = optionalFields(reader, field("metadata"), "metadata", ["name"]);
  const providers = optionalFields(reader, field("providers"), "providers", ["embedding"]);
  const version = field("version");
  const lock = state?.get("lock");
  return {
    version: version === undefined ? 0 : (reader.integer(version, "version") ?? 0),
    metadataName: optionalString(reader, metadata?.get("name"), "metadata.name"),
    storage: optionalString(reader, field("storage"), "storage"),
    stateBackend: optionalString(reader, state?.get("backend"), "state.backend"),
    stateLock: lock === undefined ? null : reader.boolean(lock, "state.lock"),
    providers: decodeMap(reader, providers?.get("embedding"), "providers.embedding", decodeProvider),
    graphs: decodeMap(reader, field("graphs"), "graphs", decodeGraph),
    policies: decodeMap(reader, field("policies"), "policies", decodePolicy),
  };
}

const optionalFields = (
  reader: YamlReader,
  node: YamlNode | undefined,
  where: string,
  optional: readonly string[],
) => (node === undefined ? null : reader.fields(node, where, { optional }));

const optionalString = (reader: YamlReader, node: YamlNode | undefined, where: string): string | null =>
  node === undefined ? null : reader.string(node, where);

function decodeMap<T>(
  reader: YamlReader,
  node: YamlNode | undefined,
  where: string,
  decode: (reader: YamlReader, node: YamlNode, where: string) => T,
): ReadonlyMap<string, T> {
  const entries = node === undefined ? [] : (reader.map(node, where)?.entries ?? []);
  return new Map(
    entries
      .map(({ key, value }) => [key, decode(reader, value, `${where}.${key}`)] as const)
      .sort(([a], [b]) => compareUtf8(a, b)),
  );
}

function decodeProvider(reader: YamlReader, node: YamlNode, where: string): EmbeddingProfile {
  const fields = reader.fields(node, where, {
    optional: ["kind", "provider", "base_url", "model", "api_key"],
  });
  const text = (name: string): string | null => optionalString(reader, fields?.get(name), `${where}.${name}`);
  const alias = fields?.get("provider");
  if (alias !== undefined && fields?.has("kind")) {
    reader.note(
      "unknown_field",
      `${where}: \`kind\` and its alias \`provider\` exclude each other`,
      alias.at,
    );
  }
  const [kind, baseUrl, model, apiKey] = [
    text("kind") ?? text("provider"),
    text("base_url"),
    text("model"),
    text("api_key"),
  ];
  return {
    ...(kind === null ? {} : { kind }),
    ...(baseUrl === null ? {} : { base_url: baseUrl }),
    ...(model === null ? {} : { model }),
    ...(apiKey === null ? {} : { api_key: apiKey.trim() }),
  };
}

function decodeGraph(reader: YamlReader, node: YamlNode, where: string): GraphConfig {
  const fields = reader.fields(node, where, {
    required: ["schema"],
    optional: ["queries", "embedding_provider", "external_blobs"],
    notEmpty: ["queries"],
  });
  const schema = fields?.get("schema");
  const blobs = optionalFields(reader, fields?.get("external_blobs"), `${where}.external_blobs`, ["allow"]);
  const allow = blobs?.get("allow");
  const allowWhere = `${where}.external_blobs.allow`;
  return {
    schema: schema === undefined ? "" : (reader.string(schema, `${where}.schema`) ?? ""),
    queries: decodeQueries(reader, fields?.get("queries"), `${where}.queries`),
    embeddingProvider: optionalString(
      reader,
      fields?.get("embedding_provider"),
      `${where}.embedding_provider`,
    ),
    externalBlobs:
      allow === undefined
        ? []
        : (reader.list(allow, allowWhere) ?? []).map((item, i) =>
            decodeBlobBase(reader, item, `${allowWhere}[${i}]`),
          ),
  };
}

const BLOB_SCOPES: readonly ExternalScope[] = ["server_safe", "embedded_only"];

function decodeBlobBase(reader: YamlReader, node: YamlNode, where: string): BlobBaseConfig {
  const fields = reader.fields(node, where, { required: ["base", "scope"] });
  const base = fields?.get("base");
  const scope = fields?.get("scope");
  return {
    base: base === undefined ? "" : (reader.string(base, `${where}.base`) ?? ""),
    scope:
      (scope === undefined ? null : reader.variant(scope, `${where}.scope`, BLOB_SCOPES)) ?? "server_safe",
  };
}

function decodeQueries(reader: YamlReader, node: YamlNode | undefined, where: string): QueriesConfig {
  if (node?.kind === "scalar") return { kind: "path", path: node.text };
  if (node?.kind === "list") return { kind: "list", paths: reader.strings(node, where) ?? [] };
  return {
    kind: "map",
    files: decodeMap(reader, node, where, (_, entry, entryWhere) => {
      const file = reader.fields(entry, entryWhere, { required: ["file"] })?.get("file");
      return file === undefined ? "" : (reader.string(file, `${entryWhere}.file`) ?? "");
    }),
  };
}

function decodePolicy(reader: YamlReader, node: YamlNode, where: string): PolicyConfig {
  const fields = reader.fields(node, where, { required: ["file", "applies_to"] });
  const file = fields?.get("file");
  const appliesTo = fields?.get("applies_to");
  return {
    file: file === undefined ? "" : (reader.string(file, `${where}.file`) ?? ""),
    appliesTo: appliesTo === undefined ? [] : (reader.strings(appliesTo, `${where}.applies_to`) ?? []),
  };
}
