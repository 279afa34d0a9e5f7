// What the predicate of an update or a delete matches: committed entities, found by the scans of reads, and those that
// earlier statements of the same mutation staged, tested one by one.

import type { GraphView, Table } from "../../index/index.ts";
import { badRequest } from "../../lib/errors.ts";
import { letOthersRun } from "../../lib/event-loop.ts";
import { resolveConstant } from "../../query/index.ts";
import type { MutationPredicate, Parameters, Value } from "../../query/plan.ts";
import type { EdgeType, NodeType } from "../../schema/catalog.ts";
import { canonicalKeyText } from "../../schema/index.ts";
import { uniqueKey } from "../../store/index.ts";
import type { DeletedEdge, Row } from "../../store/types.ts";
import {
  type Comparison,
  comparison,
  idOfKey,
  isUnique,
  type Pace,
  scanTable,
  valueTest,
} from "../read/index.ts";
import { ROWS_PER_BREATH } from "./limits.ts";
import type { ReadSetBuilder } from "./reads.ts";
import type { Staging } from "./staging.ts";

export interface MatchContext {
  readonly view: GraphView;
  readonly staging: Staging;
  readonly reads: ReadSetBuilder;
  readonly parameters: Parameters;
  /** `now()`, fixed once per request: milliseconds since the epoch. */
  readonly nowMs: number;
}

/** Matching nodes as earlier statements left them; rows are made only where they are asked for. */
export interface MatchedNodes {
  readonly count: number;
  ids(): Iterable<string>;
  /** `committed`: the row before this mutation, where the match is one of the committed state. */
  rows(): Iterable<{ readonly row: Row; readonly committed: Row | null }>;
}

export async function matchNodes(
  type: NodeType,
  predicate: MutationPredicate,
  context: MatchContext,
): Promise<MatchedNodes> {
  const { view, staging, reads } = context;
  const compared = nodeComparison(type, predicate, context);
  const column = type.properties.indexOf(compared.field);
  const test = valueTest(compared.operator, compared.constant);
  const isMatch = (row: Row) => test(row.values[column]);
  const id = idOfPredicate(type, compared);
  if (id !== undefined) {
    if (id === null) return found([], []);
    reads.lookedUp(type.id, [id]);
    const staged = staging.node(type, id);
    if (staged !== undefined) return found([], staged !== null && isMatch(staged) ? [staged] : []);
    const [row] = await view.lookupNodes(type, [id]);
    return found(row !== null && isMatch(row) ? [row] : [], []);
  }
  await view.load([type]);
  const table = view.nodes(type);
  const { numbers } = await scanTable(table, [compared], [], pace());
  const claim = uniqueClaim(type, compared);
  if (claim === null) reads.scanned(type.id);
  else {
    // Nobody else has the value; whoever takes it, or changes its holder, is in the way, and no other.
    reads.claimed(uniqueKey(type, [compared.field.name]), [claim]);
    reads.lookedUp(
      type.id,
      Array.from(numbers, (number) => table.id(number)),
    );
  }
  const own = staging.hasNodes(type)
    ? numbers.filter((number) => staging.node(type, table.id(number)) === undefined)
    : numbers;
  const staged = [...staging.stagedNodes(type)].filter(isMatch);
  return {
    count: own.length + staged.length,
    *ids() {
      for (const number of own) yield table.id(number);
      for (const row of staged) yield row.id;
    },
    *rows() {
      yield* committedRows(table, own);
      for (const row of staged) yield { row, committed: null };
    },
  };
}

function* committedRows(table: Table, numbers: Int32Array) {
  for (const number of numbers) {
    const row = table.row(number);
    yield { row, committed: row };
  }
}

function found(committed: readonly Row[], staged: readonly Row[]): MatchedNodes {
  const rows = [
    ...committed.map((row) => ({ row, committed: row })),
    ...staged.map((row) => ({ row, committed: null })),
  ];
  return { count: rows.length, ids: () => rows.map(({ row }) => row.id), rows: () => rows };
}

function nodeComparison(
  type: NodeType,
  { target, operator, value }: MutationPredicate,
  context: MatchContext,
) {
  if (!("property" in target)) throw badRequest(`node type ${type.name} has no end points`);
  return comparison(target.property, operator, resolve(value, context));
}

/** The only id that a predicate can match, null for none; undefined where it does not say. */
function idOfPredicate(type: NodeType, { field, operator, constant }: Comparison): string | null | undefined {
  if (operator !== "=" || type.key === null || type.key.length !== 1 || type.key[0] !== field)
    return undefined;
  return idOfKey(type, type.key, [constant]);
}

/** The tuple that a predicate asks for, where it is one of a unique property. */
function uniqueClaim(type: NodeType, { field, operator, constant }: Comparison): string | null {
  if (operator !== "=" || typeof field !== "object" || constant === null || typeof constant === "object")
    return null;
  const isSpelled = typeof constant !== "number" || Number.isFinite(constant);
  return isUnique(type, field) && isSpelled ? JSON.stringify([canonicalKeyText(constant, field.type)]) : null;
}

/** Committed edges that match and that no earlier statement has deleted. */
export async function matchEdges(
  type: EdgeType,
  { target, operator, value }: MutationPredicate,
  context: MatchContext,
): Promise<readonly DeletedEdge[]> {
  const { view, staging, reads } = context;
  const constant = resolve(value, context);
  const isLeft = ({ id }: DeletedEdge) => staging.edge(type, id)?.row !== null;
  if ("endpoint" in target && operator === "=" && typeof constant === "string") {
    reads.counted(type.id, [constant]);
    const rows = await (target.endpoint === "from"
      ? view.lookupEdgesFrom(type, [constant])
      : view.lookupEdgesTo(type, [constant]));
    return rows.map(edgeOf).filter(isLeft);
  }
  reads.scanned(type.id);
  await view.load([type]);
  const table = view.edgeRows(type);
  const field = "property" in target ? target.property : ENDS[target.endpoint];
  const { numbers } = await scanTable(table, [comparison(field, operator, constant)], [], pace());
  return Array.from(numbers, (number) => table.delta.entity(number)).filter(isLeft);
}

const ENDS = { from: "src", to: "dst" } as const;

export function edgeOf({ id, src, dst }: Row): DeletedEdge {
  if (src === null || dst === null) throw new Error("invariant broken: an edge without ends");
  return { id, src, dst };
}

/** Lets other requests run now and then while rows are gone through. */
function pace(): Pace {
  let sinceBreath = 0;
  return {
    worked(rows) {
      sinceBreath += rows;
      if (sinceBreath < ROWS_PER_BREATH) return undefined;
      sinceBreath = 0;
      return letOthersRun();
    },
  };
}

function resolve(value: MutationPredicate["value"], { parameters, nowMs }: MatchContext): Value {
  return resolveConstant(value, parameters, nowMs);
}
