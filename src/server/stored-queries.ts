// The stored queries of one graph, as the applied revision holds them: parsed at boot, checked against the live
// schema, kept with the catalog entry that clients see.

import type { Graph } from "../engine/graph.ts";
import { badRequest, toOmnigraphError } from "../lib/errors.ts";
import { toldProblems } from "../lib/problems.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import {
  type CatalogEntry,
  catalogEntry,
  catalogWarnings,
  parseQueries,
  selectQuery,
} from "../query/index.ts";

export interface StoredQuery {
  readonly name: string;
  readonly source: string;
  readonly mutation: boolean;
  readonly entry: CatalogEntry;
  /** What an operator should know about it; it is served all the same. */
  readonly advisories: readonly string[];
}

/** Parses every source, by name; throws with a line for each thing that does not parse. */
export function parseStoredQueries(sources: ReadonlyMap<string, string>): ReadonlyMap<string, StoredQuery> {
  const faults: string[] = [];
  const parsed = new Map<string, StoredQuery>();
  for (const [name, source] of [...sources].sort(([a], [b]) => compareUtf8(a, b))) {
    try {
      const declaration = selectQuery(parseQueries(source), name);
      parsed.set(name, {
        name,
        source,
        mutation: declaration.kind === "mutation",
        entry: catalogEntry(declaration),
        advisories: catalogWarnings(declaration),
      });
    } catch (error) {
      faults.push(...faultLines(name, error));
    }
  }
  if (faults.length > 0) throw badRequest(faults.join("\n"));
  return parsed;
}

/** Checks every query against the graph's live schema; throws with a line for each thing that does not fit. */
export async function checkStoredQueries(
  graphId: string,
  graph: Graph,
  queries: ReadonlyMap<string, StoredQuery>,
): Promise<void> {
  const faults: string[] = [];
  let failed = 0;
  for (const { name, source } of queries.values()) {
    try {
      await graph.prepare(source, name);
    } catch (error) {
      failed++;
      faults.push(...faultLines(name, error));
    }
  }
  if (failed === 0) return;
  const count = failed === 1 ? "1 stored query" : `${failed} stored queries`;
  throw badRequest([`graph '${graphId}': ${count} failed the schema check:`, ...faults].join("\n"));
}

function faultLines(name: string, thrown: unknown): string[] {
  return toldProblems(toOmnigraphError(thrown)).map(({ text }) => `query '${name}': ${text}`);
}
