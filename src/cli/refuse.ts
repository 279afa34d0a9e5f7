// Scope flags that do not apply to a command are refused before anything is read or asked.

import { badRequest } from "../lib/errors.ts";
import { flagOn, type Invocation } from "./parse.ts";
import type { Capability, CommandSpec, ScopeFlag } from "./spec.ts";

const WORDS: Readonly<Record<Capability, string>> = {
  any: "data",
  served: "served",
  direct: "direct (storage-native)",
  control: "cluster control",
  local: "local",
};

/** In the order in which they are checked. */
const CLAUSES: readonly (readonly [ScopeFlag, string])[] = [
  ["server", "--server addresses a served graph"],
  ["cluster", "--cluster addresses a cluster-scoped command"],
  ["graph", "--graph selects a graph within a server or cluster scope"],
  ["store", "--store addresses a single graph's storage directly"],
  ["as", "--as sets the actor for a direct-engine or actor-bound cluster operation"],
  ["profile", "--profile selects a scope bundle"],
];

/** How messages name the command. */
export function labelOf(invocation: Invocation): string {
  return invocation.command.label ?? invocation.path.join(" ");
}

/** Throws for the first scope flag that does not apply. */
export function refuseScopeFlags(invocation: Invocation): void {
  if (invocation.path[0] === "alias") refuseOnAlias(invocation);
  const { command } = invocation;
  for (const [flag, clause] of CLAUSES) {
    if (!flagOn(invocation, flag)) continue;
    if (command.accepts?.includes(flag) === true || (flag === "as" && command.ignoresActor === true))
      continue;
    const word = WORDS[command.capability];
    throw badRequest(
      `\`${labelOf(invocation)}\` is a ${word} command; ${clause} and does not apply.${tail(command, invocation)}`,
    );
  }
}

function tail(command: CommandSpec, invocation: Invocation): string {
  switch (command.capability) {
    case "any":
      return "";
    case "served":
      return " Address the server with --server <name|url> or --profile <name>.";
    case "direct":
      return command.accepts?.includes("cluster") === true && command.name !== "lint"
        ? " Pass a storage URI, or --cluster <dir> --graph <id>."
        : " Pass a storage URI.";
    case "control":
      return invocation.path[0] === "cluster"
        ? " It works on a config directory: pass --config <dir>."
        : " It works on a cluster: pass --cluster <dir|uri>.";
    case "local":
      return " It addresses no graph.";
  }
}

/** An alias fixes its scope: every scope flag beside it is named, not only the first. */
function refuseOnAlias(invocation: Invocation): void {
  const order: readonly ScopeFlag[] = ["server", "graph", "store", "cluster", "profile", "as"];
  const given = order.filter((flag) => flagOn(invocation, flag)).map((flag) => `--${flag}`);
  if (given.length === 0) return;
  throw badRequest(
    `\`alias\` uses the server, graph, and stored query of the operator config; ${given.join(", ")} cannot be used with it`,
  );
}
