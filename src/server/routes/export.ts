// POST export: a snapshot as a stream of NDJSON, at the client's pace, a bounded number of them at a time.

import { branchName } from "../names.ts";
import { graphRoute, readBody, requireAllowed } from "../route.ts";
import { list, object, omittable, optional, text } from "../schema-kit.ts";
import { streamResponse } from "../streams.ts";

const ExportRequest = object(
  "ExportRequest",
  {
    branch: optional(text("Default `main`.")),
    type_names: omittable(list(text(), "Types to export; empty for all.")),
  },
  { closed: true },
);

const CONTENT_TYPE = "application/x-ndjson; charset=utf-8";

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
      const { service, served } = call;
      const release = await service.exports.take();
      try {
        const chunks = await served.graph.export({ branch, typeNames });
        return streamResponse(chunks, CONTENT_TYPE, (failure) => {
          release();
          if (failure !== undefined) {
            const error = failure instanceof Error ? failure.message : String(failure);
            service.log.log("error", "export failed after its headers", { graph_id: served.id, error });
          }
        });
      } catch (error) {
        release();
        throw error;
      }
    },
  ),
];
