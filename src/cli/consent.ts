// What a person is told before a write, and asked before one that destroys.

import { badRequest } from "../lib/errors.ts";
import type { Context } from "./context.ts";
import { flagOn, type Invocation } from "./parse.ts";
import { isLocal, type Scope } from "./scope.ts";

/** Lets a destructive write pass on a local target, with `--yes`, or when the person at the terminal says so. */
export async function requireConsent(
  context: Context,
  invocation: Invocation,
  scope: Scope,
  name: string,
): Promise<void> {
  if (isLocal(scope) || flagOn(invocation, "yes")) return;
  const { stdin, stderr } = context.io;
  const target = shownTarget(scope);
  if (flagOn(invocation, "json") || !stdin.isTerminal) {
    throw badRequest(
      `refusing destructive \`${name}\` against ${target} without confirmation; pass --yes to consent`,
    );
  }
  await stderr.write(`destructive \`${name}\` against ${target}; continue? [y/N] `);
  const answer = ((await stdin.line()) ?? "").trim().toLowerCase();
  if (answer !== "y" && answer !== "yes") throw badRequest(`aborted: destructive \`${name}\` not confirmed`);
}

function shownTarget(scope: Scope): string {
  switch (scope.kind) {
    case "store":
      return scope.uri;
    case "server":
      return scope.graph === null ? scope.base : `${scope.base}/graphs/${scope.graph}`;
    case "cluster":
      return scope.graph === null ? scope.root : `${scope.root} (graph ${scope.graph})`;
  }
}

/** Says on stderr, before the effect, what is about to be written where. */
export async function echoWrite(
  context: Context,
  invocation: Invocation,
  scope: Scope,
  uri: string,
): Promise<void> {
  if (flagOn(invocation, "quiet")) return;
  const access = scope.kind === "server" ? "served" : isLocal(scope) ? "direct, local" : "direct, remote";
  await context.io.stderr.write(`omnigraph ${invocation.path.join(" ")} → ${uri} (${access})\n`);
}
