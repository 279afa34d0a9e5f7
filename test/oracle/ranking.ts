// Search and ranking by their definitions (spec 02 §10): every text is analysed and every vector measured, each time.

import { analyze } from "../../src/index/text/analyze.ts";
import type { Value } from "../../src/query/plan.ts";
import { compare } from "./order.ts";

const FUZZY_TOKENS = 50;
const FUSION_K = 60;
/** Digits of scores that are compared: sums in another order differ beyond these. */
const SCORE_DIGITS = 12;

export interface Ranked {
  readonly id: string;
  readonly score: number;
}

const tokensOf = (text: Value): string[] => (typeof text === "string" ? analyze(text) : []);

export function isFoundIn(text: Value, wanted: Iterable<string>): boolean {
  const tokens = new Set(tokensOf(text));
  return [...wanted].some((token) => tokens.has(token));
}

/** The tokens of the texts that those of a query may be misspellings of. */
export function tokensNear(texts: readonly Value[], query: string, edits: number): Set<string> {
  const corpus = [...new Set(texts.flatMap(tokensOf))];
  return new Set(
    analyze(query).flatMap((token) =>
      corpus
        .map((candidate) => ({ candidate, far: editsBetween(token, candidate) }))
        .filter(({ far }) => far <= edits)
        .sort((a, b) => a.far - b.far || compare(a.candidate, b.candidate))
        .slice(0, FUZZY_TOKENS)
        .map(({ candidate }) => candidate),
    ),
  );
}

/** Levenshtein's distance, from the whole table. */
function editsBetween(a: string, b: string): number {
  const [from, to] = [[...a], [...b]];
  const table = [Array.from({ length: to.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= from.length; i++) {
    table.push([i]);
    for (let j = 1; j <= to.length; j++) {
      const replaced = table[i - 1][j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      table[i].push(Math.min(replaced, table[i - 1][j] + 1, table[i][j - 1] + 1));
    }
  }
  return table[from.length][to.length];
}

/** The bm25 score of each text that has a token of the query; statistics are those of all texts. */
export function bm25Scores(texts: ReadonlyMap<string, Value>, query: string): Map<string, number> {
  const analysed = [...texts]
    .map(([id, text]) => ({ id, tokens: tokensOf(text) }))
    .filter(({ tokens }) => tokens.length > 0);
  const mean = analysed.reduce((sum, { tokens }) => sum + tokens.length, 0) / analysed.length;
  const scores = new Map<string, number>();
  for (const token of new Set(analyze(query))) {
    const holders = analysed.filter(({ tokens }) => tokens.includes(token));
    const idf = Math.log(1 + (analysed.length - holders.length + 0.5) / (holders.length + 0.5));
    for (const { id, tokens } of holders) {
      const frequency = tokens.filter((other) => other === token).length;
      const norm = 1.2 * (1 - 0.75 + (0.75 * tokens.length) / mean);
      scores.set(id, (scores.get(id) ?? 0) + (idf * frequency * 2.2) / (frequency + norm));
    }
  }
  return new Map([...scores].map(([id, score]) => [id, Number(score.toPrecision(SCORE_DIGITS))]));
}

export function distanceBetween(vector: Value, query: Float32Array): number | null {
  if (!(vector instanceof Float32Array)) return null;
  return vector.reduce((sum, value, i) => sum + (value - query[i]) ** 2, 0);
}

/** The nearest of these, at equal distance by id. */
export function nearestOf(
  vectors: ReadonlyMap<string, Value>,
  query: Float32Array,
  wanted: number | null,
): Ranked[] {
  return [...vectors]
    .flatMap(([id, vector]) => {
      const score = distanceBetween(vector, query);
      return score === null ? [] : [{ id, score }];
    })
    .sort((a, b) => a.score - b.score || compare(a.id, b.id))
    .slice(0, wanted ?? undefined);
}

/** Ids in the order of two arms, fused, best first; at equal scores the first arm's order, then the second's. */
export function fusedScores(first: readonly string[], second: readonly string[], k: Value): Ranked[] {
  const scores = new Map<string, number>();
  for (const arm of [first, second]) {
    arm.forEach((id, rank) => {
      scores.set(id, (scores.get(id) ?? 0) + 1 / (Number(k ?? FUSION_K) + rank + 1));
    });
  }
  return [...scores].map(([id, score]) => ({ id, score })).sort((a, b) => b.score - a.score);
}
