// What every step of one read shares: the tables it looks at, the values of its constants, and its limits in memory and
// time.

import type { EdgeTable, NodeTable } from "../../index/index.ts";
import { tooLarge } from "../../lib/errors.ts";
import { letOthersRun } from "../../lib/event-loop.ts";
import { resolveConstant } from "../../query/index.ts";
import type { Constant, Parameters, ReadPlan, Value, VariableInfo, VariableSlot } from "../../query/plan.ts";
import type { EdgeType, NodeType, Property } from "../../schema/catalog.ts";
import { QUERY_BYTES_MAX, WORK_PER_BREATH } from "./limits.ts";
import type { Trace } from "./trace.ts";

/** Where the tables of a read come from: a view whose types are resident, or a few rows that were looked up. */
export interface TableSource {
  nodes(type: NodeType): NodeTable;
  edges(type: EdgeType): EdgeTable;
}

export interface ReadOptions {
  /** When the request began: the value of `now()`. */
  readonly nowMs: number;
  readonly signal?: AbortSignal;
  /** Turns the text of a `nearest` query into a vector for a property; a graph always has one. */
  readonly embed?: Embed;
  /** Ends the read when it has run for so long. */
  readonly deadline?: Deadline;
  /** Bytes that its rows may take between steps, where not the usual. */
  readonly bytesMax?: number;
  /** Notes what was done, step by step. */
  readonly trace?: Trace;
}

export type Embed = (text: string, property: Property) => Promise<Float32Array>;

export interface Deadline {
  readonly limitMs: number;
  /** Milliseconds since the request began. */
  readonly elapsedMs: () => number;
}

/** Refuses a read that has passed its deadline. */
export function checkDeadline(deadline: Deadline | undefined): void {
  if (deadline === undefined) return;
  const elapsed = Math.round(deadline.elapsedMs());
  if (elapsed <= deadline.limitMs) return;
  throw tooLarge(
    "milliseconds of a query",
    deadline.limitMs,
    elapsed,
    `the query was stopped after ${elapsed} ms: a query may run for ${deadline.limitMs} ms (OMNIGRAPH_QUERY_TIMEOUT_MS)`,
  );
}

/** The bytes that a query's rows take, against what they may take. */
export class MemoryBudget {
  private held = 0;

  constructor(private readonly bytesMax: number) {}

  /** Counts bytes in, or out where they are negative. */
  take(bytes: number): void {
    this.check(bytes);
    this.held += bytes;
  }

  /** Refuses to hold so many more bytes. */
  check(bytes: number): void {
    const wanted = this.held + bytes;
    if (wanted <= this.bytesMax) return;
    throw tooLarge(
      "bytes of rows between the steps of a query",
      this.bytesMax,
      wanted,
      `the query holds ${wanted} bytes of rows between its steps, and may hold ${this.bytesMax}: narrow it, or ask in parts`,
    );
  }
}

export class ReadContext {
  readonly memory: MemoryBudget;
  private workSinceBreath = 0;

  constructor(
    readonly plan: ReadPlan,
    readonly parameters: Parameters,
    readonly source: TableSource,
    private readonly options: ReadOptions,
  ) {
    this.memory = new MemoryBudget(options.bytesMax ?? QUERY_BYTES_MAX);
  }

  get embed(): Embed | null {
    return this.options.embed ?? null;
  }

  get trace(): Trace | null {
    return this.options.trace ?? null;
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

  /** Called after each stretch of work with its size: now and then lets other work run, or stops where nobody waits. */
  worked(work: number): Promise<void> | undefined {
    this.workSinceBreath += work;
    if (this.workSinceBreath >= WORK_PER_BREATH) return this.breathe();
    this.checkWanted();
    return undefined;
  }

  /** Lets other work run. */
  async breathe(): Promise<void> {
    this.workSinceBreath = 0;
    await letOthersRun();
    this.checkWanted();
  }

  /** Throws where nobody waits for the answer any more, or where it has taken too long. */
  readonly checkWanted = (): void => {
    this.options.signal?.throwIfAborted();
    checkDeadline(this.options.deadline);
  };
}
