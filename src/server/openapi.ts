// The OpenAPI 3.1 document, from the same definitions that match, check and answer requests.

import type { JsonObject, JsonValue } from "../lib/json.ts";
import { VERSION } from "../lib/version.ts";
import type { AnswerDefinition, QueryShapes, RouteDefinition } from "./route.ts";
import { flatRoutes, graphRoutes } from "./routes/index.ts";
import { anyObject, type Component, type Shape } from "./schema-kit.ts";
import { ErrorOutput } from "./shapes.ts";

type Definition = RouteDefinition<QueryShapes, unknown>;

const GRAPH_PREFIX = "/graphs/{graph_id}";
const SECURITY: JsonValue = [{ bearer_token: [] }];

const DESCRIPTION =
  "Typed property graphs on a directory or a bucket, versioned like git: queries, mutations, loads, branches, " +
  "merges and history of the graphs of one cluster.";

const STATUS_TEXT: Readonly<Record<number, string>> = {
  206: "A part of the value.",
  302: "The value is an external object; `Location` is its URI.",
  304: "The value is the one that the request names.",
  400: "The request is malformed, or the query or data does not fit the schema.",
  401: "No bearer token, or an unknown one.",
  403: "Policy does not allow it.",
  404: "No such graph, branch, commit or stored query.",
  405: "The path has other methods.",
  409: "Conflict with the state of the graph.",
  412: "What the request's header names is not what is there.",
  410: "History that cleanup reclaimed.",
  413: "A body or a bounded resource is too large.",
  415: "The content type is not the one the route takes.",
  416: "The value ends before the range.",
  424: "An external blob source cannot be read.",
  429: "The actor has too many writes in flight.",
  500: "The server or its storage failed.",
  503: "Storage cannot tell whether the commit landed.",
};

/** The document; without `secured` neither the scheme nor any requirement for a token is in it. */
export function openApiDocument({ secured }: { readonly secured: boolean }): JsonObject {
  const paths: Record<string, Record<string, JsonValue>> = {};
  const add = (path: string, method: string, operation: JsonObject) => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation };
  };
  for (const { definition, needsToken } of flatRoutes) {
    add(
      definition.path,
      definition.method,
      operation(definition, definition.operationId, [], secured && needsToken),
    );
  }
  const graphId = pathParameter("graph_id", "Id of the graph.");
  for (const { definition } of graphRoutes) {
    const id = `cluster_${definition.operationId}`;
    add(GRAPH_PREFIX + definition.path, definition.method, operation(definition, id, [graphId], secured));
    const { head } = definition;
    if (head === undefined) continue;
    const described = { ...definition, method: "HEAD", failures: head.failures } as const;
    const headId = `cluster_${head.operationId}`;
    add(GRAPH_PREFIX + definition.path, "HEAD", operation(described, headId, [graphId], secured));
  }
  return {
    openapi: "3.1.0",
    info: { title: "Omnigraph API", description: DESCRIPTION, version: VERSION },
    paths,
    components: {
      schemas: componentSchemas(),
      ...(secured ? { securitySchemes: { bearer_token: { type: "http", scheme: "bearer" } } } : {}),
    },
  };
}

/** What an operation is made from: the definition of a route, or of its HEAD. */
type Described = Omit<Definition, "method"> & { readonly method: Definition["method"] | "HEAD" };

function operation(
  definition: Described,
  operationId: string,
  firstParameters: readonly JsonObject[],
  secured: boolean,
): JsonObject {
  const parameters = [...firstParameters, ...parametersOf(definition)];
  return {
    operationId,
    tags: [definition.tag],
    summary: definition.summary,
    ...(definition.successor === undefined ? {} : { deprecated: true }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBody(definition),
    responses: responses(definition, [...definition.failures, ...impliedFailures(definition)]),
    ...(secured ? { security: SECURITY } : {}),
  };
}

function parametersOf({ path, query, repeatedQuery, header }: Described): JsonObject[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) =>
    pathParameter(name ?? "", "Percent-encoded."),
  );
  const inQuery = Object.entries({ ...query, ...repeatedQuery }).map(([name, shape]) => ({
    name,
    in: "query",
    required: shape.required,
    schema: shape.schema,
  }));
  const inHeader =
    header === undefined
      ? []
      : [
          {
            name: header.name,
            in: "header",
            required: true,
            description: header.description,
            schema: STRING,
          },
        ];
  return [...inPath, ...inQuery, ...inHeader];
}

