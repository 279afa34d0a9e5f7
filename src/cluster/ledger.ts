// The ledger `state.json`: what has been applied. The publish point of every command that changes a cluster.

import type { EmbeddingProfile } from "../embedding/index.ts";
import { type JsonObject, type JsonValue, prettyJson } from "../lib/json.ts";
import { encodeUtf8 } from "../lib/utf8.ts";
import { graphAddress, parseAddress, schemaAddress } from "./addresses.ts";
import { blobPolicyJson, byKey, graphDigest, profileJson } from "./digests.ts";
import type { ExternalBlobBase, ExternalBlobPolicy } from "./external-blobs.ts";
import {
  asObject,
  integerIn,
  mapIn,
  nullableStringIn,
  onlyMembers,
  parseObject,
  ShapeError,
  stringIn,
  stringsIn,
} from "./strict-json.ts";

export const LEDGER_VERSION = 1;

export interface LedgerResource {
  readonly digest: string;
  /** Policies: `cluster` or graph addresses. */
  readonly appliesTo?: readonly string[];
  /** Graphs: a provider's address. */
  readonly embeddingProvider?: string;
  /** Providers. */
  readonly embeddingProfile?: EmbeddingProfile;
  /** Graphs; absent where external blobs are denied. */
  readonly externalBlobPolicy?: ExternalBlobPolicy;
}

const STATUSES = ["pending", "planned", "applying", "applied", "drifted", "blocked", "error"] as const;
export type Status = (typeof STATUSES)[number];

export interface StatusRecord {
  readonly status: Status;
  readonly conditions?: readonly string[];
  readonly message?: string;
}

export interface Ledger {
  readonly stateRevision: number;
  /** Of the last apply that fully converged. */
  readonly configDigest: string | null;
  readonly resources: ReadonlyMap<string, LedgerResource>;
  readonly statuses: ReadonlyMap<string, StatusRecord>;
  readonly approvalRecords: ReadonlyMap<string, JsonObject>;
  readonly recoveryRecords: ReadonlyMap<string, JsonObject>;
  readonly observations: ReadonlyMap<string, JsonObject>;
}

export const EMPTY_LEDGER: Ledger = {
  stateRevision: 0,
  configDigest: null,
  resources: new Map(),
  statuses: new Map(),
  approvalRecords: new Map(),
  recoveryRecords: new Map(),
  observations: new Map(),
};

/** The file has a version that this build does not know. */
export class UnsupportedVersionError extends Error {
  override readonly name = "UnsupportedVersionError";
  constructor(readonly version: JsonValue) {
    super(`version ${prettyJson(version)} is not supported; expected 1`);
  }
}

/** Refuses another version before anything else of the file is judged; a version that is no number is a bad shape. */
export function requireVersion(object: JsonObject, key: string, where: string): void {
  const version = integerIn(object, key, where);
  if (version !== 1) throw new UnsupportedVersionError(version);
}

/** Strict decoding; throws ShapeError or UnsupportedVersionError. */
export function decodeLedger(bytes: Uint8Array): Ledger {
  const file = parseObject(bytes);
  requireVersion(file, "version", "state");
  onlyMembers(file, "state", [
    "version",
    "state_revision",
    "applied_revision",
    "resource_statuses",
    "approval_records",
    "recovery_records",
    "observations",
  ]);
  const revision = asObject(file.applied_revision, "state.applied_revision");
  onlyMembers(revision, "state.applied_revision", ["config_digest", "resources"]);
  const free = (value: JsonObject): JsonObject => value;
  return {
    stateRevision: file.state_revision === undefined ? 0 : integerIn(file, "state_revision", "state"),
    configDigest: nullableStringIn(revision, "config_digest", "state.applied_revision"),
    resources: mapIn(revision, "resources", "state.applied_revision", decodeResource),
    statuses: mapIn(file, "resource_statuses", "state", decodeStatus),
    approvalRecords: mapIn(file, "approval_records", "state", free),
    recoveryRecords: mapIn(file, "recovery_records", "state", free),
    observations: mapIn(file, "observations", "state", free),
  };
}

function decodeResource(value: JsonObject, where: string): LedgerResource {
  onlyMembers(value, where, [
    "digest",
    "applies_to",
    "embedding_provider",
    "embedding_profile",
    "external_blob_policy",
  ]);
  return {
    digest: stringIn(value, "digest", where),
    ...(value.applies_to === undefined ? {} : { appliesTo: stringsIn(value, "applies_to", where) }),
    ...(value.embedding_provider === undefined
      ? {}
      : { embeddingProvider: stringIn(value, "embedding_provider", where) }),
    ...(value.embedding_profile === undefined
      ? {}
      : { embeddingProfile: decodeProfile(value.embedding_profile, `${where}.embedding_profile`) }),
    ...(value.external_blob_policy === undefined
      ? {}
      : {
          externalBlobPolicy: decodeBlobPolicy(value.external_blob_policy, `${where}.external_blob_policy`),
        }),
  };
}

const PROFILE_FIELDS = ["kind", "base_url", "model", "api_key"] as const;

function decodeProfile(value: JsonValue, where: string): EmbeddingProfile {
  const object = asObject(value, where);
  onlyMembers(object, where, PROFILE_FIELDS);
  return Object.fromEntries(
    PROFILE_FIELDS.filter((field) => object[field] !== undefined).map((field) => [
      field,
      stringIn(object, field, where),
    ]),
  );
}

