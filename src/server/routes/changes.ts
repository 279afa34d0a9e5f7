// What commits changed: of one commit, along a branch, and the state from which to follow it.

import type { ChangeFilters } from "../../engine/graph.ts";
import { notFound } from "../../lib/errors.ts";
import { type JsonValue, stringifyJson } from "../../lib/json.ts";
import {
  ChangeBaselineRecord,
  ChangeBaselineRequest,
  ChangeErrorOutput,
  ChangeFeedOutput,
  CommitChangesOutput,
  changeFilters,
} from "../change-shapes.ts";
import { hidingFailures } from "../hidden-failures.ts";
import { branchName, limitOf, MAIN_BRANCH } from "../names.ts";
import { recordStream } from "../record-stream.ts";
import {
  decisionFor,
  type GraphCall,
  graphRoute,
  jsonTextResponse,
  pathParameter,
  type QueryShapes,
  readBody,
  requireAllowed,
} from "../route.ts";
import { integer, optional, text } from "../schema-kit.ts";
import { branchParameter } from "../shapes.ts";

const FAILURE = { logged: "change route internal error", shown: "internal error while reading changes" };

const pageParameters = {
  page_token: optional(text("`next_page_token` of the page before.")),
  limit: optional({ ...text(), schema: integer("Changes a page, 1 to 8,192; 1,000 when left out.").schema }),
};

export const changeRoutes = [
  graphRoute(
    {
      method: "GET",
      path: "/commits/{commit_id}/changes",
      operationId: "getCommitChanges",
      tag: "changes",
      summary: "Tell what a commit changed",
      action: "read",
      query: pageParameters,
      repeatedQuery: changeFilters,
      closedQuery: true,
      answer: { kind: "json", shape: CommitChangesOutput },
      failures: [400, 401, 404, 409, 410, 413, 500, 503],
      failure: ChangeErrorOutput,
    },
    async (call) => {
      const commit = pathParameter(call, 1);
      const { page_token: pageToken, limit } = call.query;
      const page = { ...filtersOf(call), limit: limitOf(limit), pageToken };
      return await hidingFailures(call, FAILURE, async () => {
        await requireVisible(call, commit);
        return exactJson(await call.served.graph.commitChanges({ commit, ...page }));
      });
    },
  ),
  graphRoute(
    {
      method: "GET",
      path: "/changes",
      operationId: "pollChanges",
      tag: "changes",
      summary: "Follow the changes of a branch",
      action: "read",
      query: {
        branch: branchParameter,
        cursor: optional(text("Where the last poll ended.")),
        start: optional(text("`now`, `beginning` or `after:<commit id>`, where there is no cursor.")),
        ...pageParameters,
      },
      repeatedQuery: changeFilters,
      closedQuery: true,
      answer: { kind: "json", shape: ChangeFeedOutput },
      failures: [400, 401, 403, 404, 409, 410, 413, 500, 503],
      failure: ChangeErrorOutput,
    },
    async (call) => {
      const { cursor, start, page_token: pageToken, limit } = call.query;
      const branch = branchName(call.query.branch);
      const page = { ...filtersOf(call), cursor, start, pageToken, limit: limitOf(limit) };
      return await hidingFailures(call, FAILURE, async () => {
        requireAllowed(call, { branch });
        return exactJson(await call.served.graph.pollChanges({ branch, ...page }));
      });
    },
  ),
  graphRoute(
    {
      method: "POST",
      path: "/changes/baseline",
      operationId: "captureChangeBaseline",
      tag: "changes",
      summary: "Stream a branch and the cursor that follows it",
      action: "export",
      body: { kind: "json", shape: ChangeBaselineRequest },
      answer: {
        kind: "ndjson",
        description: "The lines of an export, and as the last one a ChangeBaselineRecord.",
        record: ChangeBaselineRecord,
      },
      failures: [400, 401, 403, 404, 413, 500, 503],
      failure: ChangeErrorOutput,
    },
    async (call) => {
      const { branch: given, kind: kinds, type: types, op: ops } = await readBody(call);
      const branch = branchName(given);
      return await hidingFailures(call, FAILURE, async () => {
        requireAllowed(call, { branch });
        const { graph } = call.served;
        return recordStream(call, "baseline", () => graph.captureBaseline({ branch, kinds, types, ops }));
      });
    },
  ),
];

/** A commit on a branch that the caller may not read does not exist, to the last byte of the answer. */
async function requireVisible<Q extends QueryShapes, B>(
  call: GraphCall<Q, B>,
  commit: string,
): Promise<void> {
  const { graph, gate } = call.served;
  // Without a bundle every branch is judged alike, so nothing needs to be looked up.
  const branch = gate === null ? MAIN_BRANCH : ((await graph.commit(commit)).graph_branch ?? MAIN_BRANCH);
  const { allowed } = decisionFor(call, { branch });
  if (!allowed) throw notFound(`commit '${commit}' not found`);
}

function filtersOf({ repeated }: Pick<GraphCall, "repeated">): ChangeFilters {
  const { kind, type, op } = repeated;
  return { kinds: kind, types: type, ops: op };
}

/** With every digit of 64-bit integers. */
const exactJson = (body: object) => jsonTextResponse(stringifyJson(body as unknown as JsonValue));
