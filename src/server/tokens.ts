// Where bearer tokens come from, and what must hold of them before the server boots (spec 04 §1.2).

import { readFile } from "node:fs/promises";
import { refuseReservedActor } from "../lib/actor.ts";
import { OmnigraphError } from "../lib/errors.ts";
import { isJsonObject, type JsonValue, parseJsonStrict } from "../lib/json.ts";
import type { Ports } from "../lib/ports.ts";

/** The actor of the single token. */
const DEFAULT_ACTOR = "default";

export interface ActorToken {
  readonly actor: string;
  readonly token: string;
}

/** All configured tokens, checked: the single one, then those of the file or of the inline JSON. */
export async function loadTokens(ports: Ports): Promise<readonly ActorToken[]> {
  const { env } = ports;
  if (isSet(env.OMNIGRAPH_SERVER_BEARER_TOKENS_AWS_SECRET)) {
    throw refused(
      "OMNIGRAPH_SERVER_BEARER_TOKENS_AWS_SECRET is set, but this server was not built with --features aws: rebuild with " +
        "`bun run build --features aws`, or unset it and use OMNIGRAPH_SERVER_BEARER_TOKENS_FILE",
    );
  }
  const tokens: ActorToken[] = [];
  if (isSet(env.OMNIGRAPH_SERVER_BEARER_TOKEN)) {
    tokens.push({ actor: DEFAULT_ACTOR, token: env.OMNIGRAPH_SERVER_BEARER_TOKEN.trim() });
  }
  tokens.push(...(await listedTokens(env)));
  refuseRepeats(tokens);
  return tokens;
}

async function listedTokens(env: Ports["env"]): Promise<ActorToken[]> {
  const file = env.OMNIGRAPH_SERVER_BEARER_TOKENS_FILE?.trim();
  if (isSet(file)) {
    const name = `bearer tokens file '${file}'`;
    const text = await readFile(file, "utf8").catch((cause: Error) => {
      throw refused(`cannot read ${name}: ${cause.message}`);
    });
    return parseTokens(text, name);
  }
  const inline = env.OMNIGRAPH_SERVER_BEARER_TOKENS_JSON;
  return isSet(inline) ? parseTokens(inline, "OMNIGRAPH_SERVER_BEARER_TOKENS_JSON") : [];
}

function parseTokens(text: string, source: string): ActorToken[] {
  let value: JsonValue;
  try {
    value = parseJsonStrict(text);
  } catch (error) {
    // The parser's message may quote a member name, which is an actor, never a token.
    throw refused(`${source} must be a JSON object of actor->token: ${(error as Error).message}`);
  }
  if (!isJsonObject(value)) throw refused(`${source} must be a JSON object of actor->token`);
  return Object.entries(value).map(([name, token]) => {
    const actor = name.trim();
    if (typeof token !== "string") {
      throw refused(
        `${source} must be a JSON object of actor->token: the token of '${actor}' is not a string`,
      );
    }
    return { actor, token: token.trim() };
  });
}

function refuseRepeats(tokens: readonly ActorToken[]): void {
  const actors = new Set<string>();
  const values = new Set<string>();
  for (const { actor, token } of tokens) {
    if (actor === "") throw refused("bearer token actor names must not be blank");
    refuseReservedActor(actor, "bearer token actor");
    if (token === "") throw refused(`bearer token for actor '${actor}' must not be blank`);
    if (actors.has(actor)) throw refused(`duplicate bearer token actor '${actor}'`);
    if (values.has(token)) throw refused("duplicate bearer token value configured");
    actors.add(actor);
    values.add(token);
  }
}

const isSet = (value: string | undefined): value is string => value !== undefined && value.trim() !== "";

const refused = (message: string) => new OmnigraphError("bad_request", message);
