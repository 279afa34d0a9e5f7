// Random lives of small graphs.

import type { Value } from "../../src/query/plan.ts";
import type { PropertyType } from "../../src/schema/catalog.ts";
import type { Dice } from "../support/dice.ts";
import type { EdgeModel, EntityModel, NodeModel, PropertyModel } from "./graph-model.ts";
import { randomNode, randomSchema, randomValue, type Scale, SMALL } from "./random-graph.ts";
import { randomQuestion } from "./random-question.ts";
import type { Condition, Reader, StatementModel, Story, StoryStep } from "./story.ts";

const STEPS = 30;
const READERS: readonly Reader[] = ["writer", "resident", "newcomer"];
const BRANCHES = ["side", "draft"];
const I64_MAX = 2n ** 63n - 1n;
const COMPARISONS = ["=", "=", "!=", "<", "<=", ">", ">="];

export function randomStory(dice: Dice, scale = SMALL): Story {
  return new StoryDice(dice, scale).story();
}

class StoryDice {
  private readonly nodes: readonly NodeModel[];
  private readonly edges: readonly EdgeModel[];
  private readonly branches = ["main"];
  private readonly known = new Map<string, string[]>();

  constructor(
    private readonly dice: Dice,
    private readonly scale: Scale,
  ) {
    // What has no key is given an id that nobody knows beforehand.
    const { nodes, edges } = randomSchema(dice, (key) => key.length > 0);
    this.nodes = nodes;
    this.edges = edges;
  }

  story(): Story {
    const steps: StoryStep[] = [this.load("main")];
    while (steps.length < STEPS) steps.push(...this.step());
    return { schema: { nodes: this.nodes, edges: this.edges }, steps };
  }

  /** A value as a mutation can carry it: numbers beyond 63 bits come by loads only. */
  private sayable(type: PropertyType): Value {
    const value = randomValue(this.dice, type);
    return typeof value === "bigint" && value > I64_MAX ? I64_MAX : value;
  }

  private step(): StoryStep[] {
    const { dice } = this;
    const branch = dice.pick(this.branches);
    const roll = dice.below(20);
    if (roll < 7) return [{ kind: "mutate", branch, statements: this.statements() }];
    if (roll < 9) return [this.load(branch)];
    if (roll === 9) return this.fork(branch);
    if (roll === 10) return this.merge(branch);
    if (roll === 11) return [{ kind: "optimize" }];
    const question = randomQuestion(dice, { nodes: this.nodes, edges: this.edges });
    const back = dice.chance(0.3) ? dice.below(8) : null;
    return [{ kind: "ask", reader: dice.pick(READERS), branch, back, question }];
  }

  private fork(from: string): StoryStep[] {
    const branch = BRANCHES.find((name) => !this.branches.includes(name));
    if (branch === undefined) return [];
    this.branches.push(branch);
    return [{ kind: "fork", branch, from }];
  }

  private merge(source: string): StoryStep[] {
    const others = this.branches.filter((name) => name !== source);
    return others.length === 0 ? [] : [{ kind: "merge", source, target: this.dice.pick(others) }];
  }

  private load(branch: string): StoryStep {
    const { dice, scale } = this;
    const entities = [
      ...this.nodes.flatMap((type) =>
        Array.from({ length: dice.below(scale.nodesPut + 1) }, () => ({
          type: type.name,
          entity: this.node(type),
        })),
      ),
      ...this.edges.flatMap((type) =>
        Array.from({ length: dice.below(scale.edgesPut + 1) }, () => ({
          type: type.name,
          entity: { ...this.edge(type), id: `${type.name}${dice.below(scale.edgeIds)}` },
        })),
      ),
    ];
    // A record of an id that came before replaces it.
    const newest = new Map(entities.map((record) => [`${record.type} ${record.entity.id}`, record]));
    return { kind: "load", branch, entities: [...newest.values()] };
  }

  private edge({ from, to, properties }: EdgeModel): EntityModel {
    return { id: "", src: this.idOf(from), dst: this.idOf(to), values: this.values(properties) };
  }

  /** A random node, remembered so that edges find it. */
  private node(type: NodeModel): EntityModel {
    const node = randomNode(this.dice, type, this.scale);
    this.known.set(type.name, [...(this.known.get(type.name) ?? []), node.id]);
    return node;
  }

  /** The id of a node that probably is there. */
  private idOf(name: string): string {
    const known = this.known.get(name) ?? [];
    return known.length === 0 || this.dice.chance(0.06 / this.scale.edgesPut)
      ? "nobody"
      : this.dice.pick(known);
  }

  private values(properties: readonly PropertyModel[]): Record<string, Value> {
    return Object.fromEntries(properties.map(({ name, type }) => [name, this.sayable(type)]));
  }

  private statements(): StatementModel[] {
    const { dice } = this;
    const isDeleting = dice.chance(0.35);
    return Array.from({ length: 1 + dice.below(3) }, () => (isDeleting ? this.deletion() : this.change()));
  }

  private change(): StatementModel {
    const { dice } = this;
    const roll = dice.below(10);
    const type = dice.pick(this.nodes);
    if (roll < 3) {
      const keys = this.node(type).values;
      const others = type.properties.filter(({ name }) => !type.key.includes(name));
      const values = {
        ...this.values(others),
        ...Object.fromEntries(type.key.map((name) => [name, keys[name]])),
      };
      return { kind: "insert", type: type.name, entity: { values: this.some(type.properties, values) } };
    }
    if (roll < 6) {
      const edge = dice.pick(this.edges);
      const { src, dst, values } = this.edge(edge);
      const entity = { ...(src === undefined ? {} : { src }), ...(dst === undefined ? {} : { dst }), values };
      return { kind: "insert", type: edge.name, entity };
    }
    const free = type.properties.filter(({ name }) => !type.key.includes(name));
    const property = free.length === 0 ? undefined : dice.pick(free);
    if (property === undefined) return this.change();
    const values = { [property.name]: this.sayable(property.type) };
    return { kind: "update", type: type.name, values, where: this.condition(type.properties) };
  }

  /** What is not nullable, and some of the rest. */
  private some(properties: readonly PropertyModel[], values: Readonly<Record<string, Value>>) {
    const kept = properties.filter(({ type }) => !type.nullable || this.dice.chance(0.7));
    return Object.fromEntries(kept.map(({ name }) => [name, values[name]]));
  }

  private deletion(): StatementModel {
    const { dice } = this;
    if (dice.chance(0.5)) {
      const type = dice.pick(this.nodes);
      return { kind: "delete", type: type.name, where: this.condition(type.properties) };
    }
    const { name, from, to, properties } = dice.pick(this.edges);
    const isByEnd = properties.length === 0 || dice.chance(0.5);
    const where = dice.chance(0.5)
      ? { name: "from", operator: dice.pick(COMPARISONS), value: this.idOf(from) }
      : { name: "to", operator: dice.pick(COMPARISONS), value: this.idOf(to) };
    return { kind: "delete", type: name, where: isByEnd ? where : this.condition(properties) };
  }

  private condition(properties: readonly PropertyModel[]): Condition {
    const { dice } = this;
    const plain = properties.filter(({ type }) => !type.list && typeof type.scalar === "string");
    if (plain.length === 0) return { name: "from", operator: "=", value: "nobody" };
    const { name, type } = dice.pick(plain);
    return { name, operator: dice.pick(COMPARISONS), value: this.sayable({ ...type, nullable: false }) };
  }
}
