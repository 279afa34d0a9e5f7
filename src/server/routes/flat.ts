// The routes outside any graph: is the server up, and which graphs does it serve.

import { compareUtf8 } from "../../lib/utf8.ts";
import { SOURCE_VERSION, STORAGE_FORMAT_VERSION, VERSION } from "../../lib/version.ts";
import { authorize } from "../authorize.ts";
import { type FlatRoute, jsonResponse } from "../route.ts";
import { integer, list, object, omittable, oneOf, text } from "../schema-kit.ts";

const HealthOutput = object("HealthOutput", {
  status: oneOf(["ok"]),
  version: text("Product version."),
  internal_schema_version: integer("Storage format; compare for equality only."),
  source_version: omittable(text("Stamp of the build.")),
});

const GraphListResponse = object("GraphListResponse", {
  graphs: list(object("GraphInfo", { graph_id: text(), uri: text() }), "Sorted by id; ready graphs only."),
});

export const healthRoute: FlatRoute = {
  definition: {
    method: "GET",
    path: "/healthz",
    operationId: "health",
    tag: "health",
    summary: "Is the server up",
    action: null,
    answer: { kind: "json", shape: HealthOutput },
    failures: [],
  },
  needsToken: false,
  answer: () =>
    jsonResponse({
      status: "ok",
      version: VERSION,
      internal_schema_version: STORAGE_FORMAT_VERSION,
      ...(SOURCE_VERSION === null ? {} : { source_version: SOURCE_VERSION }),
    }),
};

export const graphsRoute: FlatRoute = {
  definition: {
    method: "GET",
    path: "/graphs",
    operationId: "listGraphs",
    tag: "management",
    summary: "List the graphs that are served",
    action: "graph_list",
    answer: { kind: "json", shape: GraphListResponse },
    failures: [401, 403, 405],
  },
  needsToken: true,
  answer: (service, actor) => {
    authorize(service.serverGate, actor, { action: "graph_list" }, service.log);
    const graphs = [...service.graphs.values()]
      .map(({ id, uri }) => ({ graph_id: id, uri }))
      .sort((a, b) => compareUtf8(a.graph_id, b.graph_id));
    return jsonResponse({ graphs });
  },
};
