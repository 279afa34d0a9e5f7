// A read from plan to rows: solve the clauses, rank, group, order, cut.

import type { GraphView } from "../../index/index.ts";
import { letOthersRun } from "../../lib/event-loop.ts";
import { resolveConstant } from "../../query/index.ts";
import type { Constant, OrderKey, Parameters, ReadPlan, ReturnExpression } from "../../query/plan.ts";
import type { PropertyType } from "../../schema/catalog.ts";
import { type GroupedColumn, group } from "./aggregate.ts";
import { type Cells, takeCells } from "./cells.ts";
import { coldTables } from "./cold.ts";
import { ReadContext, type ReadOptions } from "./context.ts";
import { MAP_ENTRY_BYTES } from "./limits.ts";
import { cellsKey, tieKeys } from "./order.ts";
import { lookUp } from "./point-lookup.ts";
import { prepare } from "./prepared.ts";
import { countsRows } from "./purpose.ts";
import { rankedVariable, rankRows } from "./rank.ts";
import { columnOf, type Relation } from "./relation.ts";
import { type ReadRows, readRows } from "./result.ts";
import { searchCells } from "./search-cells.ts";
import { solve } from "./solve.ts";
import { type SortKey, sortedRows } from "./sort.ts";

const STRING: PropertyType = { scalar: "String", list: false, nullable: false, enumValues: null };

/** Runs a checked read on a view. */
export async function executeRead(
  plan: ReadPlan,
  parameters: Parameters,
  view: GraphView,
  options: ReadOptions,
): Promise<ReadRows> {
  const { types, edgeTypes, lookup, heads } = prepare(plan);
  if (lookup !== null && options.trace === undefined && view.isResident(lookup.type)) {
    const context = new ReadContext(plan, parameters, view, options);
    context.checkWanted();
    const found = plan.limit === 0 ? new Int32Array(0) : lookUp(context, lookup);
    const relation = { length: found.length, columns: new Map([[lookup.variable, found]]), weights: null };
    const cells = plan.items.map((item) => cellsOf(context, relation, item.expression));
    return readRows(heads, cells, found.length, context.checkWanted);
  }
  const resolve = (constant: Constant) => resolveConstant(constant, parameters, options.nowMs);
  const few = await coldTables(plan, view, resolve);
  if (few === null) {
    await view.load(types);
    // Others may wait for it too, so that this request's end does not stop it.
    await view.prepareEdges(edgeTypes, letOthersRun);
  } else if (options.trace !== undefined) {
    options.trace.isCold = true;
  }
  return runRead(new ReadContext(plan, parameters, few ?? view, options));
}

async function runRead(context: ReadContext): Promise<ReadRows> {
  const { plan, trace, checkWanted } = context;
  const { limit } = plan;
  const { purpose, heads } = prepare(plan);
  const solved = await solve(context, purpose);
  const { relation, keys: rankKeys } = await rankRows(context, solved);
  const [first] = plan.order;
  if (first?.kind === "rank") {
    trace?.finish({ kind: "rank", rank: first.rank, rows: solved.length }, relation.length);
  }
  const searched = await searchCells(context, solved, relation);
  const output = plan.aggregated
    ? groupedOutput(context, relation)
    : plainOutput(context, relation, searched);
  if (plan.aggregated) {
    const hasKeys = plan.items.some(({ expression }) => expression.kind !== "aggregate");
    const groups = hasKeys ? Math.sqrt(relation.length) : 1;
    trace?.finish({ kind: "aggregate", rows: groups }, output.count);
  }
  // A rank orders rows; of groups it has only chosen what they are made of.
  const ranks = plan.aggregated ? [] : rankKeys;
  const keys = plan.order.flatMap((key) => (key.kind === "rank" ? ranks : (output.orderKey(key) ?? [])));
  const sortKeys = [...keys, ...output.tieKeys()];
  context.memory.check(output.count * sortKeys.length * Float64Array.BYTES_PER_ELEMENT);
  const rows = sortedRows(output.count, sortKeys, limit, checkWanted);
  const kept = Math.min(limit ?? output.count, output.count);
  trace?.finish({ kind: limit === null ? "sort" : "top", rows: kept }, rows.length);
  trace?.finish({ kind: "project", rows: rows.length }, rows.length);
  return readRows(
    heads,
    output.cells.map((cells) => takeCells(cells, rows)),
    rows.length,
    checkWanted,
  );
}

/** Rows, and what they may be ordered by. */
interface Output {
  readonly count: number;
  readonly cells: readonly Cells[];
  orderKey(key: Exclude<OrderKey, { kind: "rank" }>): SortKey | null;
  tieKeys(): SortKey[];
}

function plainOutput(
  context: ReadContext,
  relation: Relation,
  searched: ReadonlyMap<ReturnExpression, Cells>,
): Output {
  const { plan } = context;
  const [first] = plan.order;
  const cells = plan.items.map(
    ({ expression }) => searched.get(expression) ?? cellsOf(context, relation, expression),
  );
  return {
    count: relation.length,
    cells,
    orderKey: (key) =>
      cellsKey(
        key.kind === "item" ? cells[key.item] : cellsOf(context, relation, key.operand),
        relation.length,
        key.descending,
      ),
    tieKeys: () => tieKeys(context, relation, first?.kind === "rank" ? rankedVariable(first.rank) : null),
  };
}

function groupedOutput(context: ReadContext, relation: Relation): Output {
  const { plan } = context;
  const columns = plan.items.map(({ expression }): GroupedColumn => {
    if (expression.kind !== "aggregate")
      return { kind: "key", cells: cellsOf(context, relation, expression) };
    const argument = countsRows(expression) ? null : cellsOf(context, relation, expression.argument);
    return { kind: "aggregate", aggregate: expression, argument };
  });
  const grouped = group(columns, relation);
  context.memory.check(grouped.count * columns.length * MAP_ENTRY_BYTES);
  return {
    count: grouped.count,
    cells: grouped.cells,
    orderKey: (key) => {
      const cells =
        key.kind === "item"
          ? grouped.cells[key.item]
          : takeCells(cellsOf(context, relation, key.operand), grouped.representatives);
      return cellsKey(cells, grouped.count, key.descending);
    },
    tieKeys: () =>
      grouped.cells.flatMap((cells, i) => {
        const key = columns[i].kind === "key" ? cellsKey(cells, grouped.count, false) : null;
        return key ?? [];
      }),
  };
}

function cellsOf(context: ReadContext, relation: Relation, expression: ReturnExpression): Cells {
  switch (expression.kind) {
    case "property":
      return {
        kind: "property",
        table: context.table(expression.variable),
        property: expression.property,
        numbers: columnOf(relation, expression.variable),
        type: expression.type,
      };
    case "variable":
      return {
        kind: "id",
        table: context.table(expression.variable),
        numbers: columnOf(relation, expression.variable),
        type: STRING,
      };
    case "aggregate":
      throw new Error("invariant broken: an aggregate in a query that does not group");
    case "rank":
    case "textMatch":
      throw new Error(`invariant broken: ${expression.kind} is computed for all rows together`);
    default:
      return { kind: "constant", value: context.value(expression), type: expression.type };
  }
}
