// Addresses name the resources of a cluster: in dependencies, in plans and as the keys of the ledger.

export type ResourceKind = "graph" | "schema" | "query" | "policy" | "embedding_provider";

export type Address =
  | { readonly kind: "graph"; readonly graph: string }
  | { readonly kind: "schema"; readonly graph: string }
  | { readonly kind: "query"; readonly graph: string; readonly name: string }
  | { readonly kind: "policy"; readonly name: string }
  | { readonly kind: "embedding_provider"; readonly name: string };

const PROVIDER_PREFIX = "provider.embedding.";

export const graphAddress = (graph: string): string => `graph.${graph}`;
export const schemaAddress = (graph: string): string => `schema.${graph}`;
export const queryAddress = (graph: string, name: string): string => `query.${graph}.${name}`;
export const policyAddress = (name: string): string => `policy.${name}`;
export const providerAddress = (name: string): string => PROVIDER_PREFIX + name;

/** The scope that a server-wide policy binds; every other binding is the address of a graph. */
export const CLUSTER_SCOPE = "cluster";

/** What an address names, or null where it is none: names have no dots, so the parts are plain. */
export function parseAddress(address: string): Address | null {
  const parts = address.split(".");
  if (parts.some((part) => part === "")) return null;
  const [kind, first, second] = parts;
  switch (kind) {
    case "graph":
    case "schema":
      return parts.length === 2 ? { kind, graph: first } : null;
    case "query":
      return parts.length === 3 ? { kind, graph: first, name: second } : null;
    case "policy":
      return parts.length === 2 ? { kind, name: first } : null;
    case "provider":
      return parts.length === 3 && first === "embedding"
        ? { kind: "embedding_provider", name: second }
        : null;
    default:
      return null;
  }
}

/** The graph that an address belongs to, for graphs, schemas and queries. */
export function graphOf(address: string): string | null {
  const parsed = parseAddress(address);
  return parsed !== null && "graph" in parsed ? parsed.graph : null;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const GRAPH_ID = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
/** Words that the server's routes need for themselves. */
const RESERVED_GRAPH_IDS: readonly string[] = ["policies", "healthz", "openapi", "graphs"];

/** What is wrong with the name of a query, policy or provider; null where nothing is. */
export function nameFault(name: string): string | null {
  return NAME.test(name)
    ? null
    : `'${name}' must start with a letter or '_' and hold only letters, digits, '_' and '-'`;
}

/** What is wrong with a graph id; null where the server can route it. */
export function graphIdFault(id: string): string | null {
  if (RESERVED_GRAPH_IDS.includes(id)) return `'${id}' is a reserved word of the server's routes`;
  return GRAPH_ID.test(id)
    ? null
    : `graph id '${id}' must start with a letter, hold only letters, digits, '_' and '-', and have at most 64 characters`;
}
