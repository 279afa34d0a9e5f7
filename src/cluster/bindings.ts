// What a policy bundle is bound to: `applies_to` as declared -> scopes, and the rules between bundles.

import { compareUtf8 } from "../lib/utf8.ts";
import type { PolicyKind } from "../policy/index.ts";
import { CLUSTER_SCOPE, graphAddress } from "./addresses.ts";
import { type Diagnostic, errorAt } from "./diagnostics.ts";

export interface Bindings {
  /** `cluster` or graph addresses, sorted, each once. */
  readonly scopes: readonly string[];
  /** What kind of bundle the scopes make it; null where they are mixed or none. */
  readonly kind: PolicyKind | null;
  readonly diagnostics: readonly Diagnostic[];
}

const GRAPH_PREFIX = "graph.";

/** Resolves one policy's `applies_to` against the declared graphs. */
export function resolveBindings(
  policy: string,
  appliesTo: readonly string[],
  isDeclared: (graph: string) => boolean,
): Bindings {
  const where = `policies.${policy}.applies_to`;
  const diagnostics: Diagnostic[] = [];
  const scopes = new Set<string>();
  let kinds = 0;
  if (appliesTo.length === 0) {
    diagnostics.push(
      errorAt(
        "policy_missing_applies_to",
        where,
        `policy '${policy}' must apply to at least one scope: cluster, or a graph id`,
      ),
    );
  }
  for (const [i, entry] of appliesTo.entries()) {
    const graph = entry.startsWith(GRAPH_PREFIX) ? entry.slice(GRAPH_PREFIX.length) : entry;
    if (entry === CLUSTER_SCOPE) {
      scopes.add(CLUSTER_SCOPE);
      kinds |= 1;
    } else if (graph.includes(".")) {
      diagnostics.push(
        errorAt(
          "wrong_kind_reference",
          `${where}[${i}]`,
          `'${entry}' is not a policy scope; expected cluster, graph.<id> or a graph id`,
        ),
      );
    } else {
      kinds |= 2;
      scopes.add(graphAddress(graph));
      if (!isDeclared(graph)) {
        diagnostics.push(
          errorAt("dangling_graph_reference", `${where}[${i}]`, `graph '${graph}' is not declared`),
        );
      }
    }
  }
  if (kinds === 3) {
    diagnostics.push(
      errorAt(
        "policy_mixed_binding_kinds",
        where,
        `policy '${policy}' applies to cluster and to graphs; a bundle binds one or the other`,
      ),
    );
  }
  return {
    scopes: [...scopes].sort(compareUtf8),
    kind: kinds === 1 ? "server" : kinds === 2 ? "graph" : null,
    diagnostics,
  };
}

/** One diagnostic for each scope that a later bundle claims again; `policies` in the order in which they are judged. */
export function duplicateBindings(
  policies: readonly { readonly name: string; readonly scopes: readonly string[] }[],
): Diagnostic[] {
  const owners = new Map<string, string>();
  return policies.flatMap(({ name, scopes }) =>
    scopes.flatMap((scope) => {
      const owner = owners.get(scope);
      if (owner === undefined) {
        owners.set(scope, name);
        return [];
      }
      return [
        errorAt(
          "duplicate_policy_binding",
          `policies.${name}.applies_to`,
          `policies '${owner}' and '${name}' both bind '${scope}'; a scope has at most one bundle`,
        ),
      ];
    }),
  );
}
