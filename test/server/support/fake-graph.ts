// A stand-in for an open graph, for tests of the HTTP surface alone: it answers from a few values, and remembers what
// it was asked. What the engine does with such calls is tested with the engine, and end to end.

import type { Graph, LoadRequest, MutateRequest, QueryRequest } from "../../../src/engine/graph.ts";
import type { CommitOutput, ReadResult } from "../../../src/engine/outputs.ts";
import { badRequest, conflict, notFound } from "../../../src/lib/errors.ts";
import type { Catalog } from "../../../src/schema/catalog.ts";

export interface FakeGraph extends Graph {
  readonly calls: { readonly name: string; readonly argument: unknown }[];
  readonly branchNames: Set<string>;
  readonly commitsById: Map<string, CommitOutput>;
  /** Runs inside mutate and load, before they answer. */
  during: () => Promise<void>;
  exportChunks: () => AsyncIterable<Uint8Array>;
}

export const HEAD_COMMIT = "01K2ZJ6Q3V8E5T0M4RYB7WNXHC";
export const DRAFT_COMMIT = "01K2ZJ7Q3V8E5T0M4RYB7WNXHD";

const commitOutput = (id: string, branch: string | null): CommitOutput => ({
  graph_commit_id: id,
  graph_branch: branch,
  graph_manifest_version: 2,
  parent_commit_id: null,
  merged_parent_commit_id: null,
  actor_id: null,
  created_at: 1_760_000_000_000_000,
  operation: "mutate",
});

export function fakeGraph(uri = "memory://harbor"): FakeGraph {
  const calls: { name: string; argument: unknown }[] = [];
  const branchNames = new Set(["main", "draft-7"]);
  const commitsById = new Map([
    [HEAD_COMMIT, commitOutput(HEAD_COMMIT, null)],
    [DRAFT_COMMIT, commitOutput(DRAFT_COMMIT, "draft-7")],
  ]);
  const told = (name: string, argument: unknown) => calls.push({ name, argument });
  const requireBranch = (name: string) => {
    if (!branchNames.has(name)) throw notFound(`branch '${name}' not found`);
  };
  const never = async (): Promise<never> => {
    throw new Error("the server does not call this");
  };

  const graph: FakeGraph = {
    uri,
    calls,
    branchNames,
    commitsById,
    during: async () => {},
    exportChunks: async function* () {
      yield new TextEncoder().encode('{"type":"Port","data":{"id":"NOBGO"}}\n');
    },
    async query({ signal: _, ...request }: QueryRequest) {
      told("query", request);
      requireBranch(request.branch ?? "main");
      if (request.source.includes("insert")) {
        throw badRequest(
          "query 'q' contains mutations (insert/update/delete); use POST /mutate for write queries",
        );
      }
      return fakeRows(request);
    },
    async mutate(request: MutateRequest) {
      told("mutate", request);
      await graph.during();
      const branch = request.branch ?? "main";
      requireBranch(branch);
      return {
        branch,
        query_name: request.name ?? "m",
        affected_nodes: 1,
        affected_edges: 0,
        actor_id: request.actor,
        commit: { ...commitOutput(HEAD_COMMIT, null), actor_id: request.actor },
      };
    },
    async load(request: LoadRequest) {
      let bytes = 0;
      for await (const chunk of request.data()) bytes += chunk.length;
      told("load", { ...request, data: bytes });
      await graph.during();
      const branch = request.branch ?? "main";
      const created = !branchNames.has(branch);
      branchNames.add(branch);
      return {
        branch,
        base_branch: request.from ?? null,
        branch_created: created,
        mode: request.mode,
        nodes: [],
        edges: [],
        total_entities: 0,
        actor_id: request.actor,
        commit: commitOutput(HEAD_COMMIT, null),
      };
    },
    async export(request) {
      told("export", request);
      requireBranch(request.branch ?? "main");
      for (const type of request.typeNames ?? []) {
        if (type !== "Port") throw badRequest(`unknown export type '${type}'`);
      }
      return graph.exportChunks();
    },
    async snapshot({ branch = "main" }) {
      told("snapshot", branch);
      requireBranch(branch);
      return {
        graph_branch: branch,
        graph_manifest_version: 2,
        internal_schema_version: 1,
        datasets: [],
        graph_commit_id: HEAD_COMMIT,
      };
    },
    openBlob: never,
    commitChanges: never,
    pollChanges: never,
    captureBaseline: never,
    catalog: async () => ({ source: "node Port {\n  code: String @key\n}\n" }) as Catalog,
    planSchema: never,
    applySchema: never,
    prepare: never,
    branches: async () => [...branchNames].sort(),
    branchExists: async (name) => {
      told("branchExists", name);
      return branchNames.has(name);
    },
    async createBranch({ name, from = "main", actor }) {
      told("createBranch", { name, from, actor });
      requireBranch(from);
      if (branchNames.has(name)) throw conflict(`branch '${name}' already exists`);
      branchNames.add(name);
      return { uri, from, name, actor_id: actor };
    },
    async deleteBranch({ name, actor }) {
      told("deleteBranch", { name, actor });
      requireBranch(name);
      branchNames.delete(name);
      return { uri, name, actor_id: actor };
    },
    async merge({ source, target = "main", deleteBranch, actor }) {
      told("merge", { source, target, deleteBranch, actor });
      requireBranch(source);
      const merged = { source, target, outcome: "fast_forward" as const, actor_id: actor };
      if (deleteBranch !== true) return merged;
      branchNames.delete(source);
      return { ...merged, branch_deleted: true };
    },
    commits: never,
    async commitPage({ branch = "main", ...page }) {
      told("commitPage", { branch, ...page });
      requireBranch(branch);
      const commits = [...commitsById.values()];
      return { commits: commits.filter((commit) => (commit.graph_branch ?? "main") === branch) };
    },
    async commit(id) {
      told("commit", id);
      const found = commitsById.get(id);
      if (found === undefined) throw notFound(`commit '${id}' not found`);
      return found;
    },
    close: async () => {},
  };
  return graph;
}

function fakeRows({ name, branch, snapshot }: QueryRequest): ReadResult {
  return {
    queryName: name ?? "q",
    target:
      snapshot === undefined ? { branch: branch ?? "main", snapshot: null } : { branch: null, snapshot },
    columns: ["v.name", "v.tonnage"],
    rowCount: 1,
    graphCommitId: HEAD_COMMIT,
    // More digits than a double holds, so that a server which parses and prints again is found out.
    rowsJson: () => '[{"v.name":"Aurora","v.tonnage":9007199254740993}]',
    rows: () => [{ "v.name": "Aurora", "v.tonnage": 9007199254740993n }],
  };
}
