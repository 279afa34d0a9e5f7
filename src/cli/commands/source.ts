// Query text and parameters as the command line gives them.

import { badRequest, type SourceProblem } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, JsonSyntaxError, jsonKind, parseJsonStrict } from "../../lib/json.ts";
import { encodeUtf8 } from "../../lib/utf8.ts";
import type { Context } from "../context.ts";
import { readNamedText } from "../files.ts";
import { flagValue, type Invocation } from "../parse.ts";
import { type NamedText, SourceTextError } from "../render/source-error.ts";

/** The text of `--query` or `-e`, or null where a stored query is meant. */
export async function querySource(context: Context, invocation: Invocation): Promise<NamedText | null> {
  const inline = flagValue(invocation, "query-string");
  if (inline !== undefined) {
    if (inline.trim() === "") throw badRequest("--query-string must not be empty");
    return { name: "-e", text: inline };
  }
  const file = flagValue(invocation, "query");
  return file === undefined ? null : readNamedText(context.io, "--query", file);
}

/** The object of `--params` or `--params-file`, or undefined where neither is given. */
export async function queryParams(context: Context, invocation: Invocation): Promise<JsonObject | undefined> {
  const inline = flagValue(invocation, "params");
  if (inline !== undefined) return parseParams({ name: "--params", text: inline }, "--params");
  const file = flagValue(invocation, "params-file");
  if (file === undefined) return undefined;
  return parseParams(await readNamedText(context.io, "--params-file", file), `--params-file ${file}`);
}

function parseParams(source: NamedText, from: string): JsonObject {
  try {
    const value = parseJsonStrict(source.text);
    if (isJsonObject(value)) return value;
    throw badRequest(`params must be a JSON object, found ${jsonKind(value)} in ${from}`);
  } catch (thrown) {
    if (!(thrown instanceof JsonSyntaxError)) throw thrown;
    const error = badRequest(`${from} is not valid JSON: ${thrown.message}`);
    const problem = placeOf(thrown, error.message, source.text);
    throw new SourceTextError(error, source, [{ text: error.message, problem }]);
  }
}

/** Where JSON text is wrong; its columns count UTF-16 code units. */
function placeOf({ place }: JsonSyntaxError, message: string, text: string): SourceProblem {
  const above = text.split("\n", place.line - 1).join("\n").length + (place.line > 1 ? 1 : 0);
  const before = text.slice(above, above + place.column - 1);
  const start = encodeUtf8(text.slice(0, above) + before).length;
  return { message, line: place.line, column: [...before].length + 1, start, end: start + 1 };
}
