import { describe, expect, it } from "bun:test";
import { toJson } from "../../../src/engine/read/cells.ts";
import { executeRead, Trace } from "../../../src/engine/read/index.ts";
import type { TracedStep } from "../../../src/engine/read/trace.ts";
import type { GraphView } from "../../../src/index/index.ts";
import { OmnigraphError } from "../../../src/lib/errors.ts";
import type { ReadPlan } from "../../../src/query/plan.ts";
import { replay } from "../../index/history.ts";
import { Oracle } from "./oracle.ts";
import { Dice, RandomHistory, randomQuery } from "./random.ts";
import { NOW_MS, planRead } from "./run.ts";

const GRAPHS = 40;
const QUERIES_PER_GRAPH = 25;
const NO_PARAMETERS = new Map();

function tryPlan(body: string, history: RandomHistory): ReadPlan | null {
  try {
    return planRead(`query q() { ${body} }`, history.catalog);
  } catch (error) {
    if (error instanceof OmnigraphError) return null;
    throw error;
  }
}

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

/** With a trace every read goes step by step; without one, lookups by key take a way of their own. */
async function answer(plan: ReadPlan, view: GraphView, isTraced: boolean): Promise<string> {
  const trace = isTraced ? new Trace() : undefined;
  const result = await executeRead(plan, NO_PARAMETERS, view, { nowMs: NOW_MS, trace });
  note(trace?.steps ?? []);
  expect(JSON.parse(result.rowsJson())).toHaveLength(result.rowCount);
  return result.rowsJson();
}

function expected(plan: ReadPlan, history: RandomHistory, commits: number): string {
  const rows = new Oracle(replay(history.commits.slice(0, commits)), plan, NO_PARAMETERS, NOW_MS).rows();
  const objects = rows.map((values) =>
    Object.fromEntries(plan.items.map((item, i) => [item.column, toJson(values[i], item.expression.type)])),
  );
  return jsonText(objects);
}

/** JSON with bigints as plain digits. */
function jsonText(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value)
      .map(([key, member]) => `${JSON.stringify(key)}:${jsonText(member)}`)
      .join(",")}}`;
  }
  return JSON.stringify(value);
}

describe("a read", () => {
  it("answers what trying every assignment answers, however the rows are laid out", async () => {
    let checked = 0;
    let refused = 0;
    for (let seed = 1; seed <= GRAPHS; seed++) {
      const dice = new Dice(seed);
      const commits = 2 + dice.below(6);
      const history = new RandomHistory(dice, commits);
      const layouts = [
        history.state({ checkpointed: 0 }),
        history.state({ checkpointed: commits }),
        history.state({ checkpointed: commits, commitsPerSegment: 1, rowsPerBatch: 2 }),
        history.state({ checkpointed: dice.below(commits), commitsPerSegment: 2 }),
        history.state({ checkpointed: dice.below(commits), tailSegments: true }),
      ];
      const views = layouts.map((state) => history.cache().view(state));
      for (let i = 0; i < QUERIES_PER_GRAPH; i++) {
        const body = randomQuery(dice);
        const plan = tryPlan(body, history);
        if (plan === null) {
          refused++;
          continue;
        }
        const wanted = expected(plan, history, commits);
        // A process that holds nothing looks rows up, where it can, instead of reading whole types.
        const cold = history.cache().view(dice.pick(layouts));
        for (const [layout, view] of [...views, cold].entries()) {
          const found = await answer(plan, view, layout % 2 === 0);
          if (found !== wanted)
            throw new Error(`seed ${seed}, layout ${layout}: ${body}\nexpected ${wanted}\nfound    ${found}`);
        }
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(500);
    expect(refused).toBeLessThan(checked);
  }, 60_000);

  it("answers from its own version while the branch moves on in the same process", async () => {
    let checked = 0;
    for (let seed = 1; seed <= GRAPHS; seed++) {
      const dice = new Dice(seed + 1_000);
      const commits = 8;
      const history = new RandomHistory(dice, commits);
      const cache = history.cache({ resident: true });
      const views: GraphView[] = [];
      for (let version = 0; version <= commits; version++) {
        const checkpointed = dice.chance(0.5) ? version : 0;
        views.push(cache.view(history.state({ checkpointed }, version)));
        if (version === 0) await views[0].load(history.catalog.typeById.values());
      }
      for (let i = 0; i < QUERIES_PER_GRAPH; i++) {
        const version = dice.below(commits + 1);
        const body = randomQuery(dice);
        const plan = tryPlan(body, history);
        if (plan === null) continue;
        const found = await answer(plan, views[version], i % 2 === 0);
        const wanted = expected(plan, history, version);
        if (found !== wanted) {
          throw new Error(`seed ${seed}, version ${version}: ${body}\nexpected ${wanted}\nfound    ${found}`);
        }
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(500);
  }, 60_000);

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
      "join",
      "narrow",
      "project",
      "rank",
      "scan",
      "sort",
      "top",
      "walk expand close",
      "walk expand each",
      "walk expand merge",
      "walk expand tally",
    ]);
  });
});
