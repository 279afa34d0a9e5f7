// Writes whose source comes with the request: POST mutate, its conditional twin, and the deprecated POST change.

import type { MutateRequest } from "../../engine/graph.ts";
import { declaredLength } from "../body.ts";
import { branchName } from "../names.ts";
import {
  type GraphCall,
  graphRoute,
  jsonResponse,
  type QueryShapes,
  readBody,
  requireAllowed,
} from "../route.ts";
import { type Infer, object, optional, text } from "../schema-kit.ts";
import { ChangeOutput } from "../shapes.ts";
import { preconditionHeader, refusePrecondition, requiredPrecondition } from "./precondition.ts";
import { paramsShape } from "./queries.ts";

const ChangeRequest = object(
  "ChangeRequest",
  {
    query: text("Source of one or more named mutation queries. Also accepted as `query_source`."),
    name: optional(text("Which query; needed where the source has several. Also accepted as `query_name`.")),
    params: paramsShape,
    branch: optional(text("Default `main`.")),
  },
  { aliases: { query_source: "query", query_name: "name" } },
);

const mutationFailures = [400, 401, 403, 409, 413, 424, 429, 503] as const;
const mutationRoute = {
  method: "POST",
  tag: "mutations",
  action: "change",
  body: { kind: "json", shape: ChangeRequest },
  answer: { kind: "json", shape: ChangeOutput },
} as const;

export const mutationRoutes = [
  graphRoute(
    {
      ...mutationRoute,
      path: "/mutate",
      operationId: "mutate",
      summary: "Run a mutation query",
      failures: mutationFailures,
    },
    (call) => mutate(call),
  ),
  graphRoute(
    {
      ...mutationRoute,
      path: "/change",
      operationId: "change",
      summary: "Run a mutation query (older spelling)",
      successor: "mutate",
      failures: mutationFailures,
    },
    (call) => mutate(call),
  ),
  graphRoute(
    {
      ...mutationRoute,
      path: "/mutate/if-graph-commit",
      operationId: "mutate_if_graph_commit",
      summary: "Run a mutation query while the branch head is the named commit",
      header: preconditionHeader,
      failures: [...mutationFailures, 412],
    },
    (call) => mutate(call, requiredPrecondition(call.request)),
  ),
];

async function mutate(call: GraphCall<QueryShapes, Infer<typeof ChangeRequest>>, ifCommit?: string) {
  if (ifCommit === undefined) refusePrecondition(call.request);
  return await call.service.admission.admit(call.actor, declaredLength(call.request) ?? 0, async (ticket) => {
    const { query: source, name, params, branch } = await readBody(call, ticket);
    return await runMutation(call, { source, name, params, branch, ifCommit }, ticket.confirm);
  });
}

/** Judges and runs a mutation; `confirm` throws where there was no room for it. */
export async function runMutation<Q extends QueryShapes, B>(
  call: GraphCall<Q, B>,
  { branch: given, ...rest }: Omit<MutateRequest, "actor">,
  confirm: () => void,
): Promise<Response> {
  const branch = branchName(given);
  requireAllowed(call, { action: "change", branch });
  confirm();
  return jsonResponse(await call.served.graph.mutate({ ...rest, branch, actor: call.actor }));
}
