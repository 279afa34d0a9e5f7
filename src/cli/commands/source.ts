// Query text and parameters as the command line gives them.

import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, JsonSyntaxError, jsonKind, parseJsonStrict } from "../../lib/json.ts";
import type { Context } from "../context.ts";
import { readFlagFile } from "../files.ts";
import { flagValue, type Invocation } from "../parse.ts";

/** The text of `--query` or `-e`, or null where a stored query is meant. */
export async function querySource(context: Context, invocation: Invocation): Promise<string | null> {
  const inline = flagValue(invocation, "query-string");
  if (inline !== undefined) {
    if (inline.trim() === "") throw badRequest("--query-string must not be empty");
    return inline;
  }
  const file = flagValue(invocation, "query");
  return file === undefined ? null : readFlagFile(context.io, "--query", file);
}

/** The object of `--params` or `--params-file`, or undefined where neither is given. */
export async function queryParams(context: Context, invocation: Invocation): Promise<JsonObject | undefined> {
  const inline = flagValue(invocation, "params");
  if (inline !== undefined) return parseParams(inline, "--params");
  const file = flagValue(invocation, "params-file");
  if (file === undefined) return undefined;
  return parseParams(await readFlagFile(context.io, "--params-file", file), `--params-file ${file}`);
}

function parseParams(text: string, from: string): JsonObject {
  try {
    const value = parseJsonStrict(text);
    if (isJsonObject(value)) return value;
    throw badRequest(`params must be a JSON object, found ${jsonKind(value)} in ${from}`);
  } catch (thrown) {
    if (!(thrown instanceof JsonSyntaxError)) throw thrown;
    throw badRequest(`${from} is not valid JSON: ${thrown.message}`);
  }
}
