// Reads whose source comes with the request: POST query, and its deprecated spelling POST read.

import type { ReadResult } from "../../engine/outputs.ts";
import { badRequest } from "../../lib/errors.ts";
import {
  type GraphCall,
  graphRoute,
  jsonTextResponse,
  type QueryShapes,
  readBody,
  requireAllowed,
} from "../route.ts";
import { anyObject, flag, object, omittable, optional, text, worded } from "../schema-kit.ts";
import { LegacyReadOutput, ReadOutput } from "../shapes.ts";
import { readTarget } from "./targets.ts";

export const paramsShape = worded(
  optional(anyObject("Values by declared parameter name.")),
  "params must be a JSON object",
);

export const explainShape = omittable(flag("Tell in `plan`, beside the rows, how they were found."));

const QueryRequest = object("QueryRequest", {
  query: text("Source of one or more named queries."),
  name: optional(text("Which query; needed where the source has several.")),
  params: paramsShape,
  branch: optional(text("Default `main`.")),
  snapshot: optional(text("Commit id to read at; not together with `branch`.")),
  explain: explainShape,
});

const ReadRequest = object("ReadRequest", {
  query_source: text("Source of one or more named queries."),
  query_name: optional(text("Which query; needed where the source has several.")),
  params: paramsShape,
  branch: optional(text("Default `main`.")),
  snapshot: optional(text("Commit id to read at; not together with `branch`.")),
});

const readFailures = [400, 401, 403, 404, 410] as const;

export const queryRoutes = [
  graphRoute(
    {
      method: "POST",
      path: "/query",
      operationId: "query",
      tag: "queries",
      summary: "Run a read query",
      action: "read",
      body: { kind: "json", shape: QueryRequest },
      answer: { kind: "json", shape: ReadOutput },
      failures: readFailures,
    },
    async (call) => {
      const { query: source, ...rest } = await readBody(call);
      return readAnswer(await runRead(call, { source, ...rest }));
    },
  ),
  graphRoute(
    {
      method: "POST",
      path: "/read",
      operationId: "read",
      tag: "queries",
      summary: "Run a read query (older spelling)",
      successor: "query",
      action: "read",
      body: { kind: "json", shape: ReadRequest },
      answer: { kind: "json", shape: LegacyReadOutput },
      failures: readFailures,
    },
    async (call) => {
      const { query_source: source, query_name: name, ...rest } = await readBody(call);
      return legacyReadAnswer(await runRead(call, { source, name, ...rest }));
    },
  ),
];

interface ReadInput {
  readonly source: string;
  readonly name: string | undefined;
  readonly params: Parameters<GraphCall["served"]["graph"]["query"]>[0]["params"];
  readonly branch: string | undefined;
  readonly snapshot: string | undefined;
  readonly explain?: boolean | undefined;
}

/** Judges a read as `read`, whichever route it came by, and runs it. */
export async function runRead<Q extends QueryShapes, B>(
  call: GraphCall<Q, B>,
  { source, name, params, branch, snapshot, explain }: ReadInput,
): Promise<ReadResult> {
  const target = await readTarget(call.served, { branch, snapshot });
  requireAllowed(call, { action: "read", branch: target.branch });
  if (source.trim() === "") throw badRequest("the query source is empty");
  return await call.served.graph.query({
    source,
    name,
    params,
    signal: call.request.signal,
    explain,
    ...target.selector,
  });
}

/** The rows are text already: the envelope is written around them. */
export function readAnswer(result: ReadResult): Response {
  const head = result.graphCommitId;
  const commit = head === null ? "" : `,"graph_commit_id":${JSON.stringify(head)}`;
  const plan = result.plan === undefined ? "" : `,"plan":${JSON.stringify(result.plan)}`;
  return jsonTextResponse(`${readMembersText(result)}${commit}${plan}}`);
}

const legacyReadAnswer = (result: ReadResult) => jsonTextResponse(`${readMembersText(result)}}`);

function readMembersText(result: ReadResult): string {
  const { queryName, target, rowCount, columns } = result;
  const name = JSON.stringify(queryName);
  const where = `{"branch":${JSON.stringify(target.branch)},"snapshot":${JSON.stringify(target.snapshot)}}`;
  const names = columns.length === 0 ? "" : `"columns":${JSON.stringify(columns)},`;
  return `{"query_name":${name},"target":${where},"row_count":${rowCount},${names}"rows":${result.rowsJson()}`;
}
