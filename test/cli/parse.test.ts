import { describe, expect, it } from "bun:test";
import { flagOn, flagValue, flagValues, parseCommandLine, UsageError } from "../../src/cli/parse.ts";
import { ROOT } from "../../src/cli/table/index.ts";

function parse(...words: string[]) {
  const warnings: string[] = [];
  const parsed = parseCommandLine(ROOT, words, (warning) => warnings.push(warning));
  return { parsed, warnings };
}

function parseRun(...words: string[]) {
  const { parsed } = parse(...words);
  if (parsed.kind !== "run") throw new Error(`parsed as ${parsed.kind}`);
  return parsed.invocation;
}

function usageError(...words: string[]): UsageError {
  try {
    parse(...words);
  } catch (thrown) {
    if (thrown instanceof UsageError) return thrown;
    throw thrown;
  }
  throw new Error("the command line was accepted");
}

describe("the command line", () => {
  it("takes global flags before and after the command", () => {
    const before = parseRun("--store", "g", "--quiet", "query", "-e", "q");
    const after = parseRun("query", "-e", "q", "--store", "g", "--quiet");
    for (const invocation of [before, after]) {
      expect(invocation.path).toEqual(["query"]);
      expect(flagValue(invocation, "store")).toBe("g");
      expect(flagOn(invocation, "quiet")).toBe(true);
    }
  });

  it("takes global flags between a family and its subcommand", () => {
    const invocation = parseRun("branch", "--store", "g", "create", "refit");
    expect(invocation.path).toEqual(["branch", "create"]);
    expect(invocation.positionals).toEqual(["refit"]);
  });

  it("reads --flag=value, -e=value and -evalue as a flag with its value", () => {
    expect(flagValue(parseRun("query", "--query-string=a=b"), "query-string")).toBe("a=b");
    expect(flagValue(parseRun("query", "-e=x"), "query-string")).toBe("x");
    expect(flagValue(parseRun("query", "-ex"), "query-string")).toBe("x");
  });

  it("ends flags at -- and takes - alone as a word", () => {
    expect(parseRun("alias", "docked", "--", "--json", "-5").positionals).toEqual(["docked", "--json", "-5"]);
    expect(parseRun("alias", "docked", "-").positionals).toEqual(["docked", "-"]);
    expect(flagValue(parseRun("query", "--query", "-"), "query")).toBe("-");
  });

  it("keeps every value of a repeatable flag", () => {
    expect(flagValues(parseRun("export", "g", "--type", "Ship", "--type", "Port"), "type")).toEqual([
      "Ship",
      "Port",
    ]);
  });

  it("shows help where it is asked for, and where a word is missing", () => {
    expect(parse("query", "--help").parsed).toEqual({
      kind: "help",
      path: ["query"],
      long: true,
      asked: true,
    });
    expect(parse("branch", "list", "-h").parsed).toMatchObject({ path: ["branch", "list"], long: false });
    expect(parse("help", "branch", "merge").parsed).toMatchObject({ path: ["branch", "merge"], asked: true });
    expect(parse("branch").parsed).toMatchObject({ kind: "help", path: ["branch"], asked: false });
    expect(parse().parsed).toMatchObject({ kind: "help", path: [], asked: false });
  });

  it.each([
    ["read", "query", "`omnigraph read` is deprecated; use `omnigraph query`"],
    ["change", "mutate", "`omnigraph change` is deprecated; use `omnigraph mutate`"],
  ])("runs %s as %s with one warning", (old, canonical, warning) => {
    const { parsed, warnings } = parse(old, "-e", "q");
    expect(parsed).toMatchObject({ kind: "run", invocation: { path: [canonical] } });
    expect(warnings).toEqual([warning]);
  });

  it("runs check, query lint and query check as lint with one warning", () => {
    for (const words of [["check"], ["query", "lint"], ["query", "check"]]) {
      const { parsed, warnings } = parse(...words, "--query", "f.gq");
      expect(parsed).toMatchObject({ kind: "run", invocation: { path: ["lint"] } });
      expect(warnings).toEqual([`\`omnigraph ${words.join(" ")}\` is deprecated; use \`omnigraph lint\``]);
    }
  });

  it("reaches a stored query named lint when a flag comes first", () => {
    const { parsed, warnings } = parse("query", "--server", "s", "lint");
    expect(parsed).toMatchObject({ kind: "run", invocation: { path: ["query"], positionals: ["lint"] } });
    expect(warnings).toEqual([]);
  });

  it("warns of a deprecated name before it refuses the rest", () => {
    const warnings: string[] = [];
    expect(() => parseCommandLine(ROOT, ["read", "--nope"], (warning) => warnings.push(warning))).toThrow(
      "unexpected argument '--nope' found",
    );
    expect(warnings).toHaveLength(1);
  });

  it("accepts schema get without a warning", () => {
    const { parsed, warnings } = parse("schema", "get");
    expect(parsed).toMatchObject({ kind: "run", invocation: { path: ["schema", "show"] } });
    expect(warnings).toEqual([]);
  });
});

