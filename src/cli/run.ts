// One command from its words to its exit code. Nothing is printed or read but through `io`.

import { EXIT_USAGE, toOmnigraphError, unsupported } from "../lib/errors.ts";
import { type JsonValue, stringifyJson } from "../lib/json.ts";
import { createContext } from "./context.ts";
import { renderHelp, renderUsage } from "./help.ts";
import { type Io, OutputClosed } from "./io.ts";
import { type Invocation, parseCommandLine, UsageError } from "./parse.ts";
import { labelOf, refuseScopeFlags } from "./refuse.ts";
import { renderSourceError, SourceTextError } from "./render/source-error.ts";
import { ROOT } from "./table/index.ts";

const EXIT_OUTPUT_CLOSED = 141;

/** Runs the command that the words name, and answers its exit code. */
export async function run(words: readonly string[], io: Io): Promise<number> {
  try {
    return await runCommand(words, io);
  } catch (thrown) {
    if (thrown instanceof OutputClosed) return EXIT_OUTPUT_CLOSED;
    return report(thrown, words, io);
  }
}

async function runCommand(words: readonly string[], io: Io): Promise<number> {
  if (words.length === 1 && words[0] === "server") {
    return (await import("./commands/server.ts")).serverFromEnvironment(createContext(io));
  }
  const warnings: string[] = [];
  const flush = () => io.stderr.write(warnings.map((warning) => `warning: ${warning}\n`).join(""));
  let parsed: ReturnType<typeof parseCommandLine>;
  try {
    parsed = parseCommandLine(ROOT, words, (warning) => warnings.push(warning));
  } finally {
    if (warnings.length > 0) await flush();
  }
  switch (parsed.kind) {
    case "version": {
      const { VERSION } = await import("../lib/version.ts");
      await io.stdout.write(`omnigraph ${VERSION}\n`);
      return 0;
    }
    case "help": {
      const help = renderHelp(ROOT, parsed.path, parsed.long);
      await (parsed.asked ? io.stdout : io.stderr).write(help);
      return parsed.asked ? 0 : EXIT_USAGE;
    }
    case "run":
      return dispatch(parsed.invocation, io);
  }
}

async function dispatch(invocation: Invocation, io: Io): Promise<number> {
  refuseScopeFlags(invocation);
  const { load } = invocation.command;
  if (load === undefined) {
    (await import("./scope.ts")).checkAddress(invocation);
    throw unsupported(`\`omnigraph ${invocation.path.join(" ")}\``);
  }
  const handler = await load();
  const context = createContext(io);
  if (invocation.command.ignoresActor === true && invocation.flags.has("as")) {
    await context.warn(`--as has no effect on ${labelOf(invocation)}`);
  }
  return handler(context, invocation);
}

/** Says what went wrong on stderr; with `--json` as the object that HTTP would send. */
async function report(thrown: unknown, words: readonly string[], io: Io): Promise<number> {
  const error = toOmnigraphError(thrown);
  try {
    if (io.ports.env.OMNIGRAPH_DEBUG === "1" && error.stack !== undefined) {
      await io.stderr.write(`${(error.cause instanceof Error ? error.cause.stack : null) ?? error.stack}\n`);
    }
    if (asksForJson(words)) {
      await io.stderr.write(`${stringifyJson(error.toEnvelope() as unknown as JsonValue)}\n`);
    } else {
      const lines = error instanceof SourceTextError ? renderSourceError(error) : [`error: ${error.message}`];
      await io.stderr.write(`${lines.join("\n")}\n`);
      if (error instanceof UsageError) {
        if (error.hint !== null) await io.stderr.write(`  hint: ${error.hint}\n`);
        await io.stderr.write(`\n${renderUsage(ROOT, error.path)}\n`);
      }
    }
  } catch (broken) {
    if (!(broken instanceof OutputClosed)) throw broken;
  }
  return error.exitCode;
}

function asksForJson(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  return (end === -1 ? words : words.slice(0, end)).includes("--json");
}
