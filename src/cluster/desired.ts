// The desired revision: everything that cluster.yaml and the files it names declare, checked and digested.

import { type EmbeddingProfile, profileFaults } from "../embedding/index.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import { validateBundle } from "../policy/index.ts";
import { admitSchema, type Catalog, SchemaError } from "../schema/index.ts";
import {
  graphAddress,
  graphIdFault,
  nameFault,
  policyAddress,
  providerAddress,
  queryAddress,
  type ResourceKind,
  schemaAddress,
} from "./addresses.ts";
import { duplicateBindings, resolveBindings } from "./bindings.ts";
import type { ClusterConfig, GraphConfig } from "./config.ts";
import { type Diagnostic, errorAt, isOk, messageOf, messagesOf } from "./diagnostics.ts";
import { configDigest, graphDigest, providerDigest } from "./digests.ts";
import { type DiscoveredQuery, discoverQueries } from "./discover.ts";
import { type ExternalBlobPolicy, normalizeBlobPolicy } from "./external-blobs.ts";
import type { SourceFile, Sources } from "./sources.ts";

/** A file that a resource is made of, as it was when the configuration was loaded. */
export interface DesiredSource {
  readonly file: SourceFile;
  /** As `Sources` reads it again. */
  readonly sourcePath: string;
}

export interface DesiredGraph {
  readonly id: string;
  readonly schema: DesiredSource | null;
  /** By name. */
  readonly queries: ReadonlyMap<string, DesiredSource>;
  /** Address. */
  readonly provider: string | null;
  readonly blobPolicy: ExternalBlobPolicy | null;
}

export interface DesiredPolicy {
  readonly name: string;
  readonly source: DesiredSource | null;
  /** Sorted. */
  readonly scopes: readonly string[];
}

export interface ResourceSummary {
  readonly address: string;
  readonly kind: ResourceKind;
  readonly digest: string;
  readonly path?: string;
}

export interface Dependency {
  readonly from: string;
  readonly to: string;
}

export interface Desired {
  readonly configDigest: string;
  /** By address. */
  readonly providers: ReadonlyMap<string, EmbeddingProfile>;
  /** By id. */
  readonly graphs: ReadonlyMap<string, DesiredGraph>;
  /** By name. */
  readonly policies: ReadonlyMap<string, DesiredPolicy>;
  /** By address, sorted; what could be read. */
  readonly resources: readonly ResourceSummary[];
  readonly digests: ReadonlyMap<string, string>;
  readonly dependencies: readonly Dependency[];
}

/** Loads every resource; what is wrong with one hides nothing of the others. */
export async function loadDesired(
  config: ClusterConfig,
  sources: Sources,
): Promise<{ readonly desired: Desired; readonly diagnostics: readonly Diagnostic[] }> {
  const diagnostics: Diagnostic[] = [];
  const providers = loadProviders(config, diagnostics);
  const graphs = new Map<string, DesiredGraph>();
  for (const [id, graph] of config.graphs) {
    graphs.set(id, await loadGraph(id, graph, config, sources, diagnostics));
  }
  const policies = await loadPolicies(config, sources, diagnostics);
  const resources = summarize(providers, graphs, policies);
  const digests = new Map(resources.map(({ address, digest }) => [address, digest]));
  const desired: Desired = {
    configDigest: configDigest(config, digests),
    providers,
    graphs,
    policies,
    resources,
    digests,
    dependencies: dependenciesOf(graphs, policies),
  };
  return { desired, diagnostics };
}

function loadProviders(config: ClusterConfig, diagnostics: Diagnostic[]): Map<string, EmbeddingProfile> {
  const providers = new Map<string, EmbeddingProfile>();
  for (const [name, profile] of config.providers) {
    const where = `providers.embedding.${name}`;
    const fault = nameFault(name);
    if (fault !== null) diagnostics.push(errorAt("invalid_resource_id", where, `provider name ${fault}`));
    for (const { code, field, message } of profileFaults(profile)) {
      diagnostics.push(errorAt(code, field === null ? where : `${where}.${field}`, message));
    }
    providers.set(providerAddress(name), profile);
  }
  return providers;
}

async function loadGraph(
  id: string,
  graph: GraphConfig,
  config: ClusterConfig,
  sources: Sources,
  diagnostics: Diagnostic[],
): Promise<DesiredGraph> {
  const where = `graphs.${id}`;
  const fault = graphIdFault(id);
  if (fault !== null) diagnostics.push(errorAt("invalid_resource_id", where, fault));
  const blobs = normalizeBlobPolicy(graph.externalBlobs, `${where}.external_blobs`);
  diagnostics.push(...blobs.diagnostics);
  const provider = resolveProvider(graph.embeddingProvider, where, config, diagnostics);
  const { schema, catalog } = await loadSchema(graph.schema, `${where}.schema`, sources, diagnostics);
  const discovery = await discoverQueries(graph.queries, `${where}.queries`, sources, catalog);
  diagnostics.push(...discovery.diagnostics);
  return { id, schema, queries: queriesByName(discovery.queries), provider, blobPolicy: blobs.policy };
}

const queriesByName = (queries: readonly DiscoveredQuery[]): Map<string, DesiredSource> =>
  new Map(
    queries
      .map(({ name, file, sourcePath }) => [name, { file, sourcePath }] as const)
      .sort(([a], [b]) => compareUtf8(a, b)),
  );

