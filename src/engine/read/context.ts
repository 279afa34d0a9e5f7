// What every step of one read shares: the tables it looks at, the values of its constants, and the right to be stopped.

import type { EdgeTable, NodeTable } from "../../index/index.ts";
import { resolveConstant } from "../../query/index.ts";
import type { Constant, Parameters, ReadPlan, Value, VariableInfo, VariableSlot } from "../../query/plan.ts";
import type { EdgeType, NodeType, Property } from "../../schema/catalog.ts";

import { ROWS_PER_BREATH } from "./limits.ts";

/** Where the tables of a read come from: a view whose types are resident, or a few rows that were looked up. */
export interface TableSource {
  nodes(type: NodeType): NodeTable;
  edges(type: EdgeType): EdgeTable;
}

export interface ReadOptions {
  /** When the request began: the value of `now()`. */
  readonly nowMs: number;
  readonly signal?: AbortSignal;
  /** Turns the text of a `nearest` query into a vector for a property; without it such a query is refused. */
  readonly embed?: Embed;
}

export type Embed = (text: string, property: Property) => Promise<Float32Array>;

export class ReadContext {
  private rowsSinceBreath = 0;

  constructor(
    readonly plan: ReadPlan,
    readonly parameters: Parameters,
    readonly source: TableSource,
    private readonly options: ReadOptions,
  ) {}

  get embed(): Embed | null {
    return this.options.embed ?? null;
  }

  variable(slot: VariableSlot): VariableInfo {
    return this.plan.variables[slot];
  }

  /** The table that a variable ranges over. */
  table(slot: VariableSlot): NodeTable | EdgeTable {
    const variable = this.variable(slot);
    return variable.kind === "node" ? this.source.nodes(variable.type) : this.source.edges(variable.type);
  }

  nodes(slot: VariableSlot): NodeTable {
    const variable = this.variable(slot);
    if (variable.kind !== "node") throw new Error(`invariant broken: $${variable.name} is no node`);
    return this.source.nodes(variable.type);
  }

  value(constant: Constant): Value {
    return resolveConstant(constant, this.parameters, this.options.nowMs);
  }

  /** Called after each step with the rows that it handled: now and then lets other work run, or stops where nobody waits. */
  async worked(rows: number): Promise<void> {
    this.rowsSinceBreath += rows;
    if (this.rowsSinceBreath < ROWS_PER_BREATH) return;
    await this.breathe();
  }

  /** Lets other work run. */
  async breathe(): Promise<void> {
    this.rowsSinceBreath = 0;
    await letOthersRun();
    this.checkWanted();
  }

  /** Throws where nobody waits for the answer any more. */
  checkWanted(): void {
    this.options.signal?.throwIfAborted();
  }
}

/** One turn of the event loop. */
export const letOthersRun = () => new Promise<void>((resolve) => setImmediate(resolve));
