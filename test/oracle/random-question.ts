// Random reads of a schema: all of the grammar, well formed, and almost always well typed.

import type { JsonValue } from "../../src/lib/json.ts";
import type { PropertyType, ScalarName } from "../../src/schema/catalog.ts";
import type { Dice } from "../support/dice.ts";
import type { EdgeModel, EntityModel, NodeModel, PropertyModel, SchemaModel } from "./graph-model.ts";
import type { ClauseModel, ParameterModel, Question } from "./question.ts";
import { HUES, randomNode, randomValue, VECTOR_WIDTH } from "./random-graph.ts";
import { jsonOf, literal } from "./values.ts";

interface Bound {
  readonly name: string;
  readonly type: NodeModel | EdgeModel;
}

const isNode = (type: NodeModel | EdgeModel): type is NodeModel => "key" in type;
const COMPARISONS = ["=", "!=", "<", "<=", ">", ">="];
const HOPS = ["{1,1}", "{1,2}", "{2,2}", "{2,3}", "{1,5}", "{3,4}", "{1,4000000000}"];
const QUERY_TEXTS = [
  "running",
  "RED fox",
  "cafe blue",
  "rum",
  "the",
  "under",
  "rde fxo",
  "roof",
  "",
  "fine RUNS",
];
const NODE_NAMES = ["a", "b", "c", "p", "q", "s"];
const EDGE_NAMES = ["v", "w", "x"];
/** Beyond these an evaluator that tries everything takes its time. */
const NODES_MAX = 3;
const EDGES_MAX = 2;
const NUMERIC: readonly ScalarName[] = ["I32", "I64", "U32", "U64", "F32", "F64"];

const scalarOf = ({ scalar }: PropertyType): ScalarName | null =>
  typeof scalar === "string" ? scalar : null;
const isNumber = (type: PropertyType) => !type.list && NUMERIC.includes(scalarOf(type) ?? "Blob");
const isText = (type: PropertyType) => !type.list && type.scalar === "String";
const isVector = (type: PropertyType) => typeof type.scalar !== "string";
const isPlain = (type: PropertyType) => !type.list && !isVector(type);

export function randomQuestion(dice: Dice, schema: SchemaModel): Question {
  return new Writer(dice, schema).question();
}

class Writer {
  private readonly nodes: Bound[] = [];
  private readonly edges: Bound[] = [];
  private readonly parameters: ParameterModel[] = [];
  private readonly used = new Set<string>();

  constructor(
    private readonly dice: Dice,
    private readonly schema: SchemaModel,
  ) {}

  question(): Question {
    const { dice } = this;
    // What a rank does shows where many rows are left.
    const isRanked = dice.chance(0.15);
    const clauses = isRanked ? this.binding() : dice.chance(0.3) ? this.shape() : this.freeClauses();
    if (isRanked && dice.chance(0.3)) clauses.push(...this.traversal());
    else for (let i = dice.below(2); i > 0; i--) clauses.push(...this.filter());
    const { items, order, limit } = isRanked ? this.plain(1 + dice.below(3), 1) : this.result();
    return { parameters: this.parameters, clauses, items, order, limit };
  }

  // ---- names and values ----

  private name(pool: readonly string[]): string {
    const free = pool.filter((name) => !this.used.has(name));
    const name = this.dice.pick(free);
    this.used.add(name);
    return name;
  }

  private parameter(type: string, value: JsonValue): string {
    const name = `p${this.parameters.length}`;
    this.parameters.push({ name, type, value });
    return `$${name}`;
  }

  /** A constant that compares with a property of a type: a literal, a parameter, or `now()`. */
  private constant(type: PropertyType): string {
    const { dice } = this;
    if (type.scalar === "DateTime" && dice.chance(0.2)) return "now()";
    const value = randomValue(dice, { ...type, nullable: false });
    if (dice.chance(0.3)) {
      const isNullable = dice.chance(0.2);
      const declared = typeof type.scalar === "string" ? type.scalar : `Vector(${type.scalar.vector})`;
      const given = isNullable && dice.chance(0.6) ? null : jsonOf(value, type);
      return this.parameter(`${declared}${isNullable ? "?" : ""}`, given);
    }
    return literal(value, type);
  }

