// The part of apply that moves graphs: creates, then schema updates, one at a time. The first failure ends it.

import type { StorageAdapter } from "../storage/index.ts";
import { type Address, parseAddress } from "./addresses.ts";
import type { Desired, DesiredSource } from "./desired.ts";
import { type Diagnostic, errorAt, messageOf, warningAt } from "./diagnostics.ts";
import type { GraphFailure, PlannedChange } from "./dispositions.ts";
import { createGraph, type GraphRoot, type SchemaIntent, updateSchema } from "./graphs.ts";
import { graphRootKey } from "./layout.ts";
import type { Session } from "./session.ts";
import type { SourceFile, Sources } from "./sources.ts";

interface GraphOperation {
  readonly change: PlannedChange;
  readonly graph: string;
  readonly failure: Exclude<GraphFailure, "graph_delete_failed">;
  readonly skipped: "graph_create_skipped" | "schema_apply_skipped";
  readonly run: (root: GraphRoot, intent: SchemaIntent) => Promise<void>;
}

/** Carries out the graph operations of a plan; answers the failed and skipped ones by address. */
export async function moveGraphs(
  session: Session,
  storage: StorageAdapter,
  desired: Desired,
  changes: readonly PlannedChange[],
  actor: string | null,
): Promise<ReadonlyMap<string, GraphFailure>> {
  const failures = new Map<string, GraphFailure>();
  for (const operation of operationsOf(changes)) {
    const { change, graph, failure, skipped } = operation;
    if (failures.size > 0) {
      const message = `${change.operation} of ${change.resource} was skipped, because another graph operation failed`;
      session.report(warningAt(skipped, change.resource, message));
      failures.set(change.resource, failure);
      continue;
    }
    const schema = desired.graphs.get(graph)?.schema ?? null;
    const fault = await runOperation(session, storage, operation, schema, actor);
    if (fault === null) continue;
    session.report(fault);
    failures.set(change.resource, failure);
  }
  return failures;
}

function operationsOf(changes: readonly PlannedChange[]): readonly GraphOperation[] {
  const operations = changes.flatMap((change): GraphOperation[] => {
    if (change.disposition.kind !== "applied") return [];
    const address: Address | null = parseAddress(change.resource);
    if (address?.kind === "graph" && change.operation === "create") {
      return [
        {
          change,
          graph: address.graph,
          failure: "graph_create_failed",
          skipped: "graph_create_skipped",
          run: createGraph,
        },
      ];
    }
    if (address?.kind === "schema" && change.operation === "update") {
      return [
        {
          change,
          graph: address.graph,
          failure: "schema_apply_failed",
          skipped: "schema_apply_skipped",
          run: updateSchema,
        },
      ];
    }
    return [];
  });
  // Addresses sort `graph.` before `schema.`, so creates come first.
  return operations;
}

async function runOperation(
  session: Session,
  storage: StorageAdapter,
  { change, graph, failure, run }: GraphOperation,
  schema: DesiredSource | null,
  actor: string | null,
): Promise<Diagnostic | null> {
  if (schema === null) return errorAt(failure, change.resource, "the declared schema is not known");
  const source = await rereadSource(session.sources, schema);
  if (source.kind === "unreadable") return errorAt(failure, change.resource, source.message);
  if (source.kind === "changed") return errorAt("resource_content_changed", change.resource, source.message);
  const root: GraphRoot = { storage: storage.under(graphRootKey(graph)), ports: session.ports };
  try {
    await run(root, { source: source.file.text, digest: source.file.digest, actor });
    return null;
  } catch (thrown) {
    return errorAt(failure, change.resource, `graph '${graph}': ${messageOf(thrown)}`);
  }
}

export type Reread =
  | { readonly kind: "same"; readonly file: SourceFile }
  | { readonly kind: "changed"; readonly message: string }
  | { readonly kind: "unreadable"; readonly message: string };

/** The source as it is now, if it is still what the plan was made from. */
export async function rereadSource(sources: Sources, { file, sourcePath }: DesiredSource): Promise<Reread> {
  const now = await sources.readNow(sourcePath);
  if (!now.ok) return { kind: "unreadable", message: now.message };
  if (now.file.digest === file.digest) return { kind: "same", file: now.file };
  return { kind: "changed", message: `'${file.path}' changed during this run; run apply again` };
}
