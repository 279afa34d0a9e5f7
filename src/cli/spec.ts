// What a command is: the data that parsing, help, completion and the scope checks all read.

import type { Context } from "./context.ts";
import type { Invocation } from "./parse.ts";

export type ScopeFlag = "server" | "cluster" | "graph" | "store" | "as" | "profile";

export type Capability = "any" | "served" | "direct" | "control" | "local";

export interface FlagSpec {
  readonly name: string;
  readonly short?: string;
  /** Name of the value in help; a flag without one is a switch. */
  readonly value?: string;
  readonly help: string;
  readonly repeatable?: boolean;
  readonly required?: boolean;
  readonly hidden?: boolean;
  readonly choices?: readonly string[];
  /** Only digits are accepted. */
  readonly integer?: boolean;
  /** What the value names: it is trimmed, once and for all, and refused where nothing is left. */
  readonly names?: string;
  readonly fallback?: string;
  readonly env?: string;
  /** Names of flags that may not stand beside this one. */
  readonly excludes?: readonly string[];
  /** Names of flags that must stand beside this one. */
  readonly requires?: readonly string[];
  /** Printed as a warning when the flag is used. */
  readonly deprecation?: string;
}

export interface PositionalSpec {
  readonly name: string;
  readonly help: string;
  readonly required?: boolean;
  /** Takes every word that is left. */
  readonly rest?: boolean;
  readonly choices?: readonly string[];
  /** As of a flag. */
  readonly names?: string;
}

/** Another spelling of a command. */
export interface AliasSpec {
  readonly name: string;
  /** Shown beside the command in the root help. */
  readonly visible?: boolean;
  /** Warns on stderr; without it the spelling is simply accepted. */
  readonly deprecated?: boolean;
}

export type Handler = (context: Context, invocation: Invocation) => Promise<number>;

export interface CommandSpec {
  readonly name: string;
  readonly capability: Capability;
  /** How refusals name it; without one, the words that are typed. */
  readonly label?: string;
  readonly summary: string;
  /** More paragraphs for `--help`. */
  readonly about?: string;
  readonly examples?: readonly string[];
  readonly hidden?: boolean;
  readonly aliases?: readonly AliasSpec[];
  /** Scope flags that apply. */
  readonly accepts?: readonly ScopeFlag[];
  /** Accepts `--as` and warns that it has no effect. */
  readonly ignoresActor?: boolean;
  readonly flags?: readonly FlagSpec[];
  readonly positionals?: readonly PositionalSpec[];
  /** Printed as a warning before anything else happens. */
  readonly deprecation?: string;
  readonly subcommands?: readonly CommandSpec[];
  /** Loads the code that does it; absent in families, and in commands that this build refuses by name. */
  readonly load?: () => Promise<Handler>;
}

/** Accepted by every command; which scope flags then apply is the command's `accepts`. */
export const GLOBAL_FLAGS: readonly FlagSpec[] = [
  { name: "server", value: "NAME|URL", help: "a server of the operator config, or its base URL" },
  { name: "graph", value: "ID", help: "the graph inside a server or cluster scope" },
  { name: "store", value: "URI", help: "the storage of one graph: a path, file:// or s3://" },
  {
    name: "cluster",
    value: "DIR|URI",
    help: "a cluster: its name, its config directory or its storage root",
  },
  { name: "profile", value: "NAME", help: "a profile of the operator config", env: "OMNIGRAPH_PROFILE" },
  {
    name: "as",
    value: "ACTOR",
    help: "the actor of direct writes and of cluster apply and approve",
    names: "actor",
  },
  { name: "yes", help: "consent to a destructive write on a target that is not local" },
  { name: "quiet", help: "no write echo and no progress" },
  { name: "help", short: "h", help: "help (-h for the short form)" },
  { name: "version", short: "v", help: "the version" },
];

/** `--mode <MODE>`, as messages and help show a flag. */
export function flagUsage(flag: FlagSpec): string {
  return flag.value === undefined ? `--${flag.name}` : `--${flag.name} <${flag.value}>`;
}

/** `<NAME>` or `[NAME]`, with dots where it takes several. */
export function positionalUsage(positional: PositionalSpec): string {
  const dots = positional.rest === true ? "..." : "";
  return positional.required === true ? `<${positional.name}>${dots}` : `[${positional.name}]${dots}`;
}