  /** A number of any kind, near what is stored or between. */
  private number(): string {
    const { dice } = this;
    if (dice.chance(0.7)) {
      return dice.pick(["0", "1", "2", "2.5", "0.1", "-1", "9007199254740993", "16777217", "-0.0", "3.0"]);
    }
    return dice.pick([
      () => this.parameter("I64", dice.pick(["1", "9007199254740993", "-9223372036854775808"])),
      () => this.parameter("U64", "18446744073709551615"),
      () => this.parameter("F64", dice.pick([0.1, 2.5, 1e16, -1])),
      () => this.parameter("F32", dice.pick([0.1, 0.5])),
      () => this.parameter("I32?", dice.pick([null, 1])),
    ])();
  }

  private text(): string {
    const { dice } = this;
    const text = dice.pick(["red fox", "r", "", "Rome", "\uFFFD", "run", "a_b", "100%", ...HUES]);
    return dice.chance(0.2) ? this.parameter("String", text) : JSON.stringify(text);
  }

  private query(): string {
    const { dice } = this;
    const text = dice.pick(QUERY_TEXTS);
    if (dice.chance(0.75)) return JSON.stringify(text);
    return this.parameter("String?", dice.chance(0.2) ? null : text);
  }

  /** Properties of bound variables that pass a test, as `$x.p`. */
  private properties(test: (type: PropertyType) => boolean, among = [...this.nodes, ...this.edges]) {
    return among.flatMap(({ name, type }) =>
      type.properties
        .filter((property) => test(property.type))
        .map((property) => ({ text: `$${name}.${property.name}`, type: property.type })),
    );
  }

  // ---- clauses ----

  private freeClauses(): ClauseModel[] {
    const { dice } = this;
    const clauses: ClauseModel[] = [];
    const count = 1 + dice.below(4);
    for (let i = 0; i < count || this.nodes.length === 0; i++) clauses.push(...this.clauses(0));
    return clauses;
  }

  private clauses(depth: number): ClauseModel[] {
    const { dice } = this;
    const roll = dice.below(10);
    if (this.nodes.length === 0 || (roll < 2 && depth === 0)) return this.binding();
    if (roll < 5) return this.traversal();
    if (roll < 8 || depth > 1) return this.filter();
    const [nodes, edges] = [this.nodes.length, this.edges.length];
    const inner = Array.from({ length: 1 + dice.below(2) }, () => this.clauses(depth + 1)).flat();
    // A re-binding mentions the outer variable too.
    if (dice.chance(0.2)) inner.push(this.rebinding());
    this.nodes.length = nodes;
    this.edges.length = edges;
    return inner.length === 0 ? [] : [{ kind: "not", clauses: inner }];
  }

  private binding(): ClauseModel[] {
    if (this.nodes.length >= NODES_MAX) return this.nodes.length > 0 ? [this.rebinding()] : [];
    const type = this.dice.pick(this.schema.nodes);
    const variable = this.name(NODE_NAMES);
    this.nodes.push({ name: variable, type });
    return [{ kind: "binding", variable, type: type.name, matches: this.matches(type) }];
  }

  private rebinding(): ClauseModel {
    const { name, type } = this.dice.pick(this.nodes);
    const matches = isNode(type) ? this.matches(type) : [];
    return { kind: "binding", variable: name, type: type.name, matches };
  }

  private matches(type: NodeModel): string[] {
    const { dice } = this;
    if (dice.chance(0.5)) return [];
    if (dice.chance(0.4) && type.key.length > 0) return this.keyMatches(type, randomNode(dice, type));
    return Array.from({ length: 1 + dice.below(2) }, () => this.match(dice.pick(type.properties))).flat();
  }

  private keyMatches(type: NodeModel, { values }: EntityModel): string[] {
    return type.properties
      .filter(({ name }) => type.key.includes(name))
      .map(({ name, type: of }) => {
        if (this.dice.chance(0.7)) return `${name}: ${literal(values[name], of)}`;
        return `${name}: ${this.parameter(String(of.scalar), jsonOf(values[name], of))}`;
      });
  }

