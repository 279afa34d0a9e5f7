// Random small graphs: a schema of every property type, and commits that put, replace, delete and clear.

import type { Value } from "../../src/query/plan.ts";
import type { PropertyType, ScalarName } from "../../src/schema/catalog.ts";
import type { Dice } from "../support/dice.ts";
import {
  type EdgeModel,
  type EntityModel,
  type GraphModel,
  type NodeModel,
  nodeId,
  type Operation,
  type PropertyModel,
  type SchemaModel,
} from "./graph-model.ts";

export const VECTOR_WIDTH = 3;
export const HUES = ["blue", "green", "red"];
export const WORDS = ["red fox", "Running foxes", "naïve café", "the blue run", "ﬁne Ünder", "a_b", "100%"];
/** Texts that say something to some part of the language: folding, stop words, escapes, characters beyond 16 bits. */
export const TEXTS = [
  ...WORDS,
  "",
  "Rome\u{1F600}",
  "\uFFFDrun",
  'say "run"\n\\ red',
  "red red RED fox",
  "the of to",
  "rood",
];

const scalar = (name: ScalarName, list = false): PropertyType => ({
  scalar: name,
  list,
  nullable: false,
  enumValues: null,
});

/** Properties by name; a name has one type wherever it stands. */
export const PROPERTY_TYPES: Readonly<Record<string, PropertyType>> = {
  at: scalar("DateTime"),
  b: scalar("Bool"),
  bs: scalar("Bool", true),
  d: scalar("Date"),
  ds: scalar("Date", true),
  f: scalar("F32"),
  fs: scalar("F32", true),
  g: scalar("F64"),
  hue: { ...scalar("String"), enumValues: HUES },
  i: scalar("I32"),
  j: scalar("I64"),
  js: scalar("I64", true),
  s: scalar("String"),
  ss: scalar("String", true),
  t: scalar("String"),
  u: scalar("U32"),
  v: { ...scalar("String"), scalar: { vector: VECTOR_WIDTH } },
  w: scalar("U64"),
};
const NAMES = Object.keys(PROPERTY_TYPES);
/** Names that stand in most types, so that most questions find something to ask about. */
const COMMON = ["i", "s", "g", "v"];
/** What keys are made of. */
const KEYS: readonly (readonly string[])[] = [["k"], ["k"], ["k"], ["n"], ["k", "n"], []];
const KEY_TEXTS = ["a", "ab", "b", "B", "c", "é", "\u{1F600}", "\uFFFD"];
const KEY_TYPES: Readonly<Record<string, PropertyType>> = { k: scalar("String"), n: scalar("I64") };

const POOLS: Readonly<Record<ScalarName, readonly Value[]>> = {
  String: TEXTS,
  Bool: [true, false],
  I32: [0, 1, 2, 3, -1, 2_147_483_647, -2_147_483_648],
  I64: [0n, 1n, 2n, -5n, 9_007_199_254_740_993n, 9_007_199_254_740_992n, 2n ** 63n - 1n, -(2n ** 63n)],
  U32: [0, 1, 2, 3, 4_294_967_295],
  U64: [0n, 1n, 3n, 2n ** 63n, 2n ** 64n - 1n],
  F32: [0.1, 0.5, 1, 2.5, -1, 0, 16_777_216].map(Math.fround),
  F64: [0.1, 0.2, 0.5, 1, 2.5, -1, 0, 9_007_199_254_740_992, 1e16, -1e16],
  Date: [0, 1, 2, -1, 20_000],
  DateTime: [0, 1, 1_748_736_000_000, 1_748_736_000_001, -1],
  Blob: [],
};

export function randomValue(dice: Dice, type: PropertyType): Value {
  if (type.nullable && dice.chance(0.25)) return null;
  if (typeof type.scalar !== "string") {
    return Float32Array.from({ length: type.scalar.vector }, () => dice.pick([0, 1, -1]));
  }
  const pool = type.enumValues ?? POOLS[type.scalar];
  if (type.list) return Array.from({ length: dice.below(4) }, () => dice.pick(pool));
  return dice.pick(pool);
}

function randomProperties(dice: Dice, canInherit: boolean): PropertyModel[] {
  const isInheriting = canInherit && dice.chance(0.2);
  return NAMES.filter((name) => dice.chance(COMMON.includes(name) ? 0.8 : 0.3)).map((name) => {
    const type = { ...PROPERTY_TYPES[name], nullable: dice.chance(0.8) };
    return {
      name,
      type,
      isIndexed: !type.list && dice.chance(0.3),
      isInherited: isInheriting && dice.chance(0.5),
    };
  });
}

