// Random small graphs and random reads over them, from a seed.

import type { Value } from "../../../src/query/plan.ts";
import type { DeletedEdge } from "../../../src/store/index.ts";
import { type Change, History, keyOf, replay } from "../../index/history.ts";

export const RANDOM_SCHEMA = `
node A { k: String @key
  n: I32?
  x: F32?
  y: F64?
  big: I64?
  s: String?
  b: Bool?
  d: Date?
  tags: [String]? }
node B { s: String?
  big: U64? }
edge E: A -> A { w: I32?
  note: String? }
edge F: A -> B
edge G: B -> B
`;

/** A small generator of equal streams for equal seeds (mulberry32). */
export class Dice {
  constructor(private state: number) {}

  /** Uniform in [0, bound). */
  below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound);
  }

  chance(share: number): boolean {
    return this.below(1000) < share * 1000;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}

const WORDS = [
  "red fox",
  "Running foxes",
  "naïve café",
  "the blue run",
  "ﬁne Ünder",
  "a_b",
  "100%",
  "",
  "Rome\u{1F600}",
  "\uFFFDrun",
];
const TAGS = ["x", "y", "zz"];
const INTS = [0, 1, 2, 3, -1];
const BIGS = [1n, 2n, 9_007_199_254_740_993n, 9_007_199_254_740_992n, -5n];
const FLOATS = [0.1, 0.5, 1, 2, 2.5, -1];

export class RandomHistory extends History {
  private edges = 0;

  constructor(
    readonly dice: Dice,
    commits: number,
  ) {
    super(RANDOM_SCHEMA);
    for (let i = 0; i < commits; i++) this.commit(...this.randomCommit());
  }

  private maybe(make: () => Value): Value {
    return this.dice.chance(0.25) ? null : make();
  }

  private randomCommit(): Change[] {
    const { dice } = this;
    const live = replay(this.commits);
    const ids = (name: string) => [...(live.get(this.node(name).id)?.values() ?? [])].map((row) => row.id);
    const nodeChange = (name: "A" | "B", count: number): Change => {
      const type = this.node(name);
      const fresh = new Set(
        Array.from({ length: dice.below(count) }, () => `${name.toLowerCase()}${dice.below(6)}`),
      );
      const deleted = ids(name).filter((id) => !fresh.has(id) && dice.chance(0.12));
      const values = (): Record<string, Value> =>
        name === "A"
          ? {
              n: this.maybe(() => dice.pick(INTS)),
              x: this.maybe(() => Math.fround(dice.pick(FLOATS))),
              y: this.maybe(() => dice.pick(FLOATS)),
              big: this.maybe(() => dice.pick(BIGS)),
              s: this.maybe(() => dice.pick(WORDS)),
              b: this.maybe(() => dice.chance(0.5)),
              d: this.maybe(() => dice.pick(INTS)),
              tags: this.maybe(() => TAGS.filter(() => dice.chance(0.5))),
            }
          : {
              s: this.maybe(() => dice.pick(WORDS)),
              big: this.maybe(() => dice.pick([0n, 3n, 18_446_744_073_709_551_615n])),
            };
      const rows = [...fresh].map((id) =>
        this.row(type, id, { ...values(), ...(name === "A" ? { k: id } : {}) }),
      );
      return { type, rows, deletedNodes: deleted, replaced: dice.chance(0.04) };
    };
    const nodes = [nodeChange("A", 6), nodeChange("B", 4)];
    const after = replay([...this.commits, nodes]);
    const has = (name: string, id: string | null) =>
      [...(after.get(this.node(name).id)?.values() ?? [])].some((row) => row.id === id);
    const edgeChange = (name: string, from: string, to: string): Change => {
      const type = this.edge(name);
      const old = [...(live.get(type.id)?.values() ?? [])];
      const gone: DeletedEdge[] = old
        .filter((row) => !has(from, row.src) || !has(to, row.dst) || dice.chance(0.1))
        .map((row) => ({ src: row.src ?? "", dst: row.dst ?? "", id: row.id }));
      const sources = [...(after.get(this.node(from).id)?.values() ?? [])].map((row) => row.id);
      const targets = [...(after.get(this.node(to).id)?.values() ?? [])].map((row) => row.id);
      const values = (): Record<string, Value> =>
        name === "E"
          ? { w: this.maybe(() => dice.pick(INTS)), note: this.maybe(() => dice.pick(WORDS)) }
          : {};
      const rows =
        sources.length === 0 || targets.length === 0
          ? []
          : Array.from({ length: dice.below(6) }, () =>
              this.row(type, `e${this.edges++}`, values(), dice.pick(sources), dice.pick(targets)),
            );
      const dead = new Set(gone.map((edge) => keyOf(edge)));
      const updated = old
        .filter((row) => !dead.has(keyOf(row)) && dice.chance(0.1))
        .map((row) => this.row(type, row.id, values(), row.src ?? "", row.dst ?? ""));
      return { type, rows: [...rows, ...updated], deletedEdges: gone };
    };
    return [...nodes, edgeChange("E", "A", "A"), edgeChange("F", "A", "B"), edgeChange("G", "B", "B")];
  }
}

