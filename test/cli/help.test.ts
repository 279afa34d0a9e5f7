import { describe, expect, it } from "bun:test";
import { completionScript } from "../../src/cli/completion.ts";
import { renderHelp } from "../../src/cli/help.ts";
import type { CommandSpec } from "../../src/cli/spec.ts";
import { ROOT, SHELLS } from "../../src/cli/table/index.ts";
import { createWorld } from "./support.ts";

const world = createWorld();

function everyCommand(command: CommandSpec = ROOT, path: readonly string[] = []): readonly string[][] {
  const children = command.subcommands ?? [];
  return [[...path], ...children.flatMap((child) => everyCommand(child, [...path, child.name]))];
}

describe("a command that this build refuses", () => {
  it("says so in its help and in that of its family, and no other command does", () => {
    const note = "(not supported by this build)";
    expect(renderHelp(ROOT, ["cluster", "refresh"], true)).toContain(`record what is there ${note}`);
    const lines = renderHelp(ROOT, ["cluster"], true).split("\n");
    const noted = lines.filter((line) => line.endsWith(note)).map((line) => line.trim().split(" ")[0]);
    expect(noted).toEqual(["approve", "refresh"]);
    expect(renderHelp(ROOT, ["query"], true)).not.toContain(note);
  });
});

describe("the root help", () => {
  const help = renderHelp(ROOT, [], true);
  const listed = help
    .split("\n")
    .slice(0, help.split("\n").indexOf("global flags:"))
    .map((line) => line.trim().split(" ")[0]);

  it("lists the commands in the agreed order and hides deprecated ones", () => {
    const expected =
      "query mutate alias load branch snapshot export blob commit changes schema graphs init optimize repair cleanup lint queries cluster policy server embed login logout profile completion healthcheck version";
    expect(listed.filter((word) => expected.split(" ").includes(word))).toEqual(expected.split(" "));
    expect(listed).not.toContain("ingest");
    expect(listed).not.toContain("check");
  });

  it("names the five capabilities and the visible aliases", () => {
    expect(help).toContain("COMMANDS BY CAPABILITY");
    for (const word of ["any", "served", "direct", "control", "local"]) expect(help).toMatch(`\n  ${word} `);
    expect(help).toContain("[aliases: read]");
    expect(help).toContain("[aliases: change]");
    expect(help.split("\n").find((line) => line.startsWith("  lint"))).not.toMatch(/check/i);
  });
});

describe("the help of a command", () => {
  it("exists for every command of the table, hidden ones too", () => {
    for (const path of everyCommand()) expect(renderHelp(ROOT, path, true)).toContain("usage: omnigraph");
    expect(renderHelp(ROOT, ["ingest"], true)).toContain("--mode");
  });

  it("shows flags with their default and environment variable", () => {
    const help = renderHelp(ROOT, ["server"], true);
    expect(help).toContain("[default: 127.0.0.1:8080]");
    expect(help).toContain("[env: OMNIGRAPH_BIND]");
  });

  it("leaves out scope flags that the command refuses, and hidden flags", () => {
    expect(renderHelp(ROOT, ["optimize"], true)).not.toContain("--server");
    expect(renderHelp(ROOT, ["export"], true)).not.toContain("--jsonl");
  });

  it("has examples in the long form only", () => {
    expect(renderHelp(ROOT, ["load"], true)).toContain("examples:");
    expect(renderHelp(ROOT, ["load"], false)).not.toContain("examples:");
  });

  it("shows only list for graphs", () => {
    const help = renderHelp(ROOT, ["graphs"], true);
    expect(help).toContain("\n  list ");
    expect(help).not.toContain("  create");
  });
});

describe("asking for help", () => {
  it("prints to stdout and succeeds", async () => {
    for (const words of [["--help"], ["-h"], ["help"], ["query", "--help"], ["help", "query"]]) {
      const { code, stdout, stderr } = await world.run(words);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("usage: omnigraph");
    }
  });

  it("is what a missing command and a missing subcommand get, on stderr with exit 2", async () => {
    for (const words of [[], ["branch"]]) {
      const { code, stdout, stderr } = await world.run(words);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain("usage: omnigraph");
    }
  });

  it("works for a deprecated name with its warning, and for the canonical one without", async () => {
    expect((await world.run(["read", "--help"])).stderr).toContain("`omnigraph read` is deprecated");
    expect((await world.run(["query", "--help"])).stderr).toBe("");
  });
});

describe("the version", () => {
  it("is one line with -v and --version", async () => {
    for (const flag of ["-v", "--version"]) {
      const { code, stdout } = await world.run([flag]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^omnigraph \d+\.\d+\.\d+\n$/);
    }
  });

  it("comes with the storage format from the command, and as JSON", async () => {
    const { stdout } = await world.run(["version"]);
    expect(stdout).toMatch(/^omnigraph \d+\.\d+\.\d+\ninternal-schema [1-9]\d*\n$/);
    const json = await world.json(["version", "--json"]);
    expect(Object.keys(json as object)).toEqual(["version", "internal_schema_version", "commit", "platform"]);
  });
});

describe("completion", () => {
  it("has a script for every shell that names commands and values", async () => {
    for (const shell of SHELLS) {
      const { code, stdout } = await world.run(["completion", shell]);
      expect(code).toBe(0);
      expect(stdout).toContain("healthcheck");
      expect(stdout).toContain(
        "table kv csv jsonl json".replaceAll(" ", shell === "powershell" ? "', '" : " "),
      );
    }
    expect((await world.run(["completion", "tcsh"])).code).toBe(2);
  });

  it("completes in a real bash", () => {
    const complete = (line: string) => {
      const words = line.split(" ");
      const script = `${completionScript(ROOT, "bash")}
COMP_WORDS=(${words.map((word) => `"${word}"`).join(" ")}); COMP_CWORD=${words.length - 1}; _omnigraph; echo "\${COMPREPLY[*]}"`;
      return Bun.spawnSync(["bash", "-c", script]).stdout.toString().trim();
    };
    expect(complete("omnigraph bra")).toBe("branch");
    expect(complete("omnigraph branch m")).toBe("merge");
    expect(complete("omnigraph query --format j")).toBe("jsonl json");
    expect(complete("omnigraph branch merge x --del")).toBe("--delete-branch");
  });
});
