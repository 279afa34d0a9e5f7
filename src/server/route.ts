// What a route is: ONE definition from which come the path that is matched, the checks of a request, the action that
// policy decides about, and the operation in the OpenAPI document.

import { badRequest, OmnigraphError } from "../lib/errors.ts";
import type { Decision, PolicyAction, PolicyRequest } from "../policy/index.ts";
import type { Ticket } from "./admission.ts";
import { authorize, decide } from "./authorize.ts";
import { readJson, requireBodySize, requireJsonType } from "./body.ts";
import { decodeSegment, type QueryParameters, type QueryRules, queryParameters } from "./names.ts";
import type { Shape } from "./schema-kit.ts";
import type { ServedGraph, Service } from "./service.ts";

export type Method = "GET" | "POST" | "DELETE";
export type Tag =
  | "health"
  | "management"
  | "snapshots"
  | "blobs"
  | "queries"
  | "mutations"
  | "schema"
  | "branches"
  | "commits"
  | "changes";

/** Query parameters by name; each single-valued. */
export type QueryShapes = Readonly<Record<string, Shape<string | undefined>>>;
type QueryOf<Q extends QueryShapes> = { readonly [K in keyof Q]: string | undefined };

export type BodyDefinition<B> =
  /** At most 1 MiB, unless the route allows more. */
  | { readonly kind: "json"; readonly shape: Shape<B>; readonly bytesMax?: number }
  /** Content type not looked at; nothing, `null` and `{}` all mean no inputs. */
  | { readonly kind: "optionalJson"; readonly shape: Shape<B> }
  | { readonly kind: "ndjson"; readonly description: string };

export type AnswerDefinition =
  | { readonly kind: "json"; readonly shape: Shape<unknown> }
  /** `record`: the one kind of line whose shape is not that of a load. */
  | { readonly kind: "ndjson"; readonly description: string; readonly record?: Shape<unknown> }
  | { readonly kind: "octets"; readonly description: string };

export interface RouteDefinition<Q extends QueryShapes, B> {
  readonly method: Method;
  /** With `{name}` for parameters; relative to `/graphs/{graph_id}` for the routes of a graph. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: Tag;
  readonly summary: string;
  /** For a deprecated route: the route to use instead, relative to this one. */
  readonly successor?: string;
  /** What policy is asked; null where nothing is. */
  readonly action: PolicyAction | null;
  readonly query?: Q;
  /** Query parameters that may appear any number of times. */
  readonly repeatedQuery?: Readonly<Record<string, Shape<readonly string[] | undefined>>>;
  /** Refuse query parameters that the route does not name. */
  readonly closedQuery?: boolean;
  /** Begins the refusal of a query string that cannot be read. */
  readonly queryRefusal?: string;
  /** A request header that the route demands. */
  readonly header?: { readonly name: string; readonly description: string };
  readonly body?: BodyDefinition<B>;
  readonly answer: AnswerDefinition;
  /** Documented statuses beside 200. */
  readonly failures: readonly number[];
  /** The shape of its failures, where it is less than that of all. */
  readonly failure?: Shape<unknown>;
  /** For a GET whose HEAD is an operation of its own. */
  readonly head?: { readonly operationId: string; readonly failures: readonly number[] };
}

/** One request to a route of a graph, after authentication and the lookup of the graph. */
export interface GraphCall<Q extends QueryShapes = QueryShapes, B = unknown> {
  readonly route: RouteDefinition<Q, B>;
  readonly service: Service;
  readonly request: Request;
  readonly actor: string | null;
  readonly served: ServedGraph;
  readonly query: QueryOf<Q>;
  /** Values of the parameters that may be repeated. */
  readonly repeated: Readonly<Record<string, readonly string[]>>;
  /** Segments of the raw path below the graph. */
  readonly segments: readonly string[];
}

/** A call before its route gave it types. */
export type UntypedCall = Pick<GraphCall, "service" | "request" | "actor" | "served" | "segments">;

export interface GraphRoute {
  readonly definition: RouteDefinition<QueryShapes, unknown>;
  readonly answer: (call: UntypedCall) => Promise<Response>;
}