interface Scope {
  readonly nodes: { name: string; type: "A" | "B" }[];
  readonly edges: string[];
}

/** How the variables of a counted read hang together. */
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

/** The body of a read that counts, sums or groups what hangs together in one of a few shapes. */
function randomCount(dice: Dice): string {
  const shape = dice.pick(SHAPES);
  const scope: Scope = { nodes: [], edges: [] };
  const clauses = shape.map(([from, to]) => {
    for (const name of [from, to]) {
      if (!scope.nodes.some((node) => node.name === name)) scope.nodes.push({ name, type: "A" });
    }
    const word = dice.chance(0.25) ? "<e>" : "e";
    if (dice.chance(0.1) && from !== to) {
      scope.edges.push(`w${scope.edges.length}-plain`);
      return `$${from} $w${scope.edges.length}:${word} $${to}`;
    }
    const hops = dice.chance(0.1) ? dice.pick(["{1,2}", "{2,3}"]) : "";
    return dice.chance(0.3) && from !== to
      ? `$${to} ${word}${hops} $${from}`
      : `$${from} ${word}${hops} $${to}`;
  });
  if (dice.chance(0.3)) clauses.unshift(`$a: A${randomMatch(dice, "A")}`);
  for (let i = dice.below(3); i > 0; i--) clauses.push(randomFilter(dice, scope));
  if (dice.chance(0.15))
    clauses.push(`not { $b e $q ${dice.pick(["", "$q e $r", "$q.n > 0", "$q e{1,2} $a"])} }`);
  const node = () => dice.pick(scope.nodes).name;
  const keys = dice.pick([
    [],
    [],
    [`$${node()}.s as g`],
    [`$${node()} as g`],
    [`$${node()}.n as g`, `$${node()}.b as h`],
  ]);
  const aggregates = [
    `count($${node()}) as c`,
    `count($${node()}.n) as d`,
    `sum($${node()}.big) as t`,
    `avg($${node()}.n) as m`,
    `max($${node()}.y) as hi`,
  ].filter((_, i) => i === 0 || dice.chance(0.3));
  return `match { ${clauses.join(" ")} } return { ${[...keys, ...aggregates].join(", ")} }`;
}

/** The body of a read that is well formed, and almost always well typed. */
export function randomQuery(dice: Dice): string {
  if (dice.chance(0.35)) return randomCount(dice);
  const scope: Scope = { nodes: [], edges: [] };
  const clauses: string[] = [];
  const count = 1 + dice.below(4);
  for (let i = 0; i < count || scope.nodes.length === 0; i++) clauses.push(...randomClauses(dice, scope, 0));
  return `match { ${clauses.join(" ")} } ${randomReturn(dice, scope)}`;
}

const NAMES = ["a", "b", "c", "p", "q"];

function freshName(dice: Dice, scope: Scope): string | null {
  const used = new Set([...scope.nodes.map((node) => node.name), ...scope.edges]);
  const free = NAMES.filter((name) => !used.has(name));
  return free.length === 0 || scope.nodes.length > 2 ? null : dice.pick(free);
}

function randomClauses(dice: Dice, scope: Scope, depth: number): string[] {
  const roll = dice.below(10);
  if (scope.nodes.length === 0 || (roll < 2 && depth === 0)) {
    const name = freshName(dice, scope);
    if (name === null) return [];
    const type = dice.pick(["A", "A", "B"] as const);
    scope.nodes.push({ name, type });
    return [`$${name}: ${type}${randomMatch(dice, type)}`];
  }
  if (roll < 6) return randomTraversal(dice, scope);
  if (roll < 8 || depth > 1) return [randomFilter(dice, scope)];
  const inner: Scope = { nodes: [...scope.nodes], edges: [...scope.edges] };
  const body = Array.from({ length: 1 + dice.below(2) }, () => randomClauses(dice, inner, depth + 1)).flat();
  return body.length === 0 ? [] : [`not { ${body.join(" ")} }`];
}

function randomMatch(dice: Dice, type: "A" | "B"): string {
  if (dice.chance(0.6)) return "";
  if (type === "B") return ` { s: "${dice.pick(["red fox", "", "a_b"])}" }`;
  return dice.pick([
    ` { k: "a${dice.below(6)}" }`,
    ` { k: "a${dice.below(6)}" }`,
    ` { n: ${dice.below(3)} }`,
    ` { tags: "${dice.pick(TAGS)}" }`,
    " { x: 0.1 }",
    " { n: 1, b: true }",
    " { }",
  ]);
}

