// `alias`: a stored query under a short name, with its words as parameters.

import { remoteGraph } from "../../client/index.ts";
import { badRequest } from "../../lib/errors.ts";
import { type JsonObject, type JsonValue, parseJson } from "../../lib/json.ts";
import { connectionTo } from "../access.ts";
import type { Alias, OperatorConfig } from "../config.ts";
import type { Context } from "../context.ts";
import type { Invocation } from "../parse.ts";
import { printRows, rowStyle } from "../render/rows.ts";
import { serverNamed } from "../scope.ts";
import { suggestion } from "../suggest.ts";
import { chosenFormat } from "./query.ts";
import { queryParams } from "./source.ts";

export async function alias(context: Context, invocation: Invocation): Promise<number> {
  const config = await context.config();
  const [name, ...words] = invocation.positionals;
  const definition = aliasNamed(config, name);
  const params = {
    ...definition.params,
    ...positionalParams(name, definition, words),
    ...(await queryParams(context, invocation)),
  };
  const server = serverNamed(config, definition.server, definition.graph);
  const graph = remoteGraph(await connectionTo(context, server.base), server.graph);
  const result = await graph.invokeRead({ name: definition.query, params });
  await printRows(context.io.stdout, result, rowStyle(config, chosenFormat(invocation), definition.format));
  return 0;
}

function aliasNamed(config: OperatorConfig, name: string): Alias {
  const definition = config.aliases.get(name);
  if (definition !== undefined) return definition;
  const names = [...config.aliases.keys()].sort();
  const close = suggestion(name, names);
  throw badRequest(
    `unknown alias '${name}'; ${names.length === 0 ? "the operator config defines none" : `defined: ${names.join(", ")}`}${
      close === null ? "" : ` (hint: ${close})`
    }`,
  );
}

function positionalParams(name: string, definition: Alias, words: readonly string[]): JsonObject {
  const { args } = definition;
  if (words.length > args.length) {
    throw badRequest(
      `alias '${name}' takes ${args.length} positional arg(s)${args.length === 0 ? "" : ` (${args.join(", ")})`}, found ${words.length}`,
    );
  }
  return Object.fromEntries(words.map((word, index) => [args[index], wordValue(word)]));
}

/** JSON where it parses as JSON, else the word itself. */
function wordValue(word: string): JsonValue {
  try {
    return parseJson(word);
  } catch {
    return word;
  }
}
