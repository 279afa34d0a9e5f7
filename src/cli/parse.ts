// Words of a command line into a command with its flags and positionals, strictly: whatever the table does not name
// is a usage error that says what would be right.

import { badRequest, OmnigraphError } from "../lib/errors.ts";
import {
  type CommandSpec,
  type FlagSpec,
  flagUsage,
  GLOBAL_FLAGS,
  type PositionalSpec,
  positionalUsage,
} from "./spec.ts";
import { suggestion } from "./suggest.ts";

/** A command with everything that was said about it. */
export interface Invocation {
  readonly command: CommandSpec;
  /** The words that name the command: `["branch", "create"]`. */
  readonly path: readonly string[];
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

export type Parsed =
  | { readonly kind: "run"; readonly invocation: Invocation }
  /** `asked` is false where a word is missing: then help goes to stderr and the exit code is 2. */
  | {
      readonly kind: "help";
      readonly path: readonly string[];
      readonly long: boolean;
      readonly asked: boolean;
    }
  | { readonly kind: "version" };

/** A malformed command line. */
export class UsageError extends OmnigraphError {
  constructor(
    message: string,
    readonly path: readonly string[],
    readonly hint: string | null = null,
  ) {
    super("usage", message);
  }
}

/** The value of a flag that takes one. */
export function flagValue(invocation: Invocation, name: string): string | undefined {
  return invocation.flags.get(name)?.[0];
}

/** Every value of a repeatable flag. */
export function flagValues(invocation: Invocation, name: string): readonly string[] {
  return invocation.flags.get(name) ?? [];
}

/** Whether a switch is on. */
export function flagOn(invocation: Invocation, name: string): boolean {
  return invocation.flags.has(name);
}

/** The positional of that name, or undefined. */
export function positional(invocation: Invocation, name: string): string | undefined {
  const index = (invocation.command.positionals ?? []).findIndex((spec) => spec.name === name);
  return index === -1 ? undefined : invocation.positionals[index];
}

/** Finds the subcommand that a word names, by its name or an alias. */
export function findSubcommand(parent: CommandSpec, word: string): CommandSpec | undefined {
  return parent.subcommands?.find(
    (command) => command.name === word || command.aliases?.some((alias) => alias.name === word),
  );
}

/** Parses the words after the program's name. Deprecated spellings are reported through `warn` as they are met. */
export function parseCommandLine(
  root: CommandSpec,
  words: readonly string[],
  warn: (text: string) => void,
): Parsed {
  if (words.length === 0) return { kind: "help", path: [], long: false, asked: false };
  return new CommandLine(root, words, warn).parse();
}

class CommandLine {
  private command: CommandSpec;
  private path: readonly string[] = [];
  private at = 0;
  private readonly flags = new Map<string, string[]>();
  private readonly positionals: string[] = [];

  constructor(
    private readonly root: CommandSpec,
    private readonly words: readonly string[],
    private readonly warn: (text: string) => void,
  ) {
    this.command = root;
  }

  parse(): Parsed {
    let flagsEnded = false;
    while (this.at < this.words.length) {
      const word = this.words[this.at++];
      if (flagsEnded) {
        this.takeWord(word);
      } else if (word === "--") {
        flagsEnded = true;
      } else if (isFlag(word)) {
        const flag = this.takeFlag(word);
        if (flag === "help") return { kind: "help", path: this.path, long: word !== "-h", asked: true };
        if (flag === "version") return { kind: "version" };
      } else if (this.path.length === 0 && word === "help") {
        return this.helpCommand();
      } else {
        this.takeWord(word);
      }
    }
    if (this.command.subcommands !== undefined) {
      return { kind: "help", path: this.path, long: false, asked: false };
    }
    this.checkComplete();
    const { command, path, flags, positionals } = this;
    return { kind: "run", invocation: { command, path, flags, positionals } };
  }

  private fail(message: string, hint: string | null = null): never {
    throw new UsageError(message, this.path, hint);
  }

  private helpCommand(): Parsed {
    for (const word of this.words.slice(this.at)) {
      if (isFlag(word)) this.fail(`unexpected argument '${word}' found`);
      this.enter(this.subcommand(word));
    }
    return { kind: "help", path: this.path, long: true, asked: true };
  }

  private takeWord(word: string): void {
    if (this.command.subcommands !== undefined) {
      this.descend(word);
      return;
    }
    const specs = this.command.positionals ?? [];
    const spec = specs[this.positionals.length] ?? specs.findLast((candidate) => candidate.rest === true);
    if (spec === undefined) this.fail(`unexpected argument '${word}' found`);
    this.checkChoice(word, positionalUsage(spec), spec.choices);
    this.positionals.push(namedBy(spec, word));
  }

  private subcommand(word: string): CommandSpec {
    const next = findSubcommand(this.command, word);
    if (next !== undefined) return next;
    const known = (this.command.subcommands ?? [])
      .filter((command) => command.hidden !== true)
      .map((command) => command.name);
    return this.fail(`unrecognized subcommand '${word}'`, suggestion(word, known));
  }

  private descend(word: string): void {
    const next = this.subcommand(word);
    if (next.aliases?.some((alias) => alias.name === word && alias.deprecated === true) === true) {
      this.warn(`\`omnigraph ${word}\` is deprecated; use \`omnigraph ${next.name}\``);
    }
    if (next.deprecation !== undefined) this.warn(next.deprecation);
    this.enter(next);
    if (word === "query" && this.path.length === 1) this.redirectOldLint();
  }

