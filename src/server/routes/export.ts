// POST export: a snapshot as a stream of NDJSON, at the client's pace, a bounded number of them at a time.

import { recordStream } from "../record-stream.ts";
import { graphRoute, readBody, requireAllowed } from "../route.ts";
import { list, object, omittable, optional, text } from "../schema-kit.ts";
import { readTarget } from "./targets.ts";

const ExportRequest = object(
  "ExportRequest",
  {
    branch: optional(text("Default `main`.")),
    snapshot: optional(text("A commit id, instead of a branch.")),
    type_names: omittable(list(text(), "Types to export; empty for all.")),
  },
  { closed: true },
);

export const exportRoutes = [
  graphRoute(
    {
      method: "POST",
      path: "/export",
      operationId: "export",
      tag: "queries",
      summary: "Stream a branch, or a commit's state, as NDJSON",
      action: "export",
      body: { kind: "json", shape: ExportRequest },
      answer: { kind: "ndjson", description: "One node or edge per line, as the load routes take them." },
      failures: [400, 401, 403, 404, 409, 410, 413, 415, 503],
    },
    async (call) => {
      const { branch: given, snapshot, type_names: typeNames } = await readBody(call);
      const { selector, branch } = await readTarget(call.served, { branch: given, snapshot });
      requireAllowed(call, { branch });
      return recordStream(call, "export", () => call.served.graph.export({ ...selector, typeNames }));
    },
  ),
];
