// Queries that the cluster keeps under a name: their catalog, and running one. Who may not invoke learns nothing
// about which names exist.

import { badRequest, notFound } from "../../lib/errors.ts";
import { declaredLength } from "../body.ts";
import { MAIN_BRANCH } from "../names.ts";
import {
  decisionFor,
  type GraphCall,
  graphRoute,
  jsonResponse,
  pathParameter,
  type QueryShapes,
  readBody,
  requireAllowed,
} from "../route.ts";
import {
  flag,
  type Infer,
  integer,
  list,
  named,
  object,
  omittable,
  oneOf,
  optional,
  text,
} from "../schema-kit.ts";
import { ChangeOutput, InvokeStoredQueryResponse } from "../shapes.ts";
import type { StoredQuery } from "../stored-queries.ts";
import { runMutation } from "./mutations.ts";
import { preconditionHeader, refusePrecondition, requiredPrecondition } from "./precondition.ts";
import { explainShape, paramsShape, readAnswer, runRead } from "./queries.ts";

const paramKind = named(
  "ParamKind",
  oneOf(["string", "bool", "int", "bigint", "float", "date", "datetime", "blob", "vector", "list"]),
);

const QueriesCatalogOutput = object("QueriesCatalogOutput", {
  queries: list(
    object("QueryCatalogEntry", {
      name: text("Registry key and path segment."),
      tool_name: text(),
      description: omittable(text()),
      instruction: omittable(text()),
      mutation: flag(),
      params: list(
        object("ParamDescriptor", {
          name: text(),
          kind: paramKind,
          item_kind: omittable(paramKind),
          vector_dim: omittable(integer()),
          nullable: flag(),
        }),
      ),
    }),
    "Sorted by name.",
  ),
});

const InvokeStoredQueryRequest = object("InvokeStoredQueryRequest", {
  params: paramsShape,
  branch: optional(text("Default `main`.")),
  snapshot: optional(text("Commit id to read at; only for reads, not together with `branch`.")),
  expect_mutation: omittable(flag("Refuse the call where the query is of the other kind.")),
  explain: explainShape,
});
type Invocation = Infer<typeof InvokeStoredQueryRequest>;

const invokeFailures = [400, 401, 403, 404, 409, 410, 413, 424, 429, 500, 503] as const;
const invokeRoute = {
  method: "POST",
  tag: "queries",
  action: "invoke_query",
  body: { kind: "optionalJson", shape: InvokeStoredQueryRequest },
} as const;

export const storedQueryRoutes = [
  graphRoute(
    {
      method: "GET",
      path: "/queries",
      operationId: "list_queries",
      tag: "queries",
      summary: "List the stored queries",
      action: "read",
      answer: { kind: "json", shape: QueriesCatalogOutput },
      failures: [401, 403],
    },
    async (call) => {
      requireAllowed(call, { branch: MAIN_BRANCH });
      return jsonResponse({ queries: [...call.served.queries.values()].map(({ entry }) => entry) });
    },
  ),
  graphRoute(
    {
      ...invokeRoute,
      path: "/queries/{name}",
      operationId: "invoke_query",
      summary: "Run a stored query",
      answer: { kind: "json", shape: InvokeStoredQueryResponse },
      failures: invokeFailures,
    },
    async (call) => {
      refusePrecondition(call.request);
      return await invoke(call);
    },
  ),
  graphRoute(
    {
      ...invokeRoute,
      path: "/queries/{name}/if-graph-commit",
      operationId: "invoke_query_if_graph_commit",
      summary: "Run a stored mutation while the branch head is the named commit",
      header: preconditionHeader,
      answer: { kind: "json", shape: ChangeOutput },
      failures: [...invokeFailures, 412],
    },
    async (call) => await invoke(call, requiredPrecondition(call.request)),
  ),
];

/**
 * Which query it is and whether the caller may invoke it is settled first, because a mutation takes its place before
 * its body is read; it is told only after the body proved to be well-formed.
 */
async function invoke(call: GraphCall<QueryShapes, Invocation>, ifCommit?: string): Promise<Response> {
  const stored = decisionFor(call).allowed ? call.served.queries.get(pathParameter(call, 1)) : undefined;
  if (stored === undefined) {
    await readBody(call);
    throw notFound("stored query not found");
  }
  call.service.log.log("info", "stored query invoked", {
    graph: call.served.id,
    actor: call.actor,
    query: stored.name,
    kind: stored.mutation ? "mutate" : "read",
  });
  if (!stored.mutation) return await invokeRead(call, stored, await readBody(call), ifCommit);
  const bytes = declaredLength(call.request) ?? 0;
  return await call.service.admission.admit(call.actor, bytes, async (ticket) => {
    const body = await readBody(call, ticket);
    return await invokeMutation(call, stored, body, ifCommit, ticket.confirm);
  });
}

async function invokeRead(
  call: GraphCall<QueryShapes, Invocation>,
  stored: StoredQuery,
  body: Invocation,
  ifCommit: string | undefined,
): Promise<Response> {
  const { name, source } = stored;
  if (body.expect_mutation === true) {
    throw badRequest(`'${name}' is a read — use omnigraph query ${name}`);
  }
  if (ifCommit !== undefined) {
    throw badRequest(`'${name}' is a read: the conditional route applies only to stored mutations`);
  }
  const { params, branch, snapshot, explain } = body;
  return readAnswer(await runRead(call, { source, name, params, branch, snapshot, explain }));
}

async function invokeMutation(
  call: GraphCall<QueryShapes, Invocation>,
  { name, source }: StoredQuery,
  { params, branch, snapshot, expect_mutation, explain }: Invocation,
  ifCommit: string | undefined,
  confirm: () => void,
): Promise<Response> {
  if (expect_mutation === false) {
    throw badRequest(`'${name}' is a mutation — use omnigraph mutate ${name}`);
  }
  if (snapshot !== undefined) throw badRequest("stored mutation cannot target a snapshot");
  if (explain === true) throw badRequest(`'${name}' is a mutation: only a read can be explained`);
  return await runMutation(call, { source, name, params, branch, ifCommit }, confirm);
}
