// Which way a traversal goes is settled in the plan, which engine and evaluator share: so it is held against the question.

import { describe, expect, it } from "bun:test";
import type { Clause, ReadPlan } from "../../src/query/plan.ts";
import { admitSchema } from "../../src/schema/index.ts";
import { Dice } from "../support/dice.ts";
import { planned } from "./compare.ts";
import { type SchemaModel, schemaText } from "./graph-model.ts";
import type { ClauseModel } from "./question.ts";
import { randomSchema } from "./random-graph.ts";
import { randomQuestion } from "./random-question.ts";

const SEEDS = 150;
const QUESTIONS = 10;

/** The two ends of each traversal, the edge's source first, in the order in which they are written; by spec 02 §7.2. */
function endsAsWritten(
  schema: SchemaModel,
  clauses: readonly ClauseModel[],
  types = new Map<string, string>(),
): string[] {
  return clauses.flatMap((clause): string[] => {
    if (clause.kind === "binding") types.set(`$${clause.variable}`, clause.type);
    if (clause.kind === "not") return endsAsWritten(schema, clause.clauses, new Map(types));
    if (clause.kind !== "traversal") return [];
    const name = clause.edge.replaceAll(/[<>]/g, "").toUpperCase();
    const edge = schema.edges.find((candidate) => candidate.name === name);
    if (edge === undefined) throw new Error(`no edge ${name}`);
    const left = types.get(clause.left);
    const right = types.get(clause.right);
    // The side that has a type settles it, the left one first; where neither has, the left one is the source.
    const isForward = left !== undefined ? left === edge.from : right === undefined || right === edge.to;
    const [source, target] = isForward ? [clause.left, clause.right] : [clause.right, clause.left];
    if (source !== "$_") types.set(source, edge.from);
    if (target !== "$_") types.set(target, edge.to);
    return [`${source} ${edge.name} ${target}, from ${clause.left}`];
  });
}

function endsAsPlanned(variables: ReadPlan["variables"], clauses: readonly Clause[]): string[] {
  const nameOf = (slot: number) => `$${variables[slot].name}`;
  return clauses.flatMap((clause): string[] => {
    if (clause.kind === "not") return endsAsPlanned(variables, clause.clauses);
    if (clause.kind !== "traversal") return [];
    const { edge, from, to, left } = clause;
    return [`${nameOf(from)} ${edge.name} ${nameOf(to)}, from ${nameOf(left === "from" ? from : to)}`];
  });
}

describe("the plan of a read", () => {
  it("turns every traversal as it is written, inside of not as well", () => {
    let turned = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const dice = new Dice(seed);
      const schema = randomSchema(dice);
      const catalog = admitSchema(schemaText(schema), null);
      for (let i = 0; i < QUESTIONS; i++) {
        const question = randomQuestion(dice, schema);
        const plan = planned(question, catalog)?.plan;
        if (plan === undefined) continue;
        const written = endsAsWritten(schema, question.clauses);
        expect(endsAsPlanned(plan.variables, plan.clauses)).toEqual(written);
        turned += written.filter((ends) => !ends.endsWith(`from ${ends.split(" ")[0]}`)).length;
      }
    }
    expect(turned).toBeGreaterThan(50);
  });
});
