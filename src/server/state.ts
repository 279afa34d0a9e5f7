// The five runtime states of a server, from three facts (spec 07 A11). Two of them are refused before anything opens.

import { OmnigraphError } from "../lib/errors.ts";

export type RuntimeState =
  /** No tokens, no policy, and the operator said so: graph actions need no token. */
  | "open"
  /** Tokens without any policy: `read` only. */
  | "default_deny"
  /** Tokens and at least one bundle. */
  | "policy_enabled";

export interface RuntimeFacts {
  readonly tokens: boolean;
  /** Any bundle in the applied revision, also one whose graphs are all quarantined. */
  readonly policy: boolean;
  readonly unauthenticated: boolean;
}

/** The state to run in; throws for the combinations that must not serve. */
export function classifyRuntime({ tokens, policy, unauthenticated }: RuntimeFacts): RuntimeState {
  if (tokens) return policy ? "policy_enabled" : "default_deny";
  if (policy) {
    throw new OmnigraphError(
      "bad_request",
      "policy file is configured but no bearer tokens — every request would 401: set " +
        "OMNIGRAPH_SERVER_BEARER_TOKEN or OMNIGRAPH_SERVER_BEARER_TOKENS_FILE",
    );
  }
  if (unauthenticated) return "open";
  throw new OmnigraphError(
    "bad_request",
    "no bearer tokens and no policy file: configure tokens (OMNIGRAPH_SERVER_BEARER_TOKEN), or pass " +
      "--unauthenticated to serve everyone who can reach the port",
  );
}
