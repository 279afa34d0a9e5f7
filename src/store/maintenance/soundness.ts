// Which types can be read at a place of a log, and what is wrong with the others.

import type { StableId } from "../../schema/catalog.ts";
import type { Problem } from "./object-checks.ts";

export class Soundness {
  private readonly types = new Map<StableId, Problem | null>();

  constructor(
    /** Of types that were not met yet. */
    private rest: Problem | null = null,
  ) {}

  of(type: StableId): Problem | null {
    const known = this.types.get(type);
    return known === undefined ? this.rest : known;
  }

  set(type: StableId, problem: Problem | null): void {
    this.types.set(type, problem);
  }

  /** Nothing can be read from here on. */
  spoil(problem: Problem): void {
    this.rest = problem;
    for (const type of this.types.keys()) this.types.set(type, problem);
  }

  /** Types that were not met are empty: a checkpoint says so. */
  settleRest(): void {
    this.rest = null;
  }

  /** Types that were met. */
  met(): StableId[] {
    return [...this.types.keys()];
  }

  get restProblem(): Problem | null {
    return this.rest;
  }

  get isSound(): boolean {
    return this.rest === null && [...this.types.values()].every((problem) => problem === null);
  }
}
