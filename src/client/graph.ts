// One graph of a server: the engine's calls as requests.

import type {
  BlobRange,
  BlobSelector,
  BlobStat,
  ExportRequest,
  Graph,
  MutateRequest,
  QueryRequest,
} from "../engine/graph.ts";
import type {
  BranchCreateOutput,
  BranchDeleteOutput,
  BranchMergeOutput,
  CommitListOutput,
  CommitOutput,
  MutationOutput,
  PlanOutput,
  ReadResult,
  ReadTarget,
  SchemaApplyOutput,
  SnapshotOutput,
} from "../engine/outputs.ts";
import { OmnigraphError } from "../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, stringifyJson } from "../lib/json.ts";
import { readBlob, statBlob } from "./blob.ts";
import { changeCalls } from "./changes.ts";
import { type Connection, type Request, requestJson, requestStream } from "./connection.ts";
import { loadCall } from "./load.ts";

/** A stored query and what it is asked with. */
export interface StoredInvocation {
  readonly name: string;
  readonly params?: JsonValue;
  readonly branch?: string;
  readonly snapshot?: string;
}

type SharedCalls = Pick<
  Graph,
  | "query"
  | "mutate"
  | "load"
  | "export"
  | "snapshot"
  | "branches"
  | "createBranch"
  | "deleteBranch"
  | "merge"
  | "commitPage"
  | "commit"
  | "commitChanges"
  | "pollChanges"
  | "captureBaseline"
  | "applySchema"
>;

/** A graph behind HTTP. The actor of a write is whoever the token belongs to; an `actor` given here is not sent. */
export interface RemoteGraph extends SharedCalls {
  readonly uri: string;
  /** At the head of `main`, or as a commit has it. */
  schemaSource(snapshot?: string): Promise<string>;
  statBlob(selector: BlobSelector): Promise<BlobStat>;
  /** The bytes of a managed Blob, or of a range of it; an external one is refused with where it is. */
  readBlob(selector: BlobSelector, range?: BlobRange): Promise<AsyncIterable<Uint8Array>>;
  invokeRead(invocation: StoredInvocation & Pick<QueryRequest, "explain">): Promise<ReadResult>;
  invokeMutation(invocation: StoredInvocation & { readonly ifCommit?: string }): Promise<MutationOutput>;
}

/** The graph of that id; null for a server whose base URL is one graph. */
export function remoteGraph(connection: Connection, graphId: string | null): RemoteGraph {
  const prefix = graphId === null ? [] : ["graphs", graphId];
  const at = (request: Request): Request => ({ ...request, path: [...prefix, ...request.path] });
  const get = (path: readonly string[], search?: Request["search"]) =>
    requestJson(connection, at({ method: "GET", path, search }));
  const post = (path: readonly string[], json: JsonObject, headers?: Request["headers"]) =>
    requestJson(connection, at({ method: "POST", path, json, headers }));

  return {
    uri: graphId === null ? connection.base : `${connection.base}/graphs/${encodeURIComponent(graphId)}`,

    query: async (request: QueryRequest) => {
      const { source, name, params, branch, snapshot, explain } = request;
      const body = present({ query: source, name, params, branch, snapshot, explain });
      return readResult(await post(["query"], body));
    },

    mutate: async (request: MutateRequest) => {
      const { source, name, params, branch, ifCommit } = request;
      const body = present({ query: source, name, params, branch });
      return as<MutationOutput>(await post(conditional(["mutate"], ifCommit), body, condition(ifCommit)));
    },

    invokeRead: async ({ name, params, branch, snapshot, explain }) => {
      const body = present({ params, branch, snapshot, expect_mutation: false, explain });
      return readResult(await post(["queries", name], body));
    },

    invokeMutation: async ({ name, params, branch, ifCommit }) => {
      const body = present({ params, branch, expect_mutation: true });
      return as<MutationOutput>(
        await post(conditional(["queries", name], ifCommit), body, condition(ifCommit)),
      );
    },

    load: loadCall(connection, prefix),

    export: ({ branch, snapshot, typeNames }: ExportRequest) =>
      requestStream(
        connection,
        at({
          method: "POST",
          path: ["export"],
          json: present({ branch, snapshot, type_names: typeNames?.length === 0 ? undefined : typeNames }),
        }),
      ),

    snapshot: async ({ branch, snapshot }) =>
      as<SnapshotOutput>(await get(["snapshot"], { branch, snapshot })),
    statBlob: (selector) => statBlob(connection, [...prefix, "blob"], selector),
    readBlob: (selector, range) => readBlob(connection, [...prefix, "blob"], selector, range),
    schemaSource: async (snapshot) => textMember(await get(["schema"], { snapshot }), "schema_source"),
    applySchema: async ({ source, allowDataLoss }) =>
      as<SchemaApplyOutput>(
        await post(["schema", "apply"], { schema_source: source, allow_data_loss: allowDataLoss === true }),
      ),

    branches: async () => listMember(await get(["branches"]), "branches") as readonly string[],
    createBranch: async ({ name, from }) =>
      as<BranchCreateOutput>(await post(["branches"], present({ name, from }))),
    deleteBranch: async ({ name }) =>
      as<BranchDeleteOutput>(
        await requestJson(connection, at({ method: "DELETE", path: ["branches", name] })),
      ),
    merge: async ({ source, target, deleteBranch }) =>
      as<BranchMergeOutput>(
        await post(["branches", "merge"], present({ source, target, delete_branch: deleteBranch })),
      ),

    commitPage: async ({ branch, limit, cursor }) => {
      const body = await get(["commits"], { branch, limit: limit?.toString(), cursor });
      listMember(body, "commits");
      return as<CommitListOutput>(body);
    },
    commit: async (id) => as<CommitOutput>(await get(["commits", id])),
    ...changeCalls(connection, prefix),
  };
}

/** A conditional write goes to a route of its own, which a server without the capability answers with 404. */
const conditional = (path: readonly string[], ifCommit: string | undefined): readonly string[] =>
  ifCommit === undefined ? path : [...path, "if-graph-commit"];

const condition = (ifCommit: string | undefined): Request["headers"] =>
  ifCommit === undefined ? {} : { "Omnigraph-If-Graph-Commit": ifCommit };

/** The members that have a value. */
function present(members: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(members).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  );
}

/** The server's answers have the shapes of the engine's: one definition for both ends of the wire. */
function as<T>(body: JsonObject): T {
  return body as unknown as T;
}

function textMember(body: JsonObject, key: string): string {
  const value = body[key];
  if (typeof value !== "string") throw missingMember(key);
  return value;
}

function listMember(body: JsonObject, key: string): readonly JsonValue[] {
  const value = body[key];
  if (!Array.isArray(value)) throw missingMember(key);
  return value;
}

const missingMember = (key: string) =>
  new OmnigraphError("internal", `the server's answer lacks '${key}'; is this an omnigraph server?`);

function readResult(body: JsonObject): ReadResult {
  const rows = listMember(body, "rows").map((row) => (isJsonObject(row) ? row : { value: row }));
  const target = isJsonObject(body.target) ? (body.target as unknown as ReadTarget) : null;
  return {
    queryName: textMember(body, "query_name"),
    target: target ?? { branch: null, snapshot: null },
    columns: Array.isArray(body.columns) ? (body.columns as readonly string[]) : [],
    rowCount: rows.length,
    graphCommitId: typeof body.graph_commit_id === "string" ? body.graph_commit_id : null,
    rowsJson: () => stringifyJson(rows),
    rows: () => rows,
    ...(isJsonObject(body.plan) ? { plan: as<PlanOutput>(body.plan) } : {}),
  };
}
