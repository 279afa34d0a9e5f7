// What a command is about: from flags, the environment and the operator config to one server, store or cluster.
// Nothing here opens a graph or sends a request.

import { badRequest, type OmnigraphError } from "../lib/errors.ts";
import type { OperatorConfig, Profile } from "./config.ts";
import type { Context } from "./context.ts";
import { flagOn, flagValue, type Invocation, positional } from "./parse.ts";
import { labelOf } from "./refuse.ts";
import { suggestion } from "./suggest.ts";

export interface ServerScope {
  readonly kind: "server";
  /** Base URL without a trailing slash. */
  readonly base: string;
  readonly graph: string | null;
}

export interface StoreScope {
  readonly kind: "store";
  /** As typed. */
  readonly uri: string;
}

export interface ClusterScope {
  readonly kind: "cluster";
  /** A storage root with a scheme, or a config directory. */
  readonly root: string;
  readonly graph: string | null;
}

export type Scope = ServerScope | StoreScope | ClusterScope;

interface Found {
  readonly scope: Scope;
  /** Who said so, for messages: a flag, `profile 'x'` or `operator defaults`. */
  readonly source: string;
}

/** A scope for a command on one graph's data: a server or a store. */
export async function dataScope(context: Context, invocation: Invocation): Promise<ServerScope | StoreScope> {
  const { scope, source } = await resolveScope(context, invocation);
  if (scope.kind === "cluster") {
    throw badRequest(
      `${source} resolves a cluster scope, which is not valid for graph data commands; address a graph with --server <name|url> or --store <uri>`,
    );
  }
  return scope;
}

/** A scope for a command on storage: a store, or a graph of a cluster. */
export async function directScope(
  context: Context,
  invocation: Invocation,
): Promise<StoreScope | ClusterScope> {
  const { scope, source } = await resolveScope(context, invocation);
  if (scope.kind === "server") {
    throw badRequest(
      `\`${labelOf(invocation)}\` needs direct storage access, but ${source} resolves a server scope; pass --store <uri>, or --cluster <dir|uri> --graph <id>`,
    );
  }
  return scope;
}

/** The base URL for a command on a whole server. */
export async function servedBase(context: Context, invocation: Invocation): Promise<string> {
  const found = await findScope(context, invocation);
  const label = labelOf(invocation);
  if (found === null) {
    throw badRequest(`\`${label}\` needs a server scope; pass --server <name|url> or --profile <name>`);
  }
  if (found.scope.kind === "server") return found.scope.base;
  const remedy =
    found.scope.kind === "cluster" ? "; `omnigraph cluster status` shows what a cluster has applied" : "";
  throw badRequest(
    `\`${label}\` requires a server, but ${found.source} resolves a ${found.scope.kind} scope${remedy}`,
  );
}

/** The cluster of a policy or queries command; only a flag or a profile can name one. */
export async function controlScope(context: Context, invocation: Invocation): Promise<ClusterScope> {
  const found = await findScope(context, invocation);
  if (found?.scope.kind === "cluster") return found.scope;
  throw badRequest(
    `\`${labelOf(invocation)}\` needs a cluster; pass --cluster <dir|uri>, or a profile that binds one`,
  );
}

async function resolveScope(context: Context, invocation: Invocation): Promise<Found> {
  const found = await findScope(context, invocation);
  if (found !== null) return found;
  const here = (invocation.command.positionals ?? []).some((spec) => spec.name === "URI")
    ? "a positional URI, "
    : (invocation.command.flags ?? []).some((flag) => flag.name === "uri")
      ? "--uri, "
      : "";
  const others =
    invocation.command.capability === "any"
      ? "--store, --server, --profile"
      : "--store, --cluster, --profile";
  const offline =
    labelOf(invocation) === "lint" ? "; lint requires --schema <schema.pg> (offline) or a graph target" : "";
  throw badRequest(
    `no graph addressed: pass ${here}${others}, or set defaults in the operator config (defaults.server or defaults.store)${offline}`,
  );
}

/** The scope by the order of precedence, or null where nothing names one. */
async function findScope(context: Context, invocation: Invocation): Promise<Found | null> {
  const address = addressOf(invocation);
  refuseSeveralAddresses(invocation, address);
  const graph = flagValue(invocation, "graph") ?? null;
  const cluster = flagValue(invocation, "cluster");
  if (cluster !== undefined) {
    return { scope: await clusterNamed(context, cluster, graph), source: "--cluster" };
  }
  const server = flagValue(invocation, "server");
  if (server !== undefined) {
    return { scope: serverNamed(await context.config(), server, graph), source: "--server" };
  }
  const store = address ?? flagValue(invocation, "store");
  if (store !== undefined) {
    refuseServedAddress(invocation, store);
    if (graph !== null) throw alreadySingle(address === undefined ? "--store" : "a storage URI");
    return { scope: { kind: "store", uri: store }, source: "--store" };
  }
  const profileName =
    flagValue(invocation, "profile") ?? (context.io.ports.env.OMNIGRAPH_PROFILE || undefined);
  const config = await context.config();
  if (profileName !== undefined) {
    const scope = scopeOfProfile(config, profileName, graph);
    return { scope, source: `profile '${profileName}'` };
  }
  if (config.defaults.server !== null) {
    const scope = serverNamed(config, config.defaults.server, graph ?? config.defaults.defaultGraph);
    return { scope, source: "operator defaults" };
  }
  if (config.defaults.store !== null) {
    if (graph !== null) throw alreadySingle("defaults.store");
    return { scope: { kind: "store", uri: config.defaults.store }, source: "operator defaults" };
  }
  return null;
}

