// The serving snapshot: what a server serves, read once from the applied revision and never from the declared one. Every
// byte is checked against the digest that the ledger recorded for it.

import type { EmbeddingProfile } from "../embedding/index.ts";
import { OmnigraphError } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import { decodeUtf8 } from "../lib/utf8.ts";
import type { StorageAdapter } from "../storage/index.ts";
import { CLUSTER_SCOPE, graphAddress, parseAddress } from "./addresses.ts";
import { bindFaults } from "./bind-check.ts";
import { blobKey, readBlob } from "./catalog.ts";
import { type Diagnostic, errorAt, warningAt } from "./diagnostics.ts";
import { byKey, providerDigest } from "./digests.ts";
import type { ExternalBlobPolicy } from "./external-blobs.ts";
import { graphRootKey } from "./layout.ts";
import { type Ledger, type LedgerResource, ledgerGraphs } from "./ledger.ts";
import { readLedger } from "./ledger-store.ts";
import { readSidecars } from "./recovery-files.ts";
import { resolveClusterStorage, stateMissing } from "./resolve.ts";
import type { ClusterOptions } from "./session.ts";
import { windowed } from "./windowed.ts";

export interface ServingQuery {
  readonly name: string;
  /** The whole file: it may declare other queries, too. */
  readonly source: string;
}

export interface ServingGraph {
  readonly id: string;
  /** `<root>/graphs/<id>.omni`, as shown to people and as `openStorage` takes it. */
  readonly rootUri: string;
  /** By name. */
  readonly queries: readonly ServingQuery[];
  /** Null: the graph embeds with what the environment says. */
  readonly embedding: EmbeddingProfile | null;
  /** Null: external blobs are denied. */
  readonly externalBlobs: ExternalBlobPolicy | null;
}

export interface ServingPolicy {
  readonly name: string;
  /** The bundle itself, never a path to it. */
  readonly content: string;
  /** `cluster` or addresses of graphs (`graph.<id>`), graphs that are not served included. */
  readonly appliesTo: readonly string[];
}

export interface ServingSnapshot {
  readonly rootUri: string;
  /** Healthy graphs, by id. */
  readonly graphs: readonly ServingGraph[];
  /** Bundles with at least one scope that is served, by name. */
  readonly policies: readonly ServingPolicy[];
  /** A bundle is applied, be it only to graphs that are not served: losing a graph never opens a server. */
  readonly hasPolicy: boolean;
  /** Graphs that are left out, one warning each. */
  readonly quarantined: readonly { readonly graphId: string; readonly diagnostic: Diagnostic }[];
}

export type ServingRead =
  | { readonly ok: true; readonly snapshot: ServingSnapshot }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** The text of a cluster that cannot be served: every reason on a line of its own. */
export function notReadyText(value: string, diagnostics: readonly Diagnostic[]): string {
  const lines = diagnostics.map(({ code, path, message }) => `  [${code}] ${path}: ${message}`);
  return [`the cluster at '${value}' is not ready to serve:`, ...lines].join("\n");
}

/** Reads what a `--cluster` value serves. Takes no lock, writes nothing, and reports every reason not to serve at once. */
export async function readServingSnapshot(
  value: string,
  ports: Ports,
  open?: ClusterOptions["openStorage"],
): Promise<ServingRead> {
  const cluster = await resolveClusterStorage(value, ports, open);
  if (!cluster.ok) return { ok: false, diagnostics: [cluster.diagnostic] };
  const { storage } = cluster;
  // Sidecars before the ledger: an operation that finishes in between is seen as unfinished, never the other way round.
  const sidecars = await readSidecars(storage, "error");
  const faults: Diagnostic[] = [...sidecars.diagnostics];
  const pending = new Set<string>();
  for (const { key, graphId } of sidecars.files) {
    if (graphId.trim() === "") {
      faults.push(
        errorAt("cluster_recovery_unattributed", key, `'${key}' does not say which graph it is about`),
      );
    } else pending.add(graphId);
  }
  const read = await readLedger(storage);
  if (read.kind === "missing") faults.push(stateMissing(value));
  if (read.kind === "broken") faults.push(read.diagnostic);
  if (read.kind !== "present") return { ok: false, diagnostics: faults };
  const reader = new SnapshotReader(storage, read.ledger, pending, faults);
  const snapshot = await reader.read();
  return faults.length > 0 ? { ok: false, diagnostics: faults } : { ok: true, snapshot };
}

