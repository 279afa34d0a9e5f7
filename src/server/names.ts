// Names as they stand in a request, brought to the form that policy and engine both see.

import { badRequest } from "../lib/errors.ts";
import { GRAPH_ID_LENGTH_MAX } from "./limits.ts";

const GRAPH_ID = /^[A-Za-z][A-Za-z0-9_-]*$/;
const RESERVED_GRAPH_IDS: ReadonlySet<string> = new Set(["policies", "healthz", "openapi", "graphs"]);

export const MAIN_BRANCH = "main";

/** A branch name, trimmed once for policy, engine and answer alike; `main` where none is given. */
export function branchName(given: string | undefined): string {
  if (given === undefined) return MAIN_BRANCH;
  const name = given.trim();
  if (name === "") throw badRequest("branch name cannot be empty");
  return name;
}

/** The `limit` of a page as it stands in a query string. */
export function limitOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^-?\d+$/.test(given)) throw badRequest(`limit must be an integer, got '${given}'`);
  return Number(given);
}

/** True for what can stand in a route as a graph id. */
export function isGraphId(id: string): boolean {
  return id.length <= GRAPH_ID_LENGTH_MAX && GRAPH_ID.test(id) && !RESERVED_GRAPH_IDS.has(id);
}

/** Percent-decodes one path segment, once. */
export function decodeSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`path segment '${segment}' is not percent-encoded UTF-8`);
  }
}

/** What a route takes in its query string. */
export interface QueryRules {
  /** Parameters that may appear once. */
  readonly single: readonly string[];
  /** Parameters that may appear any number of times. */
  readonly repeated: readonly string[];
  /** Refuse parameters that are neither, instead of ignoring them. */
  readonly isClosed: boolean;
}

export interface QueryParameters {
  readonly single: Readonly<Record<string, string>>;
  readonly repeated: Readonly<Record<string, readonly string[]>>;
}

/** The query parameters of a URL, by name; of repeated ones all values, none at all being no values. */
export function queryParameters(url: string, rules: QueryRules): QueryParameters {
  const single: Record<string, string> = {};
  const repeated: Record<string, string[]> = Object.fromEntries(rules.repeated.map((name) => [name, []]));
  for (const [name, value] of pairsOf(url, rules)) {
    if (rules.repeated.includes(name)) {
      repeated[name].push(value());
    } else if (rules.single.includes(name)) {
      if (Object.hasOwn(single, name)) throw badRequest(`query parameter '${name}' may appear at most once`);
      single[name] = value();
    } else if (rules.isClosed) {
      throw badRequest(`unknown query parameter '${name}'`);
    }
  }
  return { single, repeated };
}

/** Names with their values, which are decoded when they are wanted. */
function* pairsOf(url: string, { single, repeated, isClosed }: QueryRules): Iterable<[string, () => string]> {
  const mark = url.indexOf("?");
  if (mark < 0 || (!isClosed && single.length + repeated.length === 0)) return;
  for (const pair of url.slice(mark + 1).split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decodeParameter(equals < 0 ? pair : pair.slice(0, equals));
    yield [name, () => (equals < 0 ? "" : decodeParameter(pair.slice(equals + 1)))];
  }
}

function decodeParameter(raw: string): string {
  try {
    return decodeURIComponent(raw.replaceAll("+", " "));
  } catch {
    throw badRequest(`query string part '${raw}' is not percent-encoded UTF-8`);
  }
}
