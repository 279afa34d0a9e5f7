// Checked plans, kept by what they were made from: the same text on the same schema is parsed and checked once.

import { checkQuery, parseQueries, selectQuery } from "../query/index.ts";
import type { QueryPlan } from "../query/plan.ts";
import type { Catalog } from "../schema/catalog.ts";
import { catalogIdentity } from "../schema/index.ts";

/** Plans kept; those of the text least recently used go first. */
const PLANS_MAX = 1_024;

interface CheckedPlan {
  readonly name: string | undefined;
  /** Of the catalog. */
  readonly identity: string;
  readonly plan: QueryPlan;
}

export class PlanCache {
  /** By text, the least recently used first: one key of all parts would have to be put together for every read. */
  private readonly bySource = new Map<string, CheckedPlan[]>();
  private newest: string | null = null;
  private count = 0;

  constructor(private readonly plansMax = PLANS_MAX) {}

  /** Throws bad_request where the text does not parse, select or check. */
  plan(source: string, name: string | undefined, catalog: Catalog): QueryPlan {
    const identity = catalogIdentity(catalog);
    const ofSource = this.bySource.get(source);
    if (ofSource !== undefined) {
      for (const known of ofSource) {
        if (known.name !== name || known.identity !== identity) continue;
        this.touch(source, ofSource);
        return known.plan;
      }
    }
    const plan = checkQuery(selectQuery(parseQueries(source), name), catalog);
    this.touch(source, [...(ofSource ?? []), { name, identity, plan }]);
    this.count++;
    for (const [oldest, { length }] of this.bySource) {
      if (this.count <= this.plansMax) break;
      this.bySource.delete(oldest);
      this.count -= length;
    }
    return plan;
  }

  /** Puts a text at the young end. */
  private touch(source: string, plans: CheckedPlan[]): void {
    if (this.newest !== source) this.bySource.delete(source);
    this.bySource.set(source, plans);
    this.newest = source;
  }
}
