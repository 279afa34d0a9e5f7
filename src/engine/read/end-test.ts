// Conditions on the far end of a traversal. Many edges lead to the same node, so that each node is tested once, when it is
// first met, and remembered.

import type { NumberTest } from "./column-test.ts";

const UNKNOWN = 0;
const YES = 1;
const NO = 2;

export class EndTest {
  private readonly known: Uint8Array;

  constructor(
    private readonly tests: readonly NumberTest[],
    /** Numbers are below this. */
    bound: number,
  ) {
    this.known = new Uint8Array(bound);
  }

  passes(end: number): boolean {
    const known = this.known[end];
    return known === UNKNOWN ? this.decide(end) : known === YES;
  }

  private decide(end: number): boolean {
    let passes = true;
    for (const test of this.tests) passes = passes && test(end);
    this.known[end] = passes ? YES : NO;
    return passes;
  }

  /** How many of a stretch of ends pass; one is enough where they are not counted. */
  count(ends: Int32Array, from: number, to: number, isCounted: boolean): number {
    const { known } = this;
    let count = 0;
    for (let i = from; i < to; i++) {
      const end = ends[i];
      if (known[end] === YES || (known[end] === UNKNOWN && this.decide(end))) {
        count++;
        if (!isCounted) return count;
      }
    }
    return count;
  }
}