class SnapshotReader {
  private readonly healthy: readonly string[];
  private readonly all: readonly string[];

  constructor(
    private readonly storage: StorageAdapter,
    private readonly ledger: Ledger,
    pending: ReadonlySet<string>,
    private readonly faults: Diagnostic[],
  ) {
    this.all = ledgerGraphs(ledger.resources);
    this.healthy = this.all.filter((id) => !pending.has(id));
  }

  async read(): Promise<ServingSnapshot> {
    this.faults.push(...bindFaults(this.ledger));
    if (this.all.length === 0) {
      this.fault(
        "cluster_empty",
        "graphs",
        "no graph is applied; declare one and run `omnigraph cluster apply`",
      );
    } else if (this.healthy.length === 0) {
      this.fault(
        "cluster_no_healthy_graphs",
        "graphs",
        "every applied graph waits for recovery; run `omnigraph cluster apply`",
      );
    }
    const graphs: ServingGraph[] = [];
    for (const id of this.healthy) graphs.push(await this.graph(id));
    const policies = await this.policies();
    return {
      rootUri: this.storage.uri,
      graphs,
      policies,
      hasPolicy: this.entries("policy").length > 0,
      quarantined: this.all
        .filter((id) => !this.healthy.includes(id))
        .map((graphId) => ({ graphId, diagnostic: recoveryQuarantine(graphId) })),
    };
  }

  private fault(code: string, path: string, message: string): void {
    this.faults.push(errorAt(code, path, message));
  }

  private entries(kind: "policy" | "query"): readonly (readonly [string, LedgerResource])[] {
    return byKey(this.ledger.resources).filter(([address]) => parseAddress(address)?.kind === kind);
  }

  private async graph(id: string): Promise<ServingGraph> {
    const entries = this.entries("query").flatMap(([address, { digest }]) => {
      const parsed = parseAddress(address);
      return parsed?.kind === "query" && parsed.graph === id ? [{ name: parsed.name, address, digest }] : [];
    });
    const queries = await windowed(entries, async ({ name, address, digest }): Promise<ServingQuery[]> => {
      const source = await this.blob(address, digest);
      return source === null ? [] : [{ name, source }];
    });
    const entry = this.ledger.resources.get(graphAddress(id));
    const provider = entry?.embeddingProvider ?? null;
    return {
      id,
      rootUri: `${this.storage.uri}/${graphRootKey(id)}`,
      queries: queries.flat(),
      embedding: provider === null ? null : this.profile(id, provider),
      externalBlobs: entry?.externalBlobPolicy ?? null,
    };
  }

  private profile(graph: string, provider: string): EmbeddingProfile | null {
    const remedy = "run `omnigraph cluster apply`";
    if (parseAddress(provider)?.kind !== "embedding_provider") {
      this.fault(
        "wrong_kind_reference",
        graphAddress(graph),
        `graph '${graph}' is bound to '${provider}', which is no embedding provider; ${remedy}`,
      );
      return null;
    }
    const entry = this.ledger.resources.get(provider);
    if (entry?.embeddingProfile === undefined) {
      this.fault("embedding_provider_profile_missing", provider, `its profile is not recorded; ${remedy}`);
      this.fault(
        "embedding_provider_missing",
        graphAddress(graph),
        `graph '${graph}' uses '${provider}', which has no recorded profile; ${remedy}`,
      );
      return null;
    }
    if (providerDigest(entry.embeddingProfile) !== entry.digest) {
      this.fault(
        "embedding_provider_digest_mismatch",
        provider,
        `the recorded profile does not match its digest; ${remedy}`,
      );
    }
    return entry.embeddingProfile;
  }

