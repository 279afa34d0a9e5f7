// The history of a graph: the commits of a branch, and one commit.

import { branchName } from "../names.ts";
import { graphRoute, jsonResponse, pathParameter, requireAllowed } from "../route.ts";
import { list, object } from "../schema-kit.ts";
import { branchParameter, CommitOutput } from "../shapes.ts";

const CommitListOutput = object("CommitListOutput", { commits: list(CommitOutput, "Newest first.") });

export const commitRoutes = [
  graphRoute(
    {
      method: "GET",
      path: "/commits",
      operationId: "listCommits",
      tag: "commits",
      summary: "List the commits of a branch",
      action: "read",
      query: { branch: branchParameter },
      answer: { kind: "json", shape: CommitListOutput },
      failures: [401, 403, 404],
    },
    async (call) => {
      const branch = branchName(call.query.branch);
      requireAllowed(call, { branch });
      return jsonResponse({ commits: await call.served.graph.commits(branch) });
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