describe("a malformed command line", () => {
  it.each([
    [["query", "--nope"], "unexpected argument '--nope' found"],
    [["query", "-x"], "unexpected argument '-x' found"],
    [["query", "a", "b"], "unexpected argument 'b' found"],
    [["version", "now"], "unexpected argument 'now' found"],
    [["--query", "f", "query"], "unexpected argument '--query' found"],
    [["cluster", "apply", "--alias", "x"], "unexpected argument '--alias' found"],
    [["qury"], "unrecognized subcommand 'qury'"],
    [["branch", "merg"], "unrecognized subcommand 'merg'"],
    [["help", "nope"], "unrecognized subcommand 'nope'"],
    [["query", "--query", "f", "-e", "x"], "cannot be used with"],
    [["query", "--params", "{}", "--params-file", "f"], "cannot be used with"],
    [["query", "--branch", "b", "--snapshot", "s"], "cannot be used with"],
    [["query", "--json", "--format", "csv"], "cannot be used with"],
    [["changes", "poll", "--cursor", "c", "--start", "now"], "cannot be used with"],
    [["query", "--branch", "a", "--branch", "b"], "cannot be used multiple times"],
    [["query", "--json=yes"], "unexpected value 'yes' for '--json' found"],
    [["query", "--format", "xml"], "invalid value 'xml' for '--format <FORMAT>'"],
    [["query", "--format", "xml"], "[possible values: table, kv, csv, jsonl, json]"],
    [["cleanup", "--keep", "some", "g"], "invalid value 'some' for '--keep <N>'"],
    [["blob", "get", "vertex", "T", "i", "p"], "[possible values: node, edge]"],
    [["query", "--query"], "a value is required for '--query <FILE>'"],
    [["query", "-e", "-x"], "--query-string=<GQ>"],
    [["load", "g", "--data", "f"], "required arguments were not provided:\n  --mode <MODE>"],
    [["init", "g"], "--schema <FILE>"],
    [["init", "--schema", "s.pg"], "required arguments were not provided:\n  <URI>"],
    [["repair", "g", "--force"], "required arguments were not provided:\n  --confirm"],
    [["embed", "--input", "a"], "--output <FILE>\n  --spec <FILE>"],
  ])("%p says what is wrong", (words, phrase) => {
    const error = usageError(...words);
    expect(error.message).toContain(phrase);
    expect(error.exitCode).toBe(2);
  });

  it.each([
    [["qury"], "query"],
    [["branch", "creat"], "create"],
    [["query", "--stroe", "g"], "--store"],
    [["query", "--format", "tabel"], "table"],
    [["query", "--alias", "x"], "alias <name>"],
    [["query", "--table", "x"], "--type"],
  ])("%p is answered with a hint", (words, hint) => {
    expect(usageError(...words).hint).toBe(hint);
  });

  it("trims names once, and refuses blank ones", () => {
    const { flags, positionals } = parseRun(
      "branch",
      "create",
      " refit ",
      "--from",
      " main ",
      "--as",
      " nina ",
    );
    expect([positionals[0], flags.get("from"), flags.get("as")]).toEqual(["refit", ["main"], ["nina"]]);
    expect(flagValue(parseRun("query", "-e", " q ", "--branch", "a "), "branch")).toBe("a");
    for (const [words, phrase] of [
      [["branch", "create", " "], "branch name cannot be empty"],
      [["snapshot", "g", "--branch", ""], "branch name cannot be empty"],
      [["branch", "merge", "a", "--into="], "branch name cannot be empty"],
      [["mutate", "-e", "q", "--as", " "], "actor cannot be empty"],
      [["mutate", "-e", "q", "--if-commit", ""], "commit id cannot be empty"],
    ] as const) {
      expect(() => parse(...words)).toThrow(phrase);
    }
  });

  it("has no hint where nothing is close", () => {
    expect(usageError("frobnicate").hint).toBeNull();
  });
});
