// What makes two revisions equal. Every digest is SHA-256 over UTF-8, with a NUL byte after each part.

import type { EmbeddingProfile } from "../embedding/index.ts";
import { sha256Hex } from "../lib/digest.ts";
import { type JsonObject, type JsonValue, stringifyJson } from "../lib/json.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import type { ClusterConfig, GraphConfig } from "./config.ts";
import type { ExternalBlobPolicy } from "./external-blobs.ts";

const parts = (texts: readonly string[]): string => texts.map((text) => `${text}\0`).join("");

/** Entries of a map in the order in which digests and files list them. */
export const byKey = <T>(map: ReadonlyMap<string, T>): (readonly [string, T])[] =>
  [...map].sort(([a], [b]) => compareUtf8(a, b));

/** The profile with its keys in the order of the contract; absent ones stay out. */
export function profileJson(profile: EmbeddingProfile): JsonObject {
  const { kind, base_url, model, api_key } = profile;
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(base_url === undefined ? {} : { base_url }),
    ...(model === undefined ? {} : { model }),
    ...(api_key === undefined ? {} : { api_key }),
  };
}

export function blobPolicyJson(policy: ExternalBlobPolicy): JsonObject {
  return { mode: policy.mode, bases: policy.bases.map(({ uri, scope }) => ({ uri, scope })) };
}

export function providerDigest(profile: EmbeddingProfile): string {
  return sha256Hex(`embedding-provider\0${stringifyJson(profileJson(profile))}`);
}

export interface GraphParts {
  readonly id: string;
  readonly schemaDigest: string | null;
  /** By name. */
  readonly queries: ReadonlyMap<string, string>;
  readonly provider: { readonly address: string; readonly digest: string | null } | null;
  readonly blobPolicy: ExternalBlobPolicy | null;
}

/** The composite of a graph: it binds what the ledger keeps beside it, so that nothing there can be edited unseen. */
export function graphDigest({ id, schemaDigest, queries, provider, blobPolicy }: GraphParts): string {
  return sha256Hex(
    parts([
      "graph",
      id,
      "schema",
      schemaDigest ?? "",
      ...byKey(queries).flatMap(([name, digest]) => ["query", name, digest]),
      ...(provider === null ? [] : ["embedding_provider", provider.address, provider.digest ?? ""]),
      ...(blobPolicy === null ? [] : ["external_blob_policy", stringifyJson(blobPolicyJson(blobPolicy))]),
    ]),
  );
}

/** The digest of the whole desired revision: every parsed value of cluster.yaml and every resource. */
export function configDigest(config: ClusterConfig, resources: ReadonlyMap<string, string>): string {
  const json = stringifyJson(configJson(config));
  return sha256Hex(parts(["cluster-config", json, ...byKey(resources).flat()]));
}

const mapJson = <T>(map: ReadonlyMap<string, T>, json: (value: T) => JsonValue): JsonObject =>
  Object.fromEntries(byKey(map).map(([key, value]) => [key, json(value)]));

function configJson(config: ClusterConfig): JsonObject {
  return {
    version: config.version,
    metadata: { name: config.metadataName },
    storage: config.storage,
    state: { backend: config.stateBackend, lock: config.stateLock },
    providers: { embedding: mapJson(config.providers, profileJson) },
    graphs: mapJson(config.graphs, graphJson),
    policies: mapJson(config.policies, ({ file, appliesTo }) => ({ file, applies_to: appliesTo })),
  };
}

function graphJson({ schema, queries, embeddingProvider, externalBlobs }: GraphConfig): JsonObject {
  return {
    schema,
    queries: queriesJson(queries),
    embedding_provider: embeddingProvider,
    ...(externalBlobs.length === 0
      ? {}
      : { external_blobs: { allow: externalBlobs.map(({ base, scope }) => ({ base, scope })) } }),
  };
}

function queriesJson(queries: GraphConfig["queries"]): JsonValue {
  switch (queries.kind) {
    case "path":
      return queries.path;
    case "list":
      return queries.paths;
    case "map":
      return mapJson(queries.files, (file) => ({ file }));
  }
}