  private match(property: PropertyModel | undefined): string[] {
    if (property === undefined) return [];
    const { name, type } = property;
    const element = { ...type, list: false };
    const value = isNumber(type) && this.dice.chance(0.4) ? this.number() : this.constant(element);
    return [`${name}: ${value}`];
  }

  /** How the variables of a counted read hang together: an edge that chains, from variable to variable. */
  private shape(): ClauseModel[] {
    const { dice, schema } = this;
    const [edge] = schema.edges;
    const type = schema.nodes.find(({ name }) => name === edge.from) ?? schema.nodes[0];
    const shape = dice.pick(SHAPES);
    const clauses = shape.map(([from, to]): ClauseModel => {
      for (const name of [from, to]) {
        if (this.nodes.some((node) => node.name === name)) continue;
        this.used.add(name);
        this.nodes.push({ name, type });
      }
      const word = edgeWord(edge, dice.chance(0.25));
      const isTurned = dice.chance(0.3) && from !== to;
      const [left, right] = isTurned ? [to, from] : [from, to];
      const isBound = from !== to && dice.chance(0.1) && this.edges.length < EDGES_MAX;
      const binding = isBound ? this.edgeBinding(edge) : "";
      const hops = binding === "" && dice.chance(0.1) ? dice.pick(HOPS) : "";
      return { kind: "traversal", left: `$${left}`, binding, edge: word, hops, right: `$${right}` };
    });
    if (dice.chance(0.3)) {
      const variable = this.nodes[0].name;
      clauses.unshift({ kind: "binding", variable, type: type.name, matches: this.matches(type) });
    }
    if (dice.chance(0.15)) clauses.push({ kind: "not", clauses: this.traversal() });
    return clauses;
  }

  private edgeBinding(edge: EdgeModel): string {
    if (this.dice.chance(0.1)) return "$_:";
    const name = this.name(EDGE_NAMES);
    this.edges.push({ name, type: edge });
    return `$${name}:`;
  }

  private traversal(): ClauseModel[] {
    const { dice, schema } = this;
    const start = dice.pick(this.nodes);
    const possible = schema.edges.filter(({ from, to }) => [from, to].includes(start.type.name));
    if (possible.length === 0) return this.filter();
    const edge = dice.pick(possible);
    const isChain = edge.from === edge.to;
    const endType = edge.from === start.type.name ? edge.to : edge.from;
    const known = this.nodes.filter(({ type }) => type.name === endType);
    let end = "_";
    if (known.length > 0 && dice.chance(0.25)) end = dice.pick(known).name;
    else if (dice.chance(0.8) && this.nodes.length < NODES_MAX) {
      const type = schema.nodes.find(({ name }) => name === endType);
      if (type === undefined) throw new Error(`no node type ${endType}`);
      end = this.name(NODE_NAMES);
      this.nodes.push({ name: end, type });
    }
    const hops = dice.chance(0.3) ? dice.pick(HOPS) : "";
    const isBound = hops === "" && dice.chance(0.3) && this.edges.length < EDGES_MAX;
    const binding = isBound ? this.edgeBinding(edge) : "";
    const word = edgeWord(edge, isChain && dice.chance(0.3));
    const [left, right] = dice.chance(0.3) ? [end, start.name] : [start.name, end];
    return [{ kind: "traversal", left: `$${left}`, binding, edge: word, hops, right: `$${right}` }];
  }

  private filter(): ClauseModel[] {
    const text = this.filterText();
    return text === null ? [] : [{ kind: "text", text }];
  }