/** A schema whose nodes have keys that pass a test. */
export function randomSchema(
  dice: Dice,
  isAllowed: (key: readonly string[]) => boolean = () => true,
): SchemaModel {
  const nodes = ["A", "B", "C"].slice(0, 1 + dice.below(3)).map((name): NodeModel => {
    const key = dice.pick(KEYS.filter(isAllowed));
    const keys = key.map((part) => ({
      name: part,
      type: KEY_TYPES[part],
      isIndexed: false,
      isInherited: false,
    }));
    return { name, key, properties: [...keys, ...randomProperties(dice, true)] };
  });
  const edges = ["E", "F", "G"].slice(0, 1 + dice.below(3)).map((name, i): EdgeModel => {
    // The first chains, so that there always are walks.
    const from = i === 0 ? "A" : dice.pick(nodes).name;
    const to = i === 0 ? "A" : dice.pick(nodes).name;
    return { name, from, to, properties: dice.chance(0.6) ? randomProperties(dice, false) : [] };
  });
  return { nodes, edges };
}

function randomValues(dice: Dice, properties: readonly PropertyModel[]): Record<string, Value> {
  return Object.fromEntries(properties.map(({ name, type }) => [name, randomValue(dice, type)]));
}

export function randomNode(dice: Dice, type: NodeModel, { ids } = SMALL): EntityModel {
  const values = randomValues(dice, type.properties);
  const number = dice.below(ids);
  // Names in another order than numbers, and beyond ASCII.
  if (type.key.includes("k")) {
    const rest = ids > KEY_TEXTS.length ? number : "";
    values.k = `${dice.pick(KEY_TEXTS)}${rest}`;
  }
  if (type.key.includes("n")) values.n = BigInt(type.key.length > 1 ? number % 2 : number - 2);
  return { id: type.key.length === 0 ? `z${number}` : nodeId(type, values), values };
}

/** How much there is of everything. */
export interface Scale {
  /** Ids that nodes of a type have, or so many times the key texts. */
  readonly ids: number;
  /** Entities that a commit puts, at most. */
  readonly nodesPut: number;
  readonly edgesPut: number;
  readonly edgeIds: number;
}

export const SMALL: Scale = { ids: 8, nodesPut: 3, edgesPut: 5, edgeIds: 30 };
/** Enough for plans that pay only where there are many rows. */
export const LARGE: Scale = { ids: 16, nodesPut: 40, edgesPut: 120, edgeIds: 600 };

/** A graph of some commits from a seed. */
export function randomGraph(dice: Dice, commits: number, scale = SMALL): GraphModel {
  const schema = randomSchema(dice);
  const known = new Map<string, string[]>([...schema.nodes, ...schema.edges].map(({ name }) => [name, []]));
  const idsOf = (type: string) => known.get(type) ?? [];
  const note = (type: string, id: string) => {
    if (!idsOf(type).includes(id)) idsOf(type).push(id);
  };
  const randomCommit = (): Operation[] => {
    const operations: Operation[] = [];
    for (const type of schema.nodes) {
      if (dice.chance(0.03)) operations.push({ kind: "clear", type: type.name });
      for (const id of idsOf(type.name)) {
        if (dice.chance(0.1)) operations.push({ kind: "delete", type: type.name, id });
      }
      for (let i = dice.below(scale.nodesPut + 1); i > 0; i--) {
        const entity = randomNode(dice, type, scale);
        note(type.name, entity.id);
        operations.push({ kind: "put", type: type.name, entity });
      }
    }
    for (const { name, from, to, properties } of schema.edges) {
      if (dice.chance(0.02)) operations.push({ kind: "clear", type: name });
      for (const id of idsOf(name)) {
        if (dice.chance(0.1)) operations.push({ kind: "delete", type: name, id });
      }
      if (idsOf(from).length === 0 || idsOf(to).length === 0) continue;
      for (let i = dice.below(scale.edgesPut + 1); i > 0; i--) {
        // Sometimes an edge that is there: then it is replaced, and may lead elsewhere.
        const id = `e${dice.below(scale.edgeIds)}`;
        note(name, id);
        const entity = {
          id,
          src: dice.pick(idsOf(from)),
          dst: dice.pick(idsOf(to)),
          values: randomValues(dice, properties),
        };
        operations.push({ kind: "put", type: name, entity });
      }
    }
    return operations;
  };
  return { schema, commits: Array.from({ length: commits }, randomCommit) };
}