function addressOf(invocation: Invocation): string | undefined {
  return positional(invocation, "URI") ?? flagValue(invocation, "uri");
}

function refuseSeveralAddresses(invocation: Invocation, address: string | undefined): void {
  const given = [
    ...(address === undefined ? [] : ["a positional URI"]),
    ...["store", "server", "cluster"]
      .filter((flag) => flagOn(invocation, flag))
      .map((flag) => `\`--${flag}\``),
  ];
  if (given.length > 1) {
    throw badRequest(`${given.join(" and ")} are mutually exclusive: pass one of them`);
  }
}

/** Checks, for a command whose work this build does not have, what it would have been about. */
export function checkAddress(invocation: Invocation): void {
  const address = addressOf(invocation);
  refuseSeveralAddresses(invocation, address);
  const store = address ?? flagValue(invocation, "store");
  if (store !== undefined) refuseServedAddress(invocation, store);
}

/** Refuses an http(s) address where storage is meant. */
export function refuseServedAddress(invocation: Invocation, uri: string): void {
  if (!isHttp(uri)) return;
  const { capability } = invocation.command;
  throw badRequest(
    capability === "any"
      ? `'${uri}' is a server and must be addressed with \`--server <url>\``
      : `\`${labelOf(invocation)}\` is a direct (storage-native) command and needs direct storage access; '${uri}' is a remote server`,
  );
}

const alreadySingle = (what: string): OmnigraphError =>
  badRequest(`--graph does not apply to ${what}: a store is already a single graph`);

async function clusterNamed(context: Context, value: string, graph: string | null): Promise<ClusterScope> {
  const config = await context.config();
  return { kind: "cluster", root: config.clusters.get(value) ?? value, graph };
}

/** The server of a name of the operator config, or of a literal URL. */
export function serverNamed(config: OperatorConfig, value: string, graph: string | null): ServerScope {
  const url = value.includes("://") ? value : config.servers.get(value);
  if (url === undefined) {
    const names = [...config.servers.keys()].sort();
    const close = suggestion(value, names);
    throw badRequest(
      `unknown server '${value}'; ${names.length === 0 ? "the operator config defines none" : `defined: ${names.join(", ")}`}${
        close === null ? "" : ` (hint: ${close})`
      }`,
    );
  }
  if (!isHttp(url)) throw badRequest(`a server scope resolves to an http(s):// URL, not '${url}'`);
  return { kind: "server", base: url.replace(/\/+$/, ""), graph };
}

/** What binds a profile, or why it cannot be used. */
export function bindingOfProfile(
  name: string,
  profile: Profile,
): { kind: "server" | "cluster" | "store"; target: string } | { kind: "invalid"; reason: string } {
  const bound = (["server", "cluster", "store"] as const).flatMap((kind) => {
    const target = profile[kind];
    return target === null ? [] : [{ kind, target }];
  });
  if (bound.length === 0) return { kind: "invalid", reason: `profile '${name}' binds no scope` };
  if (bound.length > 1) return { kind: "invalid", reason: `profile '${name}' binds ${bound.length} scopes` };
  return bound[0];
}

/** The profile of that name; refused with the names that are defined. */
export function profileNamed(config: OperatorConfig, name: string): Profile {
  const profile = config.profiles.get(name);
  if (profile !== undefined) return profile;
  const names = [...config.profiles.keys()].sort();
  const close = suggestion(name, names);
  throw badRequest(
    `unknown profile '${name}'${names.length === 0 ? "" : `; defined: ${names.join(", ")}`}${
      close === null ? "" : ` (hint: ${close})`
    }`,
  );
}

function scopeOfProfile(config: OperatorConfig, name: string, graphFlag: string | null): Scope {
  const profile = profileNamed(config, name);
  const binding = bindingOfProfile(name, profile);
  if (binding.kind === "invalid")
    throw badRequest(`${binding.reason}; it must bind exactly one of server, cluster, store`);
  const graph = graphFlag ?? profile.defaultGraph;
  switch (binding.kind) {
    case "server":
      return serverNamed(config, binding.target, graph);
    case "cluster":
      return { kind: "cluster", root: config.clusters.get(binding.target) ?? binding.target, graph };
    case "store":
      if (graph !== null) throw alreadySingle(`profile '${name}'`);
      return { kind: "store", uri: binding.target };
  }
}

const isHttp = (uri: string): boolean => /^https?:\/\//i.test(uri);

/** A bare path or `file://`; every other scheme is not local. */
export function isLocal(scope: Scope): boolean {
  if (scope.kind === "server") return false;
  const uri = scope.kind === "store" ? scope.uri : scope.root;
  return !uri.includes("://") || /^file:\/\//i.test(uri);
}
