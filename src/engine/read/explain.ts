// A traced read in words: what --explain prints, and what `explain` in a request asks for.

import { unreachable } from "../../lib/assert.ts";
import { stringifyJson } from "../../lib/json.ts";
import type {
  Clause,
  Constant,
  Operand,
  OrderKey,
  RankFunction,
  ReadPlan,
  ReturnExpression,
  TextCall,
  VariableSlot,
} from "../../query/plan.ts";
import type { PlanOutput, PlanStepOutput } from "../outputs.ts";
import { toJson } from "./cells.ts";
import type { Condition, TraversalClause } from "./conditions.ts";
import type { Access } from "./scan.ts";
import type { Step } from "./steps.ts";
import type { FinishingStep, ScanTrace, Trace, TracedStep } from "./trace.ts";

/** The physical plan of a read that has run. */
export function explained(plan: ReadPlan, trace: Trace): PlanOutput {
  const words = new Words(plan, trace.isCold);
  return {
    query_name: plan.name,
    tables: trace.isCold ? "looked up" : "in memory",
    steps: trace.steps.map((step) => words.traced(step)),
  };
}

/** What a step is called, what it does, and by which way it comes to its rows. */
interface Described {
  readonly operator: string;
  readonly detail: string;
  readonly access?: string;
}

class Words {
  constructor(
    private readonly plan: ReadPlan,
    private readonly isCold: boolean,
  ) {}

  traced({ step, rows, solutions, scan, inner }: TracedStep): PlanStepOutput {
    return {
      ...this.described(step, scan),
      estimated_rows: Math.ceil(step.rows),
      actual_rows: rows,
      ...(scan === null ? {} : { scanned_rows: scan.rows }),
      ...(solutions === rows ? {} : { solutions }),
      ...(inner.length === 0 ? {} : { steps: inner.map((nested) => this.traced(nested)) }),
    };
  }

  private described(step: Step | FinishingStep, scan: ScanTrace | null): Described {
    switch (step.kind) {
      case "scan": {
        const { name, type } = this.plan.variables[step.variable];
        return this.scan(`$${name}: ${type.name}`, scan?.access ?? step.access, step.conditions);
      }
      case "scanEdges":
        return this.scan(this.traversal(step.clause), scan?.access ?? step.access, step.conditions);
      case "narrow":
        return this.narrow(step.condition);
      case "expand":
        return {
          operator: step.mode === "close" ? "close" : step.clause.maxHops > 1 ? "walk" : "expand",
          detail: this.narrowed(this.traversal(step.clause), step.conditions) + this.outcome(step),
          access: this.way(step.clause, step.start),
        };
      case "intersect":
        return {
          operator: "intersect",
          detail:
            this.narrowed(
              step.clauses.map((clause) => this.traversal(clause)).join(" and "),
              step.conditions,
            ) + this.outcome(step),
          access: step.clauses
            .map((clause) => this.way(clause, clause.from === step.end ? clause.to : clause.from))
            .join(", "),
        };
      case "join": {
        const conditions = step.conditions.map((condition) => this.condition(condition));
        const links = step.on.map((clause) => this.filter(clause));
        const detail = [...links, ...conditions].join(" and ");
        const operator = step.mode === "tally" ? "semi join" : links.length === 0 ? "product" : "join";
        return { operator, detail, ...(links.length === 0 ? {} : { access: "hash" }) };
      }
      default:
        return this.finishing(step);
    }
  }

  private finishing(step: FinishingStep): Described {
    const { items, order, limit, aggregated } = this.plan;
    switch (step.kind) {
      case "rank":
        return { operator: "rank", detail: this.rank(step.rank), access: rankAccess(step.rank) };
      case "aggregate": {
        const isKey = (expression: ReturnExpression) => expression.kind !== "aggregate";
        const texts = (wanted: boolean) =>
          items
            .filter(({ expression }) => isKey(expression) === wanted)
            .map(({ expression }) => this.expression(expression));
        const keys = texts(true);
        return {
          operator: "aggregate",
          detail: texts(false).join(", ") + (keys.length === 0 ? "" : ` by ${keys.join(", ")}`),
        };
      }
      case "sort":
      case "top": {
        const keys = order.map((key) => this.orderKey(key));
        const ties = aggregated ? "group keys" : "ids";
        const by = [...keys, ties].join(", ");
        return { operator: step.kind, detail: limit === null ? by : `${limit} by ${by}` };
      }
      case "project":
        return { operator: "project", detail: items.map(({ column }) => column).join(", ") };
      default:
        return unreachable(step);
    }
  }

  private scan(subject: string, access: Access, conditions: readonly Condition[]): Described {
    const detail = this.narrowed(subject, conditions);
    switch (access) {
      case "id":
        return { operator: "lookup", detail, access: this.isCold ? "cold lookup by id" : "id" };
      case "ids":
        return { operator: "lookup", detail, access: "ids" };
      case "values":
        return { operator: "lookup", detail, access: "value index" };
      case "key range":
      case "zones":
        return { operator: "scan", detail, access };
      case "scan":
        return { operator: "scan", detail, access: "all rows" };
      default:
        return unreachable(access);
    }
  }

  private narrow(condition: Condition): Described {
    const detail = this.condition(condition);
    switch (condition.kind) {
      case "match":
      case "filter":
        return { operator: "filter", detail };
      case "text":
        return { operator: "filter", detail, access: "full text" };
      case "not":
        return { operator: "anti join", detail };
      default:
        return unreachable(condition);
    }
  }