/** A route outside any graph. */
export interface FlatRoute {
  readonly definition: RouteDefinition<QueryShapes, unknown>;
  /** False for what answers before anybody is asked who they are. */
  readonly needsToken: boolean;
  readonly answer: (service: Service, actor: string | null) => Response;
}

/** Binds a definition to the function that answers it. */
export function graphRoute<Q extends QueryShapes = Record<never, never>, B = undefined>(
  definition: RouteDefinition<Q, B>,
  handle: (call: GraphCall<Q, B>) => Promise<Response>,
): GraphRoute {
  const rules: QueryRules = {
    single: Object.keys(definition.query ?? {}),
    repeated: Object.keys(definition.repeatedQuery ?? {}),
    isClosed: definition.closedQuery === true,
  };
  return {
    definition: definition as unknown as RouteDefinition<QueryShapes, unknown>,
    answer: async (call) => {
      const { single, repeated } = readQuery(definition, call.request.url, rules);
      return await handle({ ...call, route: definition, query: single as QueryOf<Q>, repeated });
    },
  };
}

function readQuery(
  { queryRefusal = "" }: Pick<RouteDefinition<QueryShapes, unknown>, "queryRefusal">,
  url: string,
  rules: QueryRules,
): QueryParameters {
  try {
    return queryParameters(url, rules);
  } catch (error) {
    throw error instanceof OmnigraphError ? badRequest(queryRefusal + error.message) : error;
  }
}

/** The percent-decoded segment at `index` below the graph: 1 is `b` in `/branches/b`. */
export function pathParameter(call: Pick<GraphCall, "segments">, index: number): string {
  return decodeSegment(call.segments[index] ?? "");
}

/** Refuses (403) what policy does not allow this call; the action is the route's unless named. */
export function requireAllowed<Q extends QueryShapes, B>(
  call: GraphCall<Q, B>,
  about: Partial<PolicyRequest> = {},
): void {
  authorize(call.served.gate, call.actor, policyRequest(call, about), call.service.log);
}

/** What policy says about this call. */
export function decisionFor<Q extends QueryShapes, B>(
  call: GraphCall<Q, B>,
  about: Partial<PolicyRequest> = {},
): Decision {
  return decide(call.served.gate, call.actor, policyRequest(call, about), call.service.log);
}

function policyRequest<Q extends QueryShapes, B>(
  { route }: GraphCall<Q, B>,
  about: Partial<PolicyRequest>,
): PolicyRequest {
  const action = about.action ?? route.action;
  if (action === null)
    throw new Error(`invariant broken: ${route.operationId} has no action to decide about`);
  return { ...about, action };
}

/** The body of the call, read, checked and typed by the route's definition. */
export async function readBody<Q extends QueryShapes, B>(call: GraphCall<Q, B>, ticket?: Ticket): Promise<B> {
  const { body } = call.route;
  if (body === undefined || body.kind === "ndjson") {
    throw new Error(`invariant broken: ${call.route.operationId} has no JSON body`);
  }
  const onBytes = (count: number) => ticket?.charge(count);
  requireBodySize(call.request, body.kind === "json" ? body.bytesMax : undefined);
  if (body.kind === "json") {
    requireJsonType(call.request);
    return body.shape.read(await readJson(call.request, onBytes, body.bytesMax), "");
  }
  try {
    const value = await readJson(call.request, onBytes);
    return body.shape.read(value ?? {}, "");
  } catch (error) {
    if (error instanceof OmnigraphError && error.kind === "bad_request") {
      throw badRequest(`invalid stored-query invocation body: ${error.message}`);
    }
    throw error;
  }
}

const JSON_ANSWER: ResponseInit = { headers: { "content-type": "application/json" } };

/** A 200 answer from JSON text that is already written. */
export const jsonTextResponse = (text: string) => new Response(text, JSON_ANSWER);

/** A 200 answer with a JSON body of numbers that doubles hold. */
export const jsonResponse = (body: object) => jsonTextResponse(JSON.stringify(body));
