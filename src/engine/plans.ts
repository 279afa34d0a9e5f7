// Checked plans, kept by what they were made from: the same text on the same schema is parsed and checked once.

import { checkQuery, parseQueries, selectQuery } from "../query/index.ts";
import type { QueryPlan } from "../query/plan.ts";
import type { Catalog } from "../schema/catalog.ts";

/** Plans kept; the least recently used goes first. */
const PLANS_MAX = 1_024;

export class PlanCache {
  private readonly plans = new Map<string, QueryPlan>();

  /** Throws bad_request where the text does not parse, select or check. */
  plan(source: string, name: string | undefined, catalog: Catalog): QueryPlan {
    const key = `${catalog.digest}\0${catalog.nextId}\0${name ?? ""}\0${source}`;
    const known = this.plans.get(key);
    if (known !== undefined) {
      this.plans.delete(key);
      this.plans.set(key, known);
      return known;
    }
    const plan = checkQuery(selectQuery(parseQueries(source), name), catalog);
    this.plans.set(key, plan);
    for (const oldest of this.plans.keys()) {
      if (this.plans.size <= PLANS_MAX) break;
      this.plans.delete(oldest);
    }
    return plan;
  }
}
