// What a read did, step by step, for whoever asks for its physical plan.

import type { Step } from "./steps.ts";

export interface TracedStep {
  readonly step: Step;
  /** Rows that the step left. */
  readonly rows: number;
  /** Solutions that those rows stand for. */
  readonly solutions: number;
  /** Steps of the `not` block that the step looked into. */
  readonly inner: readonly TracedStep[];
}

export class Trace {
  readonly steps: TracedStep[] = [];
  private current: { readonly step: Step; readonly inner: Trace } | null = null;

  /** A step begins; answers where the steps within it are noted. */
  begin(step: Step): Trace {
    this.current = { step, inner: new Trace() };
    return this.current.inner;
  }

  end(rows: number, solutions: number): void {
    if (this.current === null) throw new Error("invariant broken: a step ends that never began");
    const { step, inner } = this.current;
    this.steps.push({ step, rows, solutions, inner: inner.steps });
    this.current = null;
  }
}