  private way(clause: TraversalClause, start: VariableSlot): string {
    const direction = clause.undirected ? "both ways" : start === clause.from ? "forward" : "backward";
    return `${this.isCold ? "cold lookup" : "adjacency"} ${direction}`;
  }

  /** What is left of the rows, where that is not one for each neighbour. */
  private outcome(step: Extract<Step, { kind: "expand" | "intersect" }>): string {
    if (step.mode === "merge") return `, one row for each ${this.name(step.end)}`;
    return step.mode === "tally" ? `, ${this.name(step.end)} only counted` : "";
  }

  private narrowed(text: string, conditions: readonly Condition[]): string {
    if (conditions.length === 0) return text;
    return `${text} where ${conditions.map((condition) => this.condition(condition)).join(" and ")}`;
  }

  private name(slot: VariableSlot): string {
    return `$${this.plan.variables[slot].name}`;
  }

  private traversal({
    edge,
    from,
    to,
    left,
    undirected,
    minHops,
    maxHops,
    edgeVariable,
  }: TraversalClause): string {
    const name = edge.name[0].toLowerCase() + edge.name.slice(1);
    const word = undirected ? `<${name}>` : name;
    const hops = maxHops > 1 || minHops > 1 ? `{${minHops},${maxHops}}` : "";
    const bound = edgeVariable === null ? "" : `${this.name(edgeVariable)}:`;
    const [first, second] = left === "from" ? [from, to] : [to, from];
    return `${this.name(first)} ${bound}${word}${hops} ${this.name(second)}`;
  }

  private condition(condition: Condition): string {
    switch (condition.kind) {
      case "match": {
        const { property, value } = condition.match;
        const operator = property.type.list ? "contains" : "=";
        return `${this.name(condition.slots[0])}.${property.name} ${operator} ${this.constant(value)}`;
      }
      case "filter":
        return this.filter(condition.clause);
      case "text":
        return this.textCall(condition.call);
      case "not":
        return `not { ${condition.clauses.map((clause) => this.clause(clause)).join(" ")} }`;
      default:
        return unreachable(condition);
    }
  }

  private clause(clause: Clause): string {
    switch (clause.kind) {
      case "binding": {
        const { name, type } = this.plan.variables[clause.variable];
        const matches = clause.matches.map(
          ({ property, value }) => `${property.name}: ${this.constant(value)}`,
        );
        return `$${name}: ${type.name}${matches.length === 0 ? "" : ` { ${matches.join(", ")} }`}`;
      }
      case "traversal":
        return this.traversal(clause);
      case "filter":
        return this.filter(clause);
      case "text":
        return this.textCall(clause);
      case "not":
        return `not { ${clause.clauses.map((inner) => this.clause(inner)).join(" ")} }`;
      default:
        return unreachable(clause);
    }
  }

  private filter({ left, operator, right }: Extract<Clause, { kind: "filter" }>): string {
    return `${this.operand(left)} ${operator} ${this.operand(right)}`;
  }

  private textCall({
    function: name,
    variable,
    property,
    query,
    maxEdits,
    expected,
    negated,
  }: TextCall): string {
    const edits = maxEdits === null ? "" : `, ${this.constant(maxEdits)}`;
    const call = `${name}(${this.name(variable)}.${property.name}, ${this.constant(query)}${edits})`;
    if (expected === true) return negated ? `${call} != true` : call;
    return `${call} ${negated ? "!=" : "="} ${this.constant(expected)}`;
  }

  private operand(operand: Operand): string {
    return operand.kind === "property"
      ? `${this.name(operand.variable)}.${operand.property.name}`
      : this.constant(operand);
  }

  private constant(constant: Constant): string {
    switch (constant.kind) {
      case "literal":
        return stringifyJson(toJson(constant.value, constant.type));
      case "parameter":
        return `$${constant.name}`;
      case "dateLiteral":
        return `${constant.type.scalar === "Date" ? "date" : "datetime"}(${JSON.stringify(constant.text)})`;
      case "dateListLiteral":
        return JSON.stringify(constant.texts);
      case "now":
        return "now()";
      default:
        return unreachable(constant);
    }
  }

  private expression(expression: ReturnExpression): string {
    switch (expression.kind) {
      case "variable":
        return this.name(expression.variable);
      case "aggregate":
        return `${expression.function}(${this.expression(expression.argument)})`;
      case "rank":
        return this.rank(expression.rank);
      case "textMatch":
        return this.textCall(expression.call);
      default:
        return this.operand(expression);
    }
  }

  private rank(rank: RankFunction): string {
    if (rank.kind === "rrf") {
      const k = rank.k === null ? "" : `, ${this.constant(rank.k)}`;
      return `rrf(${this.rank(rank.first)}, ${this.rank(rank.second)}${k})`;
    }
    return `${rank.kind}(${this.name(rank.variable)}.${rank.property.name}, ${this.constant(rank.query)})`;
  }

  private orderKey(key: OrderKey): string {
    if (key.kind === "rank") return this.rank(key.rank);
    const text = key.kind === "item" ? this.plan.items[key.item].column : this.operand(key.operand);
    return key.descending ? `${text} desc` : text;
  }
}

function rankAccess(rank: RankFunction): string {
  if (rank.kind === "rrf") return [rank.first, rank.second].map(rankAccess).join(", ");
  return rank.kind === "bm25" ? "full text" : "vectors";
}