  private filterText(): string | null {
    const { dice } = this;
    const roll = dice.below(10);
    if (roll < 2) return this.textCall();
    if (roll === 2) return this.containment();
    const all = this.properties((type) => isPlain(type));
    if (all.length === 0) return null;
    const left = dice.pick(all);
    const operator = dice.pick(COMPARISONS);
    if (isText(left.type) && dice.chance(0.5)) {
      const others = this.properties(isText).map(({ text }) => text);
      const other = dice.chance(0.3) ? dice.pick(others) : this.text();
      return `${left.text} ${dice.pick([operator, "contains", "starts_with"])} ${other}`;
    }
    const isLike = (type: PropertyType) =>
      isNumber(left.type) ? isNumber(type) : !type.list && type.scalar === left.type.scalar;
    if (dice.chance(0.35)) return `${left.text} ${operator} ${dice.pick(this.properties(isLike)).text}`;
    const constant = isNumber(left.type) && dice.chance(0.6) ? this.number() : this.constant(left.type);
    return dice.chance(0.3) ? `${constant} ${operator} ${left.text}` : `${left.text} ${operator} ${constant}`;
  }

  private containment(): string | null {
    const { dice } = this;
    const lists = this.properties((type) => type.list);
    if (lists.length > 0 && dice.chance(0.6)) {
      const { text, type } = dice.pick(lists);
      const element = { ...type, list: false };
      const alike = this.properties((other) => !other.list && other.scalar === type.scalar);
      const isOwn = alike.length > 0 && dice.chance(0.3);
      return `${text} contains ${isOwn ? dice.pick(alike).text : this.constant(element)}`;
    }
    const texts = this.properties(isText);
    if (texts.length > 0 && dice.chance(0.6)) {
      const { text } = dice.pick(texts);
      if (dice.chance(0.3))
        return `${this.parameter("[String]", ["red fox", "a_b", "blue"])} contains ${text}`;
      return `${dice.pick(['["red fox", "a_b"]', '"the red fox is blue"', "[]"])} contains ${text}`;
    }
    const numbers = this.properties(isNumber);
    if (numbers.length === 0) return null;
    return `${dice.pick(["[0, 1]", "[0.5, 2.5]"])} contains ${dice.pick(numbers).text}`;
  }

  private textCall(): string | null {
    const { dice } = this;
    const texts = this.properties(isText, this.nodes);
    if (texts.length === 0) return null;
    const field = dice.pick(texts).text;
    const edits = dice.chance(0.5) ? "" : `, ${dice.pick(["0", "1", "3", "30"])}`;
    const call = dice.chance(0.4)
      ? `fuzzy(${field}, ${this.query()}${edits})`
      : `${dice.pick(["search", "match_text"])}(${field}, ${this.query()})`;
    if (dice.chance(0.6)) return call;
    const truth = dice.chance(0.6)
      ? dice.pick(["true", "false"])
      : this.parameter("Bool?", dice.pick([true, false, null]));
    const operator = dice.pick(["=", "!="]);
    return dice.chance(0.7) ? `${call} ${operator} ${truth}` : `${truth} ${operator} ${call}`;
  }

  // ---- results ----

  private result(): Pick<Question, "items" | "order" | "limit"> {
    const { dice } = this;
    const limit = dice.chance(0.4) ? dice.below(6) : null;
    return dice.chance(0.4) ? this.grouped(limit) : this.plain(limit);
  }

  private variable(): string {
    return `$${this.dice.pick(this.nodes).name}`;
  }

  private item(): string {
    const properties = this.properties(() => true);
    if (properties.length === 0 || this.dice.chance(0.4)) return this.variable();
    return this.dice.pick(properties).text;
  }

  private grouped(limit: number | null): Pick<Question, "items" | "order" | "limit"> {
    const { dice } = this;
    const keys = Array.from({ length: dice.below(3) }, (_, i) => {
      const item = this.item();
      return { text: dice.chance(0.8) ? `${item} as g${i}` : item, name: `g${i}`, item };
    });
    const numbers = () => [...this.properties(isNumber).map(({ text }) => text), "1", "2.5"];
    const ordered = () => [
      ...this.properties((type) => isNumber(type) || isText(type)).map(({ text }) => text),
      '"x"',
    ];
    const aggregates = [
      `count(${this.item()})`,
      `min(${dice.pick(ordered())})`,
      `max(${dice.pick(ordered())})`,
      `sum(${dice.pick(numbers())})`,
      `avg(${dice.pick(numbers())})`,
    ]
      .filter((_, i) => i === 0 || dice.chance(0.35))
      .map((text, i) => ({ text: `${text} as c${i}`, name: `c${i}`, item: "" }));
    const all = [...keys, ...aggregates];
    const order: string[] = [];
    const rank = dice.chance(0.15) ? this.rank(limit) : null;
    if (rank !== null) order.push(rank);
    for (let i = dice.below(3); i > 0; i--) {
      const { name, item } = dice.pick(all);
      const isNamed = item === "" || !item.includes(".") || dice.chance(0.6);
      order.push(`${isNamed ? name : item} ${dice.pick(["", "asc", "desc"])}`);
    }
    return { items: all.map(({ text }) => text), order, limit };
  }