function resolveProvider(
  reference: string | null,
  where: string,
  config: ClusterConfig,
  diagnostics: Diagnostic[],
): string | null {
  if (reference === null) return null;
  const path = `${where}.embedding_provider`;
  const prefix = providerAddress("");
  const name = reference.startsWith(prefix) ? reference.slice(prefix.length) : reference;
  if (name.includes(".")) {
    diagnostics.push(
      errorAt(
        "wrong_kind_reference",
        path,
        `'${reference}' is not an embedding provider; expected a provider's name or ${prefix}<name>`,
      ),
    );
    return null;
  }
  if (!config.providers.has(name)) {
    diagnostics.push(
      errorAt(
        "dangling_embedding_provider_reference",
        path,
        `embedding provider '${name}' is not declared under providers.embedding`,
      ),
    );
    return null;
  }
  return providerAddress(name);
}

async function loadSchema(
  path: string,
  where: string,
  sources: Sources,
  diagnostics: Diagnostic[],
): Promise<{ readonly schema: DesiredSource | null; readonly catalog: Catalog | null }> {
  const read = await sources.read(path);
  if (!read.ok) {
    diagnostics.push(errorAt("schema_file_missing", where, read.message));
    return { schema: null, catalog: null };
  }
  const schema: DesiredSource = { file: read.file, sourcePath: path };
  try {
    return { schema, catalog: admitSchema(read.file.text, null) };
  } catch (thrown) {
    const isSyntax = thrown instanceof SchemaError && thrown.stage === "parse";
    const code = isSyntax ? "schema_parse_error" : "schema_catalog_error";
    for (const message of messagesOf(thrown)) {
      diagnostics.push(errorAt(code, where, `'${read.file.path}': ${message}`));
    }
    return { schema, catalog: null };
  }
}

async function loadPolicies(
  config: ClusterConfig,
  sources: Sources,
  diagnostics: Diagnostic[],
): Promise<Map<string, DesiredPolicy>> {
  const policies = new Map<string, DesiredPolicy>();
  for (const [name, { file, appliesTo }] of config.policies) {
    const where = `policies.${name}`;
    const fault = nameFault(name);
    if (fault !== null) diagnostics.push(errorAt("invalid_resource_id", where, `policy name ${fault}`));
    const bindings = resolveBindings(name, appliesTo, (graph) => config.graphs.has(graph));
    diagnostics.push(...bindings.diagnostics);
    const read = await sources.read(file);
    if (read.ok) {
      try {
        await validateBundle(read.file.text, bindings.kind);
      } catch (thrown) {
        diagnostics.push(
          errorAt("policy_invalid", `${where}.file`, `'${read.file.path}': ${messageOf(thrown)}`),
        );
      }
    } else {
      diagnostics.push(errorAt("policy_file_missing", `${where}.file`, read.message));
    }
    policies.set(name, {
      name,
      source: read.ok ? { file: read.file, sourcePath: file } : null,
      scopes: bindings.scopes,
    });
  }
  diagnostics.push(...duplicateBindings([...policies.values()]));
  return policies;
}

function summarize(
  providers: Desired["providers"],
  graphs: Desired["graphs"],
  policies: Desired["policies"],
): ResourceSummary[] {
  const resources: ResourceSummary[] = [];
  const addSource = (address: string, kind: ResourceKind, source: DesiredSource | null): void => {
    if (source === null) return;
    resources.push({ address, kind, digest: source.file.digest, path: source.file.path });
  };
  const providerDigests = new Map(
    [...providers].map(([address, profile]) => [address, providerDigest(profile)] as const),
  );
  for (const [address, digest] of providerDigests) {
    resources.push({ address, kind: "embedding_provider", digest });
  }
  for (const graph of graphs.values()) {
    const digest = graphDigest({
      id: graph.id,
      schemaDigest: graph.schema?.file.digest ?? null,
      queries: new Map([...graph.queries].map(([name, { file }]) => [name, file.digest])),
      provider:
        graph.provider === null
          ? null
          : { address: graph.provider, digest: providerDigests.get(graph.provider) ?? null },
      blobPolicy: graph.blobPolicy,
    });
    resources.push({ address: graphAddress(graph.id), kind: "graph", digest });
    addSource(schemaAddress(graph.id), "schema", graph.schema);
    for (const [name, source] of graph.queries) addSource(queryAddress(graph.id, name), "query", source);
  }
  for (const { name, source } of policies.values()) addSource(policyAddress(name), "policy", source);
  return resources.sort((a, b) => compareUtf8(a.address, b.address));
}

function dependenciesOf(graphs: Desired["graphs"], policies: Desired["policies"]): Dependency[] {
  const edges: Dependency[] = [];
  for (const { id, queries, provider } of graphs.values()) {
    const [graph, schema] = [graphAddress(id), schemaAddress(id)];
    edges.push({ from: schema, to: graph });
    if (provider !== null) edges.push({ from: graph, to: provider });
    for (const name of queries.keys()) {
      const query = queryAddress(id, name);
      edges.push({ from: query, to: graph }, { from: query, to: schema });
    }
  }
  const declared = new Set([...graphs.keys()].map(graphAddress));
  for (const { name, scopes } of policies.values()) {
    for (const scope of scopes) {
      if (declared.has(scope)) edges.push({ from: policyAddress(name), to: scope });
    }
  }
  return edges.sort((a, b) => compareUtf8(a.from, b.from) || compareUtf8(a.to, b.to));
}

/** `external_blob_ingress_default_deny`: said by `validate` alone, and only when nothing is wrong. */
export function denyWarnings(desired: Desired, diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  if (!isOk(diagnostics)) return [];
  return [...desired.graphs.values()]
    .filter(({ blobPolicy }) => blobPolicy === null)
    .map(({ id }) => ({
      code: "external_blob_ingress_default_deny",
      severity: "warning",
      path: `graphs.${id}.external_blobs`,
      message: `graph '${id}' accepts no external blob references; references that are stored stay readable`,
    }));
}
