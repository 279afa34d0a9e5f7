// From a request to the route that answers it: match the path, find out who asks, find the graph, run the route, and
// render whatever was thrown. The order of refusals is the contract's (spec 04 §2).

import { type Context, Hono } from "hono";
import { badRequest, notFound } from "../lib/errors.ts";
import { errorResponse, methodNotAllowed } from "./errors.ts";
import { isGraphId } from "./names.ts";
import { openApiDocument } from "./openapi.ts";
import { type FlatRoute, jsonTextResponse, type Method } from "./route.ts";
import { flatRoutes, graphRoutes } from "./routes/index.ts";
import type { ServedGraph, Service } from "./service.ts";

const GRAPH_PREFIX = "/graphs/:graph_id";
/** Segments of `/graphs/<id>`: the empty one before the first slash, `graphs`, and the id. */
const GRAPH_SEGMENTS = 3;

/** The whole HTTP surface over one service. */
export function createApp(service: Service): Hono {
  // Paths are matched as they were sent: an escape in a graph id must not become the id.
  const app = new Hono({ getPath: rawPath });
  const openApi = JSON.stringify(openApiDocument({ secured: service.authenticator !== null }));
  app.get("/openapi.json", (c) => answered(service, c, () => jsonTextResponse(openApi)));
  for (const route of flatRoutes) {
    app.on(route.definition.method, route.definition.path, (c) =>
      answered(service, c, () => flat(service, c, route)),
    );
  }
  for (const { definition, answer } of graphRoutes) {
    const work = (c: Context) => answer(locate(service, c.req.raw, c.req.path));
    app.on(definition.method, GRAPH_PREFIX + honoPath(definition.path), (c) =>
      answered(service, c, () => work(c), definition.successor),
    );
  }
  app.notFound((c) => answered(service, c, () => unmatched(service, c)));
  return app;
}

/** Runs one request; every failure becomes an envelope, and a HEAD keeps the headers of its GET. */
async function answered(
  service: Service,
  c: Context,
  work: () => Response | Promise<Response>,
  successor?: string,
): Promise<Response> {
  const { log, ports } = service;
  const started = log.enabled("debug", "http") ? ports.now() : null;
  if (started !== null)
    log.log("debug", "request started", { method: c.req.raw.method, path: c.req.path }, "http");
  let response: Response;
  try {
    response = await work();
  } catch (error) {
    response = errorResponse(error, log);
  }
  if (successor !== undefined) {
    response.headers.set("deprecation", "true");
    response.headers.set("link", `<${successor}>; rel="successor-version"`);
  }
  if (c.req.raw.method === "HEAD") response = await headOf(response);
  if (started !== null) {
    const fields = {
      method: c.req.raw.method,
      path: c.req.path,
      status: response.status,
      latency_ms: ports.now() - started,
    };
    log.log("debug", "request finished", fields, "http");
  }
  return response;
}

function flat(service: Service, c: Context, route: FlatRoute): Response {
  return route.answer(service, route.needsToken ? actorOf(service, c.req.raw) : null);
}

/** Who asks, and about which graph. */
function locate(service: Service, request: Request, path: string) {
  const actor = actorOf(service, request);
  const segments = path.split("/");
  const served = graphOf(service, segments[GRAPH_SEGMENTS - 1] ?? "");
  service.log.log("info", "graph routed", { graph_id: served.id }, "http");
  return { service, request, actor, served, segments: segments.slice(GRAPH_SEGMENTS) };
}

const actorOf = (service: Service, request: Request): string | null =>
  service.authenticator === null ? null : service.authenticator.authenticate(request.headers);

function graphOf(service: Service, id: string): ServedGraph {
  const served = service.graphs.get(id);
  if (served !== undefined) return served;
  if (!isGraphId(id)) {
    throw badRequest(
      `invalid graph id '${id}': a letter, then letters, digits, '_' or '-', at most 64, and no reserved word`,
    );
  }
  throw notFound(`graph '${id}' not found`);
}

/** A path that has other methods is 405 for those who may know the graph; any other path is 404 for everybody. */
function unmatched(service: Service, c: Context): Response {
  const { path } = c.req;
  if (path === "/openapi.json") return methodNotAllowed(allowHeader(["GET"]));
  const flatRoute = flatRoutes.find(({ definition }) => definition.path === path);
  if (flatRoute !== undefined) {
    if (flatRoute.needsToken) actorOf(service, c.req.raw);
    return methodNotAllowed(allowHeader([flatRoute.definition.method]));
  }
  const methods = graphRoutes
    .filter(({ definition }) => matches(`/graphs/{graph_id}${definition.path}`, path))
    .map(({ definition }) => definition.method);
  if (methods.length === 0) throw notFound(`no route at '${path}'`);
  locate(service, c.req.raw, path);
  return methodNotAllowed(allowHeader(methods));
}

const allowHeader = (methods: readonly Method[]) =>
  [...new Set(methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])))].sort();

function matches(template: string, path: string): boolean {
  const wanted = template.split("/");
  const given = path.split("/");
  return (
    wanted.length === given.length &&
    wanted.every((part, index) => (part.startsWith("{") ? given[index] !== "" : part === given[index]))
  );
}

const honoPath = (template: string) => template.replaceAll(/\{(\w+)\}/g, ":$1");

/** The path of a request as it was sent, without the query. */
function rawPath(request: Request): string {
  const { url } = request;
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  return query < 0 ? url.slice(start) : url.slice(start, query);
}

/** The headers of an answer without its body, length included; an answer without a body has said its length. */
async function headOf(response: Response): Promise<Response> {
  if (response.body === null) return response;
  const { byteLength } = await response.arrayBuffer();
  response.headers.set("content-length", String(byteLength));
  return response;
}
