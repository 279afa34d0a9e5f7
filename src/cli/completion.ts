// Completion scripts, written from the command table: commands, flags and fixed values. They ask nobody.

import { type CommandSpec, GLOBAL_FLAGS } from "./spec.ts";

export type Shell = "bash" | "zsh" | "fish" | "powershell";

/** What may stand after the words of `path`. */
interface Entry {
  readonly path: string;
  readonly words: readonly string[];
  /** Fixed values by flag. */
  readonly values: readonly (readonly [flag: string, values: readonly string[]])[];
}

/** The script for a shell. */
export function completionScript(root: CommandSpec, shell: Shell): string {
  const entries = entriesOf(root, []);
  switch (shell) {
    case "bash":
      return bashScript(entries);
    case "zsh":
      return `#compdef omnigraph\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(entries)}`;
    case "fish":
      return fishScript(entries);
    case "powershell":
      return powershellScript(entries);
  }
}

function entriesOf(command: CommandSpec, path: readonly string[]): readonly Entry[] {
  const children = (command.subcommands ?? []).filter((child) => child.hidden !== true);
  const flags = [...(command.flags ?? []), ...GLOBAL_FLAGS].filter((flag) => flag.hidden !== true);
  const positionals = (command.positionals ?? []).flatMap((positional) => positional.choices ?? []);
  const own: Entry = {
    path: path.join(" "),
    words: [
      ...children.map((child) => child.name),
      ...positionals,
      ...new Set(flags.map((flag) => `--${flag.name}`)),
    ],
    values: flags.flatMap((flag) =>
      flag.choices === undefined ? [] : [[`--${flag.name}`, flag.choices] as const],
    ),
  };
  return [own, ...children.flatMap((child) => entriesOf(child, [...path, child.name]))];
}

function bashScript(entries: readonly Entry[]): string {
  const paths = entries.filter((entry) => entry.path !== "").map((entry) => `"${entry.path}"`);
  const values = entries.flatMap((entry) =>
    entry.values.map(([flag, words]) => `    "${entry.path} ${flag}") words="${words.join(" ")}" ;;`),
  );
  const words = entries.map((entry) => `      "${entry.path}") words="${entry.words.join(" ")}" ;;`);
  return `_omnigraph() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}"
  local path="" next words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${path:+$path }\${COMP_WORDS[i]}"
    case "$next" in
      ${paths.join(" | ")}) path="$next" ;;
    esac
  done
  case "$path $previous" in
${values.join("\n")}
  esac
  if [ -z "$words" ]; then
    case "$path" in
${words.join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _omnigraph omnigraph
`;
}

function fishScript(entries: readonly Entry[]): string {
  const lines = entries.flatMap((entry) => {
    const condition = `__omnigraph_at '${entry.path}'`;
    const plain = entry.words.filter((word) => !word.startsWith("--"));
    const flags = entry.words.filter((word) => word.startsWith("--")).map((word) => word.slice(2));
    return [
      ...(plain.length === 0 ? [] : [`complete -c omnigraph -n "${condition}" -a '${plain.join(" ")}'`]),
      ...flags.map((flag) => {
        const values = entry.values.find(([name]) => name === `--${flag}`)?.[1];
        const choices = values === undefined ? "" : ` -x -a '${values.join(" ")}'`;
        return `complete -c omnigraph -n "${condition}" -l ${flag}${choices}`;
      }),
    ];
  });
  const paths = entries.filter((entry) => entry.path !== "").map((entry) => `'${entry.path}'`);
  return `function __omnigraph_at
  set -l path ""
  for word in (commandline -opc)[2..-1]
    set -l next (string trim "$path $word")
    if contains -- $next ${paths.join(" ")}
      set path $next
    end
  end
  test "$path" = "$argv[1]"
end
${lines.join("\n")}
`;
}

function powershellScript(entries: readonly Entry[]): string {
  const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(", ");
  const table = entries.map((entry) => `    '${entry.path}' = @(${quoted(entry.words)})`);
  const values = entries.flatMap((entry) =>
    entry.values.map(([flag, words]) => `    '${entry.path} ${flag}' = @(${quoted(words)})`),
  );
  return `Register-ArgumentCompleter -Native -CommandName omnigraph -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $table = @{
${table.join("\n")}
  }
  $values = @{
${values.join("\n")}
  }
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($wordToComplete -and $words.Count -gt 0) { $words = @($words | Select-Object -SkipLast 1) }
  $path = ''
  foreach ($word in $words) {
    $next = "$path $word".Trim()
    if ($table.ContainsKey($next)) { $path = $next }
  }
  $previous = if ($words.Count -gt 0) { $words[-1] } else { '' }
  $choices = if ($values.ContainsKey("$path $previous")) { $values["$path $previous"] } else { $table[$path] }
  $choices | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`;
}