  private enter(command: CommandSpec): void {
    this.command = command;
    this.path = [...this.path, command.name];
  }

  /** `query lint` and `query check` were the linter; a flag after `query` reaches a stored query of that name. */
  private redirectOldLint(): void {
    const word = this.words[this.at];
    const lint = this.root.subcommands?.find((command) => command.name === "lint");
    if (lint === undefined || (word !== "lint" && word !== "check")) return;
    this.warn(`\`omnigraph query ${word}\` is deprecated; use \`omnigraph lint\``);
    this.at++;
    this.path = [];
    this.enter(lint);
  }

  /** Takes one flag with its value; answers its name. */
  private takeFlag(word: string): string {
    const { spec, inline } = this.findFlag(word);
    if (spec.deprecation !== undefined) this.warn(spec.deprecation);
    if (spec.value === undefined) {
      if (inline !== null) this.fail(`unexpected value '${inline}' for '--${spec.name}' found`);
      this.flags.set(spec.name, []);
      return spec.name;
    }
    const value = namedBy(spec, inline ?? this.nextValue(spec));
    this.checkChoice(value, flagUsage(spec), spec.choices);
    if (spec.integer === true && !/^\d+$/.test(value)) {
      this.fail(`invalid value '${value}' for '${flagUsage(spec)}': a whole number is expected`);
    }
    const before = this.flags.get(spec.name);
    if (before !== undefined && spec.repeatable !== true) {
      this.fail(`the argument '${flagUsage(spec)}' cannot be used multiple times`);
    }
    this.flags.set(spec.name, [...(before ?? []), value]);
    return spec.name;
  }

  private findFlag(word: string): { spec: FlagSpec; inline: string | null } {
    const known = [...(this.command.flags ?? []), ...GLOBAL_FLAGS];
    if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = equals === -1 ? word.slice(2) : word.slice(2, equals);
      const spec = known.find((flag) => flag.name === name);
      if (spec !== undefined) return { spec, inline: equals === -1 ? null : word.slice(equals + 1) };
      const close = suggestion(
        name,
        known.filter((flag) => flag.hidden !== true).map((flag) => flag.name),
      );
      return this.fail(
        `unexpected argument '--${name}' found`,
        REMOVED_FLAGS.get(name) ?? (close === null ? null : `--${close}`),
      );
    }
    const spec = known.find((flag) => flag.short === word[1]);
    if (spec === undefined) return this.fail(`unexpected argument '${word.slice(0, 2)}' found`);
    if (word.length === 2) return { spec, inline: null };
    return { spec, inline: word[2] === "=" ? word.slice(3) : word.slice(2) };
  }

  private nextValue(spec: FlagSpec): string {
    const next = this.words[this.at];
    if (next === undefined || isFlag(next)) {
      const remedy =
        next === undefined ? "" : `; a value that starts with '-' is written --${spec.name}=<${spec.value}>`;
      this.fail(`a value is required for '${flagUsage(spec)}' but none was supplied${remedy}`);
    }
    this.at++;
    return next;
  }

  private checkChoice(value: string, usage: string, choices: readonly string[] | undefined): void {
    if (choices === undefined || choices.includes(value)) return;
    this.fail(
      `invalid value '${value}' for '${usage}'\n  [possible values: ${choices.join(", ")}]`,
      suggestion(value, choices),
    );
  }

  private checkComplete(): void {
    const specs = this.command.flags ?? [];
    const missing: string[] = [];
    for (const spec of specs) {
      if (!this.flags.has(spec.name)) {
        if (spec.required === true) missing.push(flagUsage(spec));
        continue;
      }
      for (const name of spec.excludes ?? []) {
        const other = specs.find((candidate) => candidate.name === name);
        if (other === undefined || !this.flags.has(name)) continue;
        this.fail(`the argument '${flagUsage(spec)}' cannot be used with '${flagUsage(other)}'`);
      }
      for (const name of spec.requires ?? []) {
        const other = specs.find((candidate) => candidate.name === name);
        if (other !== undefined && !this.flags.has(name)) missing.push(flagUsage(other));
      }
    }
    const absent = (this.command.positionals ?? []).slice(this.positionals.length);
    missing.push(...absent.filter((spec) => spec.required === true).map(positionalUsage));
    if (missing.length === 0) return;
    const lines = [...new Set(missing)].map((usage) => `\n  ${usage}`).join("");
    this.fail(`the following required arguments were not provided:${lines}`);
  }
}

/** The value as it is used from here on. A blank name is well-formed, and refused as every surface refuses it. */
function namedBy({ names }: FlagSpec | PositionalSpec, given: string): string {
  if (names === undefined) return given;
  const name = given.trim();
  if (name === "") throw badRequest(`${names} cannot be empty`);
  return name;
}

function isFlag(word: string): boolean {
  return word.startsWith("-") && word !== "-";
}

/** Flags that are gone, and what took their place. */
const REMOVED_FLAGS: ReadonlyMap<string, string> = new Map([
  ["alias", "alias <name>"],
  ["target", "--server, --store or --profile"],
  ["cluster-graph", "--graph"],
  ["name", "the query name is a positional argument"],
  ["table", "--type"],
  ["config", "--cluster"],
]);