  private async policies(): Promise<ServingPolicy[]> {
    const scopes = new Set([CLUSTER_SCOPE, ...this.healthy.map(graphAddress)]);
    const policies: ServingPolicy[] = [];
    for (const [address, { digest, appliesTo }] of this.entries("policy")) {
      if (appliesTo === undefined) {
        this.fault(
          "policy_bindings_missing",
          address,
          "the ledger does not record what this policy applies to; run `omnigraph cluster apply`",
        );
        continue;
      }
      if (!appliesTo.some((scope) => scopes.has(scope)) && appliesTo.every(isScope)) continue;
      const content = await this.blob(address, digest);
      const parsed = parseAddress(address);
      if (content !== null && parsed?.kind === "policy") {
        policies.push({ name: parsed.name, content, appliesTo });
      }
    }
    return policies;
  }

  /** The file of a query or policy, or null with a fault. */
  private async blob(address: string, digest: string): Promise<string | null> {
    const key = blobKey(address, digest);
    if (key === null) return null;
    const blob = await readBlob(this.storage, key, digest);
    const remedy = "run `omnigraph cluster refresh`, then `omnigraph cluster apply`, and restart the server";
    switch (blob.kind) {
      case "ok":
        return decodeUtf8(blob.bytes);
      case "missing":
        this.fault("catalog_payload_missing", address, `'${key}' is missing; ${remedy}`);
        return null;
      case "unreadable":
        this.fault("catalog_payload_missing", address, `cannot read '${key}': ${blob.message}; ${remedy}`);
        return null;
      case "mismatch":
        this.fault(
          "catalog_payload_digest_mismatch",
          address,
          `'${key}' has other bytes (their digest is ${blob.actual}); ${remedy}`,
        );
        return null;
    }
  }
}

const isScope = (scope: string): boolean => scope === CLUSTER_SCOPE || parseAddress(scope)?.kind === "graph";

const recoveryQuarantine = (graph: string): Diagnostic =>
  warningAt(
    "cluster_recovery_pending",
    graphAddress(graph),
    `an operation on graph '${graph}' was not finished; run \`omnigraph cluster apply\` and restart the server`,
  );

/** Which bundle decides for which scope. */
export interface PolicyBindings {
  readonly server: ServingPolicy | null;
  /** By graph id; healthy graphs only where the snapshot has only those. */
  readonly graphs: ReadonlyMap<string, ServingPolicy>;
}

/** Resolves the bindings of a snapshot. Throws where two bundles bind one scope, or a binding is no scope at all. */
export function bindPolicies(policies: readonly ServingPolicy[]): PolicyBindings {
  const owners = new Map<string, ServingPolicy>();
  for (const policy of policies) {
    for (const scope of policy.appliesTo) {
      if (!isScope(scope)) {
        throw new OmnigraphError(
          "internal",
          `policy bundle '${policy.name}' is bound to '${scope}'; expected cluster or graph.<id>`,
        );
      }
      const owner = owners.get(scope);
      if (owner !== undefined && owner !== policy) {
        throw new OmnigraphError(
          "internal",
          `multiple policy bundles bind '${scope}': '${owner.name}' and '${policy.name}'; there must be one bundle per scope`,
        );
      }
      owners.set(scope, policy);
    }
  }
  const graphs = new Map<string, ServingPolicy>();
  for (const [scope, policy] of owners) {
    const parsed = parseAddress(scope);
    if (parsed?.kind === "graph") graphs.set(parsed.graph, policy);
  }
  return { server: owners.get(CLUSTER_SCOPE) ?? null, graphs };
}