  private plain(limit: number | null, rankShare = 0.25): Pick<Question, "items" | "order" | "limit"> {
    const { dice } = this;
    const items = Array.from({ length: 1 + dice.below(3) }, (_, i) => `${this.item()} as i${i}`);
    if (dice.chance(0.1))
      items.push(dice.pick(["now()", '"x" as y', "2.5", this.parameter("I64", "9007199254740993")]));
    if (dice.chance(0.15)) {
      const call = dice.chance(0.5) ? this.textCall() : this.rank(limit);
      if (call !== null && !/ !?= /.test(call)) items.push(`${call} as score`);
    }
    const properties = this.properties(isPlain);
    const order = Array.from(
      { length: properties.length === 0 ? 0 : dice.below(3) },
      () => `${dice.pick(properties).text} ${dice.pick(["", "asc", "desc"])}`,
    );
    if (items.at(-1)?.endsWith("score") && dice.chance(0.5))
      order.unshift(`score ${dice.pick(["", "desc"])}`);
    else {
      const rank = dice.chance(rankShare) ? this.rank(limit) : null;
      if (rank !== null) order.unshift(rank);
    }
    return { items, order, limit };
  }

  private rank(limit: number | null): string | null {
    const { dice } = this;
    if (limit === null || dice.chance(0.3)) return this.bm25();
    if (dice.chance(0.5)) return this.nearest();
    const arms = [0, 1].map(() => (dice.chance(0.5) ? this.bm25() : this.nearest()));
    if (arms.includes(null)) return null;
    return `rrf(${arms.join(", ")}${dice.chance(0.3) ? `, ${dice.pick(["1", "7"])}` : ""})`;
  }

  private bm25(): string | null {
    const texts = this.properties(isText, this.nodes);
    return texts.length === 0
      ? null
      : `bm25(${this.dice.pick(texts).text}, ${JSON.stringify(this.dice.pick(QUERY_TEXTS))})`;
  }

  private nearest(): string | null {
    const { dice } = this;
    const vectors = this.properties(isVector, this.nodes);
    if (vectors.length === 0) return null;
    const query = Array.from({ length: VECTOR_WIDTH }, () => dice.pick([0, 1, 0.5, -1]));
    const given = dice.pick([
      () => `[${query.map((value) => value.toFixed(1)).join(", ")}]`,
      () => this.parameter(`Vector(${VECTOR_WIDTH})`, query),
      () => JSON.stringify(dice.pick(["red", "blue"])),
    ])();
    return `nearest(${dice.pick(vectors).text}, ${given})`;
  }
}

/** Pairs of variables that an edge leads from and to. */
const SHAPES: readonly (readonly (readonly [string, string])[])[] = [
  [["a", "b"]],
  [
    ["a", "b"],
    ["b", "c"],
  ],
  [
    ["a", "b"],
    ["a", "c"],
  ],
  [
    ["a", "b"],
    ["b", "a"],
  ],
  [
    ["a", "b"],
    ["b", "c"],
    ["c", "a"],
  ],
  [
    ["a", "b"],
    ["c", "b"],
    ["c", "a"],
  ],
  [
    ["a", "b"],
    ["b", "c"],
    ["c", "p"],
  ],
  [
    ["a", "b"],
    ["a", "a"],
  ],
];

function edgeWord({ name }: EdgeModel, isUndirected: boolean): string {
  const word = name.toLowerCase();
  return isUndirected ? `<${word}>` : word;
}
