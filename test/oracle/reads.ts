// Random questions to random graphs, from a seed; the first that is answered wrongly is made small and told in full.

import { Trace } from "../../src/engine/read/index.ts";
import { Dice } from "../support/dice.ts";
import {
  type Asker,
  askEngine,
  type Case,
  type Difference,
  difference,
  differenceIn,
  graphAt,
  planned,
} from "./compare.ts";
import { FORMS, viewIn } from "./forms.ts";
import { historyOf, type Operation, schemaText } from "./graph-model.ts";
import { parametersJson, questionText } from "./question.ts";
import { LARGE, randomGraph, SMALL } from "./random-graph.ts";
import { randomQuestion } from "./random-question.ts";
import { shrink, smallerCases } from "./shrink.ts";

const QUESTIONS_PER_GRAPH = 25;
const COMMITS_MAX = 8;
/** One seed in so many makes a graph that is larger than others, and is asked less. */
const LARGE_EVERY = 20;
const QUESTIONS_PER_LARGE_GRAPH = 8;

export interface ReadsReport {
  /** Questions answered as they should be, in every form. */
  readonly answered: number;
  /** Of these, the ones whose answer has a row. */
  readonly withRows: number;
  /** Questions that the checker refused. */
  readonly refused: number;
}

export interface ReadsOptions {
  readonly ask?: Asker;
  /** Handed the trace of each read that was traced. */
  readonly onTrace?: (trace: Trace) => void;
}

/** Asks all questions of one seed. Throws, with everything there is to know, at the first wrong answer. */
export async function compareReads(seed: number, options: ReadsOptions = {}): Promise<ReadsReport> {
  const { ask = askEngine, onTrace } = options;
  const dice = new Dice(seed);
  const commits = 1 + dice.below(COMMITS_MAX);
  const isLarge = seed % LARGE_EVERY === 0;
  const graph = randomGraph(dice, commits, isLarge ? LARGE : SMALL);
  const history = historyOf(graph);
  const version = dice.chance(0.7) ? commits : dice.below(commits + 1);
  const state = graphAt(history, version);
  const views = await Promise.all(FORMS.map((form) => viewIn(form, history, version)));
  let [answered, withRows, refused] = [0, 0, 0];
  const questions = isLarge ? QUESTIONS_PER_LARGE_GRAPH : QUESTIONS_PER_GRAPH;
  for (let i = 0; i < questions; i++) {
    const question = randomQuestion(dice, graph.schema);
    const asked = planned(question, history.catalog);
    if (asked === null) {
      refused++;
      continue;
    }
    for (const [place, form] of FORMS.entries()) {
      const isCold = form.memory === "cold" && dice.chance(0.5);
      const view = isCold ? await viewIn(form, history, version) : views[place];
      const trace = place % 2 === 0 ? new Trace() : undefined;
      const found = await difference(asked, view, state, ask, trace);
      if (found !== null) throw new Error(await report(seed, { graph, form, version, question }, found, ask));
      if (trace !== undefined) onTrace?.(trace);
    }
    answered++;
    if ((await ask(asked, views[0], undefined)) !== "[]") withRows++;
  }
  return { answered, withRows, refused };
}

/** The failure made small, and how to see it again. */
async function report(seed: number, failing: Case, found: Difference, ask: Asker): Promise<string> {
  const alone = await differenceIn(failing, ask);
  const smallest =
    alone === null
      ? failing
      : await shrink(failing, smallerCases, async (smaller) => (await differenceIn(smaller, ask)) !== null);
  const { expected, found: answer } = (await differenceIn(smallest, ask)) ?? found;
  const { nodes, edges } = smallest.graph.schema;
  const names = new Set([...nodes, ...edges].flatMap(({ properties }) => properties.map(({ name }) => name)));
  return [
    `a read answers wrongly; again: bun scripts/compare.ts reads --seed ${seed}`,
    alone === null ? "(only after other questions: it is not made smaller)" : "",
    "",
    schemaText(smallest.graph.schema),
    "",
    ...smallest.graph.commits.map(
      (operations, i) => `commit ${i + 1}: ${operations.map((one) => operationText(one, names)).join("; ")}`,
    ),
    `read after commit ${smallest.version}, from ${smallest.form.name}`,
    "",
    questionText(smallest.question),
    `parameters ${parametersJson(smallest.question)}`,
    `expected   ${expected}`,
    `found      ${answer}`,
  ].join("\n");
}

/** An operation, with the values of these properties. */
function operationText(operation: Operation, names: ReadonlySet<string>): string {
  if (operation.kind === "clear") return `clear ${operation.type}`;
  if (operation.kind === "delete") return `delete ${operation.type} ${operation.id}`;
  const { id, src, dst, values } = operation.entity;
  const ends = src === undefined ? "" : ` ${src} -> ${dst}`;
  const told = Object.entries(values).filter(([name, value]) => value !== null && names.has(name));
  return `put ${operation.type} ${id}${ends} ${Bun.inspect(Object.fromEntries(told)).replaceAll(/\s+/g, " ")}`;
}
