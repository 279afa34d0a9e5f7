import { describe, expect, it } from "bun:test";
import { createContext } from "../../src/cli/context.ts";
import { parseCommandLine } from "../../src/cli/parse.ts";
import { showingProgress, startProgress } from "../../src/cli/progress.ts";
import { ROOT } from "../../src/cli/table/index.ts";
import { systemPorts } from "../../src/lib/ports.ts";

const LINE = "\r\u001b[K";

/** A command at a terminal whose clock only moves when it sleeps or when the test says so. */
function atTerminal(words: readonly string[] = [], isTerminal = true) {
  const parsed = parseCommandLine(ROOT, ["optimize", "g", ...words], () => {});
  if (parsed.kind !== "run") throw new Error("the words are no command");
  let now = 0;
  const written: string[] = [];
  const output = (into: string[]) => ({
    isTerminal,
    write: async (data: string | Uint8Array) => void into.push(String(data)),
  });
  const sleep = async (ms: number) => {
    now += ms;
    await new Promise((resolve) => setImmediate(resolve));
  };
  const context = createContext({
    ports: { ...systemPorts(), now: () => now, sleep },
    startedAt: now,
    directory: "/",
    stdin: { isTerminal, chunks: async function* () {}, line: async () => null },
    stdout: output([]),
    stderr: output(written),
    takeSignals: () => {},
  });
  const passed = (ms: number) => {
    now += ms;
  };
  return { context, invocation: parsed.invocation, written, sleep, passed };
}

describe("progress of work that is asked about", () => {
  it("shows after half a second, is redrawn, and is erased at the end", async () => {
    const { context, invocation, written, sleep } = atTerminal();
    let requests = 0;
    const result = await showingProgress(
      context,
      invocation,
      "optimizing",
      () => `${++requests} requests`,
      async () => {
        await sleep(900);
        return "done";
      },
    );
    expect(result).toBe("done");
    expect(written.at(-1)).toBe(LINE);
    const drawn = written.slice(0, -1);
    expect(drawn.length).toBeGreaterThan(0);
    expect(drawn).toEqual(drawn.map((_, i) => `${LINE}optimizing: ${i + 1} requests`));
  });

  it("is erased when the work fails, too", async () => {
    const { context, invocation, written, sleep } = atTerminal();
    const failing = showingProgress(
      context,
      invocation,
      "checking",
      () => "1 request",
      async () => {
        await sleep(2_000);
        throw new Error("no");
      },
    );
    await expect(failing).rejects.toThrow("no");
    expect(written.at(-1)).toBe(LINE);
  });

  it.each([
    ["that is over soon", [], true, 100],
    ["that is asked to be quiet", ["--quiet"], true, 5_000],
    ["that prints JSON", ["--json"], true, 5_000],
    ["whose stderr is no terminal", [], false, 5_000],
  ] as const)("stays away from a command %s", async (_, words, isTerminal, ms) => {
    const { context, invocation, written, sleep } = atTerminal(words, isTerminal);
    await showingProgress(
      context,
      invocation,
      "checking",
      () => "1 request",
      () => sleep(ms),
    );
    expect(written).toEqual([]);
  });
});

describe("progress of input", () => {
  it("tells rows and bytes", async () => {
    const { context, invocation, written, passed } = atTerminal();
    const progress = startProgress(context, invocation, "loading");
    const chunks = async function* () {
      for (let i = 0; i < 3; i++) yield new Uint8Array(1_500_000);
    };
    for await (const _ of progress.counting(chunks())) passed(300);
    passed(300);
    progress.rows(12_000);
    await progress.end();
    expect(written).toEqual([`${LINE}loading: 4.5 MB`, `${LINE}loading: 12,000 rows, 4.5 MB`, LINE]);
  });
});
