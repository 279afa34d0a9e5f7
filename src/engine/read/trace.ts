// The physical plan of a read as it turned out: its steps in the order in which they ran, with what was expected of each
// and what it left.

import type { RankFunction } from "../../query/plan.ts";
import type { Scanned } from "./scan.ts";
import type { Step } from "./steps.ts";

/** What happens to solutions once they are found. */
export type FinishingStep = { readonly rows: number } & (
  | { readonly kind: "rank"; readonly rank: RankFunction }
  | { readonly kind: "aggregate" }
  /** Puts rows in order; `top`: keeps the first ones only, and sorts no others. */
  | { readonly kind: "sort" | "top" }
  | { readonly kind: "project" }
);

export interface TracedStep {
  /** `rows` of it: how many it was expected to leave. */
  readonly step: Step | FinishingStep;
  /** Rows that it left. */
  readonly rows: number;
  /** Solutions that those rows stand for. */
  readonly solutions: number;
  /** How a scan came by its rows, and how many it looked at. */
  readonly scan: ScanTrace | null;
  /** Steps of the `not` block that it looked into. */
  readonly inner: readonly TracedStep[];
}

export type ScanTrace = Pick<Scanned, "access" | "rows">;

export class Trace {
  readonly steps: TracedStep[] = [];
  /** True where rows were looked up one by one, because nothing was in memory. */
  isCold = false;
  private current: { readonly step: Step; readonly inner: Trace; scan: ScanTrace | null } | null = null;

  /** A step begins; answers where the steps within it are noted. */
  begin(step: Step): Trace {
    const inner = new Trace();
    this.current = { step, inner, scan: null };
    return inner;
  }

  /** The step under way has scanned. */
  scanned({ access, rows }: ScanTrace): void {
    if (this.current !== null) this.current.scan = { access, rows };
  }

  end(rows: number, solutions: number): void {
    if (this.current === null) throw new Error("invariant broken: a step ends that never began");
    const { step, inner, scan } = this.current;
    this.steps.push({ step, rows, solutions, scan, inner: inner.steps });
    this.current = null;
  }

  /** A step after the last solution was found. */
  finish(step: FinishingStep, rows: number): void {
    this.steps.push({ step, rows, solutions: rows, scan: null, inner: [] });
  }
}
