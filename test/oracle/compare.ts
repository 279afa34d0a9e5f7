// One question, asked of the engine and of the evaluator that tries everything.

import { mockVector } from "../../src/embedding/index.ts";
import { toJson } from "../../src/engine/read/cells.ts";
import { executeRead, Trace } from "../../src/engine/read/index.ts";
import type { GraphView } from "../../src/index/index.ts";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { decodeParams, planQuery } from "../../src/query/index.ts";
import type { Parameters, ReadPlan } from "../../src/query/plan.ts";
import type { Catalog } from "../../src/schema/index.ts";
import { type History, replay } from "../index/history.ts";
import { type EmbedText, type Graph, Oracle } from "./evaluate.ts";
import type { Form } from "./forms.ts";
import { viewIn } from "./forms.ts";
import type { GraphModel } from "./graph-model.ts";
import { historyOf } from "./graph-model.ts";
import { type Question, questionText } from "./question.ts";
import { VECTOR_WIDTH } from "./random-graph.ts";

/** When the requests of tests begin: 2025-06-01T00:00:00Z. */
export const NOW_MS = 1_748_736_000_000;
/** How far scores may be apart, relative to their size: how sums are rounded is nobody's promise. */
const SCORE_SLACK = 1e-9;

/** Everything that an answer depends on. */
export interface Case {
  readonly graph: GraphModel;
  readonly form: Form;
  /** Commits that the question sees. */
  readonly version: number;
  readonly question: Question;
}

export interface Asked {
  readonly plan: ReadPlan;
  readonly parameters: Parameters;
}

/** The question as the engine takes it; null where the checker refuses it. */
export function planned(question: Question, catalog: Catalog): Asked | null {
  try {
    const plan = planQuery(questionText(question), undefined, catalog);
    if (plan.kind !== "read") throw new Error("the question is no read");
    const given = Object.fromEntries(question.parameters.map(({ name, value }) => [name, value]));
    return { plan, parameters: decodeParams(plan.parameters, given) };
  } catch (error) {
    if (error instanceof OmnigraphError) return null;
    throw error;
  }
}

export const embedText: EmbedText = (text) => mockVector(text, VECTOR_WIDTH);

/** How a view is asked; the engine's own way without. */
export type Asker = (asked: Asked, view: GraphView, trace: Trace | undefined) => Promise<string>;

/** With a trace every read goes step by step; without one, lookups by key take a way of their own. */
export const askEngine: Asker = async ({ plan, parameters }, view, trace) => {
  const options = { nowMs: NOW_MS, embed: async (text: string) => embedText(text), trace };
  const result = await executeRead(plan, parameters, view, options);
  return result.rowsJson();
};

export function expectedAnswer({ plan, parameters }: Asked, graph: Graph): string {
  const rows = new Oracle(graph, plan, parameters, NOW_MS, embedText).rows();
  const objects = rows.map((values) =>
    Object.fromEntries(
      plan.items.map(({ column, expression }, i) => [column, toJson(values[i], expression.type)]),
    ),
  );
  return jsonText(objects);
}

const NUMBER = /(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)/;

/** Whether two answers are one, scores taken as near enough. */
export function agree({ items }: ReadPlan, expected: string, found: string): boolean {
  if (expected === found) return true;
  if (!items.some(({ expression }) => expression.kind === "rank")) return false;
  const [left, right] = [expected.split(NUMBER), found.split(NUMBER)];
  return (
    left.length === right.length &&
    left.every(
      (part, i) =>
        part === right[i] ||
        Math.abs(Number(part) - Number(right[i])) <= SCORE_SLACK * Math.abs(Number(part)),
    )
  );
}

/** JSON with bigints as plain digits. */
function jsonText(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(
      ([key, member]) => `${JSON.stringify(key)}:${jsonText(member)}`,
    );
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}

export interface Difference {
  readonly expected: string;
  readonly found: string;
}

/** How the answer differs from what it should be; null where it does not. */
export async function difference(
  asked: Asked,
  view: GraphView,
  graph: Graph,
  ask: Asker,
  trace?: Trace,
): Promise<Difference | null> {
  const expected = expectedAnswer(asked, graph);
  let found: string;
  try {
    found = await ask(asked, view, trace);
  } catch (error) {
    found = error instanceof Error ? String(error.stack) : String(error);
  }
  return agree(asked.plan, expected, found) ? null : { expected, found };
}

/** The same for a case by itself; null also where it is no question. */
export async function differenceIn(
  { graph, form, version, question }: Case,
  ask: Asker,
): Promise<Difference | null> {
  const history = historyOf(graph);
  const asked = planned(question, history.catalog);
  if (asked === null) return null;
  // Another question before it may have brought types into memory.
  for (const trace of [undefined, new Trace()]) {
    const view = await viewIn(form, history, version);
    const found = await difference(asked, view, graphAt(history, version), ask, trace);
    if (found !== null) return found;
  }
  return null;
}

export function graphAt(history: History, version: number): Graph {
  return replay(history.commits.slice(0, version));
}