const STRING: JsonObject = { type: "string" };

const pathParameter = (name: string, description: string): JsonObject => ({
  name,
  in: "path",
  required: true,
  description,
  schema: STRING,
});

function requestBody({ body }: Described): JsonObject {
  switch (body?.kind) {
    case undefined:
      return {};
    case "ndjson":
      return { requestBody: { required: true, content: ndjson(body.description) } };
    case "json":
      return { requestBody: { required: true, content: json(body.shape.schema) } };
    case "optionalJson":
      return { requestBody: { content: json({ oneOf: [{ type: "null" }, body.shape.schema] }) } };
  }
}

/** What a route answers for its body and its place alone, whatever else may go wrong in it. */
function impliedFailures({ body, path }: Described): number[] {
  const ofPlace = flatPaths.has(path) ? [] : [NO_SUCH_GRAPH];
  switch (body?.kind) {
    case undefined:
      return ofPlace;
    case "optionalJson":
      return [...ofPlace, BODY_TOO_LARGE];
    default:
      return [...ofPlace, BODY_TOO_LARGE, WRONG_CONTENT_TYPE];
  }
}

const NO_SUCH_GRAPH = 404;
const BODY_TOO_LARGE = 413;
const WRONG_CONTENT_TYPE = 415;
const flatPaths: ReadonlySet<string> = new Set(flatRoutes.map(({ definition }) => definition.path));

function responses(
  { method, answer, failure = ErrorOutput }: Described,
  failures: readonly number[],
): JsonObject {
  const content = method === "HEAD" ? {} : { content: contentOf(answer) };
  const others = [...new Set(failures)]
    .sort((a, b) => a - b)
    .map((status) => {
      const description = STATUS_TEXT[status] ?? "";
      if (status === 206) return [String(status), { description, ...content }];
      const hasBody = status >= 400 && method !== "HEAD";
      return [String(status), { description, ...(hasBody ? { content: json(failure.schema) } : {}) }];
    });
  return { "200": { description: "Done.", ...content }, ...Object.fromEntries(others) };
}

function contentOf(answer: AnswerDefinition): JsonObject {
  switch (answer.kind) {
    case "json":
      return json(answer.shape.schema);
    case "ndjson":
      return ndjson(answer.description, answer.record?.schema);
    case "octets":
      return {
        "application/octet-stream": {
          schema: { type: "string", format: "binary", description: answer.description },
        },
      };
  }
}

const json = (schema: JsonObject): JsonObject => ({ "application/json": { schema } });
const ndjson = (description: string, line: JsonObject = STRING): JsonObject => ({
  "application/x-ndjson": { schema: { ...line, description } },
});

/** Every named shape that some operation reaches, sorted by name. */
function componentSchemas(): JsonObject {
  const found = new Map<string, JsonObject>();
  const visit = ({ name, schema, components }: Component) => {
    if (found.has(name)) return;
    found.set(name, schema);
    components.forEach(visit);
  };
  for (const { definition } of [...flatRoutes, ...graphRoutes]) {
    for (const shape of shapesOf(definition)) shape.components.forEach(visit);
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function shapesOf(definition: Definition): readonly Shape<unknown>[] {
  const { query, repeatedQuery, body, answer, failure } = definition;
  return [
    failure ?? ErrorOutput,
    ...Object.values({ ...query, ...repeatedQuery }),
    ...(body === undefined || body.kind === "ndjson" ? [] : [body.shape]),
    answerShape(answer),
  ];
}

function answerShape(answer: AnswerDefinition): Shape<unknown> {
  if (answer.kind === "json") return answer.shape;
  return (answer.kind === "ndjson" ? answer.record : undefined) ?? anyObject();
}
