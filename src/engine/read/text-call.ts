// search, match_text and fuzzy as conditions, and the scores of bm25.

import { profileAt, queryTokens, type Scorer, type Table, type TextSearch } from "../../index/index.ts";
import { badRequest } from "../../lib/errors.ts";
import { letOthersRun } from "../../lib/event-loop.ts";
import type { RankFunction, TextCall, Value } from "../../query/plan.ts";
import type { Property } from "../../schema/catalog.ts";
import type { NumberTest } from "./column-test.ts";
import type { ReadContext } from "./context.ts";
import { keepNumbers } from "./filter.ts";
import { keepFlagged } from "./flags.ts";
import { TEXT_ROWS_UNINDEXED_MAX } from "./limits.ts";
import { emptyRelation, type Relation } from "./relation.ts";

const EDITS_DEFAULT = 2;

/** Keeps the rows whose text the call finds (or, expected otherwise, does not find). */
export async function applyTextCall(
  context: ReadContext,
  relation: Relation,
  call: TextCall,
): Promise<Relation> {
  const query = context.value(call.query);
  const expected = call.expected === true ? true : context.value(call.expected);
  // Null is never a match, and neither is a comparison with it.
  if (typeof query !== "string" || typeof expected !== "boolean")
    return emptyRelation(relation.columns.keys());
  const wanted = expected !== call.negated;
  const found = await finder(context, relation.length, call, query);
  if (found instanceof Uint8Array) return keepFlagged(relation, call.variable, found, wanted ? 1 : 0);
  return keepNumbers(relation, call.variable, (number) => found(number) === wanted);
}

/** Reads whether a call finds a number's text; null where it has no query. */
export async function truthOf(
  context: ReadContext,
  rows: number,
  call: TextCall,
): Promise<(number: number) => boolean | null> {
  const query = context.value(call.query);
  if (typeof query !== "string") return () => null;
  const found = await finder(context, rows, call, query);
  return found instanceof Uint8Array ? (number) => found[number] === 1 : found;
}

/** What a call finds: one for each number that it finds, or a test. */
async function finder(
  context: ReadContext,
  rows: number,
  call: TextCall,
  query: string,
): Promise<Uint8Array | NumberTest> {
  const table = context.nodes(call.variable);
  const tokens = queryTokens(query);
  if (tokens.length === 0) return () => false;
  if (call.function === "fuzzy") {
    const edits = call.maxEdits === null ? EDITS_DEFAULT : editsOf(context.value(call.maxEdits));
    const search = await textSearch(context, table, call.property);
    return search.matches(await search.similar(tokens, edits, (work) => context.worked(work)));
  }
  // A few texts are sooner read than indexed.
  if (rows <= TEXT_ROWS_UNINDEXED_MAX && !table.base.hasTextIndex(call.property.id)) {
    return (number) => {
      const place = table.place(number);
      if (place === null) return false;
      const { frequencies } = profileAt(call.property, place);
      return tokens.some((token) => frequencies.has(token));
    };
  }
  const search = await textSearch(context, table, call.property);
  return search.matches(tokens);
}

function editsOf(value: Value): number {
  const edits = typeof value === "bigint" ? Number(value) : value;
  if (typeof edits !== "number" || !Number.isInteger(edits) || edits < 0) {
    throw badRequest("fuzzy max_edits must be an integer of at least 0");
  }
  return edits;
}

async function textSearch(context: ReadContext, table: Table, property: Property): Promise<TextSearch> {
  // Others may wait for the index too, so that this request's end does not stop it.
  const index = await table.base.textIndex(property.id, letOthersRun);
  context.checkWanted();
  return table.textSearch(property, index);
}

/** Scores texts for a bm25 call. */
export async function bm25Scorer(
  context: ReadContext,
  arm: Extract<RankFunction, { kind: "bm25" }>,
): Promise<Scorer> {
  const query = context.value(arm.query);
  if (typeof query !== "string") throw badRequest("bm25 query must resolve to a string");
  const search = await textSearch(context, context.nodes(arm.variable), arm.property);
  return search.scorer(queryTokens(query));
}
