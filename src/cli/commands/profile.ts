// `profile list` and `profile show`: what the operator config says a scope would be.

import { compareUtf8 } from "../../lib/utf8.ts";
import type { OperatorConfig, Profile } from "../config.ts";
import type { Context } from "../context.ts";
import { flagOn, type Invocation } from "../parse.ts";
import { bindingOfProfile, profileNamed } from "../scope.ts";

export async function profileList(context: Context, invocation: Invocation): Promise<number> {
  const config = await context.config();
  const active = activeProfile(context);
  const profiles = [...config.profiles]
    .sort(([a], [b]) => compareUtf8(a, b))
    .map(([name, profile]) => describeProfile(name, profile, name === active));
  if (flagOn(invocation, "json")) {
    await context.printJson(profiles);
    return 0;
  }
  if (profiles.length === 0) await context.print("no profiles are defined in the operator config");
  for (const profile of profiles) {
    const graph = profile.default_graph === null ? "" : ` · graph: ${profile.default_graph}`;
    await context.print(`${profile.name}${profile.active ? " (active)" : ""}  ${profile.binding}${graph}`);
  }
  return 0;
}

function describeProfile(name: string, profile: Profile, active: boolean) {
  const binding = bindingOfProfile(name, profile);
  const valid = binding.kind !== "invalid";
  return {
    name,
    binding: valid ? `${binding.kind}: ${binding.target}` : `invalid: ${binding.reason}`,
    scope_kind: binding.kind,
    target: valid ? binding.target : null,
    valid,
    error: valid ? null : binding.reason,
    default_graph: profile.defaultGraph,
    active,
  };
}

interface Shown {
  readonly name: string;
  readonly scope_kind: "server" | "cluster" | "store" | "invalid" | "none";
  readonly target: string | null;
  readonly endpoint: string | null;
  readonly default_graph: string | null;
  readonly output_format: string | null;
}

export async function profileShow(context: Context, invocation: Invocation): Promise<number> {
  const config = await context.config();
  const name = invocation.positionals[0] ?? activeProfile(context);
  const shown = name === null ? showDefaults(config) : showProfile(config, name);
  if (flagOn(invocation, "json")) {
    await context.printJson(shown);
    return 0;
  }
  await context.print(`profile: ${shown.name}`);
  await context.print(`  scope:   ${shown.scope_kind}${shown.target === null ? "" : ` ${shown.target}`}`);
  if (shown.target !== null) {
    const undefinedTarget = `(undefined ${shown.scope_kind} '${shown.target}')`;
    await context.print(`  endpoint: ${shown.endpoint ?? undefinedTarget}`);
  }
  if (shown.default_graph !== null) await context.print(`  default graph: ${shown.default_graph}`);
  if (shown.output_format !== null) await context.print(`  output: ${shown.output_format}`);
  return 0;
}

function showProfile(config: OperatorConfig, name: string): Shown {
  const profile = profileNamed(config, name);
  const binding = bindingOfProfile(name, profile);
  const target = binding.kind === "invalid" ? null : binding.target;
  return {
    name,
    scope_kind: binding.kind,
    target,
    endpoint: target === null ? null : endpointOf(config, binding.kind, target),
    default_graph: profile.defaultGraph,
    output_format: config.defaults.output,
  };
}

function showDefaults(config: OperatorConfig): Shown {
  const { server, store, defaultGraph, output } = config.defaults;
  const kind = server !== null ? "server" : store !== null ? "store" : "none";
  const target = server ?? store;
  return {
    name: "(defaults)",
    scope_kind: kind,
    target,
    endpoint: target === null ? null : endpointOf(config, kind, target),
    default_graph: defaultGraph,
    output_format: output,
  };
}

/** The URL, root or URI behind a name; null where a name is not defined. */
function endpointOf(config: OperatorConfig, kind: Shown["scope_kind"], target: string): string | null {
  if (kind === "server") return config.servers.get(target) ?? (target.includes("://") ? target : null);
  if (kind === "cluster") return config.clusters.get(target) ?? target;
  return target;
}

function activeProfile(context: Context): string | null {
  return context.io.ports.env.OMNIGRAPH_PROFILE || null;
}