function randomTraversal(dice: Dice, scope: Scope): string[] {
  const start = dice.pick(scope.nodes);
  const edge = start.type === "A" ? dice.pick(["e", "e", "e", "f"]) : dice.pick(["f", "g"]);
  const chains = edge !== "f";
  const endType = edge === "f" ? (start.type === "A" ? "B" : "A") : start.type;
  const known = scope.nodes.filter((node) => node.type === endType);
  let end = "_";
  if (dice.chance(0.25) && known.length > 0) end = dice.pick(known).name;
  else if (dice.chance(0.8)) {
    const name = freshName(dice, scope);
    if (name !== null) {
      end = name;
      scope.nodes.push({ name, type: endType });
    }
  }
  const hops = dice.chance(0.3) ? dice.pick(["{1,2}", "{2,2}", "{2,3}", "{1,5}", "{3,4}"]) : "";
  const word = chains && dice.chance(0.3) ? `<${edge}>` : edge;
  let binding = "";
  if (hops === "" && end !== start.name && dice.chance(0.3)) {
    const name = ["v", "w"].find((candidate) => !scope.edges.includes(candidate));
    if (name !== undefined) {
      scope.edges.push(name);
      binding = `$${name}:`;
      if (edge !== "e") scope.edges[scope.edges.length - 1] = `${name}-plain`;
    }
  }
  const isTurned = end !== "_" && dice.chance(0.3);
  return [
    isTurned
      ? `$${end} ${binding}${word}${hops} $${start.name}`
      : `$${start.name} ${binding}${word}${hops} $${end}`,
  ];
}

const NUMBERS_A = ["n", "x", "y", "big"];

function randomFilter(dice: Dice, scope: Scope): string {
  const node = dice.pick(scope.nodes);
  const other = dice.pick(scope.nodes);
  const operator = dice.pick(["=", "!=", "<", "<=", ">", ">="]);
  const numberOf = (of: { name: string; type: "A" | "B" }) =>
    `$${of.name}.${of.type === "A" ? dice.pick(NUMBERS_A) : "big"}`;
  const bound = scope.edges.find((edge) => !edge.includes("-"));
  switch (dice.below(9)) {
    case 0:
      return `${numberOf(node)} ${operator} ${dice.pick(["1", "2.5", "0.1", "0", "9007199254740993"])}`;
    case 1:
      return `${dice.pick(["1", "0.5", "9007199254740992"])} ${operator} ${numberOf(node)}`;
    case 2:
      return `${numberOf(node)} ${operator} ${numberOf(other)}`;
    case 3:
      return `$${node.name}.s ${dice.pick(["=", "!=", "<", ">=", "contains", "starts_with"])} "${dice.pick(["red fox", "r", "", "Rome", "\uFFFD"])}"`;
    case 4:
      return `$${node.name}.s ${operator} $${other.name}.s`;
    case 5:
      return `search($${node.name}.s, "${dice.pick(["running", "cafe blue", "fox", "the", "under"])}")${dice.pick(["", "", " = false", " != true"])}`;
    case 6:
      return node.type === "A"
        ? `$${node.name}.tags contains "${dice.pick(TAGS)}"`
        : `$${node.name}.s != "x"`;
    case 7:
      return `["red fox", "a_b"] contains $${node.name}.s`;
    default:
      return bound === undefined
        ? `"the red fox" contains $${node.name}.s`
        : `$${bound}.w ${operator} ${dice.below(3)}`;
  }
}

function randomReturn(dice: Dice, scope: Scope): string {
  const node = () => dice.pick(scope.nodes);
  const bound = scope.edges.find((edge) => !edge.includes("-"));
  const property = () => {
    if (bound !== undefined && dice.chance(0.3)) return `$${bound}.${dice.pick(["w", "note"])}`;
    const of = node();
    return `$${of.name}.${of.type === "A" ? dice.pick(["n", "x", "y", "big", "s", "b", "d"]) : dice.pick(["s", "big"])}`;
  };
  const item = () => (dice.chance(0.4) ? `$${node().name}` : property());
  const limit = dice.chance(0.4) ? ` limit ${dice.below(6)}` : "";
  if (dice.chance(0.35)) {
    const keys = Array.from({ length: dice.below(3) }, (_, i) => `${item()} as g${i}`);
    const number = () => {
      const of = node();
      return `$${of.name}.${of.type === "A" ? dice.pick(["n", "x", "big"]) : "big"}`;
    };
    const aggregates = [
      `count(${item()}) as c`,
      `min(${dice.chance(0.5) ? number() : `$${node().name}.s`}) as lo`,
      `max(${number()}) as hi`,
    ].filter(() => dice.chance(0.6));
    const sums = dice.chance(0.4) ? [`sum($${node().name}.big) as t`] : [];
    const items = [...keys, ...aggregates, ...sums];
    if (aggregates.length + sums.length === 0) items.push(`count($${node().name}) as c`);
    const aliases = items.map((text) => text.slice(text.lastIndexOf(" ") + 1));
    const order = dice.chance(0.6) ? ` order { ${dice.pick(aliases)} ${dice.pick(["asc", "desc"])} }` : "";
    return `return { ${items.join(" ")} }${order}${limit}`;
  }
  const items = Array.from({ length: 1 + dice.below(3) }, (_, i) => `${item()} as i${i}`);
  const keys = Array.from({ length: dice.below(3) }, () => `${property()} ${dice.pick(["", "desc"])}`);
  if (dice.chance(0.15))
    keys.unshift(`bm25($${node().name}.s, "${dice.pick(["red running fox", "cafe", "blue"])}")`);
  return `return { ${items.join(", ")} }${keys.length > 0 ? ` order { ${keys.join(", ")} }` : ""}${limit}`;
}
