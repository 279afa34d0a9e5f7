// The history of a graph: the commits of a branch, and one commit.

import { branchName, limitOf } from "../names.ts";
import { graphRoute, jsonResponse, pathParameter, requireAllowed } from "../route.ts";
import { integer, list, object, omittable, optional, text } from "../schema-kit.ts";
import { branchParameter, CommitOutput } from "../shapes.ts";

const CommitListOutput = object("CommitListOutput", {
  commits: list(CommitOutput, "Newest first."),
  next_cursor: omittable(text("Where the next page begins; left out on the last one.")),
});

export const commitRoutes = [
  graphRoute(
    {
      method: "GET",
      path: "/commits",
      operationId: "listCommits",
      tag: "commits",
      summary: "List the commits of a branch",
      action: "read",
      query: {
        branch: branchParameter,
        limit: optional({ ...text(), schema: integer("Commits a page; all of them when left out.").schema }),
        cursor: optional(text("`next_cursor` of the page before.")),
      },
      answer: { kind: "json", shape: CommitListOutput },
      failures: [400, 401, 403, 404],
    },
    async (call) => {
      const branch = branchName(call.query.branch);
      requireAllowed(call, { branch });
      const page = { limit: limitOf(call.query.limit), cursor: call.query.cursor };
      return jsonResponse(await call.served.graph.commitPage({ branch, ...page }));
    },
  ),
  graphRoute(
    {
      method: "GET",
      path: "/commits/{commit_id}",
      operationId: "getCommit",
      tag: "commits",
      summary: "Show a commit",
      action: "read",
      answer: { kind: "json", shape: CommitOutput },
      failures: [401, 403, 404],
    },
    async (call) => {
      requireAllowed(call);
      return jsonResponse(await call.served.graph.commit(pathParameter(call, 1)));
    },
  ),
];
