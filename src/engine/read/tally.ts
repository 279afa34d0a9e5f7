// Nodes with what they weigh, gathered number by number.

import type { VariableSlot } from "../../query/plan.ts";
import type { EndTest } from "./end-test.ts";
import { NumberList, type Relation } from "./relation.ts";

export class Tally {
  private readonly weights: Float64Array;
  /** Numbers that have a weight, in the order in which they got it. */
  private readonly met = new NumberList();

  constructor(/** Numbers are below this. */ bound: number) {
    this.weights = new Float64Array(bound);
  }

  /** Adds a weight above zero to each number of a stretch. */
  addAll(numbers: Int32Array, from: number, to: number, weight: number): void {
    const { weights, met } = this;
    for (let i = from; i < to; i++) {
      const number = numbers[i];
      const before = weights[number];
      if (before === 0) met.push(number);
      weights[number] = before + weight;
    }
  }

  /** One row for each number that passes. */
  relation(slot: VariableSlot, test: EndTest | null, isCounted: boolean): Relation {
    const met = this.met.array();
    const numbers = test === null ? met : met.filter((number) => test.passes(number));
    const weights = isCounted ? new Float64Array(numbers.length) : null;
    if (weights !== null) {
      for (let row = 0; row < numbers.length; row++) weights[row] = this.weights[numbers[row]];
    }
    return { length: numbers.length, columns: new Map([[slot, numbers]]), weights };
  }
}
