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

/** Single-valued query parameters by name; a repeated one among `known` is refused, others are ignored. */
export function queryParameters(url: string, known: readonly string[]): Readonly<Record<string, string>> {
  const mark = url.indexOf("?");
  if (mark < 0 || known.length === 0) return {};
  const found: Record<string, string> = {};
  for (const pair of url.slice(mark + 1).split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decodeParameter(equals < 0 ? pair : pair.slice(0, equals));
    if (!known.includes(name)) continue;
    if (Object.hasOwn(found, name)) throw badRequest(`query parameter '${name}' is given more than once`);
    found[name] = equals < 0 ? "" : decodeParameter(pair.slice(equals + 1));
  }
  return found;
}

function decodeParameter(raw: string): string {
  try {
    return decodeURIComponent(raw.replaceAll("+", " "));
  } catch {
    throw badRequest(`query string part '${raw}' is not percent-encoded UTF-8`);
  }
}
