// The few things that the control plane does to graphs. It never reads or writes their rows.

import type { Graph } from "../engine/index.ts";
import type { JsonObject } from "../lib/json.ts";
import type { Ports } from "../lib/ports.ts";
import type { StorageAdapter } from "../storage/index.ts";

/** A graph's place on storage, whether or not anything is there. */
export interface GraphRoot {
  readonly storage: StorageAdapter;
  readonly ports: Ports;
}

export interface LiveGraph {
  readonly schemaDigest: string;
  /** Version of `main`; only grows. */
  readonly manifestVersion: number;
}

export interface Migration {
  readonly supported: boolean;
  readonly steps: readonly JsonObject[];
}

/** Most cluster commands open no graph, and do not wait for what opens one. */
const engine = () => import("../engine/index.ts");

/** The version of `main` in a graph that nobody has written to. */
const GENESIS_VERSION = 1;

async function withGraph<T>({ storage, ports }: GraphRoot, use: (graph: Graph) => Promise<T>): Promise<T> {
  const graph = await (await engine()).openGraph({ storage, ports });
  try {
    return await use(graph);
  } finally {
    await graph.close();
  }
}

/** What `main` looks like now. Throws where the graph does not open. */
export function observeGraph(root: GraphRoot): Promise<LiveGraph> {
  return withGraph(root, async (graph) => {
    const [catalog, snapshot] = await Promise.all([graph.catalog(), graph.snapshot({})]);
    return { schemaDigest: catalog.digest, manifestVersion: snapshot.graph_manifest_version };
  });
}

/** SHA-256 of the live schema's source. Throws where the graph does not open. */
export function liveSchemaDigest(root: GraphRoot): Promise<string> {
  return withGraph(root, async (graph) => (await graph.catalog()).digest);
}

/** True where anything at all stands at the root. Throws where that cannot be learned: a failed probe is never "absent". */
export async function rootExists({ storage }: GraphRoot): Promise<boolean> {
  if (await (await engine()).graphExists(storage)) return true;
  return (await storage.list("", { pageSize: 1 })).objects.length > 0;
}

export interface SchemaIntent {
  readonly source: string;
  /** SHA-256 of the source. */
  readonly digest: string;
  readonly actor: string | null;
}

/**
 * Creates the graph with the declared schema. A graph that stands there already is adopted when an interrupted apply can
 * have left it: an apply that is killed after the graph was created and before the ledger was written leaves a complete
 * graph that no ledger knows, and running apply again must converge without anybody's help.
 *
 * - Its schema is the declared one: it is what this create would make, so it is taken as made.
 * - Its schema is another one and nothing was ever written to it: the schema file was edited between the two runs. There
 *   are no rows that a migration could touch, so the graph is brought to the declared schema.
 * - Anything else holds somebody's data under a schema that nobody declared here: refused, and left as it is.
 *
 * A kill during the creation itself leaves no graph: its last step makes it one, and creating again starts over.
 */
export async function createGraph(root: GraphRoot, { source, digest, actor }: SchemaIntent): Promise<void> {
  const { storage, ports } = root;
  const { graphExists, initGraph } = await engine();
  if (!(await graphExists(storage))) {
    await initGraph({ storage, ports, schemaSource: source });
    return;
  }
  await withGraph(root, async (graph) => {
    const { digest: live } = await graph.catalog();
    if (live === digest) return;
    const { graph_manifest_version: version } = await graph.snapshot({});
    if (version !== GENESIS_VERSION || (await graph.branches()).length > 1) {
      throw new Error(
        `the root already holds a graph, whose schema (${live}) is not the declared one (${digest}); nothing was overwritten. To adopt that graph, declare its own schema (\`omnigraph schema show ${storage.uri}\`) and apply again, or take it in with \`omnigraph cluster refresh\`; otherwise move it away`,
      );
    }
    await migrate(graph, source, actor);
  });
}

/**
 * Brings the live graph to the declared schema; soft drops only. Throws with the engine's words where it refuses. After a
 * kill between this and the ledger the graph is there already, and doing it again changes nothing (live.ts tells of a file
 * that is taken back in between).
 */
export function updateSchema(root: GraphRoot, { source, actor }: SchemaIntent): Promise<void> {
  return withGraph(root, (graph) => migrate(graph, source, actor));
}

async function migrate(graph: Graph, source: string, actor: string | null): Promise<void> {
  const refusal = refusalOf(await previewOn(graph, source));
  if (refusal !== null) throw new Error(refusal);
  const output = await graph.applySchema({ source, allowDataLoss: false, actor });
  if (!output.supported) throw new Error(refusalOf(output) ?? "the schema change is not supported");
}

/** The engine's own plan for a declared source. Throws where the graph does not open or other branches exist. */
export function previewSchema(root: GraphRoot, source: string): Promise<Migration> {
  return withGraph(root, (graph) => previewOn(graph, source));
}

async function previewOn(graph: Graph, source: string): Promise<Migration> {
  const others = (await graph.branches()).filter((name) => name !== "main");
  if (others.length > 0) {
    throw new Error(
      `schema apply requires a graph with only main; found non-main branches: ${others.join(", ")}`,
    );
  }
  const { supported, steps } = await graph.planSchema(source);
  return { supported, steps };
}

function refusalOf({ supported, steps }: Migration): string | null {
  if (supported) return null;
  const reasons = steps
    .filter((step) => step.kind === "unsupported_change")
    .map((step) => `${String(step.entity)}: ${String(step.reason)}`);
  return `the schema change is not supported: ${reasons.join("; ")}`;
}