function decodeBlobPolicy(value: JsonValue, where: string): ExternalBlobPolicy {
  const object = asObject(value, where);
  onlyMembers(object, where, ["mode", "bases"]);
  const { mode, bases } = object;
  if (mode !== "allow") throw new ShapeError(`${where}.mode: expected "allow"`);
  if (!Array.isArray(bases)) throw new ShapeError(`${where}.bases: expected an array`);
  return {
    mode,
    bases: bases.map((item: JsonValue, i) => decodeBlobBase(item, `${where}.bases[${i}]`)),
  };
}

function decodeBlobBase(value: JsonValue, where: string): ExternalBlobBase {
  const object = asObject(value, where);
  onlyMembers(object, where, ["uri", "scope"]);
  const uri = stringIn(object, "uri", where);
  const scope = stringIn(object, "scope", where);
  if (scope !== "server_safe" && scope !== "embedded_only") {
    throw new ShapeError(`${where}.scope: expected "server_safe" or "embedded_only"`);
  }
  return { uri, scope };
}

function decodeStatus(value: JsonObject, where: string): StatusRecord {
  onlyMembers(value, where, ["status", "conditions", "message"]);
  const text = stringIn(value, "status", where);
  const status = STATUSES.find((known) => known === text);
  if (status === undefined) throw new ShapeError(`${where}.status: unknown status "${text}"`);
  const message = nullableStringIn(value, "message", where);
  const conditions = value.conditions === undefined ? [] : stringsIn(value, "conditions", where);
  return {
    status,
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(message === null ? {} : { message }),
  };
}

/** The bytes of `state.json`: pretty, maps sorted by key, one newline at the end. */
export function encodeLedger(ledger: Ledger): Uint8Array<ArrayBuffer> {
  return encodeJsonFile({
    version: LEDGER_VERSION,
    state_revision: ledger.stateRevision,
    applied_revision: {
      config_digest: ledger.configDigest,
      resources: sorted(ledger.resources, encodeResource),
    },
    resource_statuses: encodeStatuses(ledger.statuses),
    approval_records: sorted(ledger.approvalRecords, sortMembers),
    recovery_records: sorted(ledger.recoveryRecords, sortMembers),
    observations: encodeObservations(ledger.observations),
  });
}

export const encodeJsonFile = (value: JsonObject): Uint8Array<ArrayBuffer> =>
  encodeUtf8(`${prettyJson(value)}\n`);

const sorted = <T>(map: ReadonlyMap<string, T>, encode: (value: T) => JsonValue): JsonObject =>
  Object.fromEntries(byKey(map).map(([key, value]) => [key, encode(value)]));

export const encodeStatuses = (statuses: ReadonlyMap<string, StatusRecord>): JsonObject =>
  sorted(statuses, ({ status, conditions = [], message }) => ({
    status,
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(message === undefined ? {} : { message }),
  }));

export const encodeObservations = (observations: ReadonlyMap<string, JsonObject>): JsonObject =>
  sorted(observations, sortMembers);

/** Address -> digest. */
export const ledgerDigests = (ledger: Ledger): ReadonlyMap<string, string> =>
  new Map([...ledger.resources].map(([address, { digest }]) => [address, digest]));

function sortMembers(value: JsonObject): JsonObject {
  return sorted(new Map(Object.entries(value)), (item) => item);
}

function encodeResource(resource: LedgerResource): JsonObject {
  const { digest, appliesTo, embeddingProvider, embeddingProfile, externalBlobPolicy } = resource;
  return {
    digest,
    ...(appliesTo === undefined ? {} : { applies_to: appliesTo }),
    ...(embeddingProvider === undefined ? {} : { embedding_provider: embeddingProvider }),
    ...(embeddingProfile === undefined ? {} : { embedding_profile: profileJson(embeddingProfile) }),
    ...(externalBlobPolicy === undefined ? {} : { external_blob_policy: blobPolicyJson(externalBlobPolicy) }),
  };
}

/** Ids of the graphs in the ledger, sorted. */
export function ledgerGraphs(resources: Ledger["resources"]): readonly string[] {
  return byKey(resources).flatMap(([address]) => {
    const parsed = parseAddress(address);
    return parsed?.kind === "graph" ? [parsed.graph] : [];
  });
}

/** The composite of a graph over the ledger's own entries. */
export function compositeOf(resources: Ledger["resources"], graph: string): string {
  const entry = resources.get(graphAddress(graph));
  const queries = new Map<string, string>();
  for (const [address, { digest }] of resources) {
    const parsed = parseAddress(address);
    if (parsed?.kind === "query" && parsed.graph === graph) queries.set(parsed.name, digest);
  }
  const provider = entry?.embeddingProvider;
  return graphDigest({
    id: graph,
    schemaDigest: resources.get(schemaAddress(graph))?.digest ?? null,
    queries,
    provider:
      provider === undefined ? null : { address: provider, digest: resources.get(provider)?.digest ?? null },
    blobPolicy: entry?.externalBlobPolicy ?? null,
  });
}

/** Every graph's digest made to match the entries beside it. */
export function withComposites(resources: Ledger["resources"]): Ledger["resources"] {
  const next = new Map(resources);
  for (const graph of ledgerGraphs(resources)) {
    const address = graphAddress(graph);
    const entry = next.get(address);
    if (entry !== undefined) next.set(address, { ...entry, digest: compositeOf(next, graph) });
  }
  return next;
}
