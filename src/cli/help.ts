// Help, rendered from the command table.

import { type CommandSpec, type FlagSpec, GLOBAL_FLAGS, positionalUsage } from "./spec.ts";

const CAPABILITIES = [
  ["any", "a graph, served (--server) or on storage (--store, a URI)"],
  ["served", "a server"],
  ["direct", "the graph's storage; never a server"],
  ["control", "a cluster (--cluster; cluster commands: --config)"],
  ["local", "no graph"],
] as const;

/** Help of the command at the end of `path` (the program itself for an empty one). */
export function renderHelp(root: CommandSpec, path: readonly string[], long: boolean): string {
  return path.length === 0 ? rootHelp(root) : commandHelp(commandAt(root, path), path, long);
}

/** `usage: omnigraph load [URI] --data <FILE> [flags]` */
export function renderUsage(root: CommandSpec, path: readonly string[]): string {
  return usageOf(commandAt(root, path), path);
}

function commandAt(root: CommandSpec, path: readonly string[]): CommandSpec {
  return path.reduce(
    (command, name) => command.subcommands?.find((child) => child.name === name) ?? command,
    root,
  );
}

function rootHelp(root: CommandSpec): string {
  const shown = (root.subcommands ?? []).filter((command) => command.hidden !== true);
  const commands = shown.map((command): [string, string] => [command.name, rootSummary(command)]);
  const legend = CAPABILITIES.map(([word, needs]): [string, string] => [
    word,
    `${needs}: ${shown
      .filter((command) => command.capability === word)
      .map((command) => command.name)
      .join(", ")}`,
  ]);
  return [
    root.summary,
    "",
    usageOf(root, []),
    "",
    "commands:",
    ...columns(commands),
    "",
    "global flags:",
    ...columns(GLOBAL_FLAGS.map(flagLine)),
    "",
    "COMMANDS BY CAPABILITY",
    ...columns(legend),
    "",
    "`omnigraph help <command>` says more about one of them.",
    "",
  ].join("\n");
}

function rootSummary(command: CommandSpec): string {
  const aliases = (command.aliases ?? []).filter((alias) => alias.visible === true);
  if (aliases.length === 0) return command.summary;
  return `${command.summary} [aliases: ${aliases.map((alias) => alias.name).join(", ")}]`;
}

/** What a command does, or that this build refuses it. */
function summaryOf(command: CommandSpec): string {
  const isRefused = command.load === undefined && command.subcommands === undefined;
  return isRefused ? `${command.summary} (not supported by this build)` : command.summary;
}

function commandHelp(command: CommandSpec, path: readonly string[], long: boolean): string {
  const lines = [summaryOf(command), ""];
  if (long && command.about !== undefined) lines.push(command.about, "");
  lines.push(usageOf(command, path));
  if (command.subcommands !== undefined) {
    const shown = command.subcommands.filter((child) => child.hidden !== true);
    lines.push("", "subcommands:", ...columns(shown.map((child) => [child.name, summaryOf(child)])));
  }
  const positionals = command.positionals ?? [];
  if (positionals.length > 0) {
    lines.push("", "arguments:");
    lines.push(
      ...columns(positionals.map((spec) => [positionalUsage(spec), withChoices(spec.help, spec.choices)])),
    );
  }
  const own = (command.flags ?? []).filter((flag) => flag.hidden !== true);
  if (own.length > 0) lines.push("", "flags:", ...columns(own.map(flagLine)));
  const globals = GLOBAL_FLAGS.filter((flag) => applies(command, flag, own));
  lines.push("", "global flags:", ...columns(globals.map(flagLine)));
  if (long && command.examples !== undefined) {
    lines.push("", "examples:", ...command.examples.map((example) => `  ${example}`));
  }
  return [...lines, ""].join("\n");
}

function usageOf(command: CommandSpec, path: readonly string[]): string {
  const words = ["usage: omnigraph", ...path];
  if (command.subcommands !== undefined) {
    return [...words, path.length === 0 ? "<command>" : "<subcommand>", "[flags]"].join(" ");
  }
  words.push(...(command.positionals ?? []).map(positionalUsage));
  words.push(...(command.flags ?? []).filter((flag) => flag.required === true).map(flagColumn));
  return [...words, "[flags]"].join(" ");
}

const SCOPE_FLAGS = new Set(["server", "graph", "store", "cluster", "profile", "as"]);

/** Scope flags that a command refuses are left out of its help. */
function applies(command: CommandSpec, flag: FlagSpec, own: readonly FlagSpec[]): boolean {
  if (own.some((other) => other.name === flag.name)) return false;
  if (!SCOPE_FLAGS.has(flag.name) || command.subcommands !== undefined) return true;
  return command.accepts?.some((name) => name === flag.name) === true;
}

function flagColumn(flag: FlagSpec): string {
  const short = flag.short === undefined ? "" : `-${flag.short}, `;
  const value = flag.value === undefined ? "" : ` <${flag.value}>`;
  return `${short}--${flag.name}${value}`;
}

function flagLine(flag: FlagSpec): [string, string] {
  const notes = [withChoices(flag.help, flag.choices)];
  if (flag.repeatable === true) notes.push("(repeatable)");
  if (flag.fallback !== undefined) notes.push(`[default: ${flag.fallback}]`);
  if (flag.env !== undefined) notes.push(`[env: ${flag.env}]`);
  return [flagColumn(flag), notes.join(" ")];
}

function withChoices(help: string, choices: readonly string[] | undefined): string {
  return choices === undefined ? help : `${help} [possible values: ${choices.join(", ")}]`;
}

/** Two columns; a left side too wide for its column has its text on the next line. */
const LEFT_WIDTH_MAX = 32;

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(LEFT_WIDTH_MAX, Math.max(0, ...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) =>
    left.length > width
      ? [`  ${left}`, `  ${" ".repeat(width)}  ${right}`]
      : [`  ${left.padEnd(width)}  ${right}`],
  );
}
