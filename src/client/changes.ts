// Entity changes of a served graph.

import type {
  ChangeBaselineRequest,
  ChangeFeedRequest,
  ChangeFilters,
  CommitChangesRequest,
  Graph,
} from "../engine/graph.ts";
import type { ChangeFeedOutput, CommitChangesOutput } from "../engine/outputs.ts";
import { type Connection, type Request, requestJson, requestStream } from "./connection.ts";

type ChangeCalls = Pick<Graph, "commitChanges" | "pollChanges" | "captureBaseline">;

/** The calls on a graph whose routes begin with these segments. */
export function changeCalls(connection: Connection, prefix: readonly string[]): ChangeCalls {
  const get = (path: readonly string[], search: Request["search"]) =>
    requestJson(connection, { method: "GET", path: [...prefix, ...path], search });

  return {
    commitChanges: async ({ commit, ...page }: CommitChangesRequest) =>
      (await get(["commits", commit, "changes"], searchOf(page))) as unknown as CommitChangesOutput,

    pollChanges: async ({ branch, cursor, start, ...page }: ChangeFeedRequest) =>
      (await get(["changes"], { branch, cursor, start, ...searchOf(page) })) as unknown as ChangeFeedOutput,

    captureBaseline: ({ branch, kinds, types, ops }: ChangeBaselineRequest) =>
      requestStream(connection, {
        method: "POST",
        path: [...prefix, "changes", "baseline"],
        json: {
          ...(branch === undefined ? {} : { branch }),
          ...(kinds === undefined ? {} : { kind: kinds }),
          ...(types === undefined ? {} : { type: types }),
          ...(ops === undefined ? {} : { op: ops }),
        },
      }),
  };
}

function searchOf({
  pageToken,
  limit,
  kinds,
  types,
  ops,
}: ChangeFilters & Pick<ChangeFeedRequest, "pageToken" | "limit">): Request["search"] {
  return {
    page_token: pageToken,
    limit: limit === undefined ? undefined : String(limit),
    kind: kinds,
    type: types,
    op: ops,
  };
}
