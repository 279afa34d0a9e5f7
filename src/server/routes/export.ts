// POST export: a snapshot as a stream of NDJSON, at the client's pace, a bounded number of them at a time.

import { branchName } from "../names.ts";
import { recordStream } from "../record-stream.ts";
import { graphRoute, readBody, requireAllowed } from "../route.ts";
import { list, object, omittable, optional, text } from "../schema-kit.ts";

const ExportRequest = object(
  "ExportRequest",
  {
    branch: optional(text("Default `main`.")),
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
      summary: "Stream a branch as NDJSON",
      action: "export",
      body: { kind: "json", shape: ExportRequest },
      answer: { kind: "ndjson", description: "One node or edge per line, as the load routes take them." },
      failures: [400, 401, 403, 404, 409, 413, 415, 503],
    },
    async (call) => {
      const { branch: given, type_names: typeNames } = await readBody(call);
      const branch = branchName(given);
      requireAllowed(call, { branch });
      return recordStream(call, "export", () => call.served.graph.export({ branch, typeNames }));
    },
  ),
];
