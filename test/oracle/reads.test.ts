import { describe, expect, it } from "bun:test";
import type { TracedStep } from "../../src/engine/read/trace.ts";
import { type Asker, askEngine } from "./compare.ts";
import { compareReads } from "./reads.ts";

const SEEDS = 110;

/** Kinds of steps that were met, expansions by their mode. */
const met = new Set<string>();

function note(steps: readonly TracedStep[]): void {
  for (const { step, inner } of steps) {
    const isWalk = step.kind === "expand" && step.clause.maxHops > 1 ? "walk " : "";
    const bindsEdge = step.kind === "expand" && step.clause.edgeVariable !== null ? "edge " : "";
    met.add(isWalk + bindsEdge + step.kind + ("mode" in step ? ` ${step.mode}` : ""));
    note(inner);
  }
}

async function failureOf(ask: Asker): Promise<string> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await compareReads(seed, { ask });
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
  throw new Error("expected a wrong answer to be noticed");
}

const linesOf = (report: string, prefix: string) =>
  report.split("\n").filter((line) => line.startsWith(prefix));

describe("a read", () => {
  it("answers what trying every assignment answers, in whatever form the state is", async () => {
    let [answered, withRows, refused] = [0, 0, 0];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const report = await compareReads(seed, { onTrace: (trace) => note(trace.steps) });
      answered += report.answered;
      withRows += report.withRows;
      refused += report.refused;
    }
    expect(answered).toBeGreaterThan(2_000);
    expect(withRows).toBeGreaterThan(answered / 4);
    expect(refused).toBeLessThan(answered / 3);
  }, 120_000);

  it("took every kind of step on the way", () => {
    expect([...met].sort()).toEqual([
      "aggregate",
      "edge expand close",
      "edge expand each",
      "expand close",
      "expand each",
      "expand merge",
      "expand tally",
      "intersect each",
      "intersect tally",
      "join each",
      "join tally",
      "narrow",
      "project",
      "rank",
      "scan",
      "scanEdges",
      "sort",
      "top",
      "walk expand close",
      "walk expand each",
      "walk expand merge",
      "walk expand tally",
    ]);
  });
});

describe("the comparison", () => {
  it("notices an engine that finds nothing against the edges, and makes the case small", async () => {
    const forgetful: Asker = async (asked, view, trace) => {
      const answer = await askEngine(asked, view, trace);
      const walks = asked.plan.clauses.some((clause) => clause.kind === "traversal" && clause.undirected);
      return walks && answer !== "[]" && !asked.plan.aggregated ? "[]" : answer;
    };
    const report = await failureOf(forgetful);
    expect(report).toContain("again: bun scripts/compare.ts reads --seed ");
    // One edge with its ends, one clause, one item.
    expect(linesOf(report, "commit ")).toHaveLength(1);
    expect(linesOf(report, "commit ")[0].split("; put ").length).toBeLessThanOrEqual(3);
    expect(linesOf(report, "query ")[0]).toMatch(
      /^query q\(\) \{ match \{ \S+ <e> \S+ \} return \{ [^,]+ \} \}$/,
    );
    expect(linesOf(report, "node ")).toHaveLength(1);
    expect(linesOf(report, "found ")).toEqual(["found      []"]);
  }, 60_000);

  it("notices an engine that breaks down", async () => {
    const fragile: Asker = async (asked, view, trace) => {
      if (asked.plan.clauses.some(({ kind }) => kind === "not")) throw new Error("out of luck");
      return askEngine(asked, view, trace);
    };
    const report = await failureOf(fragile);
    expect(linesOf(report, "found ")[0]).toContain("out of luck");
    expect(linesOf(report, "query ")[0]).toContain("not {");
  }, 60_000);
});
