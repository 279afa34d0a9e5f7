// A random past of a small graph, from a seed.

import type { Value } from "../../src/query/plan.ts";
import type { DeletedEdge } from "../../src/store/index.ts";
import type { Dice } from "../support/dice.ts";
import { type Change, History, keyOf, replay } from "./history.ts";

const RANDOM_SCHEMA = `
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
